from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from layouts.geometry import Rect, Size
from mcu.video import overlay
from mcu.video.i420 import Canvas, Colour
from mcu.video.overlay import NOTHING, Overlays
from mcu.video.sprites import sprite_of
from mcu.video.style import Artwork
from mcu.video.text import drawable, fitted, initials, width_px

pytestmark = pytest.mark.unit

TILE = Size(426, 240)
Jobs = list[Callable[[], None]]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Ada Lovelace", "AL"),
        ("ada", "A"),
        ("Jean-Luc  de la Picard", "JP"),
        ("Żaneta Ćwik", "ŻĆ"),
        ("Борис Ельцин", "БЕ"),
        ("李小龙", "李"),
        ("(guest) 42", "G4"),
        ("🙂", ""),
        ("", ""),
        ("\x00\x1b[31m", "3"),
    ],
)
def test_initials(name: str, expected: str) -> None:
    assert initials(name) == expected


def test_control_and_direction_characters_are_left_out() -> None:
    assert drawable("A\x00d\x1ba\n\tLove\u202elace\u2066\ud800") == "Ada Lovelace"
    persian = "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645"  # its joiner shapes the word
    assert drawable(persian) == persian


def test_a_long_name_is_cut_before_it_is_measured() -> None:
    assert len(drawable("x" * 10_000)) == 64


def test_a_name_that_does_not_fit_ends_in_an_ellipsis() -> None:
    text = fitted("Wolfeschlegelsteinhausenbergerdorff", 16, 100)
    assert text.endswith("…")
    assert text.startswith("Wolfe")
    assert width_px(text, 16) <= 100
    assert fitted("Ada", 16, 100) == "Ada"
    assert fitted("Ada", 16, 3) == ""


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=80), st.integers(1, 300), st.integers(1, 300), st.booleans())
def test_any_name_gives_a_label_that_fits_its_tile(name: str, half_width: int, half_height: int, muted: bool) -> None:
    overlays = Overlays()
    tile = Size(2 * half_width, 2 * half_height)
    for sprite in (overlays.label(name, tile, muted=muted), overlays.avatar(name, tile)):
        assert sprite is not None
        assert sprite.width <= tile.width
        assert sprite.height <= tile.height
        assert sprite.width % 2 == 0
        assert sprite.height % 2 == 0
    assert overlays.faults == 0


@pytest.mark.parametrize("name", ["a" * 10_000, "मस्ते", "ไทย", "اَلْعَرَبِيَّةُ", "Z̷̧̢͎̖̗̔͛a̸l̶g̵o̴" * 40, "👨‍👩‍👧‍👦", "\u0300" * 500])
def test_names_of_every_kind_are_drawn(name: str) -> None:
    overlays = Overlays()
    label = overlays.label(name, TILE, muted=False)
    assert label is not None
    assert label.width > 0
    assert overlays.faults == 0


def test_a_label_is_drawn_once_and_elsewhere() -> None:
    jobs: Jobs = []
    overlays = Overlays(jobs.append)
    assert overlays.label("Ada", TILE, muted=False) is None
    assert overlays.label("Ada", TILE, muted=False) is None
    assert len(jobs) == 1
    jobs[0]()
    sprite = overlays.label("Ada", TILE, muted=False)
    assert sprite is not None
    assert overlays.label("Ada", TILE, muted=False) is sprite


def test_the_mute_sign_is_red_and_makes_the_label_longer() -> None:
    plain, muted = (Overlays().label("Ada", TILE, muted=m) for m in (False, True))
    assert plain is not None
    assert muted is not None
    assert muted.width > plain.width
    assert muted.v.max() > 180  # red
    assert plain.v.max() <= 129


def test_the_cache_is_bounded() -> None:
    overlays = Overlays()
    for n in range(600):
        overlays.avatar(str(n), Size(40, 40))
    assert len(overlays._sprites) <= 512


def test_what_is_shown_no_more_is_forgotten_and_what_is_shown_stays() -> None:
    overlays = Overlays()
    ada = overlays.label("Ada", TILE, muted=False)
    gone = overlays.label("Grace", TILE, muted=False)
    overlays.forget_unused()
    assert overlays.label("Ada", TILE, muted=False) is ada
    overlays.forget_unused()
    assert overlays.label("Ada", TILE, muted=False) is ada
    assert overlays.label("Grace", TILE, muted=False) is not gone


def test_people_who_come_and_go_leave_nothing_behind() -> None:
    overlays = Overlays()
    for n in range(100):
        overlays.label(f"guest {n}", TILE, muted=False)
        overlays.avatar(f"guest {n}", TILE)
        overlays.forget_unused()
    assert len(overlays._sprites) == 2
    assert overlays._bytes == sum(sprite.bytes for sprite in overlays._sprites.values() if sprite is not None)


def test_what_is_being_drawn_is_not_lost_by_forgetting() -> None:
    jobs: Jobs = []
    overlays = Overlays(jobs.append)
    overlays.label("Ada", TILE, muted=False)
    overlays.forget_unused()
    overlays.forget_unused()
    jobs[0]()
    assert overlays.label("Ada", TILE, muted=False) is not None


def test_a_drawing_that_fails_is_counted_and_shows_nothing(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(name: str, diameter: int) -> None:
        raise OSError("no font")

    monkeypatch.setattr(overlay, "draw_avatar", broken)
    overlays = Overlays()
    sprite = overlays.avatar("Ada", TILE)
    assert sprite is not None
    assert sprite.width == NOTHING.width == 0
    assert overlays.faults == 1
    assert "no font" in caplog.text


def test_blending_is_the_mean_weighted_by_alpha() -> None:
    canvas = Canvas(Size(160, 90))
    canvas.fill(Rect(0, 0, 160, 90), Colour(200, 100, 60))
    sprite_of(Image.new("RGBA", (8, 4), (255, 0, 0, 64))).blend(canvas, 20, 30)
    share = 64 / 255
    for plane, below, above, step in ((canvas.y, 200, 81, 1), (canvas.u, 100, 90, 2), (canvas.v, 60, 240, 2)):
        area = plane[30 // step : 34 // step, 20 // step : 28 // step]
        assert np.abs(area - (below * (1 - share) + above * share)).max() <= 1
        assert (plane != below).sum() == area.size


def test_the_cache_is_bounded_in_bytes_too() -> None:
    overlays = Overlays()
    artworks = [Artwork(2, 2, bytes([n, 0, 0, 255] * 4)) for n in range(5)]
    for artwork in artworks:
        overlays.background(artwork, Size(3840, 2160))
    held = sum(sprite.bytes for sprite in overlays._sprites.values() if sprite is not None)
    assert held == overlays._bytes <= 96_000_000
    assert overlays.background(artworks[-1], Size(3840, 2160)) is not None
