"""What a room is opened with."""

from pydantic import Field, JsonValue

from mcu.media import Rung
from mcu.messages.base import Message


class VideoConfig(Message):
    """The canvas and its encoding; whose line is too narrow for it gets half or a quarter of its width and height."""

    width: int = Field(default=1280, ge=160, le=3840, multiple_of=2)
    height: int = Field(default=720, ge=90, le=2160, multiple_of=2)
    fps: int = Field(default=30, ge=5, le=60)
    bitrate_bps: int = Field(default=2_000_000, ge=100_000, le=20_000_000)
    ceiling_bps: int | None = Field(
        default=None, ge=30_000, le=20_000_000
    )  # that it may be set to later; else as above
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


class IceServer(Message):
    """STUN or TURN, as an entry of a browser's ``RTCConfiguration.iceServers``."""

    urls: tuple[str, ...]
    username: str | None = None
    credential: str | None = Field(default=None, repr=False)


class RoomConfig(Message):
    """All that a room process is told at its start."""

    name: str
    layout: str = "grid"
    layout_options: dict[str, JsonValue] = Field(default_factory=dict)
    custom_layout: dict[str, JsonValue] | None = None
    max_participants: int = Field(default=50, ge=1, le=1000)
    video: VideoConfig = VideoConfig()
    audio: AudioConfig = AudioConfig()
    empty_grace_s: float = Field(default=60, ge=0)
    orphan_grace_s: float = Field(default=600, ge=0)  # how long the room outlives a service that does not come back
    connect_timeout_s: float = Field(default=30, gt=0)
