"""From a layout's name and who is here to tiles."""

from collections.abc import Callable, Mapping, Sequence

from layouts.cast import cast, featured, turn_to_page
from layouts.errors import LayoutError
from layouts.geometry import Rect, Size, inset
from layouts.grid import GRID
from layouts.model import Fit, Kind, Layout, Options, Source, Tile
from layouts.pip import PIP
from layouts.places import place
from layouts.plan import Design
from layouts.sidebyside import SIDE_BY_SIDE
from layouts.speaker import HORIZONTAL, SINGLE, SPEAKER, VERTICAL

_DESIGNS: Mapping[str, Design] = {
    "grid": GRID,
    "speaker": SPEAKER,
    "single-speaker": SINGLE,
    "presentation": SPEAKER,
    "verticalPresentation": VERTICAL,
    "horizontalPresentation": HORIZONTAL,
    "pip": PIP,
    "side-by-side": SIDE_BY_SIDE,
}
_ALIASES: Mapping[str, str] = {"bestFit": "grid"}
_PAIR = 2
_LEAST, _MOST = 16, 4096  # pixels a side of the canvas


def _auto(visible: Sequence[Source], options: Options) -> str:
    """What suits who is here: a screen comes first, one fills the canvas, two share it, more make a grid."""
    if any(source.kind is Kind.SCREEN for source in visible):
        return "presentation"
    if any(source.id in options.pinned for source in visible):
        return "speaker"
    if len(visible) <= _PAIR:
        return "side-by-side" if len(visible) == _PAIR else "single-speaker"
    return "grid"


_CHOICES: Mapping[str, Callable[[Sequence[Source], Options], str]] = {"auto": _auto}


def names() -> tuple[str, ...]:
    """Every name that ``resolve`` knows, aliases included."""
    return (*_DESIGNS, *_CHOICES, *_ALIASES)


def resolve(
    name: str,
    canvas: Size,
    sources: Sequence[Source],
    options: Options = Options(),  # noqa: B008 - frozen, so one for all calls is safe
    previous: Layout | None = None,
) -> Layout:
    """Decide who is where.

    Args:
        name: one of ``names()``.
        canvas: even, from 160x90 to 3840x2160.
        sources: everybody who is here, in order of joining.
        options: how it is to look.
        previous: the layout in force; people keep their places in it where they can.

    Raises:
        LayoutError: unknown name, or a canvas that cannot be painted on.
    """
    check_canvas(canvas)
    visible = cast(sources, options)
    key = _ALIASES.get(name, name)
    if key in _CHOICES:
        key = _CHOICES[key](visible, options)
    design = _DESIGNS.get(key)
    if design is None:
        raise LayoutError(f"unknown layout {name[:60]!r}; known are: {', '.join(names())}")
    frame = inset(Rect(0, 0, canvas.width, canvas.height), options.padding)
    big = featured(visible, options, previous) if design.features else None
    others = tuple(source for source in visible if source is not big)
    limit = min(design.capacity(frame, options), options.max_tiles - (big is not None))
    shown = turn_to_page(others, options.page, limit)
    plan = design.plan(frame, big, shown, options)
    tiles = [] if big is None or plan.big is None else [_tile(big, plan.big, options)]
    tiles += [
        _tile(source, rect, options, plan.slots_z) for source, rect in place(shown, plan.slots, options, previous)
    ]
    return Layout(
        canvas,
        tuple(tiles),
        name=key,
        options=options,
        featured=None if big is None else big.id,
        waiting=len(others) - len(shown),
    )


def check_canvas(canvas: Size) -> None:
    """Refuse what no encoder takes.

    Raises:
        LayoutError: odd, too small or too large.
    """
    if canvas.width % 2 or canvas.height % 2:
        raise LayoutError(f"canvas: {canvas.width}x{canvas.height} is not even")
    if min(canvas.width, canvas.height) < _LEAST or max(canvas.width, canvas.height) > _MOST:
        raise LayoutError(f"canvas: {canvas.width}x{canvas.height} is not between {_LEAST} and {_MOST} pixels a side")


def _tile(source: Source, rect: Rect, options: Options, z: int = 0) -> Tile:
    fit: Fit = options.screen_fit if source.kind is Kind.SCREEN else options.camera_fit
    return Tile(source.id, rect, fit, z)
