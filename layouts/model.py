"""What goes into a layout and what comes out: frozen values, no behaviour, no time."""

from dataclasses import dataclass
from enum import StrEnum

from layouts.geometry import Rect, Size


class Kind(StrEnum):
    """What a source shows."""

    CAMERA = "camera"
    SCREEN = "screen"


class Fit(StrEnum):
    """How a picture fills a tile whose shape differs: cut the overhang off, or show all of it between bars."""

    COVER = "cover"
    CONTAIN = "contain"


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


@dataclass(frozen=True, slots=True)
class Layout:
    """Who is where: tiles in painting order (z, then source order)."""

    canvas: Size
    tiles: tuple[Tile, ...] = ()
