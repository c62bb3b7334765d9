"""Names with wildcards."""

from collections.abc import Iterable

from layouts.model import Source


def matches(pattern: str, text: str) -> bool:
    """Whether ``text`` is ``pattern``, where each ``*`` stands for any characters, or none. Linear in time."""
    first, *rest = pattern.split("*")
    if not rest:
        return text == pattern
    *middle, last = rest
    if not text.startswith(first) or not text.endswith(last) or len(text) < len(first) + len(last):
        return False
    at, end = len(first), len(text) - len(last)
    for part in middle:
        found = text.find(part, at, end)
        if found < 0:
            return False
        at = found + len(part)
    return True


def names_source(pattern: str, source: Source) -> bool:
    """Whether a pattern means this source: its id, its name, its kind, or ``camera-{name}`` and ``screen-{name}``."""
    return any(matches(pattern, text) for text in _texts(source))


def any_names(patterns: Iterable[str], source: Source) -> bool:
    """Whether one of the patterns means this source."""
    texts = _texts(source)
    return any(matches(pattern, text) for pattern in patterns for text in texts)


def _texts(source: Source) -> tuple[str, ...]:
    return (source.id, source.name, source.kind.value, f"{source.kind}-{source.name}")
