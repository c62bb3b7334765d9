import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from layouts.geometry import Rect, Size
from layouts.model import Fit
from mcu.video.i420 import Canvas, Colour
from mcu.video.scale import contained, covered, halved, paint_picture
from tests.unit.video.reference import noise, scaled

pytestmark = pytest.mark.unit

MARK = Colour(1, 2, 3)
sides = st.integers(1, 400)
evens = st.integers(1, 120).map(lambda n: 2 * n)


def _canvas() -> Canvas:
    canvas = Canvas(Size(320, 240))
    canvas.fill(Rect(0, 0, 320, 240), MARK)
    return canvas


@pytest.mark.parametrize(
    "source", [(640, 360), (641, 361), (320, 180), (1280, 720), (177, 99), (3, 3), (1, 1), (2, 200)]
)
@pytest.mark.parametrize(
    "target", [Rect(10, 20, 160, 90), Rect(0, 0, 320, 240), Rect(318, 238, 2, 2), Rect(2, 2, 90, 160)]
)
def test_every_plane_is_the_float_reference_within_two_levels(source: tuple[int, int], target: Rect) -> None:
    canvas, picture = _canvas(), noise(*source)
    part = covered(Size(*source), target.size)
    paint_picture(canvas, target, Fit.COVER, picture)
    for got, plane, step in ((canvas.y, picture.y, 1), (canvas.u, picture.u, 2), (canvas.v, picture.v, 2)):
        cut = plane[
            part.y // step : (part.y + part.height + step - 1) // step,
            part.x // step : (part.x + part.width + step - 1) // step,
        ]
        expected = scaled(cut, target.width // step, target.height // step)
        area = got[target.y // step : target.bottom // step, target.x // step : target.right // step]
        assert np.abs(area - expected).max() <= 2


@pytest.mark.parametrize("fit", list(Fit))
def test_nothing_outside_the_tile_is_touched(fit: Fit) -> None:
    canvas, target = _canvas(), Rect(62, 38, 134, 78)
    paint_picture(canvas, target, fit, noise(641, 359))
    for plane, mark, step in ((canvas.y, 1, 1), (canvas.u, 2, 2), (canvas.v, 3, 2)):
        outside = np.ones(plane.shape, bool)
        outside[target.y // step : target.bottom // step, target.x // step : target.right // step] = False
        assert (plane[outside] == mark).all()


def test_a_picture_of_the_tiles_size_is_copied_bit_by_bit() -> None:
    canvas, picture = _canvas(), noise(160, 90)
    paint_picture(canvas, Rect(100, 50, 160, 90), Fit.COVER, picture)
    assert (canvas.y[50:140, 100:260] == picture.y).all()
    assert (canvas.u[25:70, 50:130] == picture.u).all()


@given(sides, sides, evens, evens)
def test_covering_cuts_one_way_only_and_keeps_the_shape(width: int, height: int, across: int, down: int) -> None:
    part = covered(Size(width, height), Size(across, down))
    assert part.x >= 0
    assert part.y >= 0
    assert part.right <= width
    assert part.bottom <= height
    assert part.width == width or part.height == height
    ideal_width, ideal_height = min(width, height * across / down), min(height, width * down / across)
    assert abs(part.width - ideal_width) <= 2
    assert abs(part.height - ideal_height) <= 2
    assert part.x % 2 == 0
    assert part.y % 2 == 0
    assert abs((width - part.right) - part.x) <= 3  # the middle of it


@given(sides, sides, evens, evens)
def test_containing_shows_all_of_it_on_even_edges(width: int, height: int, across: int, down: int) -> None:
    target = Rect(40, 60, across, down)
    inner = contained(Size(width, height), target)
    assert inner.is_even
    assert target.x <= inner.x
    assert target.y <= inner.y
    assert inner.right <= target.right
    assert inner.bottom <= target.bottom
    assert inner.width == across or inner.height == down
    assert abs(inner.width - max(2, min(across, down * width / height))) <= 1
    assert abs(inner.height - max(2, min(down, across * height / width))) <= 1


@settings(max_examples=60)
@given(sides, sides, st.sampled_from(list(Fit)))
def test_any_picture_fills_any_tile_without_a_fringe(width: int, height: int, fit: Fit) -> None:
    canvas = _canvas()
    picture = noise(width, height)
    for plane, value in ((picture.y, 200), (picture.u, 90), (picture.v, 160)):
        plane[:] = value
    filled = paint_picture(canvas, Rect(16, 8, 130, 102), fit, picture)
    for plane, value, step in ((canvas.y, 200, 1), (canvas.u, 90, 2), (canvas.v, 160, 2)):
        area = plane[filled.y // step : filled.bottom // step, filled.x // step : filled.right // step]
        assert (area == value).all()


@pytest.mark.parametrize("source", [(1280, 960), (2560, 1920), (2560, 1440)])
@pytest.mark.parametrize("fit", [Fit.COVER, Fit.CONTAIN])
def test_halving_beforehand_changes_no_pixel_of_a_tile(source: tuple[int, int], fit: Fit) -> None:
    """Tiles are no larger than the canvas, here 320 x 240."""
    whole, half = _canvas(), _canvas()
    picture = noise(*source)
    smaller = halved(picture, Size(320, 240))
    assert (smaller.width, smaller.height) != source
    for canvas, one in ((whole, picture), (half, smaller)):
        paint_picture(canvas, Rect(0, 0, 320, 240), fit, one)
    for ours, theirs in ((half.y, whole.y), (half.u, whole.u), (half.v, whole.v)):
        assert np.array_equal(ours, theirs)


@given(sides, sides, evens, evens)
def test_halving_leaves_what_is_small_and_keeps_planes_together(width: int, height: int, w: int, h: int) -> None:
    picture = noise(width, height)
    smaller = halved(picture, Size(w, h))
    assert smaller.u.shape == smaller.v.shape == ((smaller.height + 1) // 2, (smaller.width + 1) // 2)
    assert smaller.width <= 2 * w or smaller.height <= 2 * h
    if width <= 2 * w or height <= 2 * h:
        assert smaller is picture
