"""One outgoing encode of the canvas: a hub, and an encoder that exists exactly while somebody listens."""

import logging
import time
from collections.abc import Callable
from dataclasses import replace

from mcu.clock import MediaClock
from mcu.errors import CodecError
from mcu.hub import PacketHub
from mcu.media import VIDEO_CLOCK_HZ, EncodedFrame, Rung, VideoCodec
from mcu.messages import VideoConfig
from mcu.traces import MixTrace
from mcu.video.encode import ENCODERS, Encoder
from mcu.video.i420 import Canvas
from mcu.video.keyframes import KeyframeLimiter
from mcu.video.window import Window

_log = logging.getLogger(__name__)

_STILL_HZ = 5  # an unchanged canvas is encoded this often: its quality rises, and a late packet is made up for
_SEEK_S = 4  # a recording can be entered at least this often
_REOPEN_S = 1  # after an encoder failed


class VideoOutput:
    """Encodes the canvas for one hub, on the video thread.

    Args:
        codec: what to encode to.
        config: size and bitrate.
        wake: called, on any thread, when there is something to do.
        rung: which of the canvas's sizes it is.
        clock: the room's; without one no traces are kept.
    """

    def __init__(
        self,
        codec: VideoCodec,
        config: VideoConfig,
        wake: Callable[[], None],
        rung: Rung = Rung.FULL,
        clock: MediaClock | None = None,
    ) -> None:
        self.codec = codec
        self.rung = rung
        self.hub = PacketHub(self._keyframe_wanted)
        self.limiter = KeyframeLimiter()
        self.frames = 0  # encoded
        self.keyframes = 0
        self.faults = 0  # encoders that failed
        self.encode_ms = Window()
        self._config = config
        self._wake = wake
        self._clock = clock
        self._mix: MixTrace | None = None  # what the canvas is of
        self._encoder: Encoder | None = None
        self._last = 0  # tick encoded last
        self._last_keyframe = 0
        self._not_before = 0  # tick at which an encoder may be opened again

    @property
    def running(self) -> bool:
        """Whether an encoder exists."""
        return self._encoder is not None

    def close(self) -> None:
        """Give the encoder back."""
        self._encoder = None

    def follow(self, config: VideoConfig) -> None:
        """Encode with this bitrate from the next picture on; all else is as before. Any thread."""
        self._config = config

    def work(self, canvas: Canvas, tick: int, now_us: int, *, changed: bool, mix: MixTrace | None = None) -> None:
        """Encode and publish the canvas of ``tick``, which ``mix`` tells of, if anybody needs it."""
        self._mix = mix
        if not self.hub.in_use:
            self.close()
        elif tick >= self._not_before:
            if self._encoder is not None and not self._encoder.follow(self._config.bitrate_bps):
                self.close()
            keyframe = self._wants_keyframe(tick, now_us)
            if changed or keyframe or self.hub.wants_every_frame or (tick - self._last) * _STILL_HZ >= self._config.fps:
                self._encode_safely(canvas, tick, now_us, keyframe=keyframe)

    def _keyframe_wanted(self) -> None:
        self.limiter.request()
        self._wake()

    def _wants_keyframe(self, tick: int, now_us: int) -> bool:
        if self._encoder is None or self.limiter.due(now_us):
            return True
        return self.hub.wants_every_frame and tick - self._last_keyframe >= _SEEK_S * self._config.fps

    def _encode_safely(self, canvas: Canvas, tick: int, now_us: int, *, keyframe: bool) -> None:
        try:
            self._encode(canvas, tick, now_us, keyframe=keyframe)
        except CodecError:
            self.faults += 1
            self._encoder = None
            self._not_before = tick + _REOPEN_S * self._config.fps
            _log.exception("the %s encoder failed; a new one follows in %d s", self.codec, _REOPEN_S)

    def _encode(self, canvas: Canvas, tick: int, now_us: int, *, keyframe: bool) -> None:
        started = time.perf_counter()
        if self._encoder is None:
            self._encoder = ENCODERS[self.codec](self._config)
        pts = tick * VIDEO_CLOCK_HZ // self._config.fps
        duration = (tick + 1) * VIDEO_CLOCK_HZ // self._config.fps - pts
        frame = self._encoder.encode(canvas, pts, duration, keyframe=keyframe)
        self._last = tick
        self.encode_ms.add((time.perf_counter() - started) * 1000)
        if frame is None:
            return
        self.frames += 1
        if frame.keyframe:
            self.keyframes += 1
            self._last_keyframe = tick
            self.limiter.made(now_us)
        self.hub.publish(self._traced(frame))

    def _traced(self, frame: EncodedFrame) -> EncodedFrame:
        if self._mix is None or self._clock is None:
            return frame
        self._mix.encoded = True
        return replace(frame, encoded_us=self._clock.now_us(), mix=self._mix)
