"""The mix as AAC-LC for recordings: 48 kHz, raw access units."""

from fractions import Fraction

import av
import numpy as np

from mcu.media import SAMPLE_RATE_HZ, AudioCodec, EncodedFrame, Samples

FRAME_SAMPLES = 1024
BITRATE_BPS = {1: 96_000, 2: 128_000}


class AacEncoder:
    """Blocks of the mix → access units.

    The coder ``fast`` costs a quarter of the default one. An access unit's pts is the media time of its first decoded
    sample: the encoder's priming (1024 samples) is already taken off, so the first unit begins before the first input.

    Args:
        channels: 1 or 2.
    """

    def __init__(self, channels: int) -> None:
        self._context = av.CodecContext.create("aac", "w")
        self._context.sample_rate = SAMPLE_RATE_HZ
        self._context.layout = "mono" if channels == 1 else "stereo"
        self._context.format = "fltp"
        self._context.bit_rate = BITRATE_BPS[channels]
        self._context.time_base = Fraction(1, SAMPLE_RATE_HZ)
        self._context.options = {"aac_coder": "fast"}
        self._context.open()
        self._layout = self._context.layout.name
        self._waiting = np.zeros((0, channels), np.float32)
        self._next: int | None = None  # pts of the first waiting sample
        self.config = bytes(self._context.extradata or b"")

    def encode(self, pts: int, block: Samples) -> list[EncodedFrame]:
        """Take a block that begins at ``pts``; blocks that were skipped before it become silence."""
        if self._next is None:
            self._next = pts
        missing = pts - self._next - len(self._waiting)
        if missing > 0:
            block = np.concatenate([np.zeros((missing, block.shape[1]), np.float32), block])
        self._waiting = np.concatenate([self._waiting, block])
        units: list[EncodedFrame] = []
        while len(self._waiting) >= FRAME_SAMPLES:
            units += self._encode_frame(self._next, self._waiting[:FRAME_SAMPLES])
            self._waiting = self._waiting[FRAME_SAMPLES:]
            self._next += FRAME_SAMPLES
        return units

    def _encode_frame(self, pts: int, samples: Samples) -> list[EncodedFrame]:
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples.T), "fltp", self._layout)
        frame.sample_rate = SAMPLE_RATE_HZ
        frame.pts = pts
        frame.time_base = Fraction(1, SAMPLE_RATE_HZ)
        return [
            EncodedFrame(
                codec=AudioCodec.AAC,
                data=bytes(packet),
                pts=packet.pts if packet.pts is not None else pts,
                duration=FRAME_SAMPLES,
                clock_rate_hz=SAMPLE_RATE_HZ,
                keyframe=True,
                config=self.config,
            )
            for packet in self._context.encode(frame)
        ]
