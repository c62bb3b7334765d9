"""What the mixer is told to show, and what it tells about its sources."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from layouts.model import Layout


@dataclass(frozen=True, slots=True)
class TileInfo:
    """What is written on a tile, beside its picture."""

    name: str = ""
    muted: bool = False
    speaking: bool = False


@dataclass(frozen=True, slots=True)
class Scene:
    """A layout and, by source id, what its tiles say. Replaced as a whole, never changed."""

    layout: Layout
    info: Mapping[str, TileInfo] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SourceState:
    """What is known of a source: width/height of its picture (16/9 while unknown), and whether pictures are coming."""

    aspect: float = 16 / 9
    live: bool = False
