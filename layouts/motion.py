"""Tiles glide from one layout to the next: where they are is a pure function of media time."""

from dataclasses import dataclass, replace

from layouts.geometry import Rect, even
from layouts.model import Layout, Tile

DEFAULT_DURATION_US = 250_000
_ENTRANCE = 0.5  # who is new grows from this part of the tile


@dataclass(frozen=True, slots=True)
class Motion:
    """The way from where the tiles were to where they are to be.

    Attributes:
        starts: rectangle of each tile of ``end`` when the motion begins, in the order of ``end.tiles``.
        end: the layout in force when it is over.
        begin_us: media time of its beginning.
        duration_us: how long it takes; 0 for a jump.
    """

    starts: tuple[Rect, ...]
    end: Layout
    begin_us: int
    duration_us: int

    def is_over(self, now_us: int) -> bool:
        """Whether the tiles have arrived."""
        return now_us >= self.begin_us + self.duration_us

    def at(self, now_us: int) -> Layout:
        """The layout to paint at ``now_us``; ``end`` itself when the motion is over."""
        if self.is_over(now_us):
            return self.end
        part = _ease(max(0, now_us - self.begin_us) / self.duration_us)
        tiles = zip(self.starts, self.end.tiles, strict=True)
        return replace(self.end, tiles=tuple(_between(start, tile, part) for start, tile in tiles))


def still(layout: Layout) -> Motion:
    """No motion at all."""
    return Motion(tuple(tile.rect for tile in layout.tiles), layout, 0, 0)


def glide(current: Motion, target: Layout, now_us: int, duration_us: int = DEFAULT_DURATION_US) -> Motion:
    """Turn towards ``target``, from wherever the tiles are at ``now_us``.

    Who leaves is gone at once; who comes grows out of the middle of the tile. A change of canvas, or one that moves
    nobody, is no motion.
    """
    here = current.at(now_us)
    was = {tile.source_id: tile.rect for tile in here.tiles}
    starts = tuple(was.get(tile.source_id, _entrance(tile.rect)) for tile in target.tiles)
    ends = tuple(tile.rect for tile in target.tiles)
    if here.canvas != target.canvas or starts == ends or duration_us <= 0:
        return Motion(ends, target, now_us, 0)
    return Motion(starts, target, now_us, duration_us)


def _ease(part: float) -> float:
    """Slow, fast, slow: the cubic with no slope at either end."""
    return part * part * (3 - 2 * part)


def _between(start: Rect, tile: Tile, part: float) -> Tile:
    end = tile.rect
    left, top = _mix(start.x, end.x, part), _mix(start.y, end.y, part)
    right, bottom = _mix(start.right, end.right, part), _mix(start.bottom, end.bottom, part)
    return replace(tile, rect=Rect(left, top, right - left, bottom - top))


def _mix(start: int, end: int, part: float) -> int:
    return even(start + (end - start) * part)


def _entrance(rect: Rect) -> Rect:
    width, height = max(2, even(rect.width * _ENTRANCE)), max(2, even(rect.height * _ENTRANCE))
    return Rect(rect.x + even((rect.width - width) / 2), rect.y + even((rect.height - height) / 2), width, height)
