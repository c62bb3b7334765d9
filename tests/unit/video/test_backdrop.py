"""Background, logo, title, clock and banner on the canvas."""

from collections.abc import Callable
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from layouts.geometry import Rect, Size
from layouts.model import Layout, Options, Tile
from mcu.video.compositor import BACKGROUND, Compositor
from mcu.video.i420 import Canvas, Colour
from mcu.video.overlay import Overlays
from mcu.video.scene import Scene, TileInfo
from mcu.video.style import CanvasStyle, Clock, Logo, Place, artwork_from
from tests.unit.video.reference import flat

pytestmark = pytest.mark.unit

CANVAS = Size(640, 360)
EVERYWHERE = Rect(0, 0, 640, 360)
PICTURE = flat(120, 100, 150)
Jobs = list[Callable[[], None]]


def _png(size: tuple[int, int], colour: tuple[int, int, int, int]) -> bytes:
    file = BytesIO()
    Image.new("RGBA", size, colour).save(file, "PNG")
    return file.getvalue()


def _logo(**how: object) -> Logo:
    return Logo(artwork_from(_png((100, 50), (255, 0, 0, 255)), "logo"), **how)  # type: ignore[arg-type]  # a shorthand


def _scene(style: CanvasStyle, *tiles: Tile) -> Scene:
    return Scene(Layout(CANVAS, tiles), style=style)


def _painted(style: CanvasStyle, *tiles: Tile, wall_us: int | None = None) -> Canvas:
    canvas = Canvas(CANVAS)
    Compositor(canvas, Overlays()).paint(_scene(style, *tiles), {"a": PICTURE}, wall_us=wall_us)
    return canvas


def test_the_background_is_the_layouts_colour_unless_the_style_names_one() -> None:
    canvas = Canvas(CANVAS)
    layout = Layout(CANVAS, options=Options(background="#ff0000"))
    compositor = Compositor(canvas, Overlays())
    compositor.paint(Scene(layout), {})
    assert (canvas.y[0, 0], canvas.u[0, 0], canvas.v[0, 0]) == (81, 90, 240)  # BT.601 red
    compositor.paint(Scene(layout, style=CanvasStyle(background="#0000ff")), {})
    assert (canvas.y == 41).all()
    assert (canvas.u == 240).all()
    assert (canvas.v == 110).all()


def test_a_background_picture_fills_the_canvas_and_is_seen_between_the_tiles() -> None:
    file = BytesIO()
    halves = np.zeros((90, 320, 3), np.uint8)  # wider than the canvas: both ends are cut off
    halves[:, :160], halves[:, 160:] = (255, 255, 255), (0, 0, 255)
    Image.fromarray(halves).save(file, "PNG")
    style = CanvasStyle(background_image=artwork_from(file.getvalue(), "background_image"))
    tile = Tile("a", Rect(200, 100, 240, 160))
    canvas = _painted(style, tile)
    assert (canvas.y[:, :190] == 235).all()
    assert (canvas.y[:, 450:] == 41).all()
    assert (canvas.y[110:250, 210:430] == 120).all()


def test_a_logo_lies_in_its_corner_with_its_opacity() -> None:
    canvas = _painted(CanvasStyle(logo=_logo(opacity=0.5, share=0.2)), Tile("a", EVERYWHERE))
    changed = np.argwhere(canvas.y != 120)
    (top, left), (bottom, right) = changed.min(axis=0), changed.max(axis=0)
    assert bottom - top == 63 or bottom - top == 64  # 640 * 0.2 is 128 wide, so half as high
    assert 640 - right <= 20
    assert top <= 20
    assert right - left >= 126
    middle = (top + bottom) // 2, (left + right) // 2
    assert abs(int(canvas.y[middle]) - (120 + 81) / 2) <= 1
    assert abs(int(canvas.v[middle[0] // 2, middle[1] // 2]) - (150 + 240) / 2) <= 1


@pytest.mark.parametrize("place", list(Place))
def test_every_place_is_where_its_name_says(place: Place) -> None:
    canvas = _painted(CanvasStyle(logo=_logo(place=place, share=0.1)), Tile("a", EVERYWHERE))
    y, x = np.argwhere(canvas.y != 120).mean(axis=0)
    assert ("top" in place) == (y < 120)
    assert ("bottom" in place) == (y > 240)
    assert ("left" in place) == (x < 213)
    assert ("right" in place) == (x > 427)


def test_title_and_banner_are_written_over_the_tiles() -> None:
    canvas = _painted(CanvasStyle(title="Weekly", banner="Willkommen"), Tile("a", EVERYWHERE))
    assert canvas.y[10:40].max() > 220  # white letters
    assert canvas.y[-24:].max() > 220
    assert (canvas.y[-2:, :4] < 70).all()  # the strip's shade goes from edge to edge
    assert (canvas.y[60:300] == 120).all()


def test_names_stand_above_the_banner_and_come_down_when_it_goes() -> None:
    canvas = Canvas(CANVAS)
    compositor = Compositor(canvas, Overlays())
    layout, info = Layout(CANVAS, (Tile("a", EVERYWHERE),)), {"a": TileInfo("Ada")}

    def letters(style: CanvasStyle) -> tuple[int, int]:
        """Lowest row and number of white pixels in the left half; the banner's text is in the middle."""
        compositor.paint(Scene(layout, info, style), {"a": PICTURE})
        rows = np.argwhere(canvas.y[:, :120] > 220)[:, 0]
        return int(rows.max()), len(rows)

    low, count = letters(CanvasStyle())
    assert low > 330
    banner_top = int(np.argwhere(_painted(CanvasStyle(banner="o"), Tile("a", EVERYWHERE)).y[:, 0] != 120).min())
    raised, raised_count = letters(CanvasStyle(banner="o"))
    assert banner_top - 30 < raised < banner_top
    assert raised_count == count
    assert letters(CanvasStyle()) == (low, count)


def test_the_clock_is_drawn_once_a_minute_and_elsewhere() -> None:
    jobs: Jobs = []
    canvas = Canvas(CANVAS)
    compositor = Compositor(canvas, Overlays(jobs.append))
    scene = Scene(Layout(CANVAS), style=CanvasStyle(clock=Clock()))

    def tick(wall_s: int) -> bool:
        return compositor.paint(scene, {}, wall_us=wall_s * 1_000_000)

    assert tick(0)  # the background
    assert (canvas.y == BACKGROUND.y).all()
    jobs.pop()()
    assert tick(1)
    midnight = canvas.y.copy()
    assert (midnight != BACKGROUND.y).any()
    assert not any(tick(second) for second in range(2, 60))
    assert jobs == []
    assert not tick(60)  # the new minute is being drawn; the old one stays
    assert (canvas.y == midnight).all()
    jobs.pop()()
    assert tick(60)
    assert (canvas.y != midnight).any()
    assert not jobs


def test_without_a_wall_clock_there_is_no_time_to_show() -> None:
    assert (_painted(CanvasStyle(clock=Clock())).y == BACKGROUND.y).all()
    assert (_painted(CanvasStyle(clock=Clock()), wall_us=0).y != BACKGROUND.y).any()


def test_what_lies_over_a_moving_picture_does_not_get_darker() -> None:
    canvas = Canvas(CANVAS)
    compositor = Compositor(canvas, Overlays())
    tiles = (Tile("a", Rect(0, 0, 320, 360)), Tile("b", Rect(320, 0, 320, 360)))
    scene = _scene(CanvasStyle(title="In the middle of both", logo=_logo(opacity=0.3)), *tiles)
    compositor.paint(scene, {"a": PICTURE, "b": PICTURE})
    first = canvas.y.copy()
    for n in range(5):
        assert compositor.paint(scene, {"a": flat(50 + n, 128, 128), "b": PICTURE})
    compositor.paint(scene, {"a": PICTURE, "b": PICTURE})
    assert (canvas.y == first).all()


def test_colours_are_those_of_limited_range() -> None:
    assert Colour.from_rgb(255, 255, 255) == Colour(235, 128, 128)
    assert Colour.from_rgb(0, 0, 0) == Colour(16, 128, 128)
    canvas = _painted(CanvasStyle(logo=_logo(share=0.5, place=Place.CENTRE)))
    assert canvas.v.max() == 240
    assert canvas.y.min() >= 16
