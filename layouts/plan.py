"""What a built-in layout is made of."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from layouts.geometry import Rect
from layouts.model import Options, Source


@dataclass(frozen=True, slots=True)
class Plan:
    """Where the tiles go: a big one for the featured source, if any, and one for each of the others."""

    slots: tuple[Rect, ...]
    big: Rect | None = None
    slots_z: int = 0


Planner = Callable[[Rect, Source | None, Sequence[Source], Options], Plan]
"""(frame, who holds the big tile, the others, options) → Plan; pure."""


@dataclass(frozen=True, slots=True)
class Design:
    """A built-in layout: how it divides the frame, how many slots it has at most, whether somebody is featured."""

    plan: Planner
    capacity: Callable[[Rect, Options], int]
    features: bool = False
