"""Sample rate conversion between 48 kHz and 8 or 16 kHz: streaming polyphase FIR filters.

State is only the filter's past input, so blocks join without a click, any block length works and the delay is
constant: ``TAPS / 2`` samples of the lower rate (1 ms at 8 kHz) in each direction.
"""

import functools

import numpy as np

from mcu.media import SAMPLE_RATE_HZ, Samples

TAPS = 16  # length of the filter in samples of the lower rate


@functools.cache
def _lowpass(factor: int) -> Samples:
    """A windowed sinc at 48 kHz that cuts at half the lower rate, with unity gain at 0 Hz."""
    length = TAPS * factor
    n = np.arange(length) - (length - 1) / 2
    taps = np.sinc(0.92 * n / factor) * np.kaiser(length, 6.0)  # 0.92: room for the transition below the fold
    return np.asarray(taps / taps.sum(), np.float32)


class Upsampler:
    """8 or 16 kHz → 48 kHz, mono, shape (n,) → (n · factor,)."""

    def __init__(self, rate_hz: int) -> None:
        self._factor = SAMPLE_RATE_HZ // rate_hz
        # row k holds the taps that meet the k-th youngest input, column p those of output phase p
        self._phases = _lowpass(self._factor).reshape(TAPS, self._factor)[::-1] * self._factor
        self._past = np.zeros(TAPS - 1, np.float32)

    def process(self, block: Samples) -> Samples:
        """Convert ``block``; what comes out is as long as what went in."""
        joined = np.concatenate([self._past, block], dtype=np.float32)
        self._past = joined[-(TAPS - 1) :]
        windows = np.lib.stride_tricks.sliding_window_view(joined, TAPS)
        return np.asarray(windows @ self._phases, np.float32).reshape(-1)


class Downsampler:
    """48 kHz → 8 or 16 kHz, mono; the input's length is a multiple of the factor."""

    def __init__(self, rate_hz: int) -> None:
        self._factor = SAMPLE_RATE_HZ // rate_hz
        self._taps = _lowpass(self._factor)
        self._past = np.zeros(len(self._taps) - self._factor, np.float32)

    def process(self, block: Samples) -> Samples:
        """Convert ``block``."""
        joined = np.concatenate([self._past, block], dtype=np.float32)
        self._past = joined[-len(self._past) :]
        windows = np.lib.stride_tricks.sliding_window_view(joined, len(self._taps))[:: self._factor]
        return np.asarray(windows @ self._taps, np.float32)
