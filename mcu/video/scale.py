"""Scaling a picture into a rectangle of the canvas: pure geometry, and OpenCV on each plane."""

from dataclasses import replace

import cv2
import numpy as np

from layouts.geometry import Rect, Size, even
from layouts.model import Fit
from mcu.media import Picture, Plane
from mcu.video.i420 import Canvas

cv2.setNumThreads(1)  # tiles are small: waking helpers costs more than they give, and one room must not take every core


def covered(source: Size, target: Size) -> Rect:
    """The middle part of ``source`` that fills ``target`` when the overhang is cut off; cut edges are even."""
    width, height = source.width, source.height
    if width * target.height > height * target.width:
        width = min(width, max(2, even(height * target.width / target.height)))
    else:
        height = min(height, max(2, even(width * target.height / target.width)))
    return Rect((source.width - width) // 4 * 2, (source.height - height) // 4 * 2, width, height)


def contained(source: Size, target: Rect) -> Rect:
    """The even rectangle in the middle of ``target`` that shows all of ``source``."""
    width, height = target.width, target.height
    if source.width * height > source.height * width:
        height = min(height, max(2, even(width * source.height / source.width)))
    else:
        width = min(width, max(2, even(height * source.width / source.height)))
    x, y = (target.width - width) // 4 * 2, (target.height - height) // 4 * 2
    return Rect(target.x + x, target.y + y, width, height)


def paint_picture(canvas: Canvas, rect: Rect, fit: Fit, picture: Picture) -> Rect:
    """Scale ``picture`` into ``rect``; returns the part of ``rect`` that it fills (all of it, unless contained)."""
    source = Size(picture.width, picture.height)
    if fit is Fit.CONTAIN:
        rect, part = contained(source, rect), Rect(0, 0, source.width, source.height)
    else:
        part = covered(source, rect.size)
    _resize(_cut(picture.y, part), _cut(canvas.y, rect))
    half_part = Rect(part.x // 2, part.y // 2, (part.width + 1) // 2, (part.height + 1) // 2)
    half_rect = Rect(rect.x // 2, rect.y // 2, rect.width // 2, rect.height // 2)
    _resize(_cut(picture.u, half_part), _cut(canvas.u, half_rect))
    _resize(_cut(picture.v, half_part), _cut(canvas.v, half_rect))
    return rect


def halved(picture: Picture, largest: Size) -> Picture:
    """``picture``, halved by area as long as it is more than twice ``largest`` in both directions."""
    width, height = picture.width, picture.height
    y, u, v = picture.y, picture.u, picture.v
    while width > 2 * largest.width and height > 2 * largest.height:
        width, height = width // 2, height // 2
        y = _resized(y[: 2 * height, : 2 * width], width, height, cv2.INTER_AREA)
        u, v = (_resized(p, (width + 1) // 2, (height + 1) // 2, cv2.INTER_AREA) for p in (u, v))
    return picture if y is picture.y else replace(picture, y=y, u=u, v=v)


def _cut(plane: Plane, rect: Rect) -> Plane:
    return plane[rect.y : rect.bottom, rect.x : rect.right]


def _resize(source: Plane, target: Plane) -> None:
    """Linear; while shrinking by more than two, halved by area first, or linear would skip pixels and flicker."""
    (height, width), (target_height, target_width) = source.shape, target.shape
    while width > 2 * target_width and height > 2 * target_height:
        height, width = height // 2, width // 2
        source = _resized(source[: 2 * height, : 2 * width], width, height, cv2.INTER_AREA)
    if source.shape == target.shape:
        np.copyto(target, source)
    else:
        cv2.resize(source, (target_width, target_height), dst=target, interpolation=cv2.INTER_LINEAR)


def _resized(source: Plane, width: int, height: int, interpolation: int) -> Plane:
    return cv2.resize(source, (width, height), interpolation=interpolation)  # type: ignore[return-value]  # OpenCV's stubs widen the dtype
