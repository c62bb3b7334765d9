"""The big picture fills the canvas; the others lie on it, in a row at the bottom."""

from collections.abc import Sequence

from layouts.geometry import Rect, even, even_floor, largest_inside
from layouts.grid import DEFAULT_ASPECT, picture_aspect
from layouts.model import Options, Side, Source
from layouts.plan import Design, Plan

_MARGIN = 0.02  # of the frame's shorter side, between the insets and the frame's edge


def _measures(frame: Rect, options: Options) -> tuple[int, int, int]:
    """An inset's width and height, and the margin around it."""
    shorter = min(frame.width, frame.height)
    margin = max(2, even(shorter * _MARGIN), min(even_floor(options.gap), even_floor(shorter / 8)))
    width = max(2, even_floor(frame.width * options.small_share))
    height = max(2, min(even_floor(width / DEFAULT_ASPECT), even_floor(frame.height * options.small_share)))
    return even_floor(min(width, height * DEFAULT_ASPECT)), height, margin


def _capacity(frame: Rect, options: Options) -> int:
    width, _, margin = _measures(frame, options)
    return (frame.width - margin) // (width + margin)


def _plan(frame: Rect, big: Source | None, others: Sequence[Source], options: Options) -> Plan:
    if big is None:
        return Plan(())
    width, height, margin = _measures(frame, options)
    y = frame.bottom - margin - height
    if options.side is Side.TOP:
        y = frame.y + margin
    step = width + margin
    if options.side is Side.LEFT:
        row = [Rect(frame.x + margin + number * step, y, width, height) for number in range(len(others))]
    else:
        row = [Rect(frame.right - (number + 1) * step, y, width, height) for number in range(len(others))]
    return Plan(tuple(row), largest_inside(frame, picture_aspect(big)), slots_z=1)


PIP = Design(_plan, _capacity, features=True)
"""Picture in picture; as many insets as fit in a row."""
