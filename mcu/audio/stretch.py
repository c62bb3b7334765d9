"""Playing a little faster or slower without a click: pure functions on blocks of shape (samples, channels).

A *splice* leaves out, or repeats, one stretch of sound whose two ends look alike, as pitch periods do (WSOLA); it
gains or loses up to 15 ms at once. *Resampling* by a few samples in a block is inaudible and follows clock drift.
"""

import functools

import numpy as np
import numpy.typing as npt

from mcu.audio.mixing import crossfade, ms
from mcu.audio.samples import PIECE_ELEMENTS, joined
from mcu.media import SAMPLES_PER_TICK, Samples

OVERLAP = ms(5)
SHORTEST_LAG = ms(2.5)
LONGEST_LAG = ms(15)
MAX_TRIM = 8  # samples a block that resampling may gain: 0.8 %, a seventh of a semitone
TAPS = 16
_EDGE = TAPS // 2


def _best_lag(template: Samples, region: Samples) -> int:
    """Where in ``region`` the ``template`` fits best."""
    wanted = template.mean(axis=1, dtype=np.float32)
    where = region.mean(axis=1, dtype=np.float32)
    products = np.correlate(where, wanted, "valid")
    squares = np.concatenate([[0.0], np.cumsum(where.astype(np.float64) ** 2)])
    energies = squares[len(wanted) :] - squares[: -len(wanted)]
    return int(np.argmax(products / np.sqrt(energies + 1e-9)))


def shorten(sound: Samples) -> tuple[Samples, int]:
    """Leave out the best 2.5 to 15 ms at the start of ``sound`` (at least 20 ms long), and say how many samples."""
    region = sound[SHORTEST_LAG : LONGEST_LAG + OVERLAP]
    lag = SHORTEST_LAG + _best_lag(sound[:OVERLAP], region)
    return cut(sound, lag), lag


def cut(sound: Samples, samples: int) -> Samples:
    """Leave out the first ``samples`` of ``sound``, joined by a crossfade of 5 ms."""
    joint = crossfade(sound[:OVERLAP], sound[samples : samples + OVERLAP])
    return joined(joint, sound[samples + OVERLAP :])


def lengthen(past: Samples, sound: Samples) -> tuple[Samples, int]:
    """Repeat the best 2.5 to 15 ms of ``past`` before ``sound``, and say how many samples.

    Args:
        past: what was played last, at least 15 ms.
        sound: what comes next, at least 5 ms.
    """
    whole = joined(past[-LONGEST_LAG:], sound)
    region = whole[: LONGEST_LAG - SHORTEST_LAG + OVERLAP]
    lag = LONGEST_LAG - _best_lag(sound[:OVERLAP], region)
    again = whole[LONGEST_LAG - lag :]
    joint = crossfade(sound[:OVERLAP], again[:OVERLAP])
    return joined(joint, again[OVERLAP:]), lag


@functools.cache
def _interpolation(trim: int, channels: int) -> list[tuple[npt.NDArray[np.intp], Samples]]:
    """The inputs that make each output, and their weights, in flat arrays: pieces of shape (taps, elements)."""
    position = np.arange(SAMPLES_PER_TICK) * (SAMPLES_PER_TICK + trim) / SAMPLES_PER_TICK
    first = np.floor(position).astype(np.intp) - _EDGE + 1
    index = first + np.arange(TAPS)[:, np.newaxis]
    distance = position - index
    weight = np.sinc(distance) * np.cos(np.clip(distance / TAPS, -0.5, 0.5) * np.pi) ** 2
    weight /= weight.sum(axis=0)
    index = ((index + _EDGE)[..., np.newaxis] * channels + np.arange(channels)).reshape(TAPS, -1)
    weight = weight.repeat(channels, axis=1).astype(np.float32)
    parts = [slice(at, at + PIECE_ELEMENTS) for at in range(0, index.shape[1], PIECE_ELEMENTS)]
    return [(np.ascontiguousarray(index[:, part]), np.ascontiguousarray(weight[:, part])) for part in parts]


def look_ahead(trim: int) -> int:
    """Samples that ``resample`` needs to have in hand."""
    return SAMPLES_PER_TICK + trim + _EDGE


def resample(past: Samples, sound: Samples, trim: int) -> Samples:
    """Make 20 ms out of the first 960 + ``trim`` samples of ``sound``; the next block goes on right after them.

    Args:
        past: what stood before ``sound``, at least 8 samples.
        sound: at least ``look_ahead(trim)`` samples.
        trim: between ``-MAX_TRIM`` and ``MAX_TRIM``.
    """
    channels = sound.shape[1]
    whole = joined(past[-_EDGE:], sound[: look_ahead(trim)]).reshape(-1)
    made = [_sum(whole, index, weight).reshape(-1, channels) for index, weight in _interpolation(trim, channels)]
    return joined(*made)


def _sum(sound: Samples, index: npt.NDArray[np.intp], weight: Samples) -> Samples:
    total = sound[index[0]] * weight[0]
    for those, share in zip(index[1:], weight[1:], strict=True):
        total += sound[those] * share
    return np.asarray(total, np.float32)
