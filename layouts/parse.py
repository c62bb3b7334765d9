"""Options out of names and values, as they come in JSON bodies and on command lines."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from typing import TypeVar

from layouts.errors import LayoutError
from layouts.model import Fit, Options, Order, Side

_Choice = TypeVar("_Choice", bound=StrEnum)


def parse_options(values: Mapping[str, object]) -> Options:
    """Options from plain values; numbers and lists may be written as text (``"8"``, ``"ann,bob"``).

    Raises:
        LayoutError: an unknown name or a value that cannot be; the message begins with the option's name.
    """
    parsed: dict[str, object] = {}
    for name, value in values.items():
        parse = _PARSERS.get(name)
        if parse is None:
            raise LayoutError(f"{name[:60]}: unknown option; known are: {', '.join(_PARSERS)}")
        try:
            parsed[name] = parse(value)
        except (TypeError, ValueError) as error:
            raise LayoutError(f"{name}: {error}") from None
    return dataclasses.replace(Options(), **parsed)  # type: ignore[arg-type] # each parser returns its field's type


def _whole(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise TypeError(f"{value!r:.60} is no whole number")
    return int(value)


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise TypeError(f"{value!r:.60} is no number")
    return float(value)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r:.60} is no text")
    return value


def _ids(value: object) -> tuple[str, ...]:
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    if not isinstance(value, Sequence) or not all(isinstance(item, str) for item in value):
        raise TypeError(f"{value!r:.60} is no list of ids")
    return tuple(value)


def _pairs(value: object) -> tuple[tuple[str, str], ...]:
    if isinstance(value, str):
        value = dict(part.partition("=")[::2] for part in value.split(",") if part.strip())
    if not isinstance(value, Mapping):
        raise TypeError(f"{value!r:.60} is no object of ids by reservation")
    pairs = [(str(name).strip(), id_.strip() if isinstance(id_, str) else "") for name, id_ in value.items()]
    if not all(name and id_ for name, id_ in pairs):
        raise ValueError(f"{value!r:.60}: each reservation needs a name and an id")
    return tuple(pairs)


def _choice(kind: type[_Choice]) -> Callable[[object], _Choice]:
    def parse(value: object) -> _Choice:
        for member in kind:
            if value == member.value:
                return member
        raise ValueError(f"{value!r:.60} is none of {', '.join(kind)}")

    return parse


def _side(value: object) -> Side | None:
    return None if value in {None, "auto"} else _choice(Side)(value)


_PARSERS: Mapping[str, Callable[[object], object]] = {
    "gap": _whole,
    "padding": _whole,
    "background": _text,
    "corner_radius": _whole,
    "camera_fit": _choice(Fit),
    "screen_fit": _choice(Fit),
    "max_tiles": _whole,
    "page": _whole,
    "order": _choice(Order),
    "pinned": _ids,
    "hidden": lambda value: frozenset(_ids(value)),
    "side": _side,
    "small_share": _number,
    "reserved": _pairs,
    "empty_picture": _text,
}
