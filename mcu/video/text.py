"""Names as they can be drawn: harmless, short, measured."""

import unicodedata

from mcu.video.shaping import clusters, shaped

_LONGEST = 64  # characters of a name that are ever looked at; no tile has room for more
_JOINERS = "\u200c\u200d"  # invisible, but they shape Persian, Indic scripts and emoji
_NON_JOINER = "\u200c"


def drawable(name: str, longest: int = _LONGEST) -> str:
    """``name`` without control and direction-changing characters, spaces folded, cut to what a tile could hold."""
    spaced = " ".join(name[: 16 * longest].split())
    kept = (c for c in spaced if c in _JOINERS or not unicodedata.category(c).startswith("C"))
    return "".join(kept)[:longest].strip()


def initials(name: str) -> str:
    """The first letters of the first and the last word, in capitals; empty when the name has no letter or digit."""
    words = [[c for c in word if c.isalnum()] for word in drawable(name).split()]
    letters = [word[0] for word in words if word]
    return "".join(letters[:1] + letters[1:][-1:]).upper()


def apart(letters: str) -> str:
    """Initials that do not join, as Arabic ones would."""
    return _NON_JOINER.join(letters)


def width_px(text: str, size_px: int) -> float:
    """How wide ``text`` is when drawn."""
    return shaped(text).width * size_px


def has_glyphs(text: str) -> bool:
    """Whether the fonts know every character."""
    return not shaped(text).missing


def fitted(name: str, size_px: int, max_width_px: int) -> str:
    """As much of a drawable name as fits the width, with an ellipsis where it was cut."""
    if width_px(name, size_px) <= max_width_px:
        return name
    parts = clusters(name)
    low, high = 0, len(parts)
    while low < high:
        middle = (low + high + 1) // 2
        if width_px("".join(parts[:middle]) + "…", size_px) <= max_width_px:
            low = middle
        else:
            high = middle - 1
    return "".join(parts[:low]).rstrip() + "…" if low else ""
