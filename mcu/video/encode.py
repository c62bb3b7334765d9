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

_NEVER = 1 << 20  # frames between keyframes that nobody asked for
_FINEST_QP, _FINEST_Q = 18, 12  # of x264 and libvpx: what is finer takes bits and time that nobody sees
_AVX2, _AVX_512F = 11, 13  # of ``cv::CpuFeatures``


class Encoder(ABC):
    """One encoder, used by one thread.

    Args:
        config: canvas size, frame rate and bitrate.

    Raises:
        CodecError: the library refuses the settings.
    """

    codec: ClassVar[VideoCodec]
    library: ClassVar[str]
    adapts: ClassVar[bool]  # whether the library takes another bitrate while it is at work

    def __init__(self, config: VideoConfig) -> None:
        self._bitrate_bps = config.most_bps if self.adapts else config.bitrate_bps
        try:
            self._context = self._open(config)
        except av.FFmpegError as error:
            raise CodecError(f"{self.library} cannot be opened: {error}") from error
        self.follow(config.bitrate_bps)

    def follow(self, bitrate_bps: int) -> bool:
        """Go on with another bitrate, up to the one it was opened for; False when that takes a new encoder."""
        if bitrate_bps != self._bitrate_bps and self.adapts:
            self._bitrate_bps = self._context.bit_rate = bitrate_bps
        return bitrate_bps == self._bitrate_bps

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
        frame = canvas.frame
        frame.pts = pts
        frame.time_base = Fraction(1, VIDEO_CLOCK_HZ)
        frame.pict_type = PictureType.I if keyframe else PictureType.NONE
        try:
            packets = self._context.encode(frame)
        except av.FFmpegError as error:
            raise CodecError(f"{self.library} failed: {error}") from error
        if not packets:
            return None
        key = any(packet.is_keyframe for packet in packets)
        data = b"".join(bytes(packet) for packet in packets)
        return EncodedFrame(self.codec, data, pts, duration, VIDEO_CLOCK_HZ, key)

    def _open(self, config: VideoConfig) -> VideoCodecContext:
        context = av.CodecContext.create(self.library, "w")
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

    @abstractmethod
    def _options(self) -> dict[str, str]:
        """What the library is told beside the common settings."""


class H264Encoder(Encoder):
    """Constrained Baseline H.264 by x264, Annex B, SPS and PPS in band before every IDR picture.

    The VBV is half a second, which bounds a keyframe; its maximum is the bitrate it is opened for, so that a lower one
    can be set on the open context.
    """

    codec = VideoCodec.H264
    library = "libx264"
    adapts = True

    def _options(self) -> dict[str, str]:
        return {
            "preset": "superfast",
            "tune": "zerolatency",
            "profile": "baseline",
            "forced-idr": "1",
            "maxrate": str(self._bitrate_bps),
            "bufsize": str(self._bitrate_bps // 2),
            "x264-params": x264_params(),
        }


def x264_params() -> str:
    """What x264 is told beside preset, tune, profile and rate, in its own words.

    A keyframe nobody asked for costs everybody bits; adaptive quantisation costs 0.4 ms and 0.3 to 0.7 dB. Keyframes
    get more than by default: a mix of nine falls at one from 40 to 34.6 dB, not to 32.6. Smaller dead zones of the
    quantiser, nearer to plain rounding, give 0.1 to 0.35 dB for no time.
    """
    known = f"scenecut=0:aq-mode=0:ipratio=3:deadzone-inter=6:deadzone-intra=4:qpmin={_FINEST_QP}"
    return known + _instructions()


def _instructions() -> str:
    """What x264 is told of the processor: where it could use AVX-512, AVX2 takes 13 % less time for the same stream."""
    return ":asm=avx2" if cv2.checkHardwareSupport(_AVX2) and cv2.checkHardwareSupport(_AVX_512F) else ""


class Vp8Encoder(Encoder):
    """VP8 by libvpx in real-time mode."""

    codec = VideoCodec.VP8
    library = "libvpx"
    adapts = False

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
