"""Small pictures with transparency, kept the way the canvas is: planar I420."""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

from layouts.geometry import Rect
from mcu.media import Plane
from mcu.video.i420 import Canvas

_Floats = npt.NDArray[np.floating]
_BAND = 128  # rows, even


@dataclass(frozen=True, slots=True)
class Sprite:
    """Planes already multiplied by their alpha, and how much of the canvas stays (255 - alpha), luma and chroma."""

    y: Plane
    u: Plane
    v: Plane
    keep: Plane
    keep_chroma: Plane

    @property
    def width(self) -> int:
        """Width in pixels, even."""
        return int(self.y.shape[1])

    @property
    def height(self) -> int:
        """Height in pixels, even."""
        return int(self.y.shape[0])

    @property
    def bytes(self) -> int:
        """Memory taken."""
        return self.y.size * 3

    def blend(self, canvas: Canvas, x: int, y: int, within: Rect | None = None) -> None:
        """Lay the sprite on the canvas with its top left corner at the even point (x, y).

        Args:
            canvas: what it is laid on.
            x: may lie left of ``within``.
            y: may lie above it.
            within: an even rectangle of the canvas; what hangs over is cut off. None when nothing can.
        """
        left, top, right, bottom = 0, 0, self.width, self.height
        if within is not None:
            left, top = max(0, within.x - x), max(0, within.y - y)
            right, bottom = min(right, within.right - x), min(bottom, within.bottom - y)
            if right <= left or bottom <= top:
                return
        rows, columns = slice(y + top, y + bottom), slice(x + left, x + right)
        own = (slice(top, bottom), slice(left, right))
        _blend(canvas.y[rows, columns], self.y[own], self.keep[own])
        rows, columns = slice((y + top) // 2, (y + bottom) // 2), slice((x + left) // 2, (x + right) // 2)
        own = (slice(top // 2, bottom // 2), slice(left // 2, right // 2))
        _blend(canvas.u[rows, columns], self.u[own], self.keep_chroma[own])
        _blend(canvas.v[rows, columns], self.v[own], self.keep_chroma[own])

    def copy_to(self, canvas: Canvas, rect: Rect) -> None:
        """Paint the part of a sprite as large as the canvas that lies in an even ``rect``, as if it were opaque."""
        for target, plane, step in ((canvas.y, self.y, 1), (canvas.u, self.u, 2), (canvas.v, self.v, 2)):
            area = (slice(rect.y // step, rect.bottom // step), slice(rect.x // step, rect.right // step))
            target[area] = plane[area]


def _blend(target: Plane, light: Plane, keep: Plane) -> None:
    if target.size:
        cv2.add(cv2.multiply(target, keep, scale=1 / 255), light, dst=target)


def sprite_of(image: Image.Image) -> Sprite:
    """Turn an RGBA image of even size into a sprite (BT.601 limited range)."""
    pixels = np.asarray(image.convert("RGBA"))
    bands = [_band(pixels[top : top + _BAND]) for top in range(0, max(1, pixels.shape[0]), _BAND)]
    return Sprite(*(np.concatenate(planes) for planes in zip(*bands, strict=True)))


def _band(pixels: Plane) -> tuple[Plane, ...]:
    """Some rows; a large picture in floating point all at once would take too much memory."""
    rgba = pixels.astype(np.float32)
    alpha = rgba[..., 3] / 255
    luma = rgba[..., :3] @ np.array([0.299, 0.587, 0.114], np.float32)
    y = 16 + luma * 219 / 255
    u = 128 + (rgba[..., 2] - luma) / 1.772 * 224 / 255
    v = 128 + (rgba[..., 0] - luma) / 1.402 * 224 / 255
    return (
        _bytes(y * alpha),
        _bytes(_halved(u * alpha)),
        _bytes(_halved(v * alpha)),
        _bytes(255 * (1 - alpha)),
        _bytes(255 * (1 - _halved(alpha))),
    )


def _halved(plane: _Floats) -> _Floats:
    height, width = plane.shape
    quarters = plane.reshape(height // 2, 2, width // 2, 2)
    halved: _Floats = quarters.mean(axis=(1, 3))
    return halved


def _bytes(plane: _Floats) -> Plane:
    return np.clip(np.rint(plane), 0, 255).astype(np.uint8)
