from collections.abc import Callable

import numpy as np
import pytest

from layouts.errors import LayoutError
from layouts.geometry import Rect, Size
from layouts.model import Fit, Layout, Tile
from mcu.media import Picture
from mcu.video.compositor import BACKGROUND, EMPTY_TILE, SPEAKING, Compositor, check
from mcu.video.i420 import Canvas, Colour
from mcu.video.overlay import Overlays
from mcu.video.scene import Scene, TileInfo
from mcu.video.style import CanvasStyle
from tests.unit.video.reference import flat

pytestmark = pytest.mark.unit

CANVAS = Size(320, 180)
Jobs = list[Callable[[], None]]

LEFT, RIGHT = Rect(0, 0, 160, 90), Rect(160, 0, 160, 90)
RED, GREEN, BLUE = flat(81, 90, 240), flat(145, 54, 34), flat(41, 240, 110)


def _scene(*tiles: Tile, **info: TileInfo) -> Scene:
    return Scene(Layout(CANVAS, tiles), info)


def _compositor(overlays: Overlays | None = None) -> tuple[Compositor, Canvas]:
    canvas = Canvas(CANVAS)
    return Compositor(canvas, overlays or Overlays()), canvas


def _shows(canvas: Canvas, rect: Rect, colour: Colour | Picture) -> bool:
    """Whether all of ``rect`` has one colour, in all three planes."""
    for plane, wanted, step in ((canvas.y, colour.y, 1), (canvas.u, colour.u, 2), (canvas.v, colour.v, 2)):
        area = plane[rect.y // step : rect.bottom // step, rect.x // step : rect.right // step]
        if (area != (wanted if isinstance(wanted, int) else wanted[0, 0])).any():
            return False
    return True


def test_each_source_is_in_its_tile_and_the_background_everywhere_else() -> None:
    compositor, canvas = _compositor()
    assert compositor.paint(_scene(Tile("a", LEFT), Tile("b", RIGHT)), {"a": RED, "b": BLUE})
    assert _shows(canvas, LEFT, RED)
    assert _shows(canvas, RIGHT, BLUE)
    assert _shows(canvas, Rect(0, 90, 320, 90), BACKGROUND)


def test_an_unchanged_scene_paints_nothing() -> None:
    compositor, canvas = _compositor()
    scene = _scene(Tile("a", LEFT), a=TileInfo("Ada", muted=True))
    assert compositor.paint(scene, {"a": RED})
    canvas.y[:] = 77
    assert not compositor.paint(scene, {"a": RED})
    assert (canvas.y == 77).all()


def test_only_the_tile_with_a_new_picture_is_repainted() -> None:
    compositor, canvas = _compositor()
    scene = _scene(Tile("a", LEFT), Tile("b", RIGHT))
    compositor.paint(scene, {"a": RED, "b": BLUE})
    canvas.fill(LEFT, Colour(7, 7, 7))
    assert compositor.paint(scene, {"a": RED, "b": GREEN})
    assert _shows(canvas, LEFT, Colour(7, 7, 7))
    assert _shows(canvas, RIGHT, GREEN)


def test_what_lies_on_top_stays_on_top_when_what_is_below_moves() -> None:
    compositor, canvas = _compositor()
    inset = Rect(100, 60, 100, 60)
    scene = _scene(Tile("big", Rect(0, 0, 320, 180)), Tile("small", inset, z=1))
    compositor.paint(scene, {"big": RED, "small": BLUE})
    compositor.paint(scene, {"big": GREEN, "small": BLUE})
    assert _shows(canvas, inset, BLUE)
    assert _shows(canvas, Rect(0, 0, 100, 180), GREEN)


def test_a_new_layout_leaves_nothing_of_the_old_one() -> None:
    compositor, canvas = _compositor()
    compositor.paint(_scene(Tile("a", LEFT), Tile("b", RIGHT)), {"a": RED, "b": BLUE})
    assert compositor.paint(_scene(Tile("a", Rect(0, 90, 160, 90))), {"a": RED})
    assert _shows(canvas, Rect(0, 0, 320, 90), BACKGROUND)
    assert _shows(canvas, Rect(0, 90, 160, 90), RED)


def test_a_contained_picture_has_bars_of_background_and_loses_nothing() -> None:
    compositor, canvas = _compositor()
    portrait = flat(81, 90, 240, 90, 160)
    scene = _scene(Tile("a", Rect(0, 0, 320, 160), Fit.CONTAIN))
    compositor.paint(scene, {"a": BLUE})
    compositor.paint(scene, {"a": portrait})  # it turned in mid-call: the bars were picture before
    inner = Rect(114, 0, 90, 160)
    assert _shows(canvas, inner, portrait)
    assert _shows(canvas, Rect(0, 0, 114, 160), BACKGROUND)
    assert _shows(canvas, Rect(204, 0, 116, 160), BACKGROUND)


def test_no_camera_shows_an_avatar_with_initials() -> None:
    compositor, canvas = _compositor()
    compositor.paint(_scene(Tile("a", LEFT), a=TileInfo("Ada Lovelace")), {})
    assert _shows(canvas, Rect(0, 0, 160, 20), EMPTY_TILE)
    disc = canvas.y[30:60, 66:94]
    assert (disc == 235).any()  # white letters
    assert len(np.unique(canvas.u[15:30, 33:47])) > 1


def test_who_speaks_has_a_border_and_loses_it() -> None:
    compositor, canvas = _compositor()
    tile = Tile("a", LEFT)
    compositor.paint(_scene(tile, a=TileInfo(speaking=True)), {"a": RED})
    for side in (Rect(0, 0, 160, 2), Rect(0, 88, 160, 2), Rect(0, 0, 2, 90), Rect(158, 0, 2, 90)):
        assert _shows(canvas, side, SPEAKING)
    assert _shows(canvas, Rect(2, 2, 156, 86), RED)
    assert compositor.paint(_scene(tile, a=TileInfo()), {"a": RED})
    assert _shows(canvas, LEFT, RED)


def test_a_label_does_not_blink_while_another_is_being_drawn() -> None:
    jobs: Jobs = []
    compositor, canvas = _compositor(Overlays(jobs.append))
    tile = Tile("a", Rect(0, 0, 320, 180))
    compositor.paint(_scene(tile, a=TileInfo("Ada")), {"a": RED})
    assert _shows(canvas, tile.rect, RED)  # nothing is drawn in the tick
    while jobs:
        jobs.pop()()
    assert compositor.paint(_scene(tile, a=TileInfo("Ada")), {"a": RED})
    labelled = canvas.y.copy()
    assert (labelled != RED.y[0, 0]).any()
    compositor.paint(_scene(tile, a=TileInfo("Ada", muted=True)), {"a": RED})
    assert (canvas.y == labelled).all()
    while jobs:
        jobs.pop()()
    assert compositor.paint(_scene(tile, a=TileInfo("Ada", muted=True)), {"a": RED})
    assert (canvas.y != labelled).any()


def test_a_broken_picture_costs_its_own_tile_only(caplog: pytest.LogCaptureFixture) -> None:
    compositor, canvas = _compositor()
    empty = np.zeros((0, 0), np.uint8)
    scene = _scene(Tile("a", LEFT), Tile("b", RIGHT))
    assert compositor.paint(scene, {"a": Picture(empty, empty, empty), "b": BLUE})
    assert compositor.faults == 1
    assert "tile of a" in caplog.text
    assert _shows(canvas, RIGHT, BLUE)


@pytest.mark.parametrize(
    "rect",
    [
        Rect(1, 0, 10, 10),
        Rect(0, 0, 10, 11),
        Rect(-2, 0, 10, 10),
        Rect(312, 0, 10, 10),
        Rect(0, 172, 10, 10),
        Rect(0, 0, 0, 4),
    ],
)
def test_layouts_that_cannot_be_painted_are_refused(rect: Rect) -> None:
    with pytest.raises(LayoutError, match="the tile of a"):
        check(Layout(CANVAS, (Tile("a", rect),)))
    check(Layout(CANVAS, (Tile("a", Rect(310, 170, 10, 10)),)))


@pytest.mark.parametrize("size", [(2, 2), (4, 2), (2, 90), (12, 8), (30, 18), (100, 24)])
def test_tiny_tiles_are_painted_inside_their_edges(size: tuple[int, int]) -> None:
    compositor, canvas = _compositor()
    rect = Rect(50, 40, *size)
    info = TileInfo("A very long name indeed", muted=True, speaking=True)
    for pictures in ({}, {"a": RED}):
        compositor.paint(_scene(Tile("a", rect), a=info), pictures)
        compositor.paint(_scene(), {})
        compositor.paint(_scene(Tile("a", rect), a=info), pictures)
        outside = np.ones(canvas.y.shape, bool)
        outside[rect.y : rect.bottom, rect.x : rect.right] = False
        assert (canvas.y[outside] == BACKGROUND.y).all()
    assert compositor.faults == 0


def test_network_trouble_is_a_sign_of_its_own() -> None:
    tile = Tile("a", Rect(0, 0, 320, 180))
    compositor, canvas = _compositor()
    compositor.paint(_scene(tile, a=TileInfo("Ada")), {"a": RED})
    plain = canvas.u.copy()
    compositor.paint(_scene(tile, a=TileInfo("Ada", network_trouble=True)), {"a": RED})
    assert canvas.u.min() < 70  # amber
    assert plain.min() >= 90
    compositor.paint(_scene(tile, a=TileInfo("Ada")), {"a": RED})
    assert (canvas.u == plain).all()


def test_the_silent_have_a_border_where_the_style_names_one() -> None:
    compositor, canvas = _compositor()
    layout = Layout(CANVAS, (Tile("a", LEFT), Tile("b", RIGHT)))
    style = CanvasStyle(border="#ff0000", speaking_border="#0000ff")
    compositor.paint(Scene(layout, {"b": TileInfo(speaking=True)}, style), {"a": GREEN, "b": GREEN})
    assert _shows(canvas, Rect(0, 0, 160, 2), RED)
    assert _shows(canvas, Rect(160, 0, 160, 2), BLUE)
    assert _shows(canvas, Rect(2, 2, 156, 86), GREEN)


def test_tiles_on_their_way_are_painted_where_they_are_and_leave_nothing_behind() -> None:
    compositor, canvas = _compositor()
    scene = _scene(Tile("a", RIGHT), a=TileInfo("Ada"))
    for x in range(0, 160, 20):
        place = Rect(x, 40, 160, 90)
        assert compositor.paint(scene, {"a": flat(16, 128, 128)}, places=[place])
        assert _shows(canvas, Rect(0, 0, 320, 40), BACKGROUND)
        assert _shows(canvas, Rect(0, 130, 320, 50), BACKGROUND)
        assert (canvas.y[40:130, :x] == BACKGROUND.y).all()
        assert (canvas.y[40:130, x + 160 :] == BACKGROUND.y).all()
        assert (canvas.y[42:100, x + 2 : x + 158] == 16).all()
    assert compositor.paint(scene, {"a": RED})
    assert _shows(canvas, Rect(160, 0, 160, 60), RED)


def test_a_label_is_drawn_once_for_a_whole_motion() -> None:
    jobs: Jobs = []
    compositor, canvas = _compositor(Overlays(jobs.append))
    scene = _scene(Tile("a", Rect(0, 0, 320, 180)), a=TileInfo("Ada"))
    compositor.paint(scene, {"a": RED}, places=[Rect(0, 0, 100, 60)])
    while jobs:
        jobs.pop()()
    for width in range(100, 320, 20):
        compositor.paint(scene, {"a": RED}, places=[Rect(0, 0, width, 100)])
        assert (canvas.y[60:100, :100] != RED.y[0, 0]).any()
    compositor.paint(scene, {"a": RED})
    assert not jobs


def test_a_camera_that_turns_in_mid_call_is_cut_to_its_tile_and_bleeds_nowhere() -> None:
    compositor, canvas = _compositor()
    scene = _scene(Tile("a", LEFT), Tile("b", RIGHT))
    for size in ((64, 36), (36, 64), (1, 1), (3840, 2160), (2160, 3840), (1, 400), (401, 3)):
        compositor.paint(scene, {"a": flat(81, 90, 240, *size), "b": BLUE})
        assert _shows(canvas, LEFT, RED), size
        assert _shows(canvas, RIGHT, BLUE)
        assert _shows(canvas, Rect(0, 90, 320, 90), BACKGROUND)
    assert compositor.faults == 0


def test_a_hostile_name_costs_a_label() -> None:
    compositor, canvas = _compositor()
    rect = Rect(0, 0, 320, 90)
    for name in (
        "x" * 10_000,
        "\x00\x1b]0;\u202e\n" * 50,
        "\u0300" * 10_000,
        "\ud800",
        "\U000e0001" * 99,
        "\u200d" * 999,
    ):
        compositor.paint(_scene(Tile("a", rect), a=TileInfo(name, muted=True)), {})
        assert _shows(canvas, Rect(0, 90, 320, 90), BACKGROUND)
    assert compositor.faults == 0
