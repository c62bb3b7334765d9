"""How name labels and avatars are drawn."""

import zlib

from PIL import Image, ImageDraw

from layouts.geometry import Size
from mcu.video.ink import draw_line, middle_baseline
from mcu.video.shaping import shaped
from mcu.video.signs import SMOOTH, mute_sign, network_sign, rounded
from mcu.video.text import apart, drawable, fitted, has_glyphs, initials, width_px

WHITE = (255, 255, 255)
SHADE = (16, 18, 22, 165)
_SMALLEST_DISC = 16  # pixels; below it nobody could read an initial
_DISCS = ((88, 101, 242), (35, 134, 84), (178, 76, 140), (190, 98, 30), (24, 128, 148), (138, 90, 200), (170, 66, 66))


def draw_label(name: str, tile: Size, *, muted: bool, network_trouble: bool) -> Image.Image | None:
    """Signs and name on a shade, of even size; None for a tile that is too small, or nothing to say."""
    size_px = max(11, min(28, tile.height // 8 * 8 // 15))
    signs = [sign(size_px) for sign, shown in ((network_sign, network_trouble), (mute_sign, muted)) if shown]
    padding, before = size_px // 2, (size_px + 2) * len(signs)
    room = tile.width - 4 * padding - before
    text = fitted(drawable(name), size_px, room) if room > size_px else ""
    if tile.height < 3 * size_px or tile.width < 4 * size_px or not (text or signs):
        return None
    width = 2 * padding + before + (int(width_px(text, size_px)) + 1 if text else 0)
    image = rounded(evened(min(width, tile.width)), evened(size_px * 7 // 4), padding, SHADE)
    for n, sign in enumerate(signs):
        image.alpha_composite(sign, (padding - 2 + n * (size_px + 2), (image.height - size_px) // 2))
    draw_line(
        image, shaped(text), size_px, x=padding + before, baseline=middle_baseline(image.height, size_px), colour=WHITE
    )
    return image


def draw_avatar(name: str, diameter: int) -> Image.Image | None:
    """A disc with initials, or head and shoulders; None when it would be too small."""
    if diameter < _SMALLEST_DISC:
        return None
    large = Image.new("RGBA", (diameter * SMOOTH, diameter * SMOOTH))
    colour = _DISCS[zlib.crc32(name.encode("utf-8", "replace")) % len(_DISCS)]
    ImageDraw.Draw(large).ellipse((0, 0, large.width - 1, large.height - 1), (*colour, 255))
    image = large.resize((diameter, diameter), Image.Resampling.BOX)
    letters = apart(initials(name))
    size_px = diameter * 2 // 5
    if letters and has_glyphs(letters):
        left = round((diameter - width_px(letters, size_px)) / 2)
        draw_line(image, shaped(letters), size_px, x=left, baseline=middle_baseline(diameter, size_px), colour=WHITE)
    else:
        _somebody(ImageDraw.Draw(image), diameter)
    return image


def _somebody(draw: ImageDraw.ImageDraw, d: int) -> None:
    """Head and shoulders, for a name without letters."""
    draw.ellipse((d * 0.36, d * 0.22, d * 0.64, d * 0.5), WHITE)
    draw.chord((d * 0.24, d * 0.55, d * 0.76, d * 1.05), 180, 360, WHITE)


def evened(value: int) -> int:
    """``value`` or the even number above it."""
    return value + value % 2
