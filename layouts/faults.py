"""Reading documents that people wrote: every value checked, every fault named with its path."""

from collections.abc import Iterable, Mapping, Sequence

from layouts.errors import LayoutError


def fault(path: str, what: str) -> LayoutError:
    """The error for a fault at ``path``, which has the form ``slots[2].width``."""
    return LayoutError(f"{path}: {what}")


def as_mapping(path: str, value: object) -> Mapping[str, object]:
    """A JSON object."""
    if not isinstance(value, Mapping):
        raise fault(path, f"has to be an object, not {value!r:.40}")
    return value


def as_list(path: str, value: object, *, most: int) -> Sequence[object]:
    """A JSON array of at most ``most`` items."""
    if not isinstance(value, Sequence) or isinstance(value, str | bytes):
        raise fault(path, f"has to be a list, not {value!r:.40}")
    if len(value) > most:
        raise fault(path, f"has {len(value)} items, more than {most}")
    return value


def as_text(path: str, value: object, *, longest: int = 200) -> str:
    """A string of at most ``longest`` characters."""
    if not isinstance(value, str):
        raise fault(path, f"has to be text, not {value!r:.40}")
    if len(value) > longest:
        raise fault(path, f"is longer than {longest} characters")
    return value


def as_int(path: str, value: object, low: int, high: int) -> int:
    """A whole number from ``low`` to ``high``."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise fault(path, f"has to be a whole number, not {value!r:.40}")
    if not low <= value <= high:
        raise fault(path, f"{value!r:.40} is not between {low} and {high}")
    return value


def as_choice(path: str, value: object, choices: Iterable[str]) -> str:
    """One of some words."""
    known = tuple(choices)
    if value not in known:
        raise fault(path, f"{value!r:.40} is none of {', '.join(known)}")
    return str(value)


def only_keys(path: str, value: Mapping[str, object], known: Iterable[str]) -> None:
    """Refuse keys that nobody reads: most are typing errors."""
    names = tuple(known)
    for key in value:
        if key not in names:
            raise fault(f"{path}.{key:.60}" if path else f"{key:.60}", f"is not known; known are: {', '.join(names)}")
