"""Everybody the full height of the canvas next to each other; on a tall canvas, the full width below each other."""

from collections.abc import Sequence

from layouts.geometry import Rect, even_floor
from layouts.model import Options, Source
from layouts.plan import Design, Plan

_NARROWEST = 16
"""Pixels; who would get less waits on the next page."""
_LONGEST_ASPECT = 16 / 9
"""No tile is longer or taller than this, however few there are."""


def _capacity(frame: Rect, options: Options) -> int:
    gap = even_floor(min(options.gap, _NARROWEST))
    return (max(frame.width, frame.height) + gap) // (_NARROWEST + gap)


def _plan(frame: Rect, _big: Source | None, others: Sequence[Source], options: Options) -> Plan:
    if not others:
        return Plan(())
    if frame.width >= frame.height:
        return Plan(tuple(_row(frame, len(others), options.gap)))
    turned = _row(Rect(frame.y, frame.x, frame.height, frame.width), len(others), options.gap)
    return Plan(tuple(Rect(slot.y, slot.x, slot.height, slot.width) for slot in turned))


def _row(frame: Rect, count: int, gap: int) -> list[Rect]:
    gap = min(even_floor(gap), even_floor(frame.width / (4 * count)))
    width = even_floor((frame.width - gap * (count - 1)) / count)
    height = even_floor(min(frame.height, width * _LONGEST_ASPECT))
    width = even_floor(min(width, height * _LONGEST_ASPECT))
    left = frame.x + even_floor((frame.width - count * width - (count - 1) * gap) / 2)
    top = frame.y + even_floor((frame.height - height) / 2)
    return [Rect(left + number * (width + gap), top, width, height) for number in range(count)]


SIDE_BY_SIDE = Design(_plan, _capacity)
"""One row of full height, one column on a tall canvas."""
