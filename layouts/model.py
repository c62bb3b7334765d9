"""What goes into a layout and what comes out: frozen values, no behaviour, no time."""

import re
from dataclasses import dataclass
from enum import StrEnum

from layouts.errors import LayoutError
from layouts.geometry import Rect, Size


class Kind(StrEnum):
    """What a source shows."""

    CAMERA = "camera"
    SCREEN = "screen"


class Fit(StrEnum):
    """How a picture fills a tile whose shape differs: cut the overhang off, or show all of it between bars."""

    COVER = "cover"
    CONTAIN = "contain"


class Order(StrEnum):
    """Who comes first: places are filled, and pages cut, in this order."""

    JOINED = "joined"
    SPEAKING = "speaking"
    NAME = "name"


class Side(StrEnum):
    """An edge of the canvas."""

    LEFT = "left"
    RIGHT = "right"
    TOP = "top"
    BOTTOM = "bottom"


@dataclass(frozen=True, slots=True)
class Source:
    """Somebody (or somebody's screen) who could be on the canvas.

    ``id`` is unique in the room. ``aspect`` is width/height of the picture (16/9 while unknown). ``last_spoke`` orders
    speakers: a larger number spoke more recently, 0 never did.
    """

    id: str
    name: str = ""
    kind: Kind = Kind.CAMERA
    has_video: bool = True
    aspect: float = 16 / 9
    last_spoke: int = 0


@dataclass(frozen=True, slots=True)
class Tile:
    """One source's place on the canvas. Greater ``z`` lies on top."""

    source_id: str
    rect: Rect
    fit: Fit = Fit.COVER
    z: int = 0


EMPTY_PICTURES = ("", "waiting", "bars", "logo")
"""What an empty room may show."""


@dataclass(frozen=True, slots=True)
class Options:
    """How a layout is to look. One set of options serves all layouts; each uses what it understands.

    Attributes:
        gap: pixels between tiles; narrowed where tiles would otherwise get too small.
        padding: pixels between the tiles and the canvas's edge; narrowed likewise.
        background: colour of what no tile covers, ``#rrggbb``.
        corner_radius: pixels, of every tile.
        camera_fit: how cameras fill their tiles.
        screen_fit: how shared screens fill theirs.
        max_tiles: tiles at most; who finds no place waits on a further page.
        page: which page to show, from 0; one past the end shows the last.
        order: who comes first.
        pinned: source ids that come before all others, in this order; the first of them takes the big tile.
        hidden: source ids that are never shown.
        side: where the small tiles lie beside a big one; None: right of it on a wide canvas, below it on a tall one.
        small_share: the part of the canvas that the small tiles' strip (or the inset) is wide or high.
        reserved: (reservation id, source id) pairs: who sits in a custom layout's reserved slots.
        empty_picture: what an empty room shows, one of ``EMPTY_PICTURES``: "" for the bare background, ``waiting`` for
            three outlines of people, ``bars`` for colour bars, ``logo`` for the canvas's logo, large.

    Raises:
        LayoutError: a value is out of range; the message begins with the attribute's name.
    """

    gap: int = 0
    padding: int = 0
    background: str = "#111318"
    corner_radius: int = 0
    camera_fit: Fit = Fit.COVER
    screen_fit: Fit = Fit.CONTAIN
    max_tiles: int = 100
    page: int = 0
    order: Order = Order.JOINED
    pinned: tuple[str, ...] = ()
    hidden: frozenset[str] = frozenset()
    side: Side | None = None
    small_share: float = 0.2
    reserved: tuple[tuple[str, str], ...] = ()
    empty_picture: str = ""

    def __post_init__(self) -> None:
        _between("gap", self.gap, 0, 400)
        _between("padding", self.padding, 0, 400)
        _between("corner_radius", self.corner_radius, 0, 400)
        _between("max_tiles", self.max_tiles, 1, 1000)
        _between("page", self.page, 0, 10_000)
        _between("small_share", self.small_share, 0.05, 0.5)
        if not re.fullmatch("#[0-9a-fA-F]{6}", self.background):
            raise LayoutError(f"background: {self.background[:40]!r} is no colour like #111318")
        if self.empty_picture not in EMPTY_PICTURES:
            known = ", ".join(EMPTY_PICTURES[1:])
            raise LayoutError(f"empty_picture: {self.empty_picture[:40]!r} is none of {known}, nor empty")


def _between(name: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:
        raise LayoutError(f"{name}: {value} is not between {low} and {high}")


@dataclass(frozen=True, slots=True)
class Layout:
    """Who is where: tiles in painting order (z, then place).

    Given back to the next ``resolve`` as ``previous`` it is also the whole memory of the engine. ``name`` is the
    built-in that made it, ``featured`` who holds the big tile, where there is one; ``waiting`` counts those who found
    no tile.
    """

    canvas: Size
    tiles: tuple[Tile, ...] = ()
    name: str = ""
    options: Options = Options()
    featured: str | None = None
    waiting: int = 0
    memory: tuple[tuple[str, str], ...] = ()  # (region, source id): cells that are not to be used again
