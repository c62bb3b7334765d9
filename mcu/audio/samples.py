"""Arithmetic on blocks of sound that keeps the interpreter.

numpy lets other threads have Python's interpreter during operations on more than 500 elements. A block of 20 ms is
larger than that and takes it 2 µs, but to get the interpreter back from a busy thread takes up to a switch interval,
and costs more processor time than the operation. So blocks are worked on in pieces, one after the other.
"""

from collections.abc import Callable, Iterator

import numpy as np

from mcu.media import SAMPLES_PER_TICK, Samples

PIECE_ELEMENTS = 480


def silence(channels: int, samples: int = SAMPLES_PER_TICK) -> Samples:
    """Zeros, shape (samples, channels), not to be written to."""
    return np.frombuffer(bytes(4 * samples * channels), np.float32).reshape(samples, channels)


def joined(*blocks: Samples) -> Samples:
    """One after the other, each of shape (samples, channels); not to be written to."""
    whole = b"".join([np.ascontiguousarray(block).data for block in blocks])
    return np.frombuffer(whole, np.float32).reshape(-1, blocks[0].shape[1])


def pieces(block: Samples) -> Iterator[Samples]:
    """Views of ``block``, shape (samples, channels), none too large."""
    rows = PIECE_ELEMENTS // block.shape[1]
    return (block[at : at + rows] for at in range(0, len(block), rows))


def piecewise(function: Callable[..., Samples], *blocks: Samples) -> Samples:
    """``function`` of blocks of one length, sample by sample; the first has the most channels."""
    rows = PIECE_ELEMENTS // blocks[0].shape[1]
    if len(blocks[0]) <= rows:
        return function(*blocks)
    return joined(*(function(*(block[at : at + rows] for block in blocks)) for at in range(0, len(blocks[0]), rows)))


def peak(block: Samples) -> float:
    """The largest magnitude, 0 of nothing; for numbers only."""
    return max((float(np.maximum.reduce(np.abs(piece), axis=None)) for piece in pieces(block)), default=0.0)


def energy(block: Samples) -> float:
    """The sum of all squares; a product of vectors keeps the interpreter whatever its size."""
    flat = block.reshape(-1)
    return float(flat @ flat)
