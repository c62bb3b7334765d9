"""What clients send and get as JSON, and which names they may give."""

import unicodedata
from enum import StrEnum
from typing import Annotated, Any, Literal

import pydantic_core
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, JsonValue, StrictBool

from api.errors import InvalidNameError
from mcu.messages import ParticipantState, ParticipantTold, RoomState, StageDelay, VideoConfig
from recorder.model import Recording, Status

MAX_DEPTH = 16  # of layouts and their options
MAX_NAME_LENGTH = 100  # characters, after normalisation
_FORBIDDEN = {"Cc", "Cs", "Zl", "Zp"}  # control characters, lone surrogates, line and paragraph separators
_BIDI_OVERRIDES = set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")  # they would turn what stands beside


def checked_name(value: str, *, what: str) -> str:
    """A name in composed form (NFC), so that é typed in two ways is one name.

    Raises:
        InvalidNameError: empty, too long, or with characters that no name needs.
    """
    name = unicodedata.normalize("NFC", value).strip()
    if not name:
        raise InvalidNameError(f"{what} must not be empty")
    if len(name) > MAX_NAME_LENGTH:
        raise InvalidNameError(f"{what} may have {MAX_NAME_LENGTH} characters, this one has {len(name)}")
    if any(unicodedata.category(c) in _FORBIDDEN or c in _BIDI_OVERRIDES for c in name):
        raise InvalidNameError(f"{what} must not contain control characters")
    return name


def checked_room_name(value: str) -> str:
    """A room's name: a participant's, less what has a meaning in paths. Raises ``InvalidNameError``."""
    name = checked_name(value, what="a room's name")
    if name in {".", ".."} or "/" in name or "\\" in name:
        raise InvalidNameError("a room's name must not be a dot or two, nor contain slashes")
    return name


def checked_json(value: dict[str, JsonValue]) -> dict[str, JsonValue]:
    """Refuse what a room's process could not be told: lone surrogates, and depths that no layout has."""
    try:
        pydantic_core.to_json(value)
    except ValueError:
        raise ValueError("has to be valid Unicode, and not nested deeply") from None
    if _depth(value) > MAX_DEPTH:
        raise ValueError(f"is nested more than {MAX_DEPTH} deep")
    return value


def _depth(value: JsonValue) -> int:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return 1 + max(map(_depth, inner), default=0)


JsonObject = Annotated[dict[str, JsonValue], AfterValidator(checked_json)]
RoomName = Annotated[str, AfterValidator(checked_room_name)]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class VideoRequest(_Body):
    """The canvas of a new room; what is left out is the server's default."""

    width: int | None = Field(default=None, description="pixels, even, 160 to 3840", examples=[1280])
    height: int | None = Field(default=None, description="pixels, even, 90 to 2160", examples=[720])
    fps: int | None = Field(default=None, description="pictures a second, 5 to 60", examples=[30])
    bitrate: int | None = Field(default=None, description="bits a second, 100 000 to 20 000 000", examples=[2_000_000])


class AudioRequest(_Body):
    """The sound of a new room."""

    music: StrictBool = Field(default=False, description="stereo, 128 kbit/s, nothing evened or filtered")


class BitrateRequest(_Body):
    """What can be changed of a running room's video."""

    bitrate: int = Field(ge=100_000, description="bits a second, up to what the room was opened with")


class RoomPatch(_Body):
    """Changes to a running room."""

    video: BitrateRequest


class RoomRequest(_Body):
    """A room to open."""

    name: RoomName = Field(description="1 to 100 characters of any script; no slashes, no control characters")
    layout: str | None = Field(
        default=None, min_length=1, max_length=200, description="as in `PUT …/layout`", examples=["grid"]
    )
    options: JsonObject = Field(default={}, description="of the layout, as in `PUT …/layout`")
    custom: JsonObject | None = Field(default=None, description="a layout, as in `PUT …/layout`")
    max_participants: int | None = Field(default=None, ge=1, le=1000)
    video: VideoRequest = VideoRequest()
    audio: AudioRequest = AudioRequest()


class Form(StrEnum):
    """What a layout was written in."""

    BUILT_IN = "built-in"
    SLOTS = "slots"
    TWILIO = "twilio"
    FREESWITCH = "freeswitch"


class LayoutInfo(BaseModel):
    """A layout that a room may use."""

    name: str
    form: Form
    stored_as: str | None = Field(description="name in `/v1/layouts/{name}`; null for built-in ones")
    preview: str = Field(description="path of a drawing")


class LayoutList(BaseModel):
    """All layouts, the built-in ones first."""

    layouts: list[LayoutInfo]


class LayoutDetail(BaseModel):
    """What is known of one name."""

    name: str
    form: Form
    layouts: list[str] = Field(description="names for rooms; a FreeSWITCH file has many")
    custom: dict[str, Any] | None = Field(default=None, description="the JSON that was stored")
    xml: str | None = Field(default=None, description="the FreeSWITCH file that was stored")


class Video(BaseModel):
    """A room's canvas and the bit rate of its mix."""

    width: int
    height: int
    fps: int
    bitrate: int = Field(description="bits a second")

    @classmethod
    def of(cls, config: VideoConfig) -> "Video":
        """Under the names that clients know."""
        return cls(width=config.width, height=config.height, fps=config.fps, bitrate=config.bitrate_bps)


class Audio(BaseModel):
    """What the sound of a room is for."""

    music: bool = Field(description="stereo, and left as it comes; pages switch off echo cancellation and the like")


class Room(BaseModel):
    """A room that is running."""

    name: str
    instance: str = Field(description="new whenever the room's process is: participants of another instance are gone")
    created_at: float = Field(description="Unix time, seconds")
    layout: str
    layout_options: dict[str, JsonValue]
    max_participants: int
    video: Video
    audio: Audio
    participants: int = Field(description="how many are in it, connecting ones included")
    active_speaker: str | None = Field(description="id of the participant who speaks")
    recording: str | None = Field(description="id of the recording that is being written")

    @classmethod
    def of(cls, state: RoomState) -> "Room":
        """From what the room's process says."""
        return cls(
            name=state.config.name,
            instance=state.instance,
            created_at=state.created_at,
            layout=state.layout,
            layout_options=state.config.layout_options,
            max_participants=state.config.max_participants,
            video=Video.of(state.config.video),
            audio=Audio(music=state.config.audio.music),
            participants=len(state.participants),
            active_speaker=state.active_speaker,
            recording=state.recording.recording_id if state.recording else None,
        )


class RoomList(BaseModel):
    """All rooms, by name."""

    rooms: list[Room]


class ParticipantList(BaseModel):
    """Everybody in a room, in order of joining."""

    participants: list[ParticipantState]


class ParticipantDetail(ParticipantState):
    """One participant, with the delays of the last ten seconds."""

    delays: dict[str, dict[str, StageDelay]] = Field(
        description="by medium (`picture`, `screen`, `sound`) and stage, see docs/operations.md"
    )

    @classmethod
    def of(cls, told: ParticipantTold) -> "ParticipantDetail":
        """From what the room's process says."""
        return cls(**dict(told.participant), delays=told.delays)


class GapInfo(BaseModel):
    """A time that is missing in the file, because the room's process was lost."""

    model_config = ConfigDict(from_attributes=True)

    start: float = Field(validation_alias="from_time", description="Unix time, seconds")
    end: float = Field(validation_alias="until_time", description="Unix time, seconds")
    missing: float = Field(description="how long it was, seconds")
    at: float = Field(description="where in the file it is missing, seconds")
    reason: str


class RecordingInfo(BaseModel):
    """A recording. Times are Unix seconds."""

    model_config = ConfigDict(from_attributes=True)

    id: str
    room: str
    status: Status = Field(description="`failed` can be retried; `aborted` never began")
    created_at: float
    started_at: float | None = Field(description="of the first picture")
    ended_at: float | None
    duration: float | None = Field(description="of the file, seconds")
    size: int | None = Field(description="bytes")
    sha256: str | None
    error: str | None = Field(description="what went wrong, if something did")
    location: str | None = Field(description="the file's key in the store")
    gaps: list[GapInfo]

    @classmethod
    def of(cls, recording: Recording) -> "RecordingInfo":
        """From the catalog."""
        return cls.model_validate(recording)


class RecordingList(BaseModel):
    """Recordings, the newest first."""

    recordings: list[RecordingInfo]


class IceServerInfo(BaseModel):
    """One entry of ``RTCConfiguration.iceServers``."""

    urls: list[str]
    username: str | None = None
    credential: str | None = None


class Config(BaseModel):
    """What a page has to know before it joins."""

    version: str
    ice_servers: list[IceServerInfo]
    layouts: list[str]
    default_layout: str
    video: Video
    max_participants: int
    max_name_length: int


class ErrorDetail(BaseModel):
    """What went wrong."""

    code: str = Field(description="stable, for programs", examples=["room_not_found"])
    message: str = Field(description="for people", examples=["there is no room 'standup'"])


class Error(BaseModel):
    """The body of every answer that is no success."""

    error: ErrorDetail


class Health(BaseModel):
    """The service answers."""

    status: Literal["ok"] = "ok"
    version: str
    rooms: int
