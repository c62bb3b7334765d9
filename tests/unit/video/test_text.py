"""Names in every script: nothing missing, in the right direction, joined as they have to be."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from mcu.video.ink import draw_line, middle_baseline
from mcu.video.shaping import clusters, shaped
from mcu.video.text import apart, drawable, fitted, has_glyphs, width_px
from mcu.video.typefaces import CJK_PATH, FOLDER, emoji, face_for, han_style, latin

pytestmark = pytest.mark.unit

NAMES = {
    "Latin": "Zoë Łukasiewicz-Ñáñez ß Đặng Thị",
    "Cyrillic": "Борис Ґжицький Ђорђе",
    "Greek": "Ἀριστοτέλης Ελευθερία",
    "Armenian and Georgian": "Արամ გიორგი",
    "Arabic": "محمد علي پژمان",
    "Hebrew": "שָׁלוֹם כהן",
    "Devanagari": "श्रीकृष्ण त्रिपाठी",
    "Bengali": "রবীন্দ্রনাথ ঠাকুর",
    "Gurmukhi and Gujarati": "ਗੁਰਪ੍ਰੀਤ ગુજરાતી",
    "Oriya": "ଓଡ଼ିଆ",
    "Tamil and Telugu": "தமிழ் తెలుగు",
    "Kannada and Malayalam": "ಕನ್ನಡ മലയാളം",
    "Sinhala": "සිංහල ශ්‍රී",
    "Thai and Lao": "สมชาย ผู้ใหญ่ ລາວ",
    "Khmer and Burmese": "ខ្មែរ မြန်မာ",
    "Ethiopic": "አማርኛ",
    "Chinese": "李小龍 王伟 㐂",
    "Japanese": "さくら タロウ 髙橋",
    "Korean": "김철수 한국어",
    "Emoji": "🙂 👩🏽‍💻 👨‍👩‍👧‍👦 🇫🇷 ❤️ 1️⃣ ☕ 🏳️‍🌈",
    "Signs": "Ada @ Home \u2013 “№ 5” € ™ → ½",
}


@pytest.mark.parametrize("script", NAMES)
def test_every_script_has_its_glyphs(script: str) -> None:
    line = shaped(drawable(NAMES[script]))
    assert line.missing == ""
    assert len(line.glyphs) > 2
    assert all(glyph.id != 0 for glyph in line.glyphs)  # 0 is the box in every font
    assert line.width > 1


def _ink(text: str, size_px: int = 32, width: int = 400) -> np.ndarray[tuple[int, int, int], np.dtype[np.uint8]]:
    image = Image.new("RGBA", (width, 2 * size_px))
    line = shaped(text)
    draw_line(image, line, size_px, x=4, baseline=middle_baseline(image.height, size_px), colour=(255, 255, 255))
    return np.asarray(image)


@pytest.mark.parametrize("script", NAMES)
def test_every_script_leaves_ink_in_its_width(script: str) -> None:
    text = drawable(NAMES[script])
    alpha = _ink(text, width=1200)[..., 3]
    columns = np.nonzero(alpha.max(axis=0) > 60)[0]
    assert alpha.max() == 255
    assert columns[0] <= 4 + 6
    assert abs(columns[-1] - (4 + width_px(text, 32))) < 8


def test_right_to_left_runs_from_right_to_left_and_numbers_in_it_do_not() -> None:
    hebrew, digits = "שלום", "42"
    line = shaped(f"{hebrew} {digits}")
    by_place = sorted(line.glyphs, key=lambda glyph: glyph.x)
    alone = {c: shaped(c).glyphs[0].id for c in hebrew + digits}
    ids = [glyph.id for glyph in by_place if glyph.id in alone.values()]
    assert ids == [alone[c] for c in digits + "םולש"]


def test_a_latin_name_within_an_arabic_one_keeps_its_order() -> None:
    line = shaped("علي Bob")
    latin_ids = [shaped(c).glyphs[0].id for c in "Bob"]
    placed = [glyph.id for glyph in sorted(line.glyphs, key=lambda g: g.x) if glyph.face is latin()]
    assert [id_ for id_ in placed if id_ in latin_ids] == latin_ids
    assert placed[: len(latin_ids)] == latin_ids  # to the left of the name that is read first


def test_arabic_letters_join_and_initials_do_not() -> None:
    joined, single = shaped("بيت"), [shaped(c).glyphs[0].id for c in "بيت"]
    assert not set(single) & {glyph.id for glyph in joined.glyphs}
    assert [glyph.id for glyph in shaped(apart("مع")).glyphs if glyph.id in {shaped(c).glyphs[0].id for c in "مع"}]


def test_combining_signs_and_conjuncts_take_fewer_places_than_letters() -> None:
    assert shaped("क्ष").width < shaped("क").width + shaped("ष").width
    assert shaped("é").width == pytest.approx(shaped("e").width)


def test_emoji_keep_their_colours_and_families_are_one_picture() -> None:
    assert clusters("👨‍👩‍👧‍👦x🇫🇷🇩🇪👩🏽e\u0301") == ["👨‍👩‍👧‍👦", "x", "🇫🇷", "🇩🇪", "👩🏽", "e\u0301"]
    family = shaped("👨‍👩‍👧‍👦")
    assert len(family.glyphs) == 1
    pixels = _ink("🙂")
    seen = pixels[pixels[..., 3] == 255][:, :3].astype(int)
    red, _, blue = np.median(seen, axis=0)
    assert red > 200
    assert blue < 120  # yellow
    assert shaped("♥").glyphs[0].face is not emoji()
    assert shaped("♥️").glyphs[0].face is emoji()


def test_han_is_drawn_as_the_rest_of_the_name_asks() -> None:
    assert [han_style(name) for name in ("李", "さくら李", "김李", "ㄅ李")] == [2, 0, 1, 3]
    chinese, japanese = shaped("骨").glyphs[0], shaped("さ骨").glyphs[1]
    assert (chinese.face, chinese.id) != (japanese.face, japanese.id)


def test_a_character_that_no_font_knows_is_left_out_and_the_rest_is_drawn() -> None:
    unknown = "\U0001f0ff\u0b4e"
    line = shaped(f"A{unknown}B")
    assert set(line.missing) <= set(unknown)
    assert line.missing
    assert len(line.glyphs) == 2
    assert not has_glyphs(unknown)
    assert face_for("\U0001f0ff", 0) is None


def test_a_cut_name_is_not_torn_within_a_character() -> None:
    name = "👨‍👩‍👧‍👦" * 5
    text = fitted(name, 20, 70)
    assert text.rstrip("…") in {"👨‍👩‍👧‍👦" * n for n in range(1, 5)}
    assert width_px(text, 20) <= 70


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=40))
def test_any_text_is_shaped_and_nothing_becomes_a_box(text: str) -> None:
    name = drawable(text)
    line = shaped(name)
    assert all(glyph.id != 0 for glyph in line.glyphs)
    assert line.width >= 0


def test_every_font_comes_with_its_licence() -> None:
    fonts = {path.name for path in FOLDER.iterdir() if "LICENSE" not in path.name}
    licences = {path.name.removesuffix("-LICENSE.txt"): path.read_text() for path in FOLDER.glob("*-LICENSE.txt")}
    for font in fonts:
        family = next(name for name in licences if font.startswith(name))
        assert "Permission is hereby granted" in licences[family] or "PERMISSION & CONDITIONS" in licences[family]
        assert (FOLDER / font).stat().st_size < 800_000
    assert CJK_PATH.exists()
