"""As few as possible change place."""

import dataclasses
from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from layouts.geometry import Rect
from layouts.model import Layout, Options, Order, Source
from layouts.select import resolve
from tests.unit.layouts.people import HD, people

pytestmark = pytest.mark.unit


def rects(layout: Layout) -> dict[str, Rect]:
    return {tile.source_id: tile.rect for tile in layout.tiles}


def moved(before: Layout, after: Layout) -> set[str]:
    old, new = rects(before), rects(after)
    return {id_ for id_ in old.keys() & new.keys() if old[id_] != new[id_]}


def fewest_moves(before: Layout, after: Layout) -> int:
    """The fewest moves of all ways to seat the same people on the same tiles."""
    old = rects(before)
    slots = [tile.rect for tile in after.tiles]
    return min(
        sum(id_ in old and old[id_] != rect for id_, rect in zip(order, slots, strict=True))
        for order in permutations(tile.source_id for tile in after.tiles)
    )


def test_when_somebody_leaves_the_last_row_fills_the_hole() -> None:
    before = resolve("grid", HD, people(9))
    after = resolve("grid", HD, [source for source in people(9) if source.id != "p1"], previous=before)
    assert moved(before, after) == {"p6", "p7", "p8"}  # one fills the hole, the row that has two now is centred anew
    assert rects(after)["p8"] == rects(before)["p1"]


def test_when_somebody_replaces_another_nobody_moves() -> None:
    before = resolve("grid", HD, people(6))
    after = resolve("grid", HD, [*people(6)[:2], *people(6)[3:], Source("new")], previous=before)
    assert moved(before, after) == set()
    assert rects(after)["new"] == rects(before)["p2"]


def test_a_new_speaker_swaps_with_the_old_one() -> None:
    crowd = people(8)
    before = resolve("speaker", HD, crowd)
    crowd[5] = dataclasses.replace(crowd[5], last_spoke=1)
    after = resolve("speaker", HD, crowd, previous=before)
    assert moved(before, after) == {"p0", "p5"}
    assert rects(after)["p0"] == rects(before)["p5"]


def test_who_speaks_up_on_a_further_page_takes_one_place() -> None:
    crowd = people(12)
    crowd = [dataclasses.replace(source, last_spoke=12 - number) for number, source in enumerate(crowd)]
    options = Options(max_tiles=4, order=Order.SPEAKING)
    before = resolve("grid", HD, crowd, options)
    crowd[9] = dataclasses.replace(crowd[9], last_spoke=20)
    after = resolve("grid", HD, crowd, options, previous=before)
    assert set(rects(after)) == {"p0", "p1", "p2", "p9"}
    assert moved(before, after) == set()
    crowd[2] = dataclasses.replace(crowd[2], last_spoke=21)  # already on the page: nothing changes
    assert rects(resolve("grid", HD, crowd, options, previous=after)) == rects(after)


def test_an_order_by_name_is_kept_even_if_people_move() -> None:
    crowd = [Source("1", name="b"), Source("2", name="c")]
    options = Options(order=Order.NAME)
    before = resolve("grid", HD, crowd, options)
    after = resolve("grid", HD, [*crowd, Source("3", name="a")], options, previous=before)
    assert [tile.source_id for tile in after.tiles] == ["3", "1", "2"]


def test_who_is_pinned_moves_to_the_front() -> None:
    before = resolve("grid", HD, people(4))
    after = resolve("grid", HD, people(4), Options(pinned=("p2",)), previous=before)
    assert after.tiles[0].source_id == "p2"
    assert moved(before, after) == {"p0", "p2"}


@given(
    name=st.sampled_from(["grid", "speaker", "pip", "side-by-side", "verticalPresentation"]),
    before=st.sets(st.integers(0, 8), max_size=6),
    after=st.sets(st.integers(0, 8), min_size=1, max_size=6),
)
@settings(max_examples=120, deadline=None)
def test_no_seating_moves_fewer(name: str, before: set[int], after: set[int]) -> None:
    crowd = people(9)
    was = resolve(name, HD, [crowd[number] for number in sorted(before)])
    now = resolve(name, HD, [crowd[number] for number in sorted(after)], previous=was)
    if now.featured is None:
        assert len(moved(was, now)) == fewest_moves(was, now)
    else:  # who is big is not for the seating to choose
        fixed = dataclasses.replace(now, tiles=now.tiles[1:])
        assert len(moved(was, fixed)) == fewest_moves(was, fixed)


@given(name=st.sampled_from(["grid", "speaker", "auto", "pip"]), count=st.integers(0, 30))
@settings(deadline=None)
def test_nothing_changed_changes_nothing(name: str, count: int) -> None:
    before = resolve(name, HD, people(count))
    assert resolve(name, HD, people(count), previous=before) == before
