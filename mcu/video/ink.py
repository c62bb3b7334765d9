"""Drawing a line of glyphs, with HarfBuzz's rasteriser: no hinting, so the same picture on every machine."""

import numpy as np
import numpy.typing as npt
import uharfbuzz as hb
from PIL import Image

from mcu.video.shaping import Line

_MIDDLE = 0.346  # of the size: from the baseline up to the middle between the label font's ascent and descent


def middle_baseline(height_px: int, size_px: int) -> int:
    """The baseline, in rows from the top, that puts text into the middle of a strip."""
    return round(height_px / 2 + _MIDDLE * size_px)


def draw_line(  # noqa: PLR0913 - where, what and how
    image: Image.Image, line: Line, size_px: int, *, x: int, baseline: int, colour: tuple[int, int, int]
) -> None:
    """Draw on an RGBA image.

    Args:
        image: what is outside of it is cut off.
        line: the glyphs.
        size_px: height of the text's em square.
        x: where the line begins.
        baseline: row of its baseline.
        colour: of what has no colour of its own, R'G'B'.
    """
    extents = hb.RasterExtents(0, baseline - image.height, image.width, image.height, 0)
    ink, paint = hb.RasterDraw(), hb.RasterPaint()
    ink.extents = paint.extents = extents
    for glyph in line.glyphs:
        scale = size_px / glyph.face.units_per_em
        target = paint if glyph.face.colour else ink
        target.transform = (scale, 0, 0, scale, x + glyph.x * size_px, glyph.y * size_px)
        if glyph.face.colour:
            paint.paint_glyph(glyph.face.font, glyph.id)
        else:
            ink.draw_glyph(glyph.face.font, glyph.id)
    coverage = _rows(ink.render(), 1)[..., 0]
    text = Image.new("RGBA", image.size, (*colour, 0))
    text.putalpha(Image.fromarray(coverage))
    image.alpha_composite(text)
    if any(glyph.face.colour for glyph in line.glyphs):
        image.alpha_composite(_straight(_rows(paint.render(), 4)))


def _rows(image: hb.RasterImage, channels: int) -> npt.NDArray[np.uint8]:
    """The pixels from top to bottom (HarfBuzz counts upwards)."""
    extents = image.extents
    rows = np.frombuffer(image.buffer, np.uint8).reshape(extents.height, extents.stride // channels, channels)
    return np.ascontiguousarray(rows[::-1, : extents.width])


def _straight(bgra: npt.NDArray[np.uint8]) -> Image.Image:
    """From premultiplied B'G'R' to R'G'B' with alpha beside it."""
    alpha = bgra[..., 3:].astype(np.float32)
    colours = bgra[..., 2::-1].astype(np.float32) * 255 / np.maximum(alpha, 1)
    return Image.fromarray(np.concatenate([np.clip(np.rint(colours), 0, 255), alpha], axis=2).astype(np.uint8), "RGBA")
