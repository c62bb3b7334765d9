"""A whole file in the shape of the one that FreeSWITCH installs."""

import dataclasses
from pathlib import Path

import pytest

from layouts import Fit, Layout, Options, Rect, Size, parse_freeswitch
from tests.unit.layouts.people import HD, people

pytestmark = pytest.mark.unit

FILE = Path(__file__).with_name("conference_layouts.conf.xml").read_bytes()
LAYOUTS = parse_freeswitch(FILE)
UNITS = Size(360, 360)  # a unit is a pixel


def arrange(name: str, count: int, canvas: Size = HD, **reserved: str) -> Layout:
    return LAYOUTS[name].arrange(canvas, people(count), Options(reserved=tuple(reserved.items())))


def rects(layout: Layout) -> dict[str, Rect]:
    return {tile.source_id: tile.rect for tile in layout.tiles}


def test_everything_in_it_is_found() -> None:
    assert set(LAYOUTS) == {
        *("1x1", "1x2", "2x1", "2x1-zoom", "2x2", "3x3", "1up_top_left+5", "1up_top_left+7", "3up+4"),
        *("presenter-dual-vertical", "presenter-overlap-small-bot-right", "overlaps", "film+2"),
        *("group:grid", "group:1up_top_left_plus"),
    }


@pytest.mark.parametrize("name", sorted(LAYOUTS))
@pytest.mark.parametrize("canvas", [HD, Size(640, 480), Size(720, 1280), Size(160, 90), Size(1918, 1078)])
def test_all_of_it_can_be_painted_on_any_canvas(name: str, canvas: Size) -> None:
    for count in (0, 1, 5, 12):
        layout = arrange(name, count, canvas, secondary="p3", presenter="p4")
        whole = Rect(0, 0, canvas.width, canvas.height)
        assert all(tile.rect.is_even and whole.contains(tile.rect) for tile in layout.tiles)
        assert len(layout.tiles) + layout.waiting == count


def test_two_by_two_in_pixels() -> None:
    assert list(rects(arrange("2x2", 4)).values()) == [
        Rect(0, 0, 640, 360),
        Rect(640, 0, 640, 360),
        Rect(0, 360, 640, 360),
        Rect(640, 360, 640, 360),
    ]


def test_three_by_three_leaves_no_seam_where_thirds_are_odd() -> None:
    tiles = [tile.rect for tile in arrange("3x3", 9).tiles]
    assert [tile.right for tile in tiles[:2]] == [tile.x for tile in tiles[1:3]]
    assert (tiles[2].right, tiles[8].bottom) == (1280, 720)


def test_zoom_fills_and_the_others_are_shown_whole() -> None:
    assert {tile.fit for tile in arrange("2x1-zoom", 2).tiles} == {Fit.COVER}
    assert {tile.fit for tile in arrange("2x1", 2).tiles} == {Fit.CONTAIN}


def test_a_border_of_the_layout_holds_for_every_image() -> None:
    floor, first, *_ = (tile.rect for tile in arrange("1up_top_left+5", 6, UNITS).tiles)
    assert (floor, first) == (Rect(6, 6, 228, 228), Rect(246, 6, 108, 108))  # 5 pixels, to the next even number


def test_the_floor_is_the_speakers() -> None:
    crowd = people(6)
    crowd[4] = dataclasses.replace(crowd[4], last_spoke=1)
    layout = LAYOUTS["1up_top_left+7"].arrange(UNITS, crowd, Options())
    assert layout.featured == "p4"
    assert rects(layout)["p4"] == Rect(0, 0, 270, 270)


def test_reserved_images_wait_for_whom_they_are_kept() -> None:
    assert rects(arrange("presenter-dual-vertical", 3, UNITS)) == {"p0": Rect(90, 0, 180, 180)}
    kept = arrange("presenter-dual-vertical", 3, UNITS, presenter="p2")
    assert rects(kept)["p2"] == Rect(90, 180, 180, 180)
    assert kept.waiting == 1
    both = rects(arrange("3up+4", 7, UNITS, secondary="p5", third="p1"))
    assert (both["p5"], both["p1"]) == (Rect(180, 0, 180, 180), Rect(0, 180, 180, 180))


def test_what_overlaps_lies_on_top() -> None:
    layout = arrange("presenter-overlap-small-bot-right", 2, UNITS, presenter="p1")
    assert [(tile.source_id, tile.z) for tile in layout.tiles] == [("p0", 0), ("p1", 1)]
    assert rects(layout)["p1"] == Rect(300, 300, 60, 60)


def test_where_a_film_would_play_nobody_sits() -> None:
    layout = arrange("film+2", 5, UNITS)
    assert rects(layout) == {"p0": Rect(240, 0, 120, 180), "p1": Rect(240, 180, 120, 180)}


def test_groups_grow_with_the_room() -> None:
    chosen = [arrange("group:grid", count).name for count in range(11)]
    assert chosen == ["1x1", "1x1", "2x1", "2x2", "2x2", *["3x3"] * 6]
    assert [arrange("group:1up_top_left_plus", count).name for count in (1, 6, 7, 9)] == [
        "1up_top_left+5",
        "1up_top_left+5",
        "1up_top_left+7",
        "1up_top_left+7",
    ]
