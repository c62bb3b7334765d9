"""PCMU and PCMA (ITU-T G.711) by tables: 8 kHz, one byte a sample."""

import functools

import numpy as np
import numpy.typing as npt

from mcu.media import AudioCodec, Samples

_ULAW_BIAS = 0x84  # in the 16-bit domain


def _ulaw_to_linear() -> npt.NDArray[np.int16]:
    code = ~np.arange(256) & 0xFF
    magnitude = (((code & 0x0F) << 3) + _ULAW_BIAS << ((code & 0x70) >> 4)) - _ULAW_BIAS
    return np.where(code & 0x80, -magnitude, magnitude).astype(np.int16)


def _alaw_to_linear() -> npt.NDArray[np.int16]:
    code = np.arange(256) ^ 0x55
    mantissa, segment = (code & 0x0F) << 4, (code & 0x70) >> 4
    magnitude = np.where(segment == 0, mantissa + 8, (mantissa + 0x108) << np.maximum(segment - 1, 0))
    return np.where(code & 0x80, magnitude, -magnitude).astype(np.int16)


@functools.cache
def _decode_table(codec: AudioCodec) -> Samples:
    linear = _ulaw_to_linear() if codec is AudioCodec.PCMU else _alaw_to_linear()
    return (linear / 32768).astype(np.float32)


@functools.cache
def _encode_table(codec: AudioCodec) -> npt.NDArray[np.uint8]:
    """The nearest code of each 16-bit value, indexed by the value + 32768."""
    levels = np.round(_decode_table(codec) * 32768).astype(np.int32)
    codes = np.argsort(levels, kind="stable")
    middles = (levels[codes][1:] + levels[codes][:-1]) / 2
    return codes[np.searchsorted(middles, np.arange(-32768, 32768))].astype(np.uint8)


def decode(codec: AudioCodec, data: bytes) -> Samples:
    """Bytes → float samples at 8 kHz, shape (n,)."""
    return _decode_table(codec)[np.frombuffer(data, np.uint8)]


def encode(codec: AudioCodec, block: Samples) -> bytes:
    """Float samples at 8 kHz, shape (n,) → bytes; what is beyond full scale is clipped."""
    index = np.clip(np.round(block * 32768), -32768, 32767).astype(np.int32) + 32768
    return _encode_table(codec)[index].tobytes()
