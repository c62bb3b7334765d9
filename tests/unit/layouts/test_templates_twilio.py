"""Twilio's syntax; the first three documents are the kinds of layout that their documentation shows."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from layouts.errors import LayoutError
from layouts.geometry import Rect, Size
from layouts.model import Kind, Layout, Options, Source
from layouts.templates import parse_template
from tests.unit.layouts.people import HD, people

pytestmark = pytest.mark.unit

GRID = {"grid": {"video_sources": ["*"]}}
ROW = {
    "main": {"z_pos": 1, "video_sources": ["screen*"]},
    "row": {
        "z_pos": 2,
        "x_pos": 10,
        "y_pos": 530,
        "width": 1260,
        "height": 160,
        "max_rows": 1,
        "video_sources": ["*"],
        "video_sources_excluded": ["screen*"],
    },
}
INTERVIEW = {
    "interviewed": {"z_pos": 2, "x_pos": 400, "y_pos": 180, "width": 480, "height": 360, "video_sources": ["guest"]},
    "interviewers": {
        "z_pos": 1,
        "x_pos": 10,
        "y_pos": 0,
        "width": 1260,
        "height": 720,
        "max_rows": 3,
        "max_columns": 3,
        "cells_excluded": [4],
        "reuse": "show_newest",
        "video_sources": ["p*"],
    },
}


def arrange(document: object, sources: list[Source], previous: Layout | None = None) -> Layout:
    return parse_template(document).arrange(HD, sources, Options(), previous)


def rects(layout: Layout) -> dict[str, Rect]:
    return {tile.source_id: tile.rect for tile in layout.tiles}


def shown(layout: Layout) -> set[str]:
    return {tile.source_id for tile in layout.tiles}


def test_a_region_without_a_place_is_the_whole_canvas() -> None:
    assert rects(arrange(GRID, people(4))) == {
        "p0": Rect(0, 0, 640, 360),
        "p1": Rect(640, 0, 640, 360),
        "p2": Rect(0, 360, 640, 360),
        "p3": Rect(640, 360, 640, 360),
    }


def test_a_screen_with_a_row_on_top() -> None:
    layout = arrange(ROW, [*people(3), Source("s", name="deck", kind=Kind.SCREEN)])
    assert layout.tiles[0].source_id == "s"
    assert layout.tiles[0].rect == Rect(0, 0, 1280, 720)
    row = layout.tiles[1:]
    assert [tile.rect.y for tile in row] == [530] * 3
    assert [tile.rect.x for tile in row] == [10, 430, 850]
    assert {tile.z for tile in row} == {2}


def test_an_excluded_cell_stays_empty() -> None:
    layout = arrange(INTERVIEW, [*people(8), Source("guest")])
    middle = rects(layout)["guest"]
    assert middle == Rect(400, 180, 480, 360)
    assert Rect(430, 240, 420, 240) not in rects(layout).values(), "the cell in the middle"
    assert len(rects(layout)) == 9


def test_a_full_region_shows_the_newest_if_it_says_so() -> None:
    assert shown(arrange(INTERVIEW, people(10))) == {f"p{number}" for number in range(2, 10)}


def test_a_full_region_shows_the_oldest_unless_told_otherwise() -> None:
    two = {"pair": {"max_rows": 1, "max_columns": 2, "video_sources": ["*"]}}
    before = arrange(two, people(4))
    assert shown(before) == {"p0", "p1"}
    assert before.waiting == 2
    after = arrange(two, people(4)[1:], before)
    assert rects(after) == {"p1": rects(before)["p1"], "p2": rects(before)["p0"]}


def test_who_is_shown_is_not_thrown_out_by_somebody_older() -> None:
    two = {"pair": {"max_rows": 1, "max_columns": 2, "video_sources": ["*"]}}
    before = arrange(two, people(4)[2:])
    assert shown(arrange(two, people(4), before)) == {"p2", "p3"}


def test_cells_are_used_once_if_it_says_so() -> None:
    two = {"pair": {"max_rows": 1, "max_columns": 2, "reuse": "none", "video_sources": ["*"]}}
    before = arrange(two, people(3))
    without = arrange(two, people(3)[1:], before)
    assert rects(without) == {"p1": rects(before)["p1"]}, "the cell of who left stays empty, p2 waits"
    back = arrange(two, people(3), without)
    assert rects(back) == rects(before), "who comes back finds the place free"


def test_a_source_may_be_in_two_regions() -> None:
    both = {
        "left": {"width": 640, "video_sources": ["p0"]},
        "right": {"x_pos": 640, "video_sources": ["*"]},
    }
    assert [tile.rect for tile in arrange(both, people(1)).tiles] == [Rect(0, 0, 640, 720), Rect(640, 0, 640, 720)]


def test_names_and_ids_are_matched() -> None:
    one = {"one": {"video_sources": ["Ann*"]}, "two": {"z_pos": 1, "video_sources": ["id-2"]}}
    layout = arrange(one, [Source("id-1", name="Anna"), Source("id-2", name="Bob"), Source("id-3", name="ann")])
    assert [tile.source_id for tile in layout.tiles] == ["id-1", "id-2"]
    assert layout.waiting == 1


@given(
    count=st.integers(0, 120),
    max_rows=st.none() | st.integers(1, 12),
    max_columns=st.none() | st.integers(1, 12),
    excluded=st.lists(st.integers(0, 20), max_size=6),
    reuse=st.sampled_from(["none", "show_oldest", "show_newest"]),
)
@settings(max_examples=150, deadline=None)
def test_cells_are_even_and_inside_and_apart(
    count: int, max_rows: int | None, max_columns: int | None, excluded: list[int], reuse: str
) -> None:
    region = {"x_pos": 11, "y_pos": 7, "width": 601, "height": 333, "video_sources": ["*"], "reuse": reuse}
    region |= {"max_rows": max_rows, "max_columns": max_columns, "cells_excluded": excluded}
    try:
        template = parse_template({"r": region})
    except LayoutError:
        assert max_rows is not None
        assert max_columns is not None
        assert max_rows * max_columns <= len(set(excluded))
        return
    layout = template.arrange(HD, people(count), Options())
    if max_rows and max_columns:
        free = max_rows * max_columns - len({cell for cell in excluded if cell < max_rows * max_columns})
        assert len(layout.tiles) == min(count, free, 100)
    for number, tile in enumerate(layout.tiles):
        assert tile.rect.is_even
        assert min(tile.rect.width, tile.rect.height) >= 2
        assert Rect(10, 6, 604, 336).contains(tile.rect)
        assert not any(tile.rect.overlaps(other.rect) for other in layout.tiles[:number])


def test_a_tiny_region_takes_as_many_as_it_has_room_for() -> None:
    layout = parse_template({"r": {"video_sources": ["*"]}}).arrange(Size(160, 90), people(300), Options())
    assert len(layout.tiles) == 100
    layout = parse_template({"r": {"width": 16, "height": 16, "video_sources": ["*"]}}).arrange(
        HD, people(9), Options()
    )
    assert len(layout.tiles) == 4


@pytest.mark.parametrize(
    ("region", "said"),
    [
        (7, "r: has to be an object"),
        ({}, "r.video_sources: is missing"),
        ({"video_sources": "*"}, "r.video_sources: has to be a list"),
        ({"video_sources": [1]}, "r.video_sources[0]: has to be text"),
        ({"video_sources": ["x" * 201]}, "r.video_sources[0]: is longer"),
        ({"video_sources": ["*"], "z_pos": 100}, "r.z_pos: 100 is not between -99 and 99"),
        ({"video_sources": ["*"], "x_pos": -1}, "r.x_pos: -1 is not between"),
        ({"video_sources": ["*"], "width": 15}, "r.width: 15 is not between 16"),
        ({"video_sources": ["*"], "max_rows": 0}, "r.max_rows: 0 is not between 1 and 1000"),
        ({"video_sources": ["*"], "max_rows": True}, "r.max_rows: has to be a whole number"),
        ({"video_sources": ["*"], "reuse": "show"}, "r.reuse: 'show' is none of none, show_oldest, show_newest"),
        ({"video_sources": ["*"], "cells_excluded": ["4"]}, "r.cells_excluded[0]: has to be a whole number"),
        ({"video_sources": ["*"], "xpos": 4}, "r.xpos: is not known"),
        (
            {"video_sources": ["*"], "max_rows": 1, "max_columns": 1, "cells_excluded": [0]},
            "r.cells_excluded: leaves no cell",
        ),
    ],
)
def test_a_fault_is_named_with_its_path(region: object, said: str) -> None:
    with pytest.raises(LayoutError) as caught:
        parse_template({"r": region})
    assert str(caught.value).startswith(said)


def test_a_region_outside_the_canvas_is_named() -> None:
    for place in ({"x_pos": 1270, "width": 20}, {"y_pos": 720}, {"height": 722}):
        with pytest.raises(LayoutError, match=r"^r: "):
            arrange({"r": {**place, "video_sources": ["*"]}}, people(1))
