"""Rounded corners and their border against a picture computed in floating point."""

import numpy as np
import pytest

from layouts.geometry import Rect, Size
from layouts.model import Layout, Options, Tile
from mcu.video.border import thickness
from mcu.video.compositor import SPEAKING, Compositor
from mcu.video.i420 import Canvas, Colour
from mcu.video.overlay import Overlays
from mcu.video.scene import Scene, TileInfo
from tests.unit.video.reference import Floats, flat

pytestmark = pytest.mark.unit

CANVAS = Size(320, 180)
PICTURE = flat(200, 90, 160)
BENEATH = Colour.from_rgb(17, 19, 24)


def _coverage(rect: Rect, radius: float, inset: int, fine: int = 16) -> Floats:
    """Share of each canvas pixel that a rounded rectangle covers: samples no further than the radius from the arcs."""
    share = np.zeros((CANVAS.height, CANVAS.width))
    width, height = rect.width - 2 * inset, rect.height - 2 * inset
    radius = max(0, radius - inset)
    x = (np.arange(rect.width * fine) + 0.5) / fine - inset
    y = (np.arange(rect.height * fine) + 0.5) / fine - inset
    dx = (x - np.clip(x, radius, width - radius))[None, :]
    dy = (y - np.clip(y, radius, height - radius))[:, None]
    points = np.hypot(dx, dy) <= radius
    pixels = points.reshape(rect.height, fine, rect.width, fine).mean(axis=(1, 3))
    share[rect.y : rect.bottom, rect.x : rect.right] = pixels
    return share


def _halved(plane: Floats) -> Floats:
    halves: Floats = plane.reshape(plane.shape[0] // 2, 2, plane.shape[1] // 2, 2).mean(axis=(1, 3))
    return halves


@pytest.mark.parametrize("speaking", [False, True])
@pytest.mark.parametrize("radius", [1, 5, 16])
def test_a_rounded_tile_is_its_picture_inside_its_border_around_and_the_background_outside(
    radius: int, speaking: bool
) -> None:
    canvas, rect = Canvas(CANVAS), Rect(20, 10, 90, 60)
    layout = Layout(CANVAS, (Tile("a", rect),), options=Options(corner_radius=radius))
    Compositor(canvas, Overlays()).paint(Scene(layout, {"a": TileInfo(speaking=speaking)}), {"a": PICTURE})
    whole = _coverage(rect, radius, 0)
    inner = _coverage(rect, radius, thickness(rect)) if speaking else whole
    for plane, picture, border, beneath, share in (
        (canvas.y, PICTURE.y, SPEAKING.y, BENEATH.y, lambda part: part),
        (canvas.u, PICTURE.u, SPEAKING.u, BENEATH.u, _halved),
        (canvas.v, PICTURE.v, SPEAKING.v, BENEATH.v, _halved),
    ):
        covered, shown = share(whole), share(inner)
        expected = shown * picture[0, 0] + (covered - shown) * border + (1 - covered) * beneath
        assert np.abs(plane - expected).max() <= 2
        assert np.abs(plane - expected).mean() < 0.1


def test_a_flat_picture_on_its_own_colour_shows_no_edge_at_all() -> None:
    canvas, colour = Canvas(CANVAS), flat(BENEATH.y, BENEATH.u, BENEATH.v)
    layout = Layout(CANVAS, (Tile("a", Rect(20, 10, 90, 60)),), options=Options(corner_radius=20))
    Compositor(canvas, Overlays()).paint(Scene(layout), {"a": colour})
    for plane, value in ((canvas.y, BENEATH.y), (canvas.u, BENEATH.u), (canvas.v, BENEATH.v)):
        assert (plane == value).all()


def test_the_corner_of_an_inset_shows_the_picture_below_it_however_often_they_change() -> None:
    canvas, inset = Canvas(CANVAS), Rect(200, 100, 80, 60)
    tiles = (Tile("big", Rect(0, 0, 320, 180)), Tile("small", inset, z=1))
    compositor = Compositor(canvas, Overlays())
    scene = Scene(Layout(CANVAS, tiles, options=Options(corner_radius=16)))
    for level in (30, 220, 90, 90, 140):
        small = flat(235 - level, 128, 128)
        compositor.paint(scene, {"big": flat(level, 100, 150), "small": small})
        compositor.paint(scene, {"big": flat(level, 100, 150), "small": flat(16, 128, 128)})
        assert canvas.y[inset.y, inset.x] == level
        assert canvas.u[inset.y // 2, inset.x // 2] == 100
        assert canvas.y[inset.bottom - 1, inset.right - 1] == level
        assert canvas.y[inset.y + 30, inset.x + 40] == 16
