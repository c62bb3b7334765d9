"""Scaling as the textbook has it, in floating point; and pictures to scale."""

import numpy as np
import numpy.typing as npt

from mcu.media import Picture

Floats = npt.NDArray[np.float64]


def _linear_axis(values: Floats, size: int) -> Floats:
    """Linear interpolation along the first axis, pixel centres at n + 0.5, edges repeated."""
    length = values.shape[0]
    position = np.clip((np.arange(size) + 0.5) * length / size - 0.5, 0, length - 1)
    low = np.floor(position).astype(int)
    high = np.minimum(low + 1, length - 1)
    weight = (position - low).reshape(-1, 1)
    blended: Floats = values[low] * (1 - weight) + values[high] * weight
    return blended


def scaled(plane: npt.NDArray[np.uint8], width: int, height: int) -> Floats:
    """``plane`` scaled: halved by averaging 2x2 while more than twice as large both ways, then linear."""
    values = plane.astype(np.float64)
    while values.shape[1] > 2 * width and values.shape[0] > 2 * height:
        rows, columns = values.shape[0] // 2, values.shape[1] // 2
        values = values[: 2 * rows, : 2 * columns].reshape(rows, 2, columns, 2).mean(axis=(1, 3))
    return _linear_axis(_linear_axis(values, height).T, width).T


def noise(width: int, height: int, seed: int = 1) -> Picture:
    """Full-contrast noise, the hardest thing to scale exactly."""
    rng = np.random.default_rng(seed)
    half = ((height + 1) // 2, (width + 1) // 2)
    return Picture(
        rng.integers(0, 256, (height, width), np.uint8),
        rng.integers(0, 256, half, np.uint8),
        rng.integers(0, 256, half, np.uint8),
    )


def flat(y: int, u: int, v: int, width: int = 64, height: int = 36) -> Picture:
    """One colour."""
    half = ((height + 1) // 2, (width + 1) // 2)
    return Picture(np.full((height, width), y, np.uint8), np.full(half, u, np.uint8), np.full(half, v, np.uint8))
