"""Planar I420 in memory: the canvas, colours, and pictures out of decoded frames.

Everything on the canvas is BT.601 (SMPTE 170M) limited range, the way cameras and browsers send it.
"""

from dataclasses import dataclass
from typing import Self

import av
import numpy as np
from av.video.reformatter import ColorRange, Colorspace

from layouts.geometry import Rect, Size
from mcu.media import Picture, Plane

SMPTE170M = 6  # matrix coefficients as ITU-T H.273 numbers them (libswscale, and so av's Colorspace, counts otherwise)
_BT709, _UNSPECIFIED, _BT470BG = 1, 2, 5
_AS_IS = (_UNSPECIFIED, _BT470BG, SMPTE170M)  # the last two are the same matrix


@dataclass(frozen=True, slots=True)
class Colour:
    """One colour as BT.601 limited range."""

    y: int
    u: int
    v: int

    @classmethod
    def from_rgb(cls, red: int, green: int, blue: int) -> Self:
        """The nearest colour to full-range R'G'B' (ITU-R BT.601-7, section 2.5)."""
        luma = 0.299 * red + 0.587 * green + 0.114 * blue
        return cls(
            round(16 + luma * 219 / 255),
            round(128 + (blue - luma) / 1.772 * 224 / 255),
            round(128 + (red - luma) / 1.402 * 224 / 255),
        )


class Canvas:
    """The picture that is painted on: the planes of one libav frame, so that encoders read it without a copy.

    Args:
        size: even width and height in pixels.
    """

    def __init__(self, size: Size) -> None:
        self.size = size
        self.frame = av.VideoFrame(size.width, size.height, "yuv420p")
        self.y, self.u, self.v = _planes(self.frame)

    def fill(self, rect: Rect, colour: Colour) -> None:
        """Paint an even rectangle in one colour."""
        rows, columns = slice(rect.y, rect.bottom), slice(rect.x, rect.right)
        half_rows, half_columns = slice(rect.y // 2, rect.bottom // 2), slice(rect.x // 2, rect.right // 2)
        self.y[rows, columns] = colour.y
        self.u[half_rows, half_columns] = colour.u
        self.v[half_rows, half_columns] = colour.v

    def packed(self) -> Plane:
        """A copy of the three planes, one after the other, shape (height * 3 / 2, width), as OpenCV reads I420."""
        flat = np.concatenate([plane.ravel() for plane in (self.y, self.u, self.v)])
        return flat.reshape(self.size.height * 3 // 2, self.size.width)


def picture_of(frame: av.VideoFrame, due_us: int = 0) -> Picture:
    """A decoded frame as a Picture; its planes are views unless the frame has another format, matrix or range."""
    limited = frame.color_range != ColorRange.JPEG
    if frame.format.name != "yuv420p" or not limited or frame.colorspace not in _AS_IS:
        frame = frame.reformat(
            format="yuv420p",
            src_colorspace=Colorspace.ITU709 if frame.colorspace == _BT709 else Colorspace.ITU601,
            dst_colorspace=Colorspace.ITU601,
            src_color_range=ColorRange.MPEG if limited else ColorRange.JPEG,
            dst_color_range=ColorRange.MPEG,
        )
    return Picture(*_planes(frame), due_us=due_us)


def _planes(frame: av.VideoFrame) -> tuple[Plane, Plane, Plane]:
    y, u, v = (
        np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)[: plane.height, : plane.width]
        for plane in frame.planes
    )
    return y, u, v
