"""What a room is asked. Behind each stands the reply, which else is a ``Failure``."""

from typing import Annotated, Literal

from pydantic import Base64Bytes, Field, JsonValue

from mcu.messages.base import Message
from mcu.messages.config import IceServer, RoomConfig


class Open(Message):  # Reply: Done
    """The first request to a fresh process: which room it is. Asked twice, it fails with ``already_open``."""

    type: Literal["open"] = "open"
    instance: str
    config: RoomConfig


class Join(Message):  # Reply: Joined
    """Somebody offers to take part."""

    type: Literal["join"] = "join"
    participant_id: str
    name: str
    sdp: str
    video: bool = True  # whether they are sent the picture
    follows: bool = False  # whether they keep their camera to what is wanted of it by themselves
    ice_servers: tuple[IceServer, ...] = ()  # for the room's own side of their connection


class Trickle(Message):  # Reply: Done
    """An ``application/trickle-ice-sdpfrag`` body (RFC 8840) from a participant."""

    type: Literal["trickle"] = "trickle"
    participant_id: str
    fragment: str


class Leave(Message):  # Reply: Done
    """A participant leaves or is made to leave."""

    type: Literal["leave"] = "leave"
    participant_id: str
    reason: str = "left"


class SetLayout(Message):  # Reply: Done
    """Change the layout at the next tick: a built-in by its name, or a whole custom layout under a name of its own."""

    type: Literal["set_layout"] = "set_layout"
    layout: str
    options: dict[str, JsonValue] = Field(default_factory=dict)
    custom: dict[str, JsonValue] | None = None


class SetBitrate(Message):  # Reply: Done
    """Encode the full size with so many bits a second from the next picture on; never more than at the opening."""

    type: Literal["set_bitrate"] = "set_bitrate"
    bitrate_bps: int = Field(ge=100_000)


class SetWish(Message):  # Reply: Done
    """What is wanted for one participant; what is None stays as it is. ``order`` below 0 clears it."""

    type: Literal["set_wish"] = "set_wish"
    participant_id: str
    pinned: bool | None = None
    spotlight: bool | None = None
    hidden: bool | None = None
    order: int | None = None


class SetAudio(Message):  # Reply: Done
    """How loud one participant is for everybody; what is None stays as it is."""

    type: Literal["set_audio"] = "set_audio"
    participant_id: str
    gain_db: float | None = Field(default=None, ge=-40, le=20)
    muted: bool | None = None


class SetOverlay(Message):  # Reply: Done
    """What the canvas shows beside the tiles; replaces all that was set before. Pictures are files in base64."""

    type: Literal["set_overlay"] = "set_overlay"
    background: str = ""
    background_image: Base64Bytes | None = None
    logo: Base64Bytes | None = None
    logo_place: str = "top-right"
    logo_opacity: float = 1.0
    logo_share: float = 0.15
    title: str = ""
    clock: bool = False
    clock_zone: str = "UTC"
    clock_seconds: bool = False
    clock_place: str = "top-left"
    banner: str = ""
    border: str = ""
    speaking_border: str = "#34c77b"


class GetSnapshot(Message):  # Reply: Snapshot
    """The canvas as everybody sees it."""

    type: Literal["snapshot"] = "snapshot"


class GetState(Message):  # Reply: RoomState
    """Everything about the room."""

    type: Literal["state"] = "state"


class GetParticipant(Message):  # Reply: ParticipantTold
    """Everything about one participant."""

    type: Literal["participant"] = "participant"
    participant_id: str


class GetLoad(Message):  # Reply: Load
    """What the room bears, for whoever decides whether the machine can bear more."""

    type: Literal["load"] = "load"


class StartPart(Message):  # Reply: PartStarted
    """Begin writing a part of a recording into ``directory`` (made by the room)."""

    type: Literal["start_part"] = "start_part"
    recording_id: str
    part: int
    directory: str


class StopPart(Message):  # Reply: PartStopped
    """Finish the part being written; the reply comes when its last byte is on disk."""

    type: Literal["stop_part"] = "stop_part"
    recording_id: str


class Close(Message):  # Reply: Done, then the process ends
    """End the room: participants are told, the recording's part is finished."""

    type: Literal["close"] = "close"
    reason: str = "closed"


class Ping(Message):  # Reply: Done
    """Heartbeat."""

    type: Literal["ping"] = "ping"


Request = Annotated[
    Open
    | Join
    | Trickle
    | Leave
    | SetBitrate
    | SetLayout
    | SetWish
    | SetAudio
    | SetOverlay
    | GetSnapshot
    | GetState
    | GetParticipant
    | GetLoad
    | StartPart
    | StopPart
    | Close
    | Ping,
    Field(discriminator="type"),
]
