"""Layouts as pictures that somebody looked at. The PNGs lie beside this file."""

from pathlib import Path

import pytest

from layouts.geometry import Size
from layouts.model import Options, Side
from mcu.offline import assert_same_picture, render_picture
from tests.golden.cards import card, screen

pytestmark = pytest.mark.media

HERE = Path(__file__).parent
SMALL = Size(320, 180)
CARDS = [card(0), card(1, 240, 180), card(2, 101, 179), card(3), card(4, 640, 360)]
GAPS = Options(gap=4, padding=4, background="#203040")


@pytest.mark.parametrize(
    ("name", "layout", "options"),
    [
        ("grid", "grid", Options()),
        ("grid-gaps", "grid", GAPS),
        ("speaker", "speaker", Options()),
        ("speaker-left", "speaker", Options(side=Side.LEFT, gap=4)),
        ("pip", "pip", Options()),
        ("side-by-side", "side-by-side", GAPS),
    ],
)
def test_cameras(name: str, layout: str, options: Options, tmp_path: Path) -> None:
    assert_same_picture(render_picture(layout, SMALL, CARDS, options=options), HERE / f"{name}.png", folder=tmp_path)


@pytest.mark.parametrize("layout", ["presentation", "horizontalPresentation"])
def test_a_shared_screen(layout: str, tmp_path: Path) -> None:
    image = render_picture(layout, SMALL, [*CARDS[:3], screen()], screens=[3])
    assert_same_picture(image, HERE / f"{layout}.png", folder=tmp_path)


def test_a_tall_canvas(tmp_path: Path) -> None:
    assert_same_picture(render_picture("grid", Size(180, 320), CARDS), HERE / "grid-tall.png", folder=tmp_path)
