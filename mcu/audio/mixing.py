"""Summing sound: pure numpy on blocks of shape (samples, channels), full scale ±1.0.

The limiter has two stages. One gain, shared by the full mix and all mix-minus, brings sustained loudness under the
knee: it moves in straight lines across whole blocks, so it makes no zipper noise, and since it is the same for every
output, whoever turns from the shared mix to a mix-minus hears no step. The onset that comes before the gain has moved
meets a memoryless curve, which is the identity below the knee and never reaches 1.
"""

import functools
from collections.abc import Mapping

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
    gain = np.linspace(start, end, len(block) + 1, dtype=np.float32)[1:]
    return block * gain[:, np.newaxis]


@functools.cache
def _shares(contributors: int) -> Samples:
    """Row 0 holds everybody, row n + 1 everybody but contributor n."""
    return np.concatenate([np.ones((1, contributors)), 1 - np.eye(contributors)]).astype(np.float32)


def mix(contributions: Mapping[str, Samples], channels: int) -> tuple[Samples, dict[str, Samples]]:
    """Sum everybody, and for each contributor everybody but him.

    Returns:
        The full mix and the mix-minus by id, not limited. A mix-minus is summed, not subtracted from the full mix,
        which would leave rounding residue of a loud voice to its owner. All sums are one product of matrices: each
        operation on a block lets go of the interpreter, and a busy thread may keep it for a while.
    """
    if not contributions:
        return silence(channels), {}
    blocks = np.stack(list(contributions.values()))
    sums = (_shares(len(blocks)) @ blocks.reshape(len(blocks), -1)).reshape(-1, *blocks.shape[1:])
    return sums[0], dict(zip(contributions, sums[1:], strict=True))


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

    def limit(self, full: Samples, minus: Mapping[str, Samples]) -> tuple[Samples, dict[str, Samples]]:
        """Bring all outputs within ±1."""
        peak = max(float(np.abs(block).max(initial=0.0)) for block in (full, *minus.values()))
        wanted = KNEE / peak if peak > KNEE else 1.0
        start, end = self._gain, min(wanted, self._gain * _RELEASE_PER_BLOCK)
        self._gain = end
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
