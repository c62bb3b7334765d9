"""Where the tiles are and where they go, for those who place marks on the picture."""

from dataclasses import dataclass

from layouts.geometry import Rect, Size
from layouts.model import Layout
from layouts.motion import Motion, glide, still


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle as parts of the canvas: all four between 0 and 1."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class TileMove:
    """The way of one tile."""

    source_id: str
    start: Box
    end: Box


@dataclass(frozen=True, slots=True)
class TileMoves:
    """All tiles of a layout, in painting order.

    At ``begin_us + part * duration_us`` a tile's edges are ``start + (end - start) * part² * (3 - 2 * part)``.

    Attributes:
        begin_us: media time at which the change begins.
        duration_us: how long it takes; 0 for a jump.
        tiles: who is shown.
    """

    begin_us: int = 0
    duration_us: int = 0
    tiles: tuple[TileMove, ...] = ()


def moves_of(motion: Motion) -> TileMoves:
    """A motion in parts of the canvas."""
    canvas = motion.end.canvas
    tiles = tuple(
        TileMove(tile.source_id, _box(start, canvas), _box(tile.rect, canvas))
        for start, tile in zip(motion.starts, motion.end.tiles, strict=True)
    )
    return TileMoves(motion.begin_us, motion.duration_us, tiles)


def _box(rect: Rect, canvas: Size) -> Box:
    return Box(rect.x / canvas.width, rect.y / canvas.height, rect.width / canvas.width, rect.height / canvas.height)


class Steering:
    """Turns the tiles towards each new layout.

    Args:
        canvas: of all layouts.
    """

    def __init__(self, canvas: Size) -> None:
        self.motion = still(Layout(canvas))
        self.moves = TileMoves()

    def turn(self, layout: Layout, now_us: int, duration_us: int) -> bool:
        """Head for ``layout``; returns whether tiles change places (or people) because of it."""
        end = self.motion.end
        if layout is end:
            return False
        if layout.tiles == end.tiles and layout.canvas == end.canvas:
            self.motion = Motion(self.motion.starts, layout, self.motion.begin_us, self.motion.duration_us)
            return False
        self.motion = glide(self.motion, layout, now_us, duration_us)
        self.moves = moves_of(self.motion)
        return True

    def places(self, now_us: int) -> list[Rect] | None:
        """Where the tiles of the motion's end are at ``now_us``; None when they have arrived."""
        if self.motion.is_over(now_us):
            return None
        return [tile.rect for tile in self.motion.at(now_us).tiles]
