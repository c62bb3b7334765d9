from fractions import Fraction

import pytest

from layouts.geometry import Rect, Size
from layouts.model import Source
from layouts.select import resolve
from tests.unit.layouts.people import HD, people

pytestmark = pytest.mark.unit


def best_tile(canvas: Size, count: int) -> tuple[Fraction, Fraction]:
    """Width and height of the largest 16:9 tile of all rows x columns that hold ``count``, in exact arithmetic."""
    best = (Fraction(0), Fraction(0))
    for rows in range(1, count + 1):
        for columns in range(1, count + 1):
            if rows * columns >= count:
                width = min(Fraction(canvas.width, columns), Fraction(canvas.height, rows) * Fraction(16, 9))
                best = max(best, (width, width * Fraction(9, 16)))
    return best


@pytest.mark.parametrize(
    "canvas", [HD, Size(1440, 1080), Size(1080, 1080), Size(720, 1280)], ids=["16:9", "4:3", "1:1", "9:16"]
)
def test_no_rows_and_columns_show_more_picture(canvas: Size) -> None:
    for count in range(1, 51):
        tiles = resolve("grid", canvas, people(count)).tiles
        width, height = best_tile(canvas, count)
        shown = sum(min(Fraction(tile.rect.width), tile.rect.height * Fraction(16, 9)) for tile in tiles)
        assert shown > count * (width - 4), f"{count} people on {canvas}"  # both sides rounded to even pixels
        assert all(tile.rect.width > width - 2 and tile.rect.height > height - 2 for tile in tiles)


@pytest.mark.parametrize(
    ("count", "rects"),
    [
        (1, [(0, 0, 1280, 720)]),
        (2, [(0, 180, 640, 360), (640, 180, 640, 360)]),
        (3, [(0, 0, 640, 360), (640, 0, 640, 360), (320, 360, 640, 360)]),
        (4, [(0, 0, 640, 360), (640, 0, 640, 360), (0, 360, 640, 360), (640, 360, 640, 360)]),
    ],
)
def test_small_grids_by_hand(count: int, rects: list[tuple[int, int, int, int]]) -> None:
    assert [tile.rect for tile in resolve("bestFit", HD, people(count)).tiles] == [Rect(*rect) for rect in rects]


def test_portrait_cameras_get_portrait_tiles() -> None:
    tiles = resolve("grid", HD, people(3, aspect=9 / 16)).tiles
    assert [tile.rect for tile in tiles] == [Rect(x, 0, 404, 720) for x in (34, 438, 842)]


def test_nearly_the_same_shape_makes_the_same_grid() -> None:
    crowd = people(4)
    wobbly = [Source(id=source.id, aspect=854 / 480) for source in crowd]
    assert resolve("grid", HD, wobbly).tiles == resolve("grid", HD, crowd).tiles


def test_a_camera_that_turns_upright_keeps_the_grid_sound() -> None:
    crowd = people(3)
    before = resolve("grid", HD, crowd)
    crowd[1] = Source(id="p1", aspect=9 / 16)
    after = resolve("grid", HD, crowd, previous=before)
    assert [tile.source_id for tile in after.tiles] == ["p0", "p1", "p2"]


def test_who_has_no_camera_does_not_shape_the_grid() -> None:
    crowd = [*people(3, aspect=9 / 16), Source(id="phone", has_video=False)]
    tiles = resolve("grid", HD, crowd).tiles
    assert {tile.rect.size for tile in tiles} == {Size(320, 568)}
