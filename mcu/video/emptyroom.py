"""What the canvas shows while nobody is on it, live and offline alike."""

from dataclasses import replace
from functools import lru_cache

from PIL import Image, ImageDraw

from layouts.geometry import Size
from layouts.model import Layout
from mcu.video.signs import SMOOTH
from mcu.video.style import Artwork, CanvasStyle

BARS: tuple[tuple[int, int, int], ...] = (
    (191, 191, 191),
    (191, 191, 0),
    (0, 191, 191),
    (0, 191, 0),
    (191, 0, 191),
    (191, 0, 0),
    (0, 0, 191),
)
"""Colour bars at 75 %, R'G'B'."""

_DIM = 0.16  # how far the people who are waited for stand out from the background
_LOGO_SHARE = 0.4  # of the canvas


def dressed(style: CanvasStyle, layout: Layout) -> CanvasStyle:
    """``style`` with the picture that the layout's options ask for, if nobody is there; else just ``style``."""
    name = layout.options.empty_picture
    if layout.tiles or not name:
        return style
    background = style.background or layout.options.background
    if name == "logo":
        if style.logo is None:
            return style
        return replace(style, background_image=_large_logo(style.logo.artwork, layout.canvas, background), logo=None)
    return replace(style, background_image=_picture(name, layout.canvas, background))


@lru_cache(maxsize=8)
def _picture(name: str, canvas: Size, background: str) -> Artwork:
    if name == "bars":
        image = Image.new("RGBA", (canvas.width, canvas.height))
        for number, colour in enumerate(BARS):
            left, right = (canvas.width * edge // len(BARS) for edge in (number, number + 1))
            image.paste((*colour, 255), (left, 0, right, canvas.height))
        return _artwork(image)
    return _artwork(_three_people(canvas, background))


@lru_cache(maxsize=4)
def _large_logo(artwork: Artwork, canvas: Size, background: str) -> Artwork:
    image = Image.new("RGBA", (canvas.width, canvas.height), background)
    logo = Image.frombytes("RGBA", (artwork.width, artwork.height), artwork.rgba)
    scale = min(canvas.width * _LOGO_SHARE / logo.width, canvas.height * _LOGO_SHARE / logo.height)
    logo = logo.resize(
        (max(1, round(logo.width * scale)), max(1, round(logo.height * scale))), Image.Resampling.LANCZOS
    )
    image.alpha_composite(logo, ((canvas.width - logo.width) // 2, (canvas.height - logo.height) // 2))
    return _artwork(image)


def _three_people(canvas: Size, background: str) -> Image.Image:
    """Three outlines side by side: somebody is waited for."""
    image = Image.new("RGBA", (canvas.width, canvas.height), background)
    size = max(4, min(canvas.width, canvas.height) // 3)
    ground = tuple(bytes.fromhex(background[1:]))
    towards = 255 if sum(ground) < 3 * 128 else 0
    ink = tuple(round(part + (towards - part) * _DIM) for part in ground)
    large = Image.new("L", (3 * size * SMOOTH, size * SMOOTH))
    draw, n = ImageDraw.Draw(large), size * SMOOTH
    for left in (0, n, 2 * n):
        draw.ellipse((left + n * 0.33, n * 0.08, left + n * 0.67, n * 0.42), 255)
        draw.chord((left + n * 0.14, n * 0.5, left + n * 0.86, n * 1.3), 180, 360, 255)
    mask = large.resize((3 * size, size), Image.Resampling.BOX)
    image.paste((*ink, 255), ((canvas.width - 3 * size) // 2, (canvas.height - size) // 2), mask)
    return image


def _artwork(image: Image.Image) -> Artwork:
    return Artwork(image.width, image.height, image.tobytes())
