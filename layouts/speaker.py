"""One big tile, the others in a strip beside it; or the big one alone."""

from collections.abc import Sequence

from layouts.geometry import Rect, even, even_floor, largest_inside
from layouts.grid import grid_capacity, grid_slots, picture_aspect
from layouts.model import Options, Side, Source
from layouts.plan import Design, Plan


def cut_strip(frame: Rect, side: Side, share: float, gap: int) -> tuple[Rect, Rect]:
    """Divide a frame into what remains and a strip at ``side``, with a gap between."""
    x, y, width, height = frame.x, frame.y, frame.width, frame.height
    upright = side in {Side.LEFT, Side.RIGHT}
    length = width if upright else height
    strip = max(2, even(length * share))
    gap = min(even_floor(gap), even_floor(strip / 4))
    rest = length - strip - gap
    if upright:
        left, right = (strip, rest) if side is Side.LEFT else (rest, strip)
        first, second = Rect(x, y, left, height), Rect(x + left + gap, y, right, height)
    else:
        top, bottom = (strip, rest) if side is Side.TOP else (rest, strip)
        first, second = Rect(x, y, width, top), Rect(x, y + top + gap, width, bottom)
    return (second, first) if side in {Side.LEFT, Side.TOP} else (first, second)


def _divide(frame: Rect, options: Options, side: Side | None) -> tuple[Rect, Rect]:
    side = options.side or side or (Side.RIGHT if frame.width >= frame.height else Side.BOTTOM)
    return cut_strip(frame, side, options.small_share, options.gap)


def _with_strip(default_side: Side | None) -> Design:
    def plan(frame: Rect, big: Source | None, others: Sequence[Source], options: Options) -> Plan:
        if big is None or not others:
            return _alone(frame, big, others, options)
        rest, strip = _divide(frame, options, default_side)
        return Plan(grid_slots(strip, others, options.gap), largest_inside(rest, picture_aspect(big)))

    def capacity(frame: Rect, options: Options) -> int:
        return grid_capacity(_divide(frame, options, default_side)[1])

    return Design(plan, capacity, features=True)


def _alone(frame: Rect, big: Source | None, _others: Sequence[Source], _options: Options) -> Plan:
    return Plan((), None if big is None else largest_inside(frame, picture_aspect(big)))


SPEAKER = _with_strip(None)
"""Whoever speaks is big, the others lie in a strip; a shared screen comes before any speaker."""

SINGLE = Design(_alone, lambda _frame, _options: 0, features=True)
"""Whoever speaks, and nobody else."""

VERTICAL = _with_strip(Side.RIGHT)
"""The shared screen, the cameras in a column beside it."""

HORIZONTAL = _with_strip(Side.BOTTOM)
"""The shared screen, the cameras in a row below it."""
