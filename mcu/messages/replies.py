"""What a room answers."""

from typing import Annotated, Literal

from pydantic import Field

from mcu.messages.base import Message
from mcu.messages.config import RoomConfig
from mcu.messages.events import OverloadChanged, TilesMoved
from mcu.messages.state import DelayHistogram, Load, ParticipantState, RecordingPart, StageDelay


class Done(Message):
    """It worked and there is nothing to tell."""

    type: Literal["done"] = "done"


class Failure(Message):
    """It did not work; ``code`` is a ``TuttiError.code``."""

    type: Literal["failure"] = "failure"
    code: str
    message: str


class Joined(Message):
    """The SDP answer."""

    type: Literal["joined"] = "joined"
    participant_id: str
    sdp: str


class Snapshot(Message):
    """A JPEG in base64."""

    type: Literal["snapshot_taken"] = "snapshot_taken"
    jpeg_base64: str


class PartStarted(Message):
    """The part's first picture: its media time's wall clock, in Unix microseconds."""

    type: Literal["part_started"] = "part_started"
    recording_id: str
    part: int
    started_wall_us: int


class PartStopped(Message):
    """The part is whole on disk."""

    type: Literal["part_stopped"] = "part_stopped"
    recording_id: str
    part: int
    ended_wall_us: int


class RoomState(Message):
    """The room as a whole; ``metrics`` feeds ``/metrics`` (counters and gauges by their Prometheus names)."""

    type: Literal["state_told"] = "state_told"
    config: RoomConfig
    instance: str
    created_at: float  # Unix seconds
    layout: str
    participants: tuple[ParticipantState, ...] = ()
    active_speaker: str | None = None
    tiles: TilesMoved | None = None
    overload: OverloadChanged | None = None  # None while the machine keeps up
    recording: RecordingPart | None = None
    metrics: dict[str, float] = Field(default_factory=dict)
    delays: dict[str, dict[str, DelayHistogram]] = Field(default_factory=dict)  # by medium and stage


class ParticipantTold(Message):
    """One participant, and how long each stage took for them lately, by medium and stage."""

    type: Literal["participant_told"] = "participant_told"
    participant: ParticipantState
    delays: dict[str, dict[str, StageDelay]] = Field(default_factory=dict)


Reply = Annotated[
    Done | Failure | Joined | Snapshot | PartStarted | PartStopped | RoomState | Load | ParticipantTold,
    Field(discriminator="type"),
]
