"""The straight parts of a tile's border, ready to be filled."""

import numpy as np

from layouts.geometry import Rect
from mcu.media import Plane
from mcu.video.i420 import Canvas, Colour


def thickness(rect: Rect) -> int:
    """How thick a tile's border is."""
    return min(6, max(2, rect.height // 120 * 2), rect.width // 4 * 2, rect.height // 4 * 2)


class Border:
    """Two arrays for each plane: top and bottom, left and right.

    Args:
        canvas: where the tile lies.
        rect: the tile.
        corner: length of the corner squares, which are left out.
    """

    def __init__(self, canvas: Canvas, rect: Rect, corner: int) -> None:
        thick = thickness(rect)
        down = max(corner, thick)
        self._planes = [
            _sides(plane, half, thick // step, corner // step, down // step)
            for plane, half, step in (
                (canvas.y, rect, 1),
                (canvas.u, Rect(rect.x // 2, rect.y // 2, rect.width // 2, rect.height // 2), 2),
                (canvas.v, Rect(rect.x // 2, rect.y // 2, rect.width // 2, rect.height // 2), 2),
            )
        ]

    def fill(self, colour: Colour) -> None:
        """Paint it."""
        for (across, along), value in zip(self._planes, (colour.y, colour.u, colour.v), strict=True):
            across.fill(value)
            along.fill(value)


def _sides(plane: Plane, rect: Rect, thick: int, corner: int, down: int) -> tuple[Plane, Plane]:
    rows, columns = plane.strides
    across = np.lib.stride_tricks.as_strided(
        plane[rect.y :, rect.x + corner :],
        (2, thick, rect.width - 2 * corner),
        ((rect.height - thick) * rows, rows, columns),
    )
    along = np.lib.stride_tricks.as_strided(
        plane[rect.y + down :, rect.x :],
        (rect.height - 2 * down, 2, thick),
        (rows, (rect.width - thick) * columns, columns),
    )
    return across, along
