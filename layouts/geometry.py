"""Sizes and rectangles in whole, even pixels.

Chroma of I420 is subsampled by two, so every edge that the compositor cuts along has to be even.
"""

import math
from dataclasses import dataclass

ROUNDING = 1e-6
"""Added before rounding down, so that 640 computed as 639.9999999 stays 640."""


@dataclass(frozen=True, slots=True)
class Size:
    """Width and height in pixels."""

    width: int
    height: int

    @property
    def aspect(self) -> float:
        """Width divided by height."""
        return self.width / self.height


@dataclass(frozen=True, slots=True)
class Rect:
    """A rectangle in pixels; ``x`` and ``y`` are its top left corner, the right and bottom edges are exclusive."""

    x: int
    y: int
    width: int
    height: int

    @property
    def right(self) -> int:
        """First column to the right of the rectangle."""
        return self.x + self.width

    @property
    def bottom(self) -> int:
        """First row below the rectangle."""
        return self.y + self.height

    @property
    def size(self) -> Size:
        """The rectangle without its place."""
        return Size(self.width, self.height)

    @property
    def is_even(self) -> bool:
        """Whether all four edges fall on chroma samples."""
        return not (self.x | self.y | self.width | self.height) & 1

    def overlaps(self, other: "Rect") -> bool:
        """Whether the two have a pixel in common."""
        return self.x < other.right and other.x < self.right and self.y < other.bottom and other.y < self.bottom

    def contains(self, other: "Rect") -> bool:
        """Whether ``other`` lies wholly inside."""
        return self.x <= other.x and self.y <= other.y and other.right <= self.right and other.bottom <= self.bottom


def even(value: float) -> int:
    """The nearest even integer, halves away from zero rounded up."""
    return 2 * int(value / 2 + 0.5) if value >= 0 else -even(-value)


def even_floor(value: float) -> int:
    """The greatest even integer that is not above ``value``."""
    return 2 * math.floor(value / 2)


def inset(rect: Rect, margin: int) -> Rect:
    """``rect`` without an even ``margin`` on each side; the margin never takes more than a quarter of a side."""
    margin = min(even_floor(margin), even_floor(min(rect.width, rect.height) / 4))
    return Rect(rect.x + margin, rect.y + margin, rect.width - 2 * margin, rect.height - 2 * margin)


def largest_inside(region: Rect, aspect: float) -> Rect:
    """The largest even rectangle of that shape in the middle of ``region`` (which has to be at least 2x2)."""
    width = max(2, even_floor(min(region.width, region.height * aspect) + ROUNDING))
    height = max(2, even_floor(min(region.height, region.width / aspect) + ROUNDING))
    return Rect(
        region.x + even_floor((region.width - width) / 2),
        region.y + even_floor((region.height - height) / 2),
        width,
        height,
    )
