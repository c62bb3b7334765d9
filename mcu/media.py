"""The values that flow through the engine.

Media time is counted in integer microseconds (``_us``) since the room's media clock started; see ``mcu.clock``.
Everything here is immutable in spirit: whoever receives a value never writes into its arrays.
"""

from dataclasses import dataclass
from enum import IntEnum, StrEnum

import numpy as np
import numpy.typing as npt

from mcu.traces import MixTrace, PictureTrace

Plane = npt.NDArray[np.uint8]
"""One 8-bit plane, shape (height, width)."""

Samples = npt.NDArray[np.float32]
"""Sound at 48 kHz, full scale ±1.0, shape (samples, channels); channels is 1 or 2."""

SAMPLE_RATE_HZ = 48_000
AUDIO_TICK_MS = 20
SAMPLES_PER_TICK = SAMPLE_RATE_HZ * AUDIO_TICK_MS // 1000
VIDEO_CLOCK_HZ = 90_000


class VideoCodec(StrEnum):
    """Video codecs on the wire."""

    H264 = "h264"
    VP8 = "vp8"


class AudioCodec(StrEnum):
    """Audio codecs on the wire, and AAC for recordings."""

    OPUS = "opus"
    PCMU = "pcmu"
    PCMA = "pcma"
    G722 = "g722"
    AAC = "aac"


class Rung(IntEnum):
    """The sizes in which the mix is offered, best first; the value says how often the canvas is halved."""

    FULL = 0
    HALF = 1
    QUARTER = 2


@dataclass(frozen=True, slots=True)
class EncodedFrame:
    """One encoded picture or one encoded block of the mix, on its way out.

    ``pts`` and ``duration`` count ticks of ``clock_rate_hz`` in media time. H.264 is Annex B with SPS and PPS in band
    at every keyframe; AAC is raw access units. ``keyframe`` is always True for sound. ``config`` is the decoder
    configuration where the codec keeps it out of band (AAC: AudioSpecificConfig), else empty. Pictures of a live room
    have ``encoded_us``, the media time at which they left the encoder, and the ``mix`` that they are of.
    """

    codec: VideoCodec | AudioCodec
    data: bytes
    pts: int
    duration: int
    clock_rate_hz: int
    keyframe: bool
    config: bytes = b""
    encoded_us: int = 0
    mix: MixTrace | None = None

    @property
    def time_us(self) -> int:
        """``pts`` in microseconds of media time."""
        return self.pts * 1_000_000 // self.clock_rate_hz


@dataclass(frozen=True, slots=True)
class VideoUnit:
    """One whole encoded picture as received: reassembled, in decoding order.

    ``rtp_time`` is the unwrapped 90 kHz RTP timestamp; ``arrival_us`` the media time at which its last packet came;
    ``capture_us`` the sender's NTP wall clock in microseconds, None before the first sender report. ``first_us`` and
    ``whole_us`` are when its first packet came and when it was handed on; None for "at ``arrival_us``".
    """

    codec: VideoCodec
    data: bytes
    rtp_time: int
    arrival_us: int
    capture_us: int | None
    keyframe: bool
    first_us: int | None = None
    whole_us: int | None = None


@dataclass(frozen=True, slots=True)
class AudioUnit:
    """One audio packet as received, possibly late, doubled or out of order.

    ``sequence`` and ``rtp_time`` are unwrapped (the clock runs at the codec's RTP rate: 48 kHz Opus, 8 kHz the others,
    G.722 included). ``level_dbov`` is the RFC 6464 level (0 loudest … 127 silence), None when not sent. ``repaired``
    says that it was lost and has been sent again, so that its arrival says nothing of the network's jitter.
    """

    codec: AudioCodec
    data: bytes
    sequence: int
    rtp_time: int
    arrival_us: int
    capture_us: int | None
    level_dbov: int | None = None
    repaired: bool = False


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture as planar I420: BT.601 matrix, limited range (what cameras and browsers send).

    ``y`` has shape (height, width), ``u`` and ``v`` (ceil(height/2), ceil(width/2)). ``due_us`` is the media time from
    which the mixer shows it; ``trace`` tells of its way so far, in a live room.
    """

    y: Plane
    u: Plane
    v: Plane
    due_us: int = 0
    trace: PictureTrace | None = None

    @property
    def width(self) -> int:
        """Width in luma pixels."""
        return int(self.y.shape[1])

    @property
    def height(self) -> int:
        """Height in luma pixels."""
        return int(self.y.shape[0])
