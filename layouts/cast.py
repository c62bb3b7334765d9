"""Who is on the canvas, who comes first, and who holds the big tile."""

from collections.abc import Iterable, Sequence

from layouts.model import Kind, Layout, Options, Order, Source


def cast(sources: Iterable[Source], options: Options) -> tuple[Source, ...]:
    """Everybody who may be seen, in the order in which places are given; doubled ids count once."""
    visible = {source.id: source for source in reversed(list(sources)) if source.id not in options.hidden}
    joined = tuple(reversed(visible.values()))
    pinned = tuple(visible[id_] for id_ in dict.fromkeys(options.pinned) if id_ in visible)
    others = [source for source in joined if source.id not in options.pinned]
    if options.order is Order.SPEAKING:
        others.sort(key=lambda source: -source.last_spoke)
    elif options.order is Order.NAME:
        others.sort(key=lambda source: (source.name.casefold(), source.id))
    return (*pinned, *others)


def featured(visible: Sequence[Source], options: Options, previous: Layout | None) -> Source | None:
    """Who holds the big tile: somebody pinned, else a shared screen, else the last to speak, else the first.

    A screen keeps the tile until its sharing ends, and nobody loses it before somebody else speaks.
    """
    if not visible:
        return None
    if visible[0].id in options.pinned:
        return visible[0]
    held = previous.featured if previous is not None else None
    screens = [source for source in visible if source.kind is Kind.SCREEN]
    candidates = screens or visible
    return max(candidates, key=lambda source: (0 if screens else source.last_spoke, source.id == held))


def turn_to_page(others: Sequence[Source], page: int, per_page: int) -> tuple[Source, ...]:
    """The part of ``others`` that page ``page`` shows; past the end, the last page."""
    if per_page <= 0 or not others:
        return ()
    last = (len(others) - 1) // per_page
    first = min(page, last) * per_page
    return tuple(others[first : first + per_page])
