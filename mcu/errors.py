"""Errors of the media engine (see layouts/errors.py for the whole tree)."""

from layouts.errors import TuttiError

__all__ = [
    "BadOfferError",
    "CodecError",
    "RoomFullError",
    "StyleError",
    "TuttiError",
    "UnknownParticipantError",
    "UnreadableMediaError",
]


class BadOfferError(TuttiError):
    """An SDP offer or ICE fragment that cannot be parsed, or that has nothing we could receive or send."""

    code = "bad_offer"


class RoomFullError(TuttiError):
    """The room already holds as many participants as it may."""

    code = "room_full"


class BitrateError(TuttiError):
    """More than the room was opened with."""

    code = "invalid_request"


class UnknownParticipantError(TuttiError):
    """No participant of that id is in the room."""

    code = "unknown_participant"


class CodecError(TuttiError):
    """A codec library refused what it was given, or cannot be loaded."""

    code = "codec_failure"


class UnreadableMediaError(TuttiError):
    """A picture or clip that cannot be opened or decoded."""

    code = "unreadable_media"


class StyleError(TuttiError):
    """A canvas style that cannot be used: no colour, no picture, too large; the message names the part."""

    code = "invalid_style"
