"""What lies over the tiles: name labels with a mute sign, and avatars. Drawn once, kept as sprites."""

import logging
import threading
import zlib
from collections import OrderedDict
from collections.abc import Callable, Hashable

from PIL import Image, ImageDraw

from layouts.geometry import Size
from mcu.video.sprites import Sprite, sprite_of
from mcu.video.text import drawable, fitted, font, has_glyphs, initials

_log = logging.getLogger(__name__)

NOTHING = sprite_of(Image.new("RGBA", (0, 0)))
"""The sprite of a label or avatar that has nothing to show."""

_MAX_SPRITES = 512
_SMALLEST_DISC = 16  # pixels; below it nobody could read an initial
_SMOOTH = 4  # shapes are drawn this many times larger and shrunk, for smooth edges
_WHITE = (255, 255, 255, 255)
_SHADE = (16, 18, 22, 165)
_RED = (255, 92, 92, 255)
_DISCS = ((88, 101, 242), (35, 134, 84), (178, 76, 140), (190, 98, 30), (24, 128, 148), (138, 90, 200), (170, 66, 66))


class Overlays:
    """A cache of sprites; a tick never waits for one to be drawn.

    Drop policy *least recently used*, at 512 sprites.

    Args:
        submit: runs a drawing elsewhere, soon; None draws at once in the caller's thread (offline work).
    """

    def __init__(self, submit: Callable[[Callable[[], None]], None] | None = None) -> None:
        self.faults = 0  # drawings that failed; nothing is shown in their place
        self._submit = submit
        self._lock = threading.Lock()
        self._sprites: OrderedDict[Hashable, Sprite | None] = OrderedDict()  # None: being drawn

    def label(self, name: str, tile: Size, *, muted: bool) -> Sprite | None:
        """The label for a tile; None while it is being drawn."""
        return self._get(("label", name, tile.height // 8, tile.width, muted), lambda: _label(name, tile, muted=muted))

    def avatar(self, name: str, tile: Size) -> Sprite | None:
        """The disc with initials for a tile without picture; None while it is being drawn."""
        diameter = int(0.42 * min(tile.width, tile.height)) // 8 * 8
        return self._get(("avatar", name, diameter), lambda: _avatar(name, diameter))

    def _get(self, key: Hashable, draw: Callable[[], Image.Image | None]) -> Sprite | None:
        with self._lock:
            if key in self._sprites:
                self._sprites.move_to_end(key)
                return self._sprites[key]
            self._sprites[key] = None
            while len(self._sprites) > _MAX_SPRITES:
                self._sprites.popitem(last=False)
        if self._submit is not None:
            self._submit(lambda: self._draw(key, draw))
            return None
        self._draw(key, draw)
        return self._sprites[key]

    def _draw(self, key: Hashable, draw: Callable[[], Image.Image | None]) -> None:
        sprite = NOTHING
        try:
            image = draw()
            if image is not None:
                sprite = sprite_of(image)
        except Exception:  # noqa: BLE001 - a name nobody thought of must not end the thread
            self.faults += 1
            _log.exception("an overlay cannot be drawn")
        with self._lock:
            self._sprites[key] = sprite


def _label(name: str, tile: Size, *, muted: bool) -> Image.Image | None:
    size_px = max(11, min(28, tile.height // 8 * 8 // 15))
    padding, sign = size_px // 2, size_px + 2
    room = tile.width - 4 * padding - (sign if muted else 0)
    text = fitted(drawable(name), size_px, room) if room > size_px else ""
    if tile.height < 3 * size_px or tile.width < 4 * size_px or not (text or muted):
        return None
    width = 2 * padding + (sign if muted else 0) + (int(font(size_px).getlength(text)) + 1 if text else 0)
    height = size_px * 7 // 4
    image = _rounded(_evened(min(width, tile.width)), _evened(height), padding)
    if muted:
        image.alpha_composite(_mute_sign(size_px), (padding - 2, (image.height - size_px) // 2))
    origin = (padding + (sign if muted else 0), image.height // 2)
    ImageDraw.Draw(image).text(origin, text, _WHITE, font(size_px), anchor="lm")
    return image


def _rounded(width: int, height: int, radius: int) -> Image.Image:
    large = Image.new("RGBA", (width * _SMOOTH, height * _SMOOTH), (*_SHADE[:3], 0))
    box = (0, 0, large.width - 1, large.height - 1)
    ImageDraw.Draw(large).rounded_rectangle(box, radius * _SMOOTH, _SHADE)
    return large.resize((width, height), Image.Resampling.BOX)


def _mute_sign(size_px: int) -> Image.Image:
    """A microphone, crossed out."""
    n = size_px * _SMOOTH
    large = Image.new("RGBA", (n, n), (*_RED[:3], 0))
    draw = ImageDraw.Draw(large)
    stroke = max(1, n // 11)
    draw.rounded_rectangle((n * 0.37, n * 0.06, n * 0.63, n * 0.58), n * 0.13, _RED)
    draw.arc((n * 0.24, n * 0.22, n * 0.76, n * 0.74), 0, 180, _RED, stroke)
    draw.line((n * 0.5, n * 0.74, n * 0.5, n * 0.92), _RED, stroke)
    draw.line((n * 0.32, n * 0.92, n * 0.68, n * 0.92), _RED, stroke)
    draw.line((n * 0.12, n * 0.1, n * 0.88, n * 0.9), _RED, stroke)
    return large.resize((size_px, size_px), Image.Resampling.BOX)


def _avatar(name: str, diameter: int) -> Image.Image | None:
    if diameter < _SMALLEST_DISC:
        return None
    large = Image.new("RGBA", (diameter * _SMOOTH, diameter * _SMOOTH))
    colour = _DISCS[zlib.crc32(name.encode("utf-8", "replace")) % len(_DISCS)]
    ImageDraw.Draw(large).ellipse((0, 0, large.width - 1, large.height - 1), (*colour, 255))
    image = large.resize((diameter, diameter), Image.Resampling.BOX)
    letters = initials(name)
    size_px = diameter * 2 // 5
    middle = (diameter // 2, diameter // 2)
    if letters and has_glyphs(letters):
        ImageDraw.Draw(image).text(middle, letters, _WHITE, font(size_px), anchor="mm")
    else:
        _somebody(ImageDraw.Draw(image), diameter)
    return image


def _somebody(draw: ImageDraw.ImageDraw, d: int) -> None:
    """Head and shoulders, for a name without letters."""
    draw.ellipse((d * 0.36, d * 0.22, d * 0.64, d * 0.5), _WHITE)
    draw.chord((d * 0.24, d * 0.55, d * 0.76, d * 1.05), 180, 360, _WHITE)


def _evened(value: int) -> int:
    return value + value % 2
