"""What a room tells unasked, at any time."""

from typing import Annotated, Literal

from pydantic import Field, JsonValue

from mcu.messages.base import Message
from mcu.messages.state import ParticipantState


class ParticipantJoined(Message):
    """Somebody's media path stands."""

    type: Literal["participant_joined"] = "participant_joined"
    participant: ParticipantState


class ParticipantUpdated(Message):
    """Muted, unmuted, camera on or off, speaking or not."""

    type: Literal["participant_updated"] = "participant_updated"
    participant: ParticipantState


class ParticipantLeft(Message):
    """Somebody is gone, by will (``left``), by force (``kicked``), or lost (``timeout``, ``failed``)."""

    type: Literal["participant_left"] = "participant_left"
    participant_id: str
    reason: str


class ActiveSpeaker(Message):
    """Who speaks now; None for silence since the start."""

    type: Literal["active_speaker"] = "active_speaker"
    participant_id: str | None


class LayoutChanged(Message):
    """The layout in force; what a new room needs to look the same."""

    type: Literal["layout"] = "layout"
    layout: str
    options: dict[str, JsonValue] = Field(default_factory=dict)
    custom: dict[str, JsonValue] | None = None


class TileBox(Message):
    """A rectangle as parts of the canvas, all between 0 and 1."""

    x: float
    y: float
    width: float
    height: float


class TileMove(Message):
    """One tile's way from where it was to where it is to be; ``id`` is a participant's, or ``{id}:screen``."""

    id: str
    start: TileBox
    end: TileBox


class TilesMoved(Message):
    """Who is where on the canvas from ``begins_at`` on.

    ``media_time`` and ``begins_at`` are the same instant: seconds of the room's media time, and Unix seconds (the NTP
    time of the outgoing sender reports). Until ``duration`` seconds later an edge lies at
    ``start + (end - start) · p² · (3 - 2p)`` with p the part of the duration gone by.
    """

    type: Literal["tiles"] = "tiles"
    media_time: float
    begins_at: float
    duration: float
    tiles: tuple[TileMove, ...]


class OverloadChanged(Message):
    """The machine does not keep up with the pictures, or does better again; level 0 is no overload."""

    type: Literal["overload"] = "overload"
    level: int
    fps: float  # pictures a second now
    width: int  # of the best picture that is offered


class PartFailed(Message):
    """The part being written broke off (disk full, say); what was written before is good."""

    type: Literal["part_failed"] = "part_failed"
    recording_id: str
    part: int
    code: str
    message: str


class RoomEnding(Message):
    """The room ends now (``empty``, ``closed``, ``orphaned``); its process exits after this."""

    type: Literal["room_ending"] = "room_ending"
    reason: str


Event = Annotated[
    ParticipantJoined
    | ParticipantUpdated
    | ParticipantLeft
    | ActiveSpeaker
    | LayoutChanged
    | TilesMoved
    | OverloadChanged
    | PartFailed
    | RoomEnding,
    Field(discriminator="type"),
]
