"""How much is asked of cameras with tiles of all sizes, and without."""

import pytest

from layouts.geometry import Rect, Size
from layouts.model import Layout, Tile
from mcu.demand import OFF_STAGE, beside_screens, cameras_wanted
from mcu.media import Rung

pytestmark = pytest.mark.unit

CANVAS = Size(1280, 720)


def _layout(**rects: Rect) -> Layout:
    return Layout(CANVAS, tuple(Tile(id_, rect) for id_, rect in rects.items()))


def test_a_larger_tile_is_given_more_and_a_camera_without_one_little() -> None:
    layout = _layout(large=Rect(0, 0, 960, 540), small=Rect(960, 0, 320, 180))
    wanted = cameras_wanted(layout, ["large", "small", "nowhere"])
    assert (wanted["large"].width, wanted["large"].height) == (960, 540)
    assert wanted["large"].bitrate_bps > 3 * wanted["small"].bitrate_bps > 6 * wanted["nowhere"].bitrate_bps / 3
    assert wanted["nowhere"] == OFF_STAGE


def test_what_is_asked_for_is_bounded() -> None:
    layout = _layout(all=Rect(0, 0, 1280, 720), dot=Rect(0, 0, 32, 18))
    wanted = cameras_wanted(layout, ["all", "dot"])
    assert wanted["all"].bitrate_bps == 2_500_000
    assert wanted["dot"].bitrate_bps == 150_000


@pytest.mark.parametrize(
    ("best", "size"), [(Rung.FULL, (960, 540)), (Rung.HALF, (480, 270)), (Rung.QUARTER, (240, 135))]
)
def test_nobody_being_offered_more_less_is_wanted(best: Rung, size: tuple[int, int]) -> None:
    layout = _layout(a=Rect(0, 0, 960, 540))
    wanted = cameras_wanted(layout, ["a", "nowhere"], best=best)
    assert (wanted["a"].width, wanted["a"].height) == size
    assert wanted["a"].bitrate_bps == max(150_000, round(960 * 540 * 30 * 0.16 / 4**best))
    assert wanted["nowhere"] == OFF_STAGE


def test_screens_are_not_asked_for() -> None:
    assert set(cameras_wanted(_layout(), ["a"])) == {"a"}


def test_of_a_camera_that_costs_too_much_the_least_is_wanted() -> None:
    layout = _layout(a=Rect(0, 0, 960, 540), b=Rect(0, 540, 320, 180))
    plain, wanted = cameras_wanted(layout, ["a", "b", "c"]), cameras_wanted(layout, ["a", "b", "c"], {"a", "c", "d"})
    assert (wanted["a"].width, wanted["a"].bitrate_bps) == (960, 150_000)
    assert (wanted["b"], wanted["c"]) == (plain["b"], OFF_STAGE)
    assert set(wanted) == {"a", "b", "c"}


@pytest.mark.parametrize(
    ("uplink_bps", "camera_bps"),
    [
        (None, 1_105_920),
        (9e6, 1_105_920),
        (3_700_000, 1_105_920),
        (3_550_000, 1_000_000),  # what a screen at its best leaves
        (2_000_000, 400_000),
        (1_000_000, 150_000),
        (600_000, 100_000),
        (100_000, 100_000),
    ],
)
def test_of_a_line_too_narrow_for_both_a_screen_gets_the_larger_part(uplink_bps: float | None, camera_bps: int) -> None:
    wanted = cameras_wanted(_layout(a=Rect(0, 0, 640, 360)), ["a", "b"])
    told = beside_screens(wanted, {"a": uplink_bps})
    assert told["a"].bitrate_bps == camera_bps
    assert (told["a"].width, told["b"]) == (640, wanted["b"])
