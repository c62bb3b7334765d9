"""What crosses the boundary of a room's process: versioned JSON, nothing else.

A request carries a ``type``; its reply is the model named in its ``Reply`` comment or a ``Failure``. Events flow from
the room at any time. Both sides ignore fields they do not know and refuse a major version they do not speak.
"""

from typing import Annotated, Literal

from pydantic import Base64Bytes, BaseModel, ConfigDict, Field, JsonValue, TypeAdapter

from mcu.media import Rung, VideoCodec

VERSION = 1


class Message(BaseModel):
    """Base of all messages."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class VideoConfig(Message):
    """The canvas and its encoding; whose line is too narrow for it gets half or a quarter of its width and height."""

    width: int = Field(default=1280, ge=160, le=3840, multiple_of=2)
    height: int = Field(default=720, ge=90, le=2160, multiple_of=2)
    fps: int = Field(default=30, ge=5, le=60)
    bitrate_bps: int = Field(default=2_000_000, ge=100_000, le=20_000_000)
    ceiling_bps: int | None = Field(
        default=None, ge=30_000, le=20_000_000
    )  # that encoders are opened for; else as above
    half_bitrate_bps: int = Field(default=700_000, ge=50_000, le=20_000_000)
    quarter_bitrate_bps: int = Field(default=180_000, ge=30_000, le=20_000_000)  # with sound it fits into 300 kbit/s
    rungs: int = Field(default=3, ge=1, le=3)  # sizes offered: 1 full only, 2 and half, 3 and quarter

    def at(self, rung: Rung) -> "VideoConfig":
        """What ``rung`` is encoded with: even sizes, and never more than half the bitrate of the rung above."""
        if rung is Rung.FULL:
            return self
        above = self.at(Rung(rung - 1))
        asked_bps = self.half_bitrate_bps if rung is Rung.HALF else self.quarter_bitrate_bps
        size = {"width": max(2, (self.width >> rung) // 2 * 2), "height": max(2, (self.height >> rung) // 2 * 2)}
        rates = {
            "bitrate_bps": min(asked_bps, above.bitrate_bps // 2),
            "ceiling_bps": min(asked_bps, above.most_bps // 2),
        }
        return self.model_copy(update={**size, **rates})

    @property
    def most_bps(self) -> int:
        """What ``bitrate_bps`` may be set to in a running room."""
        return self.ceiling_bps or self.bitrate_bps


class AudioConfig(Message):
    """What the sound of a room is for."""

    music: bool = False  # stereo, and left as it comes, where speech is mono and evened


class RoomConfig(Message):
    """All that a room process is told at its start."""

    name: str
    layout: str = "grid"
    layout_options: dict[str, JsonValue] = {}
    custom_layout: dict[str, JsonValue] | None = None
    max_participants: int = Field(default=50, ge=1, le=1000)
    video: VideoConfig = VideoConfig()
    audio: AudioConfig = AudioConfig()
    empty_grace_s: float = Field(default=60, ge=0)
    orphan_grace_s: float = Field(default=600, ge=0)  # how long the room outlives a service that does not come back
    ice_servers: tuple[str, ...] = ()  # the server's own STUN/TURN URLs, not the browsers'
    connect_timeout_s: float = Field(default=30, gt=0)


# --- requests ---------------------------------------------------------------------------------------------------------


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
    options: dict[str, JsonValue] = {}
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

# --- replies ----------------------------------------------------------------------------------------------------------


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
    stats: dict[str, float] = {}


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


class RoomState(Message):
    """The room as a whole; ``metrics`` feeds ``/metrics`` (counters and gauges by their Prometheus names)."""

    type: Literal["state_told"] = "state_told"
    config: RoomConfig
    instance: str
    created_at: float  # Unix seconds
    layout: str
    participants: tuple[ParticipantState, ...] = ()
    active_speaker: str | None = None
    tiles: "TilesMoved | None" = None
    overload: "OverloadChanged | None" = None  # None while the machine keeps up
    recording: RecordingPart | None = None
    metrics: dict[str, float] = {}
    delays: dict[str, dict[str, DelayHistogram]] = {}  # by medium (picture, screen, sound) and stage


class ParticipantTold(Message):
    """One participant, and how long each stage took for them lately, by medium and stage."""

    type: Literal["participant_told"] = "participant_told"
    participant: ParticipantState
    delays: dict[str, dict[str, StageDelay]] = {}


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


Reply = Annotated[
    Done | Failure | Joined | Snapshot | PartStarted | PartStopped | RoomState | Load | ParticipantTold,
    Field(discriminator="type"),
]

# --- events -----------------------------------------------------------------------------------------------------------


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
    options: dict[str, JsonValue] = {}
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

_requests: TypeAdapter[Request] = TypeAdapter(Request)
_replies: TypeAdapter[Reply] = TypeAdapter(Reply)
_events: TypeAdapter[Event] = TypeAdapter(Event)


def encode(message: Message) -> bytes:
    """Any message as UTF-8 JSON."""
    return message.model_dump_json().encode()


def decode_request(data: bytes) -> Request:
    """Parse a request; raises ``pydantic.ValidationError``."""
    return _requests.validate_json(data)


def decode_reply(data: bytes) -> Reply:
    """Parse a reply; raises ``pydantic.ValidationError``."""
    return _replies.validate_json(data)


def decode_event(data: bytes) -> Event:
    """Parse an event; raises ``pydantic.ValidationError``."""
    return _events.validate_json(data)
