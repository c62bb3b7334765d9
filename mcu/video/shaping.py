"""From a name to glyphs in the order in which they stand: direction, font and shape of every part."""

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby

import uharfbuzz as hb
from bidi import algorithm

from mcu.video.typefaces import Face, face_for, han_style, is_ignorable

_JOINER = "\u200d"
_FLAGS = range(0x1F1E6, 0x1F200)  # regional indicators: two make a flag
_TONES = range(0x1F3FB, 0x1F400)  # skin


@dataclass(frozen=True, slots=True)
class Glyph:
    """One glyph of a font; its origin is in units of the text's size, y upwards from the baseline."""

    face: Face
    id: int
    x: float
    y: float


@dataclass(frozen=True, slots=True)
class Line:
    """Glyphs from left to right, the width of it all in units of its size, and what no font could draw."""

    glyphs: tuple[Glyph, ...]
    width: float
    missing: str


def clusters(text: str) -> list[str]:
    """Characters with the marks, joiners and modifiers that belong to them: what is never torn apart."""
    found: list[str] = []
    for c in text:
        if found and _continues(found[-1], c):
            found[-1] += c
        elif not is_ignorable(c):
            found.append(c)
    return found


def _continues(cluster: str, c: str) -> bool:
    if is_ignorable(c) or unicodedata.category(c).startswith("M") or ord(c) in _TONES:
        return True
    if ord(c) in _FLAGS:
        return len(cluster) == 1 and ord(cluster) in _FLAGS
    return cluster.endswith(_JOINER) and ord(c) > 0x2000  # noqa: PLR2004 - emoji and dingbats: a joined picture


@lru_cache(maxsize=1024)
def shaped(text: str) -> Line:
    """Lay one line out by the Unicode bidirectional algorithm and HarfBuzz; characters without a glyph are left out."""
    glyphs: list[Glyph] = []
    missing: list[str] = []
    pen = 0.0
    for face, run, is_rtl in _runs(text):
        if face is None:
            missing.append(run)
        else:
            pen = _shape(face, run, is_rtl=is_rtl, pen=pen, glyphs=glyphs, missing=missing)
    return Line(tuple(glyphs), pen, "".join(missing))


def _runs(text: str) -> Iterator[tuple[Face | None, str, bool]]:
    """Parts of one font and direction, from left to right; each text in the order in which it is read."""
    han = han_style(text)
    ordered = ((face_for(cluster, han), cluster, bool(level & 1)) for cluster, level in _visual_order(clusters(text)))
    for (face, is_rtl), group in groupby(ordered, key=lambda part: (part[0], part[2])):
        parts = [cluster for _, cluster, _ in group]
        yield face, "".join(reversed(parts) if is_rtl else parts), is_rtl


def _visual_order(parts: list[str]) -> list[tuple[str, int]]:
    """Clusters from left to right with their embedding levels (UAX 9; names hold no explicit formatting)."""
    bases = "".join(part[0] for part in parts)
    if all(unicodedata.bidirectional(c) not in {"R", "AL", "AN"} for c in bases):
        return [(part, 0) for part in parts]
    storage = algorithm.get_empty_storage()
    storage["base_level"] = algorithm.get_base_level(bases)
    storage["base_dir"] = "LR"[storage["base_level"]]
    algorithm.get_embedding_levels(bases, storage)
    for char, part in zip(storage["chars"], parts, strict=True):
        char["cluster"] = part
    algorithm.explicit_embed_and_overrides(storage)
    algorithm.resolve_weak_types(storage, debug=False)
    algorithm.resolve_neutral_types(storage, debug=False)
    algorithm.resolve_implicit_levels(storage, debug=False)
    algorithm.reorder_resolved_levels(storage, debug=False)
    return [(char["cluster"], char["level"]) for char in storage["chars"]]


def _shape(  # noqa: PLR0913 - the state of the line under way
    face: Face, text: str, *, is_rtl: bool, pen: float, glyphs: list[Glyph], missing: list[str]
) -> float:
    buffer = hb.Buffer()
    buffer.add_str(text)
    buffer.direction = "rtl" if is_rtl else "ltr"
    buffer.guess_segment_properties()
    hb.shape(face.font, buffer)
    for info, position in zip(buffer.glyph_infos, buffer.glyph_positions, strict=True):
        if info.codepoint == 0:  # the box
            missing.append(text[info.cluster])
            continue
        x, y = position.x_offset / face.units_per_em, position.y_offset / face.units_per_em
        glyphs.append(Glyph(face, info.codepoint, pen + x, y))
        pen += position.x_advance / face.units_per_em
    return pen
