"""Layouts as pictures that somebody looked at. The PNGs lie beside this file; docs/layouts.md shows them too."""

from pathlib import Path

import pytest

from layouts import Options, Side, Size, names, parse_freeswitch, parse_template
from mcu.offline import TileInfo, assert_same_picture, render_picture
from mcu.video.style import CanvasStyle, Clock, Logo, artwork_from
from tests.golden.cards import card, logo, screen

pytestmark = [pytest.mark.media, pytest.mark.beside]

HERE = Path(__file__).parent
SMALL = Size(320, 180)
CARDS = [card(0), card(1, 240, 180), card(2, 101, 179), card(3), card(4, 640, 360)]
GAPS = Options(gap=4, padding=4, background="#203040")
LARGEST = 30_000  # bytes of any golden picture

TWILIO = {
    "main": {"z_pos": 1, "width": 320, "height": 130, "video_sources": ["screen*"]},
    "row": {
        "z_pos": 2,
        "x_pos": 4,
        "y_pos": 134,
        "width": 312,
        "height": 42,
        "max_rows": 1,
        "video_sources": ["*"],
        "video_sources_excluded": ["screen*"],
    },
}
SLOTS = {
    "slots": [
        {"x": 0, "y": 0, "width": "75%", "height": "75%", "source": "speaker"},
        {"x": "75%", "y": 0, "width": "25%", "height": "25%"},
        {"x": "75%", "y": "25%", "width": "25%", "height": "25%"},
        {"x": 8, "y": 96, "width": 64, "height": 36, "z": 2, "source": "name:3"},
    ]
}
FREESWITCH = """
<layout name="1up_top_left+5">
  <image x="0" y="0" scale="240" floor="true"/>
  <image x="240" y="0" scale="120" zoom="true"/>
  <image x="240" y="120" scale="120" zoom="true" border="2"/>
  <image x="0" y="240" scale="120"/>
  <image x="120" y="240" scale="120"/>
  <image x="240" y="240" scale="120"/>
</layout>"""


@pytest.mark.parametrize(
    ("name", "layout", "options"),
    [
        ("grid", "grid", Options()),
        ("grid-gaps", "grid", GAPS),
        ("grid-rounded", "grid", Options(gap=6, padding=6, corner_radius=12, background="#f0e8d8")),
        ("speaker", "speaker", Options()),
        ("speaker-left", "speaker", Options(side=Side.LEFT, gap=4)),
        ("single-speaker", "single-speaker", Options(pinned=("3",))),
        ("pip", "pip", Options()),
        ("side-by-side", "side-by-side", GAPS),
        ("auto", "auto", Options(gap=4)),
    ],
)
def test_cameras(name: str, layout: str, options: Options, tmp_path: Path) -> None:
    assert_same_picture(render_picture(layout, SMALL, CARDS, options=options), HERE / f"{name}.png", folder=tmp_path)


@pytest.mark.parametrize("layout", ["presentation", "verticalPresentation", "horizontalPresentation"])
def test_a_shared_screen(layout: str, tmp_path: Path) -> None:
    image = render_picture(layout, SMALL, [*CARDS[:3], screen()], screens=[3])
    assert_same_picture(image, HERE / f"{layout}.png", folder=tmp_path)


def test_auto_gives_a_screen_the_stage(tmp_path: Path) -> None:
    image = render_picture("auto", SMALL, [*CARDS[:3], screen()], screens=[3])
    assert_same_picture(image, HERE / "presentation.png", folder=tmp_path)


def test_best_fit_is_the_grid(tmp_path: Path) -> None:
    assert_same_picture(render_picture("bestFit", SMALL, CARDS), HERE / "grid.png", folder=tmp_path)


@pytest.mark.parametrize(("name", "canvas"), [("grid-tall", Size(180, 320)), ("speaker-tall", Size(180, 320))])
def test_a_tall_canvas(name: str, canvas: Size, tmp_path: Path) -> None:
    image = render_picture(name.removesuffix("-tall"), canvas, CARDS)
    assert_same_picture(image, HERE / f"{name}.png", folder=tmp_path)


def test_own_slots(tmp_path: Path) -> None:
    image = render_picture(parse_template(SLOTS), SMALL, CARDS)
    assert_same_picture(image, HERE / "custom-slots.png", folder=tmp_path)


def test_a_screen_with_a_row_in_twilios_syntax(tmp_path: Path) -> None:
    image = render_picture(parse_template(TWILIO), SMALL, [*CARDS, screen()], screens=[5])
    assert_same_picture(image, HERE / "custom-twilio.png", folder=tmp_path)


def test_one_up_of_freeswitch(tmp_path: Path) -> None:
    image = render_picture(parse_freeswitch(FREESWITCH)["1up_top_left+5"], SMALL, [*CARDS, card(5)])
    assert_same_picture(image, HERE / "custom-freeswitch.png", folder=tmp_path)


@pytest.mark.parametrize("shown", ["waiting", "bars", "logo"])
def test_an_empty_room(shown: str, tmp_path: Path) -> None:
    style = CanvasStyle(logo=Logo(artwork_from(logo(), "logo")))
    image = render_picture("grid", SMALL, [], options=Options(empty_picture=shown), style=style)
    assert_same_picture(image, HERE / f"empty-{shown}.png", folder=tmp_path)


def test_names_signs_and_borders(tmp_path: Path) -> None:
    people = [
        TileInfo("Ada Lovelace", speaking=True),
        TileInfo("Софья", muted=True),
        TileInfo("Υπατία", network_trouble=True),
        TileInfo("Zoë"),
    ]
    image = render_picture(
        "grid",
        Size(480, 270),
        [card(0), card(1), card(2), None],
        options=Options(gap=6, padding=6, corner_radius=8),
        names=people,
        style=CanvasStyle(border="#39404d"),
    )
    assert_same_picture(image, HERE / "labels.png", folder=tmp_path)


def test_everything_that_lies_over_the_canvas(tmp_path: Path) -> None:
    style = CanvasStyle(
        title="Standup", banner="Next: retro", clock=Clock(), logo=Logo(artwork_from(logo(), "logo"), opacity=0.8)
    )
    half_past_nine_us = (9 * 60 + 30) * 60_000_000
    image = render_picture("speaker", Size(480, 270), CARDS, style=style, wall_us=half_past_nine_us)
    assert_same_picture(image, HERE / "style.png", folder=tmp_path)


def test_every_built_in_layout_has_its_picture_and_none_is_large() -> None:
    pictures = {path.stem: path.stat().st_size for path in HERE.glob("*.png")}
    assert set(names()) - {"bestFit"} <= set(pictures)
    assert {name: size for name, size in pictures.items() if size > LARGEST} == {}


def test_every_golden_picture_is_still_compared() -> None:
    source = Path(__file__).read_text("utf-8")
    forgotten = [
        path.stem
        for path in HERE.glob("*.png")
        if path.stem not in source and path.stem.removeprefix("empty-") not in source
    ]
    assert forgotten == []
