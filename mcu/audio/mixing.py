"""Summing sound: pure numpy on blocks of shape (samples, channels), full scale ±1.0.

The limiter has two stages. One gain, shared by the full mix and all mix-minus, brings sustained loudness under the
knee: it moves in straight lines across whole blocks, so it makes no zipper noise, and since it is the same for every
output, whoever turns from the shared mix to a mix-minus hears no step. The onset that comes before the gain has moved
meets a memoryless curve, which is the identity below the knee and never reaches 1.
"""

import functools
from collections.abc import Collection, Mapping
from typing import NamedTuple

import numpy as np

from mcu.audio.samples import energy, peak, piecewise, silence
from mcu.media import SAMPLE_RATE_HZ, Samples

KNEE = 0.8  # about -2 dBFS
_RELEASE_PER_BLOCK = 10 ** (1.0 / 20)  # the gain comes back by 1 dB in 20 ms
_SILENT_DBFS = -127.0


def ramp(block: Samples, start: float, end: float) -> Samples:
    """``block`` times a gain that goes in a straight line from ``start`` (before it) to ``end`` (its last sample)."""
    gain, rise = np.float32(start), np.float32(end - start)
    if start == end:
        return block if start == 1.0 else piecewise(lambda piece: piece * gain, block)
    return piecewise(lambda piece, line: piece * (line * rise + gain), block, _line(len(block)))


@functools.lru_cache(maxsize=16)
def _line(samples: int) -> Samples:
    """From just above 0 to 1, shape (samples, 1)."""
    return np.asarray(np.arange(1, samples + 1) / samples, np.float32)[:, np.newaxis]


def _sum(blocks: Collection[Samples], channels: int) -> Samples:
    """Of all, which may be none."""
    return piecewise(lambda *those: functools.reduce(np.add, those), *blocks) if blocks else silence(channels)


class Mixes(NamedTuple):
    """The full mix, the mix-minus by id, and the largest magnitude in all of them."""

    full: Samples
    minus: dict[str, Samples]
    peak: float


def mix(contributions: Mapping[str, Samples], channels: int) -> Mixes:
    """Sum everybody, and for each contributor everybody but him; nothing is limited.

    A mix-minus is summed, not subtracted from the full mix, which would leave rounding residue of a loud voice to its
    owner.
    """
    full = _sum(contributions.values(), channels)
    minus = {
        who: _sum([block for other, block in contributions.items() if other != who], channels) for who in contributions
    }
    return Mixes(full, minus, max(map(peak, (full, *minus.values()))))


def soft_clip(block: Samples) -> Samples:
    """The identity below the knee, then a curve that bends towards ±1 and stays below."""
    return block if peak(block) <= KNEE else piecewise(_bent, block)


def _bent(block: Samples) -> Samples:
    magnitude = np.abs(block)
    over = np.maximum(magnitude - KNEE, 0)
    return np.copysign(np.minimum(magnitude - over + np.tanh(over / (1 - KNEE)) * (1 - KNEE), 1), block)


class Limiter:
    """One gain for all outputs of a room; call once a block."""

    def __init__(self) -> None:
        self._gain = 1.0

    @property
    def gain(self) -> float:
        """The gain at the end of the last block."""
        return self._gain

    def limit(
        self, full: Samples, minus: Mapping[str, Samples], largest: float | None = None
    ) -> tuple[Samples, dict[str, Samples]]:
        """Bring all outputs within ±1.

        Args:
            full: the full mix.
            minus: every mix-minus.
            largest: the largest magnitude in all of them, if it is known.
        """
        if largest is None:
            largest = max(map(peak, (full, *minus.values())))
        wanted = KNEE / largest if largest > KNEE else 1.0
        start, end = self._gain, min(wanted, self._gain * _RELEASE_PER_BLOCK)
        self._gain = end
        if start == end == 1.0:  # nothing to do, mostly
            return full, dict(minus)
        limited = {who: soft_clip(ramp(block, start, end)) for who, block in minus.items()}
        return soft_clip(ramp(full, start, end)), limited


def level_dbfs(block: Samples) -> float:
    """RMS level, 0 for a full-scale square wave (as RFC 6464 counts it), -127 for silence."""
    power = energy(block) / max(1, block.size)
    return max(_SILENT_DBFS, 10 * np.log10(power)) if power > 0 else _SILENT_DBFS


def crossfade(old: Samples, new: Samples) -> Samples:
    """From ``old`` to ``new``, which have the same shape, in a straight line."""
    return old + (new - old) * _inner_line(len(old))


@functools.lru_cache(maxsize=16)
def _inner_line(samples: int) -> Samples:
    """From just above 0 to just below 1, shape (samples, 1)."""
    return np.linspace(0, 1, samples + 2, dtype=np.float32)[1:-1, np.newaxis]


def ms(milliseconds: float) -> int:
    """Samples in ``milliseconds``."""
    return int(milliseconds * SAMPLE_RATE_HZ / 1000)
