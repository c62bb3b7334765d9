"""Painting a scene on the canvas: only what looks different from what is there."""

import logging
from collections.abc import Mapping, Sequence
from functools import lru_cache

from layouts.errors import LayoutError
from layouts.geometry import Rect
from layouts.model import Layout
from mcu.media import Picture
from mcu.video.backdrop import Backdrop, colour_of
from mcu.video.corners import corners_of
from mcu.video.i420 import Canvas, Colour
from mcu.video.overlay import Overlays
from mcu.video.regions import disjoint, overlap
from mcu.video.scene import Scene, TileInfo
from mcu.video.tiles import EMPTY_TILE, Look, Slot

__all__ = ["BACKGROUND", "EMPTY_TILE", "SPEAKING", "Compositor", "check"]

_log = logging.getLogger(__name__)

BACKGROUND = Colour.from_rgb(17, 19, 24)
SPEAKING = Colour.from_rgb(52, 199, 123)
_NOBODY = TileInfo()
_colour = lru_cache(maxsize=256)(colour_of)


class Compositor:
    """Keeps a canvas in step with a scene.

    Args:
        canvas: what is painted on; nobody else writes to it.
        overlays: where labels, avatars and captions come from.
        background: colour between and behind the tiles; None for the one that each layout names.
    """

    def __init__(self, canvas: Canvas, overlays: Overlays, background: Colour | None = None) -> None:
        self.faults = 0  # tiles that could not be painted
        self._canvas = canvas
        self._overlays = overlays
        self._background = background
        self._backdrop = Backdrop(overlays, canvas.size)
        self._layout: Layout | None = None  # what was painted last
        self._places: Sequence[Rect] | None = None
        self._slots: list[Slot] = []  # its tiles
        self._borders: tuple[Colour | None, Colour | None] = (None, SPEAKING)  # of who is silent, of who speaks

    def paint(
        self,
        scene: Scene,
        pictures: Mapping[str, Picture],
        *,
        places: Sequence[Rect] | None = None,
        wall_us: int | None = None,
    ) -> bool:
        """Bring the canvas up to date.

        Args:
            scene: what to show; its layout has to pass ``check``.
            pictures: the picture of each source, by id; a source without one shows its avatar. The same object means
                the same picture.
            places: where the layout's tiles are at the moment, in their order; None when they are not moving.
            wall_us: Unix time in microseconds, for the clock; None for no clock.

        Returns:
            Whether anything changed.
        """
        dirty = self._dress(scene, wall_us)
        if self._take(scene.layout, places, dirty):
            dirty = [Rect(0, 0, self._canvas.size.width, self._canvas.size.height)]
        again = self._look(scene, pictures, dirty)
        for index in reversed(again):
            if (corners := self._slots[index].corners) is not None:
                corners.lift()
        for rect in dirty:
            self._backdrop.clear(self._canvas, rect)
        self._paint_slots(again)
        if self._backdrop.captions and (dirty or again):
            self._caption(dirty + [self._slots[index].rect for index in again])
        return bool(dirty or again)

    def _dress(self, scene: Scene, wall_us: int | None) -> list[Rect]:
        style = scene.style
        self._borders = (_optional(style.border), _optional(style.speaking_border))
        background = self._background or _colour(scene.layout.options.background)
        return self._backdrop.follow(style, background, wall_us)

    def _take(self, layout: Layout, places: Sequence[Rect] | None, dirty: list[Rect]) -> bool:
        """Start afresh if tiles are elsewhere than before, or what is behind all of them changed."""
        same = (layout is self._layout or layout == self._layout) and places == self._places
        whole = any(rect.size == self._canvas.size for rect in dirty)
        if same and not whole:
            self._layout = layout  # the next comparison is one of identity
            return False
        labels = {slot.tile.source_id: slot.look for slot in self._slots}
        self._layout, self._places, self._slots = layout, places, []
        rects = [tile.rect for tile in layout.tiles] if places is None else places
        for index, (tile, rect) in enumerate(zip(layout.tiles, rects, strict=True)):
            below = [j for j in range(index) if overlap(rects[j], rect)]
            corners = corners_of(self._canvas, rect, layout.options.corner_radius)
            slot = Slot(tile, rect, self._backdrop.colour, below, corners)
            former = labels.get(tile.source_id)
            slot.label = former.label if former is not None else None
            self._slots.append(slot)
        return True

    def _look(self, scene: Scene, pictures: Mapping[str, Picture], dirty: list[Rect]) -> list[int]:
        """Give every slot its look; returns those that have to be painted again."""
        again: list[int] = []
        marked: set[int] = set()
        for index, slot in enumerate(self._slots):
            id_ = slot.tile.source_id
            look = self._look_of(slot, scene.info.get(id_, _NOBODY), pictures.get(id_))
            if (
                slot.look is None
                or not look.same(slot.look)
                or not marked.isdisjoint(slot.below)
                or any(overlap(slot.rect, rect) for rect in dirty)
            ):
                again.append(index)
                marked.add(index)
                slot.stale = slot.look is None or not marked.isdisjoint(slot.below)
                slot.look, slot.label = look, look.label
        return again

    def _look_of(self, slot: Slot, info: TileInfo, picture: Picture | None) -> Look:
        size = slot.final_size
        label = self._overlays.label(info.name, size, muted=info.muted, network_trouble=info.network_trouble)
        avatar = self._overlays.avatar(info.name, size) if picture is None else None
        # While a new label is being drawn the former one stays: no blinking.
        return Look(picture, slot.label if label is None else label, avatar, self._borders[info.speaking])

    def _paint_slots(self, again: Sequence[int]) -> None:
        floor = self._backdrop.floor
        for index in again:
            slot = self._slots[index]
            assert slot.look is not None
            if slot.corners is not None and slot.stale:
                slot.corners.capture()
            try:
                slot.paint(self._canvas, slot.look, floor)
            except Exception:  # noqa: BLE001 - one bad picture must not take the others' tiles away
                self.faults += 1
                if self.faults & (self.faults - 1) == 0:  # the 1st, 2nd, 4th, 8th …
                    _log.exception("the tile of %s cannot be painted (fault %d)", slot.tile.source_id, self.faults)

    def _caption(self, painted: list[Rect]) -> None:
        """Lay logo, title, clock and banner over what was painted, nowhere twice."""
        pieces = disjoint(painted)
        for caption in self._backdrop.captions:
            for piece in pieces:
                caption.sprite.blend(self._canvas, caption.rect.x, caption.rect.y, piece)


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


def _optional(value: str) -> Colour | None:
    return _colour(value) if value else None
