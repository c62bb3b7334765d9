"""Scenario files: JSON, every value checked, every fault named with its path."""

import json
from collections.abc import Mapping
from pathlib import Path

from pydantic import ValidationError

from layouts.errors import LayoutError
from layouts.faults import as_choice, as_int, as_list, as_mapping, as_text, fault, only_keys
from layouts.geometry import Size
from layouts.model import Kind
from layouts.motion import DEFAULT_DURATION_US
from layouts.parse import parse_options
from layouts.select import check_canvas, names
from layouts.templates import Template, parse_template
from layouts.templates_freeswitch import parse_freeswitch
from mcu.errors import StyleError, UnreadableMediaError
from mcu.messages import VideoConfig
from mcu.offline.patterns import PREFIX
from mcu.offline.scenario import ALWAYS, FOREVER_US, NEVER, Actor, Look, Scenario, Spans
from mcu.video.style import MAX_ARTWORK_BYTES, CanvasStyle, canvas_style_from

_MOST_ACTORS = 1000
_MOST_SPANS = 10_000
_MOST_LOOKS = 1000
_LONGEST_S = 24 * 3600
_MOST_MS = 10_000
_MOST_BYTES = 10_000_000
_TOP = ("canvas", "fps", "bitrate", "seconds", "labels", "motion_ms", "people", "changes")
_LOOK = ("layout", "options", "style")
_PERSON = ("id", "name", "source", "kind", "here", "camera_off", "muted", "speaks", "trouble")
_STYLE_TEXTS = ("background", "logo_place", "title", "clock_zone", "clock_place", "banner", "border", "speaking_border")
_STYLE_FLAGS = ("clock", "clock_seconds")
_STYLE_NUMBERS = ("logo_opacity", "logo_share")
_STYLE_FILES = ("background_image", "logo")


def read_scenario(path: Path) -> Scenario:
    """Read a scenario file; the files that it names lie beside it.

    Raises:
        LayoutError: malformed; the message begins with the path of the fault.
        StyleError: a style that cannot be.
        UnreadableMediaError: the file, or one that it names, cannot be read.
    """
    document = read_json(path)
    try:
        return parse_scenario(document, path.parent)
    except ValidationError as error:
        first = error.errors()[0]
        raise LayoutError(f"{'.'.join(str(part) for part in first['loc'])}: {first['msg']}") from None


def read_json(path: Path) -> object:
    """The document in a JSON file.

    Raises:
        UnreadableMediaError: it is not there, too large, or no JSON.
    """
    try:
        data = _bytes(path, _MOST_BYTES)
        document: object = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise UnreadableMediaError(f"{path}: no JSON: {error}") from None
    return document


def read_layout(text: str, folder: Path = Path()) -> str | Template:
    """A layout's name as it is; the layout in a file: ``FILE.json``, or ``FILE.xml:NAME``.

    Raises:
        LayoutError: malformed, or no such name in the file.
        UnreadableMediaError: the file cannot be read.
    """
    file, _, name = text.partition(".xml:")
    if name:
        found = parse_freeswitch(_bytes(folder / f"{file}.xml", _MOST_BYTES))
        if name not in found:
            raise LayoutError(f"{text}: known are: {', '.join(found)}")
        return found[name]
    if text.endswith(".json"):
        return parse_template(read_json(folder / text), Path(text).stem)
    return text


def parse_scenario(document: object, folder: Path) -> Scenario:
    """A scenario out of parsed JSON.

    Raises:
        ValidationError: canvas, fps or bitrate out of range.
        LayoutError: as ``read_scenario``, which see for the others.
    """
    top = as_mapping("scenario", document)
    only_keys("", top, (*_TOP, *_LOOK))
    people = as_list("people", top.get("people", ()), most=_MOST_ACTORS)
    actors = tuple(_actor(f"people[{number}]", entry, number, folder) for number, entry in enumerate(people))
    if len({actor.id for actor in actors}) < len(actors):
        raise fault("people", "two have the same id")
    seconds = top.get("seconds")
    return Scenario(
        actors,
        _looks(top, folder),
        _video(top),
        labels=_flag("labels", top.get("labels", True)),
        as_room=True,
        motion_us=as_int("motion_ms", top.get("motion_ms", DEFAULT_DURATION_US // 1000), 0, _MOST_MS) * 1000,
        length_us=None if seconds is None else max(1, _time_us("seconds", seconds)),
    )


def _video(top: Mapping[str, object]) -> VideoConfig:
    width, x, height = as_text("canvas", top.get("canvas", "1280x720")).partition("x")
    if not (x and width.isdecimal() and height.isdecimal()):
        raise fault("canvas", f"{top['canvas']!r:.40} is no size like 1280x720")
    check_canvas(Size(int(width), int(height)))
    return VideoConfig(
        width=int(width),
        height=int(height),
        fps=as_int("fps", top.get("fps", 30), 1, 1000),
        bitrate_bps=as_int("bitrate", top.get("bitrate", 2_000_000), 1, 1_000_000_000),
    )


def _actor(path: str, value: object, number: int, folder: Path) -> Actor:
    entry = as_mapping(path, value)
    only_keys(path, entry, _PERSON)
    if "source" not in entry:
        raise fault(f"{path}.source", "is missing")
    source = as_text(f"{path}.source", entry["source"], longest=1000)
    return Actor(
        id=as_text(f"{path}.id", entry.get("id", str(number))),
        source=source if source.startswith(PREFIX) else folder / source,
        name=as_text(f"{path}.name", entry.get("name", ""), longest=100_000),
        kind=Kind(as_choice(f"{path}.kind", entry.get("kind", Kind.CAMERA.value), Kind)),
        here=_spans(f"{path}.here", entry.get("here", True)),
        camera_off=_spans(f"{path}.camera_off", entry.get("camera_off", False)),
        muted=_spans(f"{path}.muted", entry.get("muted", False)),
        speaks=_spans(f"{path}.speaks", entry["speaks"]) if "speaks" in entry else None,
        trouble=_spans(f"{path}.trouble", entry.get("trouble", False)),
    )


def _spans(path: str, value: object) -> Spans:
    """``true``, ``false``, or a list of ``[from, to]`` in seconds, ``to`` null for the end."""
    if isinstance(value, bool):
        return ALWAYS if value else NEVER
    spans: list[tuple[int, int]] = []
    for number, item in enumerate(as_list(path, value, most=_MOST_SPANS)):
        place = f"{path}[{number}]"
        pair = as_list(place, item, most=2)
        if len(pair) != 2:  # noqa: PLR2004 - from and to
            raise fault(place, "has to be [from, to]")
        begin = _time_us(place, pair[0])
        end = FOREVER_US if pair[1] is None else _time_us(place, pair[1])
        if begin >= end:
            raise fault(place, f"ends at {pair[1]}, before it begins")
        if spans and begin < spans[-1][1]:
            raise fault(place, "begins before the one in front of it ends")
        spans.append((begin, end))
    return tuple(spans)


def _time_us(path: str, value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= _LONGEST_S:
        raise fault(path, f"{value!r:.40} is no time in seconds from 0 to {_LONGEST_S}")
    return round(value * 1_000_000)


def _flag(path: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise fault(path, f"has to be true or false, not {value!r:.40}")
    return value


def _looks(top: Mapping[str, object], folder: Path) -> tuple[Look, ...]:
    """The first, and one for every change: what a change does not name stays as it was."""
    layout: str | Template = "grid"
    options: dict[str, object] = {}
    style: dict[str, object] = {}
    looks: list[Look] = []
    changes = as_list("changes", top.get("changes", ()), most=_MOST_LOOKS)
    for number, value in enumerate([{**{key: top[key] for key in _LOOK if key in top}, "at": 0}, *changes]):
        path = f"changes[{number - 1}]." if number else ""
        entry = as_mapping(path.removesuffix("."), value)
        only_keys(path.removesuffix("."), entry, ("at", *_LOOK))
        at_us = _time_us(f"{path}at", entry.get("at"))
        if looks and at_us < looks[-1].at_us:
            raise fault(f"{path}at", "comes before the change in front of it")
        if "layout" in entry:
            layout = _layout(f"{path}layout", entry["layout"], folder)
        options |= as_mapping(f"{path}options", entry.get("options", {}))
        style |= as_mapping(f"{path}style", entry.get("style", {}))
        try:
            looks.append(Look(at_us, layout, parse_options(options), parse_style(style, folder)))
        except LayoutError as error:
            raise fault(f"{path}options", str(error)) from None
        except StyleError as error:
            raise StyleError(f"{path}style: {error}") from None
    return tuple(looks)


def _layout(path: str, value: object, folder: Path) -> str | Template:
    try:
        if isinstance(value, Mapping):
            return parse_template(value)
        layout = read_layout(as_text(path, value), folder)
    except LayoutError as error:
        raise fault(path, str(error)) from None
    if isinstance(layout, str) and layout not in names():
        raise fault(path, f"unknown layout {layout[:60]!r}; known are: {', '.join(names())}")
    return layout


def parse_style(values: Mapping[str, object], folder: Path = Path()) -> CanvasStyle:
    """A canvas style by the names that ``mcu.video.style.canvas_style_from`` knows; pictures are names of files.

    Raises:
        StyleError: an unknown name, or a value that cannot be.
        UnreadableMediaError: a picture's file cannot be read.
    """
    given: dict[str, object] = {}
    for name, value in values.items():
        if name in _STYLE_FILES and isinstance(value, str):
            given[name] = _bytes(folder / value, MAX_ARTWORK_BYTES + 1)
        elif name in _STYLE_FLAGS and value in {True, False, "true", "false"}:
            given[name] = value in {True, "true"}
        elif name in _STYLE_NUMBERS:
            given[name] = _number(name, value)
        elif name in _STYLE_TEXTS and isinstance(value, str):
            given[name] = value
        else:
            known = (*_STYLE_TEXTS, *_STYLE_FLAGS, *_STYLE_NUMBERS, *_STYLE_FILES)
            what = f"{value!r:.40} cannot be" if name in known else f"unknown; known are: {', '.join(known)}"
            raise StyleError(f"{name[:60]}: {what}")
    return canvas_style_from(**given)  # type: ignore[arg-type] # each has just been given its argument's type


def _number(name: str, value: object) -> float:
    try:
        if isinstance(value, int | float | str) and not isinstance(value, bool):
            return float(value)
    except ValueError:
        pass
    raise StyleError(f"{name}: {value!r:.40} is no number")


def _bytes(path: Path, most: int) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(most + 1)
    except OSError as error:
        raise UnreadableMediaError(f"{path}: {error.strerror}") from None
    if len(data) > most:
        raise UnreadableMediaError(f"{path}: is larger than {most} bytes")
    return data
