"""Layouts of fixed slots that somebody drew: who gets which."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from itertools import combinations

from layouts.cast import cast, featured, turn_to_page
from layouts.faults import fault
from layouts.geometry import Rect, Size, even, inset
from layouts.model import Fit, Kind, Layout, Options, Source, Tile
from layouts.pattern import names_source
from layouts.places import place


class For(StrEnum):
    """Who may take a slot."""

    ANYBODY = "any"
    SPEAKER = "speaker"
    SCREEN = "screen"
    NAMED = "named"
    RESERVED = "reserved"


@dataclass(frozen=True, slots=True)
class Length:
    """A part of the canvas, plus pixels."""

    part: Fraction = Fraction(0)
    pixels: int = 0

    def of(self, whole: int) -> Fraction:
        """In pixels of a canvas that is ``whole`` pixels wide or high."""
        return self.part * whole + self.pixels


@dataclass(frozen=True, slots=True)
class Slot:
    """One place. ``wants`` is a pattern where ``taker`` is NAMED, a reservation id where it is RESERVED."""

    x: Length
    y: Length
    width: Length
    height: Length
    z: int = 0
    fit: Fit | None = None
    border: int = 0
    taker: For = For.ANYBODY
    wants: str = ""

    def rect(self, canvas: Size) -> Rect:
        """On even pixels; slots that touch in the drawing touch on the canvas."""
        x, y = self.x.of(canvas.width), self.y.of(canvas.height)
        left, right = even(float(x)), even(float(x + self.width.of(canvas.width)))
        top, bottom = even(float(y)), even(float(y + self.height.of(canvas.height)))
        return Rect(left, top, right - left, bottom - top)


@dataclass(frozen=True, slots=True)
class SlotTemplate:
    """A drawn layout. ``paths`` names each slot as its author would."""

    name: str
    slots: tuple[Slot, ...]
    paths: tuple[str, ...]

    def arrange(
        self, canvas: Size, sources: Sequence[Source], options: Options, previous: Layout | None = None
    ) -> Layout:
        """Seat people: named and reserved slots first, then screens, then who speaks, then everybody in order.

        Raises:
            LayoutError: on this canvas a slot is outside, empty, or overlaps another one of the same z.
        """
        rects = self._rects(canvas)
        visible = cast(sources, options)
        seats = self._special_seats(visible, options, previous)
        seated = {source.id for source in seats.values()}
        open_slots = [number for number, slot in enumerate(self.slots) if slot.taker is For.ANYBODY]
        waiting = [source for source in visible if source.id not in seated]
        shown = turn_to_page(waiting, options.page, len(open_slots))
        pairs = place(shown, [rects[number] for number in open_slots[: len(shown)]], options, previous)
        seats |= dict(zip(open_slots, (source for source, _ in pairs), strict=False))
        tiles = [self._tile(number, rects[number], source, options) for number, source in sorted(seats.items())]
        big = next((source.id for number, source in seats.items() if self.slots[number].taker is For.SPEAKER), None)
        return Layout(
            canvas,
            tuple(sorted(tiles, key=lambda tile: tile.z)),
            name=self.name,
            options=options,
            featured=big,
            waiting=len(waiting) - len(shown),
        )

    def _rects(self, canvas: Size) -> list[Rect]:
        rects = [slot.rect(canvas) for slot in self.slots]
        for path, rect in zip(self.paths, rects, strict=True):
            if rect.x < 0 or rect.y < 0 or rect.right > canvas.width or rect.bottom > canvas.height:
                raise fault(path, f"does not lie inside the canvas of {canvas.width}x{canvas.height}")
            if rect.width < 2 or rect.height < 2:  # noqa: PLR2004 - two pixels share a chroma sample
                raise fault(path, f"is too small on a canvas of {canvas.width}x{canvas.height}")
        for one, other in combinations(range(len(rects)), 2):
            if self.slots[one].z == self.slots[other].z and rects[one].overlaps(rects[other]):
                raise fault(self.paths[other], f"overlaps {self.paths[one]}, and both have z {self.slots[one].z}")
        return rects

    def _special_seats(self, visible: Sequence[Source], options: Options, previous: Layout | None) -> dict[int, Source]:
        """By slot number, who sits where not everybody may."""
        reserved = dict(options.reserved)
        left = list(visible)
        seats: dict[int, Source] = {}

        def seat(number: int, source: Source | None) -> None:
            if source is not None:
                seats[number] = source
                left.remove(source)

        for number, slot in enumerate(self.slots):
            if slot.taker is For.NAMED:
                seat(number, next((source for source in left if names_source(slot.wants, source)), None))
            elif slot.taker is For.RESERVED:
                seat(number, next((source for source in left if source.id == reserved.get(slot.wants)), None))
        for number, slot in enumerate(self.slots):
            if slot.taker is For.SCREEN:
                seat(number, next((source for source in left if source.kind is Kind.SCREEN), None))
        for number, slot in enumerate(self.slots):
            if slot.taker is For.SPEAKER:
                seat(number, featured(left, options, previous))
        return seats

    def _tile(self, number: int, rect: Rect, source: Source, options: Options) -> Tile:
        slot = self.slots[number]
        fit = slot.fit or (options.screen_fit if source.kind is Kind.SCREEN else options.camera_fit)
        return Tile(source.id, inset(rect, even(slot.border)), fit, slot.z)
