"""One shape for all audio codecs on the wire: packets ↔ float samples at 48 kHz."""

from typing import Literal, Protocol

import av
import numpy as np

from mcu.audio import g711
from mcu.audio.opus import MAX_PACKET_SAMPLES, Application, OpusDecoder, OpusEncoder
from mcu.audio.resample import Downsampler, Upsampler
from mcu.errors import CodecError
from mcu.media import SAMPLE_RATE_HZ, SAMPLES_PER_TICK, AudioCodec, Samples

RTP_CLOCK_HZ = {AudioCodec.OPUS: 48_000, AudioCodec.PCMU: 8_000, AudioCodec.PCMA: 8_000, AudioCodec.G722: 8_000}
"""RTP clock of each codec; G.722's is 8 kHz by an old mistake that RFC 3551 section 4.5.2 keeps."""

OPUS_BPS = {1: 64_000, 2: 128_000}
_BYTES_PER_S = 8_000  # of PCMU, PCMA and G.722 at 64 kbit/s


class Decoder(Protocol):
    """Packets of one stream, in order → samples at 48 kHz, shape (n, channels)."""

    def duration(self, data: bytes) -> int:
        """Samples at 48 kHz in ``data``; raises ``CodecError`` when it is no packet of this codec."""

    def decode(self, data: bytes) -> Samples:
        """Decode the next packet; raises ``CodecError``."""

    def conceal(self, samples: int) -> Samples:
        """Make up what is missing."""

    def recover(self, following: bytes, samples: int) -> Samples | None:
        """The missing ``samples`` just before the packet ``following``, if that packet has them too."""


class Encoder(Protocol):
    """Blocks of 20 ms, shape (960, channels) → packets."""

    def encode(self, block: Samples, *, independent: bool = False) -> bytes:
        """Encode one block; ``independent`` of those before it, as far as the codec can."""

    def reset(self) -> None:
        """Forget what was encoded."""

    def expect_loss(self, percent: int) -> None:
        """Prepare the packets for so much loss, as far as the codec can."""


class _G722Core:
    """G.722 at 64 kbit/s by FFmpeg, 16 kHz."""

    def __init__(self, mode: Literal["r", "w"]) -> None:
        self._context = av.CodecContext.create("g722", mode)
        self._context.sample_rate = 16_000
        self._context.layout = "mono"
        self._context.format = "s16"

    def decode(self, data: bytes) -> Samples:
        try:
            frames = self._context.decode(av.Packet(data))
        except av.error.FFmpegError as error:
            raise CodecError(f"decoding G.722: {error}") from error
        parts = [np.zeros(0, np.int16), *(frame.to_ndarray().reshape(-1) for frame in frames)]
        return np.concatenate(parts).astype(np.float32) / np.float32(32768)

    def encode(self, block: Samples) -> bytes:
        pcm = np.clip(np.round(block * 32768), -32768, 32767).astype(np.int16)
        frame = av.AudioFrame.from_ndarray(pcm[np.newaxis], "s16", "mono")
        frame.sample_rate = 16_000
        return b"".join(bytes(packet) for packet in self._context.encode(frame))


class NarrowDecoder:
    """PCMU, PCMA and G.722 → 48 kHz. Loss is concealed by repeating the last 10 ms, mirrored so that they join."""

    def __init__(self, codec: AudioCodec, channels: int) -> None:
        rate_hz = 16_000 if codec is AudioCodec.G722 else 8_000
        self._codec = codec
        self._channels = channels
        self._g722 = _G722Core("r") if codec is AudioCodec.G722 else None
        self._up = Upsampler(rate_hz)
        self._rate_hz = rate_hz
        self._joint = rate_hz // 200
        self._last = np.zeros(rate_hz // 100, np.float32)
        self._made_up = self._last[:0]  # how concealment would have gone on
        self._turned = 0  # how far it is in its repetition

    def duration(self, data: bytes) -> int:
        """See ``Decoder``."""
        samples = len(data) * SAMPLE_RATE_HZ // _BYTES_PER_S
        if not 0 < samples <= MAX_PACKET_SAMPLES:
            raise CodecError(f"a {self._codec} packet of {len(data)} bytes")
        return samples

    def decode(self, data: bytes) -> Samples:
        """See ``Decoder``."""
        low = g711.decode(self._codec, data) if self._g722 is None else self._g722.decode(data)
        self._turned = 0
        joint = min(len(self._made_up), len(low))
        if joint:  # from what was made up into what is true
            weight = np.linspace(0, 1, joint, dtype=np.float32)
            low = np.concatenate([self._made_up[:joint] * (1 - weight) + low[:joint] * weight, low[joint:]])
            self._made_up = self._made_up[:0]
        self._last = np.concatenate([self._last, low])[-len(self._last) :]
        return self._widen(low)

    def conceal(self, samples: int) -> Samples:
        """See ``Decoder``."""
        count = -(-samples * self._rate_hz // SAMPLE_RATE_HZ)
        there_and_back = np.concatenate([self._last[::-1], self._last])
        low = np.resize(np.roll(there_and_back, -self._turned), count + self._joint)
        self._turned = (self._turned + count) % len(there_and_back)
        self._made_up = low[count:]
        return self._widen(low[:count])[:samples]

    def recover(self, following: bytes, samples: int) -> Samples | None:  # noqa: ARG002 - these codecs have no FEC
        """See ``Decoder``; these codecs have no FEC."""
        return None

    def _widen(self, low: Samples) -> Samples:
        return np.repeat(self._up.process(low)[:, np.newaxis], self._channels, axis=1)


class NarrowEncoder:
    """48 kHz → PCMU, PCMA or G.722."""

    def __init__(self, codec: AudioCodec) -> None:
        self._codec = codec
        self.reset()

    def reset(self) -> None:
        """See ``Encoder``."""
        wide = self._codec is AudioCodec.G722
        self._g722 = _G722Core("w") if wide else None
        self._down = Downsampler(16_000 if wide else 8_000)

    def expect_loss(self, percent: int) -> None:
        """See ``Encoder``; these codecs cannot."""

    def encode(self, block: Samples, *, independent: bool = False) -> bytes:  # noqa: ARG002 - prediction stays on
        """See ``Encoder``."""
        if len(block) != SAMPLES_PER_TICK:
            raise CodecError(f"a block of {len(block)} samples instead of {SAMPLES_PER_TICK}")
        low = self._down.process(np.asarray(block.mean(axis=1), np.float32))
        return g711.encode(self._codec, low) if self._g722 is None else self._g722.encode(low)


def make_decoder(codec: AudioCodec, channels: int = 1) -> Decoder:
    """A fresh decoder; raises ``CodecError``."""
    if codec is AudioCodec.OPUS:
        return OpusDecoder(channels)
    if codec is AudioCodec.AAC:
        raise CodecError("AAC is for recordings; nobody sends it")
    return NarrowDecoder(codec, channels)


def make_encoder(codec: AudioCodec, channels: int = 1, *, bitrate_bps: int | None = None) -> Encoder:
    """A fresh encoder for the wire; the bit rate counts for Opus alone. Raises ``CodecError``.

    Opus runs in AUDIO mode, which codes mono for 0.04 ms a block where VOIP with in-band FEC takes 0.14 ms; when loss
    is reported to an encoder, it turns to the dearer mode (``expect_loss``).
    The mix is coded a second time: speech that came at 32 kbit/s (PESQ 4.3) is heard at 3.9 when it goes out at
    48 kbit/s, at 4.1 with 64 and 4.2 with 80 kbit/s.
    Stereo is for music and goes without FEC: with it, a seam between two encoders is 11 dB louder.
    """
    if codec is AudioCodec.OPUS:
        rate_bps = bitrate_bps or OPUS_BPS[channels]
        return OpusEncoder(
            channels=channels,
            application=Application.AUDIO,
            bitrate_bps=rate_bps,
            loss_percent=0,
            fec=channels == 1,
        )
    if codec is AudioCodec.AAC:
        raise CodecError("AAC is for recordings; nobody receives it")
    return NarrowEncoder(codec)
