"""Rounded corners of a tile: what lies beneath shows through them."""

from functools import lru_cache

import numpy as np
import numpy.typing as npt

from layouts.geometry import Rect
from mcu.media import Plane
from mcu.video.i420 import Canvas, Colour

_FINE = 8  # samples a pixel, each way, of the curve
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
    at = (np.arange(box * _FINE) + 0.5) / _FINE
    whole = _rounded(at, radius)
    inside = _rounded(at - thick, max(0, radius - thick))
    return _plane(whole, inside, _FINE), _plane(whole, inside, 2 * _FINE)


def _rounded(at: npt.NDArray[np.float64], radius: int) -> npt.NDArray[np.bool_]:
    """Which points are in a rectangle whose top left corner, at 0, is rounded."""
    short = np.maximum(radius - at, 0)
    curve = short[:, None] ** 2 + short[None, :] ** 2 <= radius**2
    inside: npt.NDArray[np.bool_] = curve & (at >= 0)[:, None] & (at >= 0)[None, :]
    return inside


def _plane(whole: npt.NDArray[np.bool_], inside: npt.NDArray[np.bool_], step: int) -> tuple[_Weights, _Weights]:
    all_of_it, picture = (_mirrored(_share(part, step)) for part in (whole, inside))
    return picture, all_of_it - picture


def _share(points: npt.NDArray[np.bool_], step: int) -> _Weights:
    pixels = points.shape[0] // step
    share = points.reshape(pixels, step, pixels, step).mean(axis=(1, 3))
    weights: _Weights = np.rint(256 * share).astype(np.uint16)
    return weights


def _mirrored(corner: _Weights) -> _Weights:
    """The top left corner as all four."""
    sides = np.stack([corner, corner[:, ::-1]], axis=1)  # rows, left and right, columns
    return np.stack([sides, sides[::-1]], axis=0)
