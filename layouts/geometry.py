"""Sizes and rectangles in whole, even pixels.

Chroma of I420 is subsampled by two, so every edge that the compositor cuts along has to be even.
"""

from dataclasses import dataclass


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


def even(value: float) -> int:
    """The nearest even integer, halves away from zero rounded up."""
    return 2 * int(value / 2 + 0.5) if value >= 0 else -even(-value)
