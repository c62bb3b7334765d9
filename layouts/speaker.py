"""One big tile, the others in a strip beside it; or the big one alone."""

from collections.abc import Sequence
from dataclasses import replace

from layouts.geometry import Rect, even, even_floor, largest_inside
from layouts.grid import grid_slots, picture_aspect
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


def _plan(frame: Rect, big: Source | None, others: Sequence[Source], options: Options) -> Plan:
    if big is None:
        return Plan(())
    if not others:
        return Plan((), largest_inside(frame, picture_aspect(big)))
    side = options.side or (Side.RIGHT if frame.width >= frame.height else Side.BOTTOM)
    rest, strip = cut_strip(frame, side, options.small_share, options.gap)
    return Plan(grid_slots(strip, others, options.gap), largest_inside(rest, picture_aspect(big)))


def _alone(frame: Rect, big: Source | None, _others: Sequence[Source], _options: Options) -> Plan:
    return Plan((), None if big is None else largest_inside(frame, picture_aspect(big)))


def _strip_at(side: Side) -> Design:
    def plan(frame: Rect, big: Source | None, others: Sequence[Source], options: Options) -> Plan:
        return _plan(frame, big, others, replace(options, side=options.side or side))

    return Design(plan, features=True)


SPEAKER = Design(_plan, features=True)
"""Whoever speaks is big, the others lie in a strip; a shared screen comes before any speaker."""

SINGLE = Design(_alone, features=True, capacity=lambda _frame, _options: 0)
"""Whoever speaks, and nobody else."""

VERTICAL = _strip_at(Side.RIGHT)
"""The shared screen, the cameras in a column beside it."""

HORIZONTAL = _strip_at(Side.BOTTOM)
"""The shared screen, the cameras in a row below it."""
