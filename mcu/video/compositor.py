"""Painting a scene on the canvas: only the tiles that look different from what is there."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass

from layouts.errors import LayoutError
from layouts.geometry import Rect
from layouts.model import Layout, Tile
from mcu.media import Picture
from mcu.video.i420 import Canvas, Colour
from mcu.video.overlay import Overlays
from mcu.video.scale import paint_picture
from mcu.video.scene import Scene, TileInfo
from mcu.video.sprites import Sprite

_log = logging.getLogger(__name__)

BACKGROUND = Colour.from_rgb(17, 19, 24)
EMPTY_TILE = Colour.from_rgb(38, 42, 51)
SPEAKING = Colour.from_rgb(52, 199, 123)
_NOBODY = TileInfo()


@dataclass(frozen=True, slots=True, eq=False)
class _Look:
    """Everything that decides how a tile looks, beside its place."""

    picture: Picture | None
    label: Sprite | None
    avatar: Sprite | None
    speaking: bool

    def same(self, other: "_Look") -> bool:
        return (
            self.picture is other.picture
            and self.label is other.label
            and self.avatar is other.avatar
            and self.speaking == other.speaking
        )


class Compositor:
    """Keeps a canvas in step with a scene.

    Args:
        canvas: what is painted on; nobody else writes to it.
        overlays: where labels and avatars come from.
        background: colour between and behind the tiles.
    """

    def __init__(self, canvas: Canvas, overlays: Overlays, background: Colour = BACKGROUND) -> None:
        self.faults = 0  # tiles that could not be painted
        self._canvas = canvas
        self._overlays = overlays
        self._background = background
        self._layout: Layout | None = None  # what was painted last
        self._looks: list[_Look | None] = []  # by tile of that layout; None: not painted yet
        self._below: list[list[int]] = []  # by tile: the tiles before it that it overlaps

    def paint(self, scene: Scene, pictures: Mapping[str, Picture]) -> bool:
        """Bring the canvas up to date.

        Args:
            scene: what to show; its layout has to pass ``check``.
            pictures: the picture of each source, by id; a source without one shows its avatar. The same object means
                the same picture.

        Returns:
            Whether anything changed.
        """
        changed = self._take(scene.layout)
        repainted: set[int] = set()
        for index, tile in enumerate(scene.layout.tiles):
            before = self._looks[index]
            look = self._look(tile, scene.info.get(tile.source_id, _NOBODY), pictures.get(tile.source_id), before)
            if before is None or not look.same(before) or not repainted.isdisjoint(self._below[index]):
                self._looks[index] = look
                repainted.add(index)
                self._paint_safely(tile, look)
        return changed or bool(repainted)

    def _take(self, layout: Layout) -> bool:
        """Start afresh if the layout is another one."""
        if layout is self._layout or layout == self._layout:
            return False
        self._layout = layout
        self._looks = [None] * len(layout.tiles)
        rects = [tile.rect for tile in layout.tiles]
        self._below = [[j for j in range(i) if _overlap(rects[j], rects[i])] for i in range(len(rects))]
        self._canvas.fill(Rect(0, 0, layout.canvas.width, layout.canvas.height), self._background)
        return True

    def _look(self, tile: Tile, info: TileInfo, picture: Picture | None, before: _Look | None) -> _Look:
        size = tile.rect.size
        label = self._overlays.label(info.name, size, muted=info.muted)
        avatar = self._overlays.avatar(info.name, size) if picture is None else None
        if before is not None and label is None:
            label = before.label  # a new one is being drawn: no blinking
        return _Look(picture, label, avatar, info.speaking)

    def _paint_safely(self, tile: Tile, look: _Look) -> None:
        try:
            self._paint_tile(tile, look)
        except Exception:  # noqa: BLE001 - one bad picture must not take the others' tiles away
            self.faults += 1
            _log.exception("the tile of %s cannot be painted", tile.source_id)

    def _paint_tile(self, tile: Tile, look: _Look) -> None:
        canvas, rect = self._canvas, tile.rect
        if look.picture is not None:
            filled = paint_picture(canvas, rect, tile.fit, look.picture)
            for bar in _bars(rect, filled):
                canvas.fill(bar, self._background)
        else:
            canvas.fill(rect, EMPTY_TILE)
            if look.avatar is not None:
                x, y = (rect.width - look.avatar.width) // 4 * 2, (rect.height - look.avatar.height) // 4 * 2
                look.avatar.blend(canvas, rect.x + x, rect.y + y)
        if look.label is not None:
            inset = min(8, max(2, rect.height // 60 * 2))
            inset = min(inset, (rect.width - look.label.width) // 4 * 2)
            look.label.blend(canvas, rect.x + inset, rect.bottom - look.label.height - inset)
        if look.speaking:
            for side in _border(rect):
                canvas.fill(side, SPEAKING)


def check(layout: Layout) -> None:
    """Refuse a layout that cannot be painted.

    Raises:
        LayoutError: a tile has an odd edge, no area, or lies partly outside the canvas.
    """
    for tile in layout.tiles:
        rect = tile.rect
        inside = (
            rect.x >= 0 and rect.y >= 0 and rect.right <= layout.canvas.width and rect.bottom <= layout.canvas.height
        )
        if not (inside and rect.is_even and rect.width > 0 and rect.height > 0):
            raise LayoutError(f"the tile of {tile.source_id} does not lie on even pixels inside the canvas: {rect}")


def _overlap(a: Rect, b: Rect) -> bool:
    return a.x < b.right and b.x < a.right and a.y < b.bottom and b.y < a.bottom


def _bars(outer: Rect, inner: Rect) -> list[Rect]:
    """What of ``outer`` lies left, right, above and below ``inner``, which is as wide or as high."""
    bars = (
        Rect(outer.x, outer.y, inner.x - outer.x, outer.height),
        Rect(inner.right, outer.y, outer.right - inner.right, outer.height),
        Rect(outer.x, outer.y, outer.width, inner.y - outer.y),
        Rect(outer.x, inner.bottom, outer.width, outer.bottom - inner.bottom),
    )
    return [bar for bar in bars if bar.width and bar.height]


def _border(rect: Rect) -> list[Rect]:
    """The four sides of a frame inside ``rect``."""
    thick = min(6, max(2, rect.height // 120 * 2), rect.width // 4 * 2, rect.height // 4 * 2)
    return [
        Rect(rect.x, rect.y, rect.width, thick),
        Rect(rect.x, rect.bottom - thick, rect.width, thick),
        Rect(rect.x, rect.y, thick, rect.height),
        Rect(rect.right - thick, rect.y, thick, rect.height),
    ]
