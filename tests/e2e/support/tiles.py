"""Where on a picture a colour is, in pixels of a canvas 1280 wide: a viewer may be sent it half as large."""

import numpy as np
import numpy.typing as npt

from tests.e2e.support.media import Rgb

Pixels = npt.NDArray[np.uint8]
Box = tuple[int, int, int, int]
"""x, y, width, height."""

CANVAS_WIDTH = 1280
_TOLERANCE = 40  # of 255, a channel: two lossy encodings lie between painting and looking


def box_of(pixels: Pixels, colour: Rgb) -> Box | None:
    """The rectangle that ``colour`` fills; labels and moving marks on it do not matter. None when it is not there."""
    mask = (np.abs(pixels.astype(int) - np.array(colour)) <= _TOLERANCE).all(axis=2)
    columns, rows = mask.sum(axis=0), mask.sum(axis=1)
    if columns.max() < 16 or rows.max() < 16:
        return None
    x = np.flatnonzero(columns > columns.max() / 3)
    y = np.flatnonzero(rows > rows.max() / 3)
    scale = CANVAS_WIDTH / pixels.shape[1]
    left, top, right, bottom = (round(scale * int(edge)) for edge in (x[0], y[0], x[-1] + 1, y[-1] + 1))
    return left, top, right - left, bottom - top


def is_near(found: Box | None, expected: Box, within: int = 12) -> bool:
    """Whether all four edges are within some pixels (rounded corners, borders, blurred edges) of where they belong."""
    if found is None:
        return False
    edges = [(x, y, x + width, y + height) for x, y, width, height in (found, expected)]
    return all(abs(a - b) <= within for a, b in zip(*edges, strict=True))
