"""Custom layouts as JSON: ours (``{"slots": [...]}``), Twilio's (an object of regions), and FreeSWITCH's XML in it."""

import re
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Protocol

from layouts.faults import as_choice, as_int, as_list, as_mapping, as_text, fault, only_keys
from layouts.geometry import Size
from layouts.model import Fit, Layout, Options, Source
from layouts.slots import For, Length, Slot, SlotTemplate
from layouts.templates_freeswitch import parse_freeswitch
from layouts.templates_twilio import parse_regions

MOST_SLOTS = 100
_MOST_PIXELS = 4096
_WHOLE = 100  # percent


class Template(Protocol):
    """A layout that somebody brought."""

    def arrange(
        self, canvas: Size, sources: Sequence[Source], options: Options, previous: Layout | None = None
    ) -> Layout:
        """Decide who is where, as ``layouts.select.resolve`` does; raises LayoutError if it does not fit the canvas."""


def parse_template(document: object, name: str = "custom") -> Template:
    """Read a custom layout from parsed JSON.

    Args:
        document: ``{"slots": [...]}``; Twilio's ``video_layout``: regions by name; or one layout of a FreeSWITCH file:
            ``{"freeswitch": XML, "layout": name}``.
        name: what the layout is called.

    Raises:
        LayoutError: malformed; the message begins with the path of the fault.
    """
    layout = as_mapping("layout", document)
    if "slots" in layout:
        return _parse_slots(layout, name)
    if isinstance(layout.get("freeswitch"), str):  # a region of that name would be an object
        return _pick(layout)
    return parse_regions(layout, name)


def _pick(layout: Mapping[str, object]) -> Template:
    """One layout of a FreeSWITCH file; FreeSWITCH's own name for it stays."""
    only_keys("", layout, ("freeswitch", "layout"))
    known = parse_freeswitch(str(layout["freeswitch"]))
    return known[as_choice("layout", layout.get("layout"), known)]


def _parse_slots(layout: Mapping[str, object], name: str) -> SlotTemplate:
    only_keys("", layout, ("slots",))
    entries = as_list("slots", layout["slots"], most=MOST_SLOTS)
    if not entries:
        raise fault("slots", "is empty")
    paths = tuple(f"slots[{number}]" for number in range(len(entries)))
    return SlotTemplate(
        name, tuple(_parse_slot(path, entry) for path, entry in zip(paths, entries, strict=True)), paths
    )


def _parse_slot(path: str, value: object) -> Slot:
    entry = as_mapping(path, value)
    only_keys(path, entry, ("x", "y", "width", "height", "z", "fit", "source"))
    lengths = {key: _length(path, key, entry) for key in ("x", "y", "width", "height")}
    for start, extent in (("x", "width"), ("y", "height")):
        if lengths[extent].part <= 0 and lengths[extent].pixels <= 0:
            raise fault(f"{path}.{extent}", "has to be more than nothing")
        if lengths[start].part + lengths[extent].part > 1:
            raise fault(f"{path}.{extent}", f"{start} and {extent} together are more than the whole canvas")
    taker, wants = _taker(f"{path}.source", entry.get("source", "any"))
    return Slot(
        x=lengths["x"],
        y=lengths["y"],
        width=lengths["width"],
        height=lengths["height"],
        z=as_int(f"{path}.z", entry.get("z", 0), -99, 99),
        fit=Fit(as_choice(f"{path}.fit", entry["fit"], Fit)) if "fit" in entry else None,
        taker=taker,
        wants=wants,
    )


def _length(path: str, key: str, entry: Mapping[str, object]) -> Length:
    path = f"{path}.{key}"
    if key not in entry:
        raise fault(path, "is missing")
    value = entry[key]
    if not isinstance(value, str):
        return Length(pixels=as_int(path, value, 0, _MOST_PIXELS))
    percent = re.fullmatch(r"(\d{1,3}(?:\.\d{1,6})?)%", value)
    if percent is None:
        raise fault(path, f"{value!r:.40} is neither pixels (a whole number) nor a percentage like '12.5%'")
    part = Fraction(percent[1]) / _WHOLE
    if part > 1:
        raise fault(path, f"{value} is more than the whole canvas")
    return Length(part=part)


def _taker(path: str, value: object) -> tuple[For, str]:
    text = as_text(path, value)
    if text in {For.ANYBODY, For.SPEAKER, For.SCREEN}:
        return For(text), ""
    kind, colon, wants = text.partition(":")
    if kind not in {"name", "reserved"} or not colon or not wants:
        raise fault(path, f"{text!r:.60} is none of any, speaker, screen, name:PATTERN, reserved:ID")
    return (For.NAMED if kind == "name" else For.RESERVED), wants
