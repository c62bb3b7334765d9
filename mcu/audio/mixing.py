"""Summing sound: pure numpy on blocks of shape (samples, channels), full scale ±1.0.

The limiter has two stages. One gain, shared by the full mix and all mix-minus, brings sustained loudness under the
knee: it moves in straight lines across whole blocks, so it makes no zipper noise, and since it is the same for every
output, whoever turns from the shared mix to a mix-minus hears no step. The onset that comes before the gain has moved
meets a memoryless curve, which is the identity below the knee and never reaches 1.

An operation on a block lets go of the interpreter, and a busy thread may then keep it for a while: what a tick costs is
not only what it computes, but how often it computes something. So all mixes are one array wherever that can be.
"""

import functools
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from mcu.media import SAMPLE_RATE_HZ, SAMPLES_PER_TICK, Samples

KNEE = 0.8  # about -2 dBFS
_RELEASE_PER_BLOCK = 10 ** (1.0 / 20)  # the gain comes back by 1 dB in 20 ms
_SILENT_DBFS = -127.0


def silence(channels: int, samples: int = SAMPLES_PER_TICK) -> Samples:
    """A block of zeros."""
    return np.zeros((samples, channels), np.float32)


def ramp(block: Samples, start: float, end: float) -> Samples:
    """``block`` times a gain that goes in a straight line from ``start`` (before it) to ``end`` (its last sample)."""
    if start == end:
        return block if start == 1.0 else block * np.float32(start)
    return block * (_line(len(block)) * np.float32(end - start) + np.float32(start))


@functools.lru_cache(maxsize=16)
def _line(samples: int) -> Samples:
    """From just above 0 to 1, shape (samples, 1)."""
    return np.asarray(np.arange(1, samples + 1) / samples, np.float32)[:, np.newaxis]


@functools.cache
def _shares(contributors: int) -> Samples:
    """Row 0 holds everybody, row n + 1 everybody but contributor n."""
    return np.concatenate([np.ones((1, contributors)), 1 - np.eye(contributors)]).astype(np.float32)


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
    if not contributions:
        return Mixes(silence(channels), {}, 0.0)
    blocks = np.stack(list(contributions.values()))
    sums = (_shares(len(blocks)) @ blocks.reshape(len(blocks), -1)).reshape(-1, *blocks.shape[1:])
    return Mixes(sums[0], dict(zip(contributions, sums[1:], strict=True)), float(np.abs(sums).max()))


def soft_clip(block: Samples) -> Samples:
    """The identity below the knee, then a curve that bends towards ±1 and stays below."""
    magnitude = np.abs(block)
    if magnitude.max(initial=0.0) <= KNEE:
        return block
    over = np.tanh((magnitude - KNEE) / (1 - KNEE)) * (1 - KNEE)
    return np.where(magnitude > KNEE, np.sign(block) * np.minimum(KNEE + over, 1.0), block).astype(np.float32)


class Limiter:
    """One gain for all outputs of a room; call once a block."""

    def __init__(self) -> None:
        self._gain = 1.0

    @property
    def gain(self) -> float:
        """The gain at the end of the last block."""
        return self._gain

    def limit(
        self, full: Samples, minus: Mapping[str, Samples], peak: float | None = None
    ) -> tuple[Samples, dict[str, Samples]]:
        """Bring all outputs within ±1.

        Args:
            full: the full mix.
            minus: every mix-minus.
            peak: the largest magnitude in all of them, if it is known.
        """
        if peak is None:
            peak = max(float(np.abs(block).max(initial=0.0)) for block in (full, *minus.values()))
        wanted = KNEE / peak if peak > KNEE else 1.0
        start, end = self._gain, min(wanted, self._gain * _RELEASE_PER_BLOCK)
        self._gain = end
        if start == end == 1.0:  # nothing to do, mostly
            return full, dict(minus)
        limited = {who: soft_clip(ramp(block, start, end)) for who, block in minus.items()}
        return soft_clip(ramp(full, start, end)), limited


def level_dbfs(block: Samples) -> float:
    """RMS level, 0 for a full-scale square wave (as RFC 6464 counts it), -127 for silence."""
    power = float(np.vdot(block, block)) / max(1, block.size)
    return max(_SILENT_DBFS, 10 * np.log10(power)) if power > 0 else _SILENT_DBFS


def crossfade(old: Samples, new: Samples) -> Samples:
    """From ``old`` to ``new``, which have the same shape, in a straight line."""
    weight = np.linspace(0, 1, len(old) + 2, dtype=np.float32)[1:-1, np.newaxis]
    return old + (new - old) * weight


def ms(milliseconds: float) -> int:
    """Samples in ``milliseconds``."""
    return int(milliseconds * SAMPLE_RATE_HZ / 1000)
