"""What is told of a room and of the people in it."""

from typing import Literal

from pydantic import Field

from mcu.media import Rung, VideoCodec
from mcu.messages.base import Message
from mcu.messages.config import VideoConfig


class Track(Message):
    """One incoming or outgoing track of a participant."""

    kind: Literal["audio", "video", "screen"]
    direction: Literal["in", "out"]
    codec: str


class CameraWanted(Message):
    """What a participant's camera is to send: the pixels of its tile (0 without one) and a bitrate for them."""

    width: int
    height: int
    bitrate_bps: int


class ParticipantState(Message):
    """Somebody in the room. Rates are bits per second over the last second or so; times are milliseconds."""

    id: str
    name: str
    joined_at: float  # Unix seconds
    state: Literal["connecting", "connected", "disconnected"]
    tracks: tuple[Track, ...] = ()
    camera_on: bool = False
    muted: bool = True  # nothing is heard of them, for whatever reason
    silenced: bool = False  # muted for everybody by request
    gain_db: float = 0.0  # by request
    speaking: bool = False
    pinned: bool = False
    spotlight: bool = False
    hidden: bool = False
    order: int | None = None
    camera_wanted: CameraWanted | None = None  # None: anything
    stats: dict[str, float] = Field(default_factory=dict)


class StageDelay(Message):
    """How long one stage took lately."""

    count: int
    p50_ms: float
    p95_ms: float


class DelayHistogram(Message):
    """How long one stage took since the room's start: how often within each bound, and, last, beyond all of them."""

    bounds_s: tuple[float, ...]
    counts: tuple[int, ...]  # each without those before it
    sum_s: float


class RecordingPart(Message):
    """What the room is writing."""

    recording_id: str
    part: int


class Demand(Message):
    """What one participant asks of the machine; ``mcu.load`` makes it."""

    id: str
    microphone: bool = False
    camera: bool = False
    on_stage: bool = False  # the camera has a tile or is to get one: it is decoded and painted
    sharing: bool = False  # a screen, which has a tile
    codec: VideoCodec | None = None  # of the picture they are sent; None for none
    rung: Rung = Rung.FULL


class Load(Message):
    """What a room bears: everybody who is in it or is connecting, and whether it is recorded."""

    type: Literal["load_told"] = "load_told"
    video: VideoConfig = VideoConfig()
    demands: tuple[Demand, ...] = ()
    recording: bool = False
