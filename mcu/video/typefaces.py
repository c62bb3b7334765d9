"""The fonts of the labels, and which of them draws what. They all come with the installation, see docs/fonts.md."""

import lzma
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import noto_cjk_sans_otc
import uharfbuzz as hb

FOLDER = Path(__file__).parent / "fonts"
CJK_PATH = Path(str(noto_cjk_sans_otc.FONT_PATH))

_SCRIPTS = (  # first and last character of each block, and the Noto Sans that was made for it
    (0x0590, 0x05FF, "Hebrew"),
    (0x0600, 0x06FF, "Arabic"),
    (0x0750, 0x077F, "Arabic"),
    (0x08A0, 0x08FF, "Arabic"),
    (0x0900, 0x097F, "Devanagari"),
    (0x0980, 0x09FF, "Bengali"),
    (0x0A00, 0x0A7F, "Gurmukhi"),
    (0x0A80, 0x0AFF, "Gujarati"),
    (0x0B00, 0x0B7F, "Oriya"),
    (0x0B80, 0x0BFF, "Tamil"),
    (0x0C00, 0x0C7F, "Telugu"),
    (0x0C80, 0x0CFF, "Kannada"),
    (0x0D00, 0x0D7F, "Malayalam"),
    (0x0D80, 0x0DFF, "Sinhala"),
    (0x0E00, 0x0E7F, "Thai"),
    (0x0E80, 0x0EFF, "Lao"),
    (0x1000, 0x109F, "Myanmar"),
    (0x1200, 0x139F, "Ethiopic"),
    (0x1780, 0x17FF, "Khmer"),
    (0x19E0, 0x19FF, "Khmer"),
    (0x2D80, 0x2DDF, "Ethiopic"),
    (0xFB1D, 0xFB4F, "Hebrew"),
    (0xFB50, 0xFDFF, "Arabic"),
    (0xFE70, 0xFEFE, "Arabic"),
)
_JAPANESE, _KOREAN, _CHINESE, _TAIWANESE = 0, 1, 2, 3  # faces of the collection: one repertoire, four ways to draw Han
_PICTOGRAPHS = 0x1F000  # from here on a character is a picture first
_AS_EMOJI = "\ufe0f\u20e3"  # what makes a picture of an ordinary character: variation selector 16, the keycap


@dataclass(frozen=True, slots=True, eq=False)
class Face:
    """One font.

    Attributes:
        font: in font units; never changed, so that all threads may use it.
        units_per_em: how many of them make the size of the text.
        colour: whether its glyphs are pictures in colours of their own.
        characters: what it has glyphs for.
    """

    font: hb.Font
    units_per_em: int
    colour: bool
    characters: hb.Set


@lru_cache(maxsize=32)
def face(path: Path, index: int = 0) -> Face:
    """Load a font; a compressed one is the emoji font."""
    packed = path.suffix == ".xz"
    blob = hb.Blob(lzma.decompress(path.read_bytes())) if packed else hb.Blob.from_file_path(str(path))
    loaded = hb.Face(blob, index)
    font = hb.Font(loaded)
    font.scale = (loaded.upem, loaded.upem)
    return Face(font, loaded.upem, packed, loaded.unicodes)


def latin() -> Face:
    """The font of Latin, Greek, Cyrillic, Armenian, Georgian and most signs."""
    return face(FOLDER / "DejaVuSans.ttf")


def emoji() -> Face:
    """The font of emoji."""
    return face(FOLDER / "TwemojiMozilla.ttf.xz")


def han_style(text: str) -> int:
    """Which drawing of Han characters suits a name: kana make it Japanese, Hangul Korean, bopomofo Taiwanese."""
    names = {unicodedata.name(c, "").split(" ", 1)[0] for c in text if ord(c) >= 0x1100}  # noqa: PLR2004 - Hangul begins
    if names & {"HIRAGANA", "KATAKANA"}:
        return _JAPANESE
    if "HANGUL" in names:
        return _KOREAN
    return _TAIWANESE if "BOPOMOFO" in names else _CHINESE


def face_for(cluster: str, han: int) -> Face | None:
    """The font for a character with its marks: the first that has all of it, else its base; None when none has.

    Args:
        cluster: the base character comes first.
        han: as ``han_style`` says.
    """
    visible = [ord(c) for c in cluster if not is_ignorable(c)]
    some = None
    for candidate in _chain(cluster, han):
        if all(c in candidate.characters for c in visible):
            return candidate
        if some is None and ord(cluster[0]) in candidate.characters:
            some = candidate
    return some


def is_ignorable(c: str) -> bool:
    """Whether a font need not know a character: joiners and variation selectors."""
    return c in "\u200c\u200d" or "\ufe00" <= c <= "\ufe0f"


def _chain(cluster: str, han: int) -> Iterator[Face]:
    """Fonts to try; the large ones are loaded when it comes to them."""
    base = ord(cluster[0])
    for low, high, name in _SCRIPTS:
        if low <= base <= high:
            yield face(FOLDER / f"NotoSans{name}-Regular.ttf")
    if base >= _PICTOGRAPHS or any(c in _AS_EMOJI for c in cluster):
        yield emoji()
    yield latin()
    yield face(CJK_PATH, han)
    yield emoji()
