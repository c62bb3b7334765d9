"""What the mixer is told to show, and what it tells about its sources."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from layouts.model import Layout
from layouts.motion import DEFAULT_DURATION_US
from mcu.video.style import NO_STYLE, CanvasStyle


@dataclass(frozen=True, slots=True)
class TileInfo:
    """What is written on a tile, beside its picture."""

    name: str = ""
    muted: bool = False
    speaking: bool = False
    network_trouble: bool = False


@dataclass(frozen=True, slots=True)
class Scene:
    """What to show. Replaced as a whole, never changed.

    Attributes:
        layout: who is where.
        info: by source id, what its tile says.
        style: what the canvas shows beside the tiles.
        motion_us: how long tiles take from the layout before to this one; 0 for a jump.
    """

    layout: Layout
    info: Mapping[str, TileInfo] = field(default_factory=dict)
    style: CanvasStyle = NO_STYLE
    motion_us: int = DEFAULT_DURATION_US


@dataclass(frozen=True, slots=True)
class SourceState:
    """What is known of a source: width/height of its picture (16/9 while unknown), and whether pictures are coming.

    ``costly`` says that of late it was more work to decode than is its share.
    """

    aspect: float = 16 / 9
    live: bool = False
    costly: bool = False
