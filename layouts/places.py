"""Which source takes which slot, so that as few as possible change place."""

from collections.abc import Iterable, Sequence

from layouts.geometry import Rect
from layouts.model import Layout, Options, Order, Source


def place(
    sources: Sequence[Source], slots: Sequence[Rect], options: Options, previous: Layout | None
) -> list[tuple[Source, Rect]]:
    """Give each source a slot; as many of both.

    Pinned sources take the first slots in their order, and an order by name is kept to the letter. Of the others,
    whoever's rectangle is still there keeps it, then whoever's number in the row is free keeps that, and the rest
    fill what is open, those who were here before first.

    Returns:
        Pairs in the order of ``slots``.
    """
    if options.order is Order.NAME or previous is None:
        return list(zip(sources, slots, strict=True))
    fixed = sum(source.id in options.pinned for source in sources)
    taken: dict[int, Source] = dict(enumerate(sources[:fixed]))
    places = {rect: number for number, rect in enumerate(slots)}
    was_at = {tile.source_id: tile.rect for tile in previous.tiles}
    was_number = _numbers(previous)

    def settle(candidates: Iterable[Source], wish: dict[str, int]) -> list[Source]:
        left = []
        for source in candidates:
            number = wish.get(source.id, len(slots))
            if number < len(slots) and number not in taken:
                taken[number] = source
            else:
                left.append(source)
        return left

    rest = settle(sources[fixed:], {id_: places[rect] for id_, rect in was_at.items() if rect in places})
    rest = settle(rest, was_number)
    rest.sort(key=lambda source: was_number.get(source.id, len(was_number)))
    free = (number for number in range(len(slots)) if number not in taken)
    taken.update(zip(free, rest, strict=True))
    return [(taken[number], rect) for number, rect in enumerate(slots)]


def _numbers(previous: Layout) -> dict[str, int]:
    """Each source's number among the tiles of its kind, the big tile aside."""
    row = [tile.source_id for tile in previous.tiles if tile.source_id != previous.featured]
    return {id_: number for number, id_ in enumerate(row)}
