"""The two video encoders: constant bitrate, no delay, a keyframe exactly when asked for."""

from abc import ABC, abstractmethod
from fractions import Fraction
from typing import ClassVar

import av
import cv2
from av.video.codeccontext import VideoCodecContext
from av.video.frame import PictureType
from av.video.reformatter import ColorPrimaries, ColorRange, ColorTrc

from mcu.errors import CodecError
from mcu.media import VIDEO_CLOCK_HZ, EncodedFrame, VideoCodec
from mcu.messages import VideoConfig
from mcu.video.i420 import SMPTE170M, Canvas
from mcu.video.novelty import Novelty
from mcu.video.ratecontrol import COARSEST, FINEST, RateControl
from mcu.video.x264 import X264

_MACROBLOCK = 16  # pixels
_MIDDLE = 30  # quantiser, of those that a rate control chooses from
_NEVER = 1 << 20  # frames between keyframes that nobody asked for
_FINEST_Q = 12  # of libvpx: what is finer takes bits and time that nobody sees
_AVX2, _AVX_512F = 11, 13  # of ``cv::CpuFeatures``


class Encoder(ABC):
    """One encoder, used by one thread.

    Args:
        config: canvas size, frame rate and bitrate.

    Raises:
        CodecError: the library refuses the settings.
    """

    codec: ClassVar[VideoCodec]

    @abstractmethod
    def __init__(self, config: VideoConfig) -> None: ...

    @abstractmethod
    def follow(self, bitrate_bps: int) -> bool:
        """Go on with another bitrate; False when that takes a new encoder."""

    @abstractmethod
    def encode(self, canvas: Canvas, pts: int, duration: int, *, keyframe: bool) -> EncodedFrame | None:
        """Encode the canvas as it is now.

        Args:
            canvas: the picture, of the size the encoder was opened for.
            pts: when it is shown, in 90 kHz ticks of media time, greater than at the call before.
            duration: how long it is shown, in the same ticks.
            keyframe: make it one.

        Returns:
            The encoded frame; None if the encoder left this one out to keep its bitrate.

        Raises:
            CodecError: the encoder failed; it is of no more use.
        """


class H264Encoder(Encoder):
    """Constrained Baseline H.264 by x264, Annex B, SPS and PPS in band before every IDR picture."""

    codec = VideoCodec.H264

    def __init__(self, config: VideoConfig) -> None:
        macroblocks = -(-config.width // _MACROBLOCK) * -(-config.height // _MACROBLOCK)
        self._rate = RateControl(config.bitrate_bps, macroblocks)
        self._novelty = Novelty()
        self._last_pts: int | None = None
        self._x264 = X264(config.width, config.height, "superfast", "baseline", x264_settings(config.fps))

    def follow(self, bitrate_bps: int) -> bool:
        """Go on with another bitrate."""
        self._rate.follow(bitrate_bps)
        return True

    def encode(self, canvas: Canvas, pts: int, duration: int, *, keyframe: bool) -> EncodedFrame:
        """Encode the canvas as it is now; see ``Encoder``."""
        keyframe = keyframe or self._last_pts is None
        since = duration if self._last_pts is None else pts - self._last_pts
        self._last_pts = pts
        look = self._novelty.look(canvas.y)
        quantiser = self._rate.quantiser(look, since / VIDEO_CLOCK_HZ, keyframe=keyframe)
        data = self._x264.encode(canvas.frame, pts, quantiser, keyframe=keyframe)
        self._rate.spent(8 * len(data))
        return EncodedFrame(self.codec, data, pts, duration, VIDEO_CLOCK_HZ, keyframe)


def x264_settings(fps: int) -> dict[str, str | float]:
    """What x264 is told beside size, preset and profile, in its own words.

    A keyframe nobody asked for costs everybody bits; adaptive quantisation costs 0.4 ms and 0.3 to 0.7 dB. Smaller dead
    zones of the quantiser, nearer to plain rounding, give 0.1 to 0.35 dB for no time.

    Quantisers are named picture by picture. x264 takes those between the ones that it would use by itself for I and for
    B pictures: the ratios of their steps to that of P pictures, which mean nothing else here.
    """
    return {
        "qp": _MIDDLE,
        "ipratio": 2 ** ((_MIDDLE - FINEST) / 6),
        "pbratio": 2 ** ((COARSEST - _MIDDLE) / 6),
        "scenecut": 0,
        "keyint": "infinite",
        "aq-mode": 0,
        "deadzone-inter": 6,
        "deadzone-intra": 4,
        "threads": 1,
        "fps": fps,
        "annexb": 1,
        "repeat-headers": 1,
        "fullrange": "off",
        "colorprim": "bt709",
        "transfer": "bt709",
        "colormatrix": "smpte170m",
        "log": -1,
        **_instructions(),
    }


def _instructions() -> dict[str, str]:
    """What x264 is told of the processor: where it could use AVX-512, AVX2 takes up to 13 % less time for the same."""
    return {"asm": "avx2"} if cv2.checkHardwareSupport(_AVX2) and cv2.checkHardwareSupport(_AVX_512F) else {}


class Vp8Encoder(Encoder):
    """VP8 by libvpx in real-time mode. It takes no other bitrate while it is at work."""

    codec = VideoCodec.VP8

    def __init__(self, config: VideoConfig) -> None:
        self._bitrate_bps = config.bitrate_bps
        try:
            self._context = self._open(config)
        except av.FFmpegError as error:
            raise CodecError(f"libvpx cannot be opened: {error}") from error

    def follow(self, bitrate_bps: int) -> bool:
        """Whether this is the bitrate it was opened for."""
        return bitrate_bps == self._bitrate_bps

    def encode(self, canvas: Canvas, pts: int, duration: int, *, keyframe: bool) -> EncodedFrame | None:
        """Encode the canvas as it is now; see ``Encoder``."""
        frame = canvas.frame
        frame.pts = pts
        frame.time_base = Fraction(1, VIDEO_CLOCK_HZ)
        frame.pict_type = PictureType.I if keyframe else PictureType.NONE
        try:
            packets = self._context.encode(frame)
        except av.FFmpegError as error:
            raise CodecError(f"libvpx failed: {error}") from error
        if not packets:
            return None
        key = any(packet.is_keyframe for packet in packets)
        data = b"".join(bytes(packet) for packet in packets)
        return EncodedFrame(self.codec, data, pts, duration, VIDEO_CLOCK_HZ, key)

    def _open(self, config: VideoConfig) -> VideoCodecContext:
        context = av.CodecContext.create("libvpx", "w")
        assert isinstance(context, VideoCodecContext)
        context.width, context.height, context.pix_fmt = config.width, config.height, "yuv420p"
        context.time_base = Fraction(1, VIDEO_CLOCK_HZ)
        context.framerate = Fraction(config.fps)
        context.bit_rate = self._bitrate_bps
        context.gop_size = _NEVER
        context.thread_count = 1
        context.color_range = ColorRange.MPEG
        context.colorspace = SMPTE170M
        context.color_primaries = ColorPrimaries.BT709
        context.color_trc = ColorTrc.BT709
        context.options = self._options()
        context.open()
        return context

    def _options(self) -> dict[str, str]:
        rate = str(self._bitrate_bps)
        return {
            "deadline": "realtime",
            # Negative is a fixed speed; the positive ones follow the clock and cost 3 to 10 dB on a busy machine.
            "cpu-used": "-6",
            "lag-in-frames": "0",
            "minrate": rate,
            "maxrate": rate,
            "bufsize": str(self._bitrate_bps // 2),
            "qmin": str(_FINEST_Q),
            "max-intra-rate": "600",  # percent of a frame's share: bounds a keyframe
        }


ENCODERS: dict[VideoCodec, type[Encoder]] = {encoder.codec: encoder for encoder in (H264Encoder, Vp8Encoder)}
