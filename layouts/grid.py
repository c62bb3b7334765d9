"""Equal tiles in rows and columns: the shape that wastes least area, the last row centred."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from layouts.geometry import ROUNDING, Rect, even_floor
from layouts.model import Options, Source
from layouts.plan import Design, Plan

DEFAULT_ASPECT = 16 / 9
_COMMON_ASPECTS = (16 / 9, 4 / 3, 1.0, 3 / 4, 9 / 16)
_WIDEST = 3.0  # nobody's picture may shape a tile beyond this, whatever it sends
_SMALLEST = 8  # pixels a side; a region takes as many tiles as it has squares of this size
_SAME_SHAPE = 0.02  # 848x480 is 16:9 to any viewer


def picture_aspect(source: Source) -> float:
    """The shape a source's picture counts as: sane, and the same for nearly equal pictures."""
    aspect = source.aspect
    if not math.isfinite(aspect) or aspect <= 0:
        return DEFAULT_ASPECT
    for common in _COMMON_ASPECTS:
        if abs(aspect / common - 1) < _SAME_SHAPE:
            return common
    return min(_WIDEST, max(1 / _WIDEST, aspect))


@dataclass(frozen=True, slots=True)
class _Shape:
    columns: int
    rows: int
    tile_width: float
    tile_height: float
    gap: int


def grid_capacity(region: Rect) -> int:
    """How many slots may be asked of ``region``."""
    return (region.width // _SMALLEST) * (region.height // _SMALLEST)


def grid_slots(region: Rect, sources: Sequence[Source], gap: int = 0) -> tuple[Rect, ...]:
    """One slot for each source, row by row, none larger than another.

    Tiles are no wider than the widest picture and no taller than the tallest, so that equal pictures fill them
    exactly. Sources without a picture take any shape.

    Args:
        region: where the grid may be; even.
        sources: whose pictures are to be shown, at most ``grid_capacity``; their order does not matter.
        gap: pixels between tiles.
    """
    if not sources:
        return ()
    aspects = Counter(picture_aspect(source) for source in sources if source.has_video) or Counter([DEFAULT_ASPECT])
    shapes = [_shape(region, len(sources), columns, aspects, gap) for columns in range(1, len(sources) + 1)]
    best = max(shapes, key=lambda shape: _merit(shape, len(sources), aspects))
    return _slots(region, best, len(sources))


def _shape(region: Rect, count: int, columns: int, aspects: Mapping[float, int], gap: int) -> _Shape:
    rows = math.ceil(count / columns)
    gap = min(even_floor(gap), even_floor(region.width / (4 * columns)), even_floor(region.height / (4 * rows)))
    width = (region.width - gap * (columns - 1)) / columns
    height = (region.height - gap * (rows - 1)) / rows
    aspect = min(max(aspects), max(min(aspects), width / height))
    return _Shape(columns, rows, min(width, height * aspect), min(height, width / aspect), gap)


def _merit(shape: _Shape, count: int, aspects: Mapping[float, int]) -> tuple[float, int, int]:
    """Area of the pictures as whole as they can be; among equals, fewer holes, then more columns."""
    area = sum(
        number * min(shape.tile_width, shape.tile_height * aspect) * min(shape.tile_height, shape.tile_width / aspect)
        for aspect, number in aspects.items()
    )
    return round(area, 3), count - shape.rows * shape.columns, shape.columns


def _slots(region: Rect, shape: _Shape, count: int) -> tuple[Rect, ...]:
    width = max(2, even_floor(shape.tile_width + ROUNDING))
    height = max(2, even_floor(shape.tile_height + ROUNDING))
    top = _centred(region.y, region.height, shape.rows, height, shape.gap)
    slots = []
    for row in range(shape.rows):
        here = min(shape.columns, count - row * shape.columns)
        left = _centred(region.x, region.width, here, width, shape.gap)
        y = top + row * (height + shape.gap)
        slots += [Rect(left + column * (width + shape.gap), y, width, height) for column in range(here)]
    return tuple(slots)


def _centred(start: int, length: int, count: int, size: int, gap: int) -> int:
    """Where the first of ``count`` pieces begins when all are centred in ``length``."""
    return start + even_floor((length - count * size - (count - 1) * gap) / 2)


def _plan(frame: Rect, _big: Source | None, others: Sequence[Source], options: Options) -> Plan:
    return Plan(grid_slots(frame, others, options.gap))


GRID = Design(_plan, lambda frame, _options: grid_capacity(frame))
"""Everybody alike."""
