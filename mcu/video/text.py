"""Names as they can be drawn: harmless, short, measured."""

import unicodedata
from functools import lru_cache
from pathlib import Path

from PIL import ImageFont

FONT_PATH = Path(__file__).parent / "fonts" / "DejaVuSans.ttf"
_LONGEST = 64  # characters of a name that are ever looked at; no tile has room for more
_JOINERS = "\u200c\u200d"  # invisible, but they shape Persian, Indic scripts and emoji


def drawable(name: str) -> str:
    """``name`` without control and direction-changing characters, spaces folded, cut to what a tile could hold."""
    spaced = " ".join(name[: 16 * _LONGEST].split())
    kept = (c for c in spaced if c in _JOINERS or not unicodedata.category(c).startswith("C"))
    return "".join(kept)[:_LONGEST].strip()


def initials(name: str) -> str:
    """The first letters of the first and the last word, in capitals; empty when the name has no letter or digit."""
    words = [[c for c in word if c.isalnum()] for word in drawable(name).split()]
    letters = [word[0] for word in words if word]
    return "".join(letters[:1] + letters[1:][-1:]).upper()


@lru_cache(maxsize=32)
def font(size_px: int) -> ImageFont.FreeTypeFont:
    """The label font at a size."""
    return ImageFont.truetype(FONT_PATH, size_px)


def has_glyphs(text: str) -> bool:
    """Whether the label font knows every character."""
    sample = font(16)
    unknown = bytes(sample.getmask("\uffff"))
    return all(bytes(sample.getmask(c)) != unknown for c in text)


def fitted(name: str, size_px: int, max_width_px: int) -> str:
    """As much of a drawable name as fits the width, with an ellipsis where it was cut."""
    if font(size_px).getlength(name) <= max_width_px:
        return name
    low, high = 0, len(name)
    while low < high:
        middle = (low + high + 1) // 2
        if font(size_px).getlength(name[:middle] + "…") <= max_width_px:
            low = middle
        else:
            high = middle - 1
    return name[:low].rstrip() + "…" if low else ""
