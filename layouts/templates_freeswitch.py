"""FreeSWITCH's ``conference_layouts.conf.xml``: layouts on a scale of 360 units, and groups of them.

An ``image`` is a slot: ``x``, ``y``, ``scale`` (its width and height in 360ths of the canvas's), ``hscale`` (its
height, if another), ``zoom`` (cut to fill), ``border`` (pixels), ``floor`` and ``floor-only`` (for who speaks),
``reservation_id``, ``overlap`` (lies on the others), ``file-only`` (for played files; stays empty here).
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from xml.parsers import expat

from layouts.cast import cast
from layouts.errors import LayoutError
from layouts.faults import fault
from layouts.geometry import Size
from layouts.model import Fit, Layout, Options, Source
from layouts.slots import For, Length, Slot, SlotTemplate

_SCALE = 360
_MOST_BYTES = 1_000_000
_MOST_LAYOUTS = 500
_MOST_IMAGES = 200
_WIDEST_BORDER = 50
_TRUE = {"true", "yes", "on", "enable", "enabled", "active", "allow", "t", "1"}  # as switch_true has it


@dataclass(frozen=True, slots=True)
class GroupTemplate:
    """Layouts from small to large: the first that has room for everybody is used, else the last."""

    name: str
    layouts: tuple[SlotTemplate, ...]

    def arrange(
        self, canvas: Size, sources: Sequence[Source], options: Options, previous: Layout | None = None
    ) -> Layout:
        """As ``SlotTemplate.arrange``."""
        count = len(cast(sources, options))
        fitting = (layout for layout in self.layouts if len(layout.slots) >= count)
        return next(fitting, self.layouts[-1]).arrange(canvas, sources, options, previous)


def parse_freeswitch(text: str | bytes) -> dict[str, SlotTemplate | GroupTemplate]:
    """Read a file of layouts and groups.

    Returns:
        Every layout by its name and every group by ``group:`` and its name, as FreeSWITCH calls them.

    Raises:
        LayoutError: no well-formed XML, a document type or entity in it, or a fault, whose line the message names.
    """
    data = text.encode() if isinstance(text, str) else text
    if len(data) > _MOST_BYTES:
        raise LayoutError(f"xml: is longer than {_MOST_BYTES} bytes")
    reader = _Reader()
    try:
        reader.parser.Parse(data, True)
    except expat.ExpatError as error:
        raise LayoutError(f"line {error.lineno}: {expat.errors.messages[error.code]}") from None
    if not reader.layouts:
        raise LayoutError("xml: there is no <layout> in it")
    groups = {f"group:{name}": _group(name, members, reader.layouts) for name, members in reader.groups.items()}
    return {**reader.layouts, **groups}


def _group(name: str, members: Sequence[tuple[str, int]], layouts: Mapping[str, SlotTemplate]) -> GroupTemplate:
    if not members:
        raise LayoutError(f"group {name!r}: has no layout")
    for member, line in members:
        if member not in layouts:
            raise LayoutError(f"line {line}: group {name!r} names {member!r}, which is no layout here")
    return GroupTemplate(f"group:{name}", tuple(layouts[member] for member, _ in members))


@dataclass
class _Drawing:
    name: str
    border: int
    slots: list[Slot] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)


class _Reader:
    """Takes the events of one document. Everything that is no layout, image or group is passed over."""

    def __init__(self) -> None:
        self.layouts: dict[str, SlotTemplate] = {}
        self.groups: dict[str, list[tuple[str, int]]] = {}
        self._drawing: _Drawing | None = None
        self._group: str | None = None
        self._text: str | None = None
        self.parser = expat.ParserCreate()
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._characters
        self.parser.StartDoctypeDeclHandler = self._refuse
        self.parser.EntityDeclHandler = self._refuse

    def _refuse(self, *_: object) -> None:
        raise self._fault("a document type or entity is not accepted")

    def _fault(self, what: str) -> LayoutError:
        return fault(f"line {self.parser.CurrentLineNumber}", what)

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        if tag == "group":
            self._group = self._name(tag, attributes, self.groups)
            self.groups[self._group] = []
        elif tag == "layout" and self._group is not None:
            self._text = ""
        elif tag == "layout":
            border = _Image(attributes, self._fault).number("border", 0, 0, 10_000)
            self._drawing = _Drawing(self._name(tag, attributes, self.layouts), border)
        elif tag == "image" and self._drawing is not None:
            self._add_image(self._drawing, attributes)

    def _name(self, tag: str, attributes: Mapping[str, str], known: Mapping[str, object]) -> str:
        name = attributes.get("name", "").strip()
        if not name:
            raise self._fault(f"a <{tag}> without a name")
        if name in known:
            raise self._fault(f"a second <{tag}> {name!r}")
        if len(known) >= _MOST_LAYOUTS:
            raise self._fault(f"more than {_MOST_LAYOUTS} <{tag}>s")
        return name

    def _add_image(self, drawing: _Drawing, attributes: Mapping[str, str]) -> None:
        if len(drawing.slots) >= _MOST_IMAGES:
            raise self._fault(f"more than {_MOST_IMAGES} images in layout {drawing.name!r}")
        image = _Image(attributes, self._fault)
        if image.true("file-only"):
            return
        line = self.parser.CurrentLineNumber
        overlaps = sum(slot.z > 0 for slot in drawing.slots)
        drawing.slots.append(image.slot(drawing.border, overlaps + 1 if image.true("overlap") else 0))
        drawing.paths.append(f"line {line}: image {len(drawing.slots)} of layout {drawing.name!r}")

    def _characters(self, text: str) -> None:
        if self._text is not None:
            self._text += text

    def _end(self, tag: str) -> None:
        if tag == "group":
            self._group = None
        elif tag == "layout" and self._text is not None and self._group is not None:
            self.groups[self._group].append((self._text.strip(), self.parser.CurrentLineNumber))
            self._text = None
        elif tag == "layout" and self._drawing is not None:
            drawing, self._drawing = self._drawing, None
            if not drawing.slots:
                raise self._fault(f"layout {drawing.name!r} has no image")
            self.layouts[drawing.name] = SlotTemplate(drawing.name, tuple(drawing.slots), tuple(drawing.paths))


class _Image:
    """The attributes of one image."""

    def __init__(self, attributes: Mapping[str, str], fault_of: Callable[[str], LayoutError]) -> None:
        self._attributes = attributes
        self._fault = fault_of

    def true(self, key: str) -> bool:
        return self._attributes.get(key, "").lower() in _TRUE

    def number(self, key: str, default: int | None, low: int, high: int) -> int:
        text = self._attributes.get(key)
        if text is None and default is not None:
            return default
        if text is None or not re.fullmatch(r"\s*-?\d{1,6}\s*", text, re.ASCII):
            raise self._fault(f"{key}: {'is missing' if text is None else f'{text!r:.40} is no number'}")
        if not low <= int(text) <= high:
            raise self._fault(f"{key}: {int(text)} is not between {low} and {high}")
        return int(text)

    def slot(self, border: int, z: int) -> Slot:
        width = self.number("scale", None, 1, _SCALE)
        height = self.number("hscale", width, 1, _SCALE)
        x, y = self.number("x", None, 0, _SCALE - 1), self.number("y", None, 0, _SCALE - 1)
        if x + width > _SCALE or y + height > _SCALE:
            raise self._fault(f"ends at {x + width}, {y + height}, outside the canvas of {_SCALE} units")
        reserved = self._attributes.get("reservation_id") or self._attributes.get("reservation-id") or ""
        taker = For.ANYBODY
        if reserved:
            taker = For.RESERVED
        elif self.true("floor") or self.true("floor-only"):
            taker = For.SPEAKER
        return Slot(
            _units(x),
            _units(y),
            _units(width),
            _units(height),
            z=z,
            fit=Fit.COVER if self.true("zoom") else Fit.CONTAIN,
            border=min(_WIDEST_BORDER, self.number("border", border, 0, 10_000)),
            taker=taker,
            wants=reserved,
        )


def _units(value: int) -> Length:
    return Length(Fraction(value, _SCALE))
