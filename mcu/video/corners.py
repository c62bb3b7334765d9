"""Rounded corners of a tile: what lies beneath shows through them."""

from functools import lru_cache

import numpy as np
import numpy.typing as npt

from layouts.geometry import Rect
from mcu.media import Plane
from mcu.video.border import thickness
from mcu.video.i420 import Canvas, Colour

_FINE = 16  # samples of the curve a pixel
_Floats = npt.NDArray[np.float64]
_Weights = npt.NDArray[np.uint16]  # 256 is all of it


class Corners:
    """The four corners of one tile on one canvas, handled as one array for each plane.

    Args:
        canvas: where the tile lies.
        rect: the tile.
        radius: of the curve, in pixels; at least 1.
        thick: of the border, even; 0 for none.
    """

    def __init__(self, canvas: Canvas, rect: Rect, radius: int, thick: int) -> None:
        self.box = min(max(radius + radius % 2, thick), rect.width // 4 * 2, rect.height // 4 * 2)
        luma, chroma = _weights(min(radius, self.box), thick, self.box)
        half = Rect(rect.x // 2, rect.y // 2, rect.width // 2, rect.height // 2)
        self._planes = (
            (_four(canvas.y, rect, self.box), luma),
            (_four(canvas.u, half, self.box // 2), chroma),
            (_four(canvas.v, half, self.box // 2), chroma),
        )
        self._beneath: list[Plane] | None = None
        self._shine: list[_Weights] = []  # what is beneath, weighted

    def capture(self) -> None:
        """Remember what is there: the tile has not been painted yet."""
        self._beneath = [view.copy() for view, _ in self._planes]
        self._shine = [
            beneath * (256 - inside - ring) + np.uint16(128)
            for beneath, (_, (inside, ring)) in zip(self._beneath, self._planes, strict=True)
        ]

    def lift(self) -> None:
        """Put back what was beneath."""
        if self._beneath is not None:
            for (view, _), beneath in zip(self._planes, self._beneath, strict=True):
                view[...] = beneath

    def cut(self, border: Colour | None) -> None:
        """Round off what has been painted; the border's curve has to be drawn here, its straight parts elsewhere."""
        colours = (None, None, None) if border is None else (border.y, border.u, border.v)
        for (view, (inside, ring)), shine, colour in zip(self._planes, self._shine, colours, strict=True):
            if colour is None:
                mixed = view * (inside + ring)
            else:
                mixed = view * inside
                mixed += ring * np.uint16(colour)
            mixed += shine
            mixed >>= 8
            view[...] = mixed


def corners_of(canvas: Canvas, rect: Rect, radius: int) -> Corners | None:
    """The rounded corners of a tile; None for a radius of 0."""
    return Corners(canvas, rect, radius, thickness(rect)) if radius > 0 else None


def _four(plane: Plane, rect: Rect, box: int) -> Plane:
    """The corner squares as one view, shape (top and bottom, box, left and right, box)."""
    rows, columns = plane.strides
    return np.lib.stride_tricks.as_strided(
        plane[rect.y :, rect.x :],
        (2, box, 2, box),
        ((rect.height - box) * rows, rows, (rect.width - box) * columns, columns),
    )


@lru_cache(maxsize=256)
def _weights(radius: int, thick: int, box: int) -> tuple[tuple[_Weights, _Weights], tuple[_Weights, _Weights]]:
    """How much of each pixel belongs to the tile's inside and to its border, for luma and for chroma."""
    whole, inside = _covered(radius, 0, box), _covered(max(0, radius - thick), thick, box)
    return _shares(whole, inside), _shares(_halved(whole), _halved(inside))


def _covered(radius: int, inset: int, box: int) -> _Floats:
    """The part of each pixel of a top left corner that a rounded rectangle covers, (0, 0) lying ``inset`` outside."""
    x = (np.arange(box * _FINE) + 0.5) / _FINE - inset
    short = np.maximum(radius - x, 0)
    edge = inset + radius - np.sqrt(np.maximum(radius**2 - short**2, 0))  # where a column of the rectangle begins
    edge = np.where(x < 0, box, edge)
    columns = np.clip(np.arange(1, box + 1)[:, None] - edge, 0, 1)
    covered: _Floats = columns.reshape(box, box, _FINE).mean(axis=2)
    return covered


def _halved(part: _Floats) -> _Floats:
    halved: _Floats = part.reshape(part.shape[0] // 2, 2, part.shape[1] // 2, 2).mean(axis=(1, 3))
    return halved


def _shares(whole: _Floats, inside: _Floats) -> tuple[_Weights, _Weights]:
    of_all, of_inside = (_mirrored(np.rint(256 * part).astype(np.uint16)) for part in (whole, inside))
    return of_inside, of_all - of_inside


def _mirrored(corner: _Weights) -> _Weights:
    """The top left corner as all four."""
    sides = np.stack([corner, corner[:, ::-1]], axis=1)  # rows, left and right, columns
    return np.stack([sides, sides[::-1]], axis=0)
