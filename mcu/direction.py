"""What the director wants of the canvas: the layout, its options, who is pinned or hidden. Frozen values, no time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from layouts.geometry import Size
from layouts.model import Kind, Layout, Options, Source
from layouts.parse import parse_options
from layouts.select import resolve
from layouts.templates import Template, parse_template

_GIVES_WAY = {"grid", "bestFit", "speaker", "single-speaker", "side-by-side"}
"""Layouts that turn into ``presentation`` while a screen is shared; the others were chosen with screens in mind."""
_WITHOUT_BIG_TILE = {"grid", "bestFit", "side-by-side", "auto"}
CUSTOM = "custom"


@dataclass(frozen=True, slots=True)
class Wish:
    """What the director wants for one participant.

    Attributes:
        pinned: comes before others, and holds the big tile where there is one.
        spotlight: holds the big tile in any layout; those without one turn into ``speaker``.
        hidden: is heard but not shown.
        order: smaller numbers come first; who has none follows in order of joining.
    """

    pinned: bool = False
    spotlight: bool = False
    hidden: bool = False
    order: int | None = None


NO_WISH = Wish()


@dataclass(frozen=True, slots=True)
class Direction:
    """The canvas as it is wanted.

    Attributes:
        name: of a built-in layout, or of ``template``.
        template: a layout that somebody brought; None for a built-in.
        options: how the layout is to look.
        wishes: by participant id.
    """

    name: str
    template: Template | None = None
    options: Options = field(default_factory=Options)
    wishes: Mapping[str, Wish] = field(default_factory=dict)

    def wish(self, participant_id: str) -> Wish:
        """What is wanted for somebody."""
        return self.wishes.get(participant_id, NO_WISH)

    def with_wish(self, participant_id: str, wish: Wish | None) -> "Direction":
        """The same but for one participant; None forgets about them."""
        wishes = {id_: w for id_, w in self.wishes.items() if id_ != participant_id}
        if wish is not None and wish != NO_WISH:
            wishes[participant_id] = wish
        return replace(self, wishes=wishes)

    def layout(self, canvas: Size, sources: Sequence[Source], previous: Layout | None) -> Layout:
        """Who is where. A participant's wishes hold for the camera; the screen's source has its own id.

        Raises:
            LayoutError: the layout's name is unknown, or it does not fit the canvas.
        """
        ordered = sorted(sources, key=self._place)
        options = self._options_for(ordered)
        if self.template is not None:
            return self.template.arrange(canvas, ordered, options, previous)
        return resolve(self._name_for(ordered), canvas, ordered, options, previous)

    def _place(self, source: Source) -> tuple[bool, int]:
        order = self.wish(source.id).order
        return (order is None, order or 0)

    def _options_for(self, sources: Sequence[Source]) -> Options:
        spotlit = tuple(source.id for source in sources if self.wish(source.id).spotlight)
        pinned = tuple(source.id for source in sources if self.wish(source.id).pinned)
        hidden = frozenset(source.id for source in sources if self.wish(source.id).hidden)
        return replace(
            self.options, pinned=(*spotlit, *pinned, *self.options.pinned), hidden=self.options.hidden | hidden
        )

    def _name_for(self, sources: Sequence[Source]) -> str:
        if self.name in _WITHOUT_BIG_TILE and any(self.wish(source.id).spotlight for source in sources):
            return "speaker"
        if self.name in _GIVES_WAY and any(source.kind is Kind.SCREEN for source in sources):
            return "presentation"
        return self.name


def direct(
    name: str, options: Mapping[str, object], custom: object | None, wishes: Mapping[str, Wish], canvas: Size
) -> Direction:
    """Check what somebody asks for.

    Args:
        name: a built-in layout's, or what the custom one is called.
        options: plain values for ``layouts.model.Options``.
        custom: parsed JSON of a custom layout (ours or Twilio's); None for a built-in.
        wishes: those in force.
        canvas: that the layout has to fit.

    Raises:
        LayoutError: something cannot be used; the message names it.
    """
    template = None if custom is None else parse_template(custom, name or CUSTOM)
    direction = Direction(name or CUSTOM, template, parse_options(options), wishes)
    direction.layout(canvas, (), None)
    return direction
