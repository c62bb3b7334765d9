"""Sets of rectangles."""

from collections.abc import Iterable

from layouts.geometry import Rect


def overlap(a: Rect, b: Rect) -> bool:
    """Whether two rectangles have a pixel in common."""
    return a.x < b.right and b.x < a.right and a.y < b.bottom and b.y < a.bottom


def disjoint(rects: Iterable[Rect]) -> list[Rect]:
    """The same area in pieces of which no two overlap."""
    pieces: list[Rect] = []
    for rect in rects:
        rest = [rect]
        for piece in pieces:
            rest = [part for whole in rest for part in _without(whole, piece)]
        pieces += rest
    return pieces


def _without(whole: Rect, hole: Rect) -> list[Rect]:
    if not overlap(whole, hole):
        return [whole]
    top, bottom = max(whole.y, hole.y), min(whole.bottom, hole.bottom)
    left, right = max(whole.x, hole.x), min(whole.right, hole.right)
    parts = (
        Rect(whole.x, whole.y, whole.width, top - whole.y),
        Rect(whole.x, bottom, whole.width, whole.bottom - bottom),
        Rect(whole.x, top, left - whole.x, bottom - top),
        Rect(right, top, whole.right - right, bottom - top),
    )
    return [part for part in parts if part.width > 0 and part.height > 0]
