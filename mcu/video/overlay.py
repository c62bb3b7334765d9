"""What lies over the tiles and the canvas. Drawn once, kept as sprites; the tick never waits for a drawing."""

import logging
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable

from PIL import Image

from layouts.geometry import Size
from mcu.video.captions import draw_background, draw_banner, draw_caption, draw_logo
from mcu.video.labels import draw_avatar, draw_label
from mcu.video.sprites import Sprite, sprite_of
from mcu.video.style import Artwork, Logo

_log = logging.getLogger(__name__)

NOTHING = sprite_of(Image.new("RGBA", (0, 0)))
"""The sprite of something that has nothing to show."""

_MAX_SPRITES = 512
_MAX_BYTES = 96_000_000


class Overlays:
    """A cache of sprites; a tick never waits for one to be drawn.

    Drop policy *least recently used*, at 512 sprites or 96 MB. Every method that returns a sprite returns None while it
    is being drawn.

    Args:
        submit: runs a drawing elsewhere, soon; None draws at once in the caller's thread (offline work).
    """

    def __init__(self, submit: Callable[[Callable[[], None]], None] | None = None) -> None:
        self.faults = 0  # drawings that failed; nothing is shown in their place
        self._submit = submit
        self._lock = threading.Lock()
        self._sprites: OrderedDict[Hashable, Sprite | None] = OrderedDict()  # None: being drawn
        self._asked: set[Hashable] = set()  # for which of them, since they were last gone through
        self._bytes = 0

    def label(self, name: str, tile: Size, *, muted: bool, network_trouble: bool = False) -> Sprite | None:
        """The label for a tile."""
        return self._get(
            ("label", name, tile.height // 8, tile.width, muted, network_trouble),
            lambda: draw_label(name, tile, muted=muted, network_trouble=network_trouble),
        )

    def avatar(self, name: str, tile: Size) -> Sprite | None:
        """The disc with initials for a tile without picture."""
        diameter = int(0.42 * min(tile.width, tile.height)) // 8 * 8
        return self._get(("avatar", name, diameter), lambda: draw_avatar(name, diameter))

    def caption(self, text: str, canvas: Size) -> Sprite | None:
        """Title or clock."""
        return self._get(("caption", text, canvas), lambda: draw_caption(text, canvas))

    def banner(self, text: str, canvas: Size) -> Sprite | None:
        """The strip across the bottom."""
        return self._get(("banner", text, canvas), lambda: draw_banner(text, canvas))

    def logo(self, logo: Logo, canvas: Size) -> Sprite | None:
        """The logo."""
        return self._get(("logo", logo, canvas), lambda: draw_logo(logo, canvas))

    def background(self, artwork: Artwork, canvas: Size) -> Sprite | None:
        """A picture as large as the canvas."""
        return self._get(("background", artwork, canvas), lambda: draw_background(artwork, canvas))

    def forget_unused(self) -> None:
        """Drop what nobody has asked for since the last call: mostly the names of people who are gone. Any thread.

        To be called with some ticks between, each of which asks for all that it shows.
        """
        with self._lock:
            for key in self._sprites.keys() - self._asked:
                self._drop(self._sprites.pop(key))
            self._asked.clear()

    def _get(self, key: Hashable, draw: Callable[[], Image.Image | None]) -> Sprite | None:
        with self._lock:
            self._asked.add(key)
            if key in self._sprites:
                self._sprites.move_to_end(key)
                return self._sprites[key]
            self._sprites[key] = None
            self._trim()
        if self._submit is not None:
            self._submit(lambda: self._draw_later(key, draw))
            return None
        return self._draw(key, draw)

    def _draw_later(self, key: Hashable, draw: Callable[[], Image.Image | None]) -> None:
        self._draw(key, draw)

    def _draw(self, key: Hashable, draw: Callable[[], Image.Image | None]) -> Sprite:
        sprite = NOTHING
        try:
            image = draw()
            if image is not None:
                sprite = sprite_of(image)
        except Exception:  # noqa: BLE001 - a name nobody thought of must not end the thread
            self.faults += 1
            _log.exception("an overlay cannot be drawn")
        with self._lock:
            former = self._sprites.get(key)  # it was forgotten while being drawn, and asked for again
            self._bytes += sprite.bytes - (former.bytes if former is not None else 0)
            self._sprites[key] = sprite
            self._trim()
        return sprite

    def _trim(self) -> None:
        while len(self._sprites) > 1 and (len(self._sprites) > _MAX_SPRITES or self._bytes > _MAX_BYTES):
            key, sprite = self._sprites.popitem(last=False)
            self._asked.discard(key)
            self._drop(sprite)

    def _drop(self, sprite: Sprite | None) -> None:
        self._bytes -= sprite.bytes if sprite is not None else 0
