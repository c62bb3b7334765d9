"""What holds for every layout, canvas, crowd and look."""

from collections.abc import Sequence
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from layouts.geometry import Rect, Size
from layouts.model import Layout, Options, Order, Source
from layouts.select import names, resolve
from tests.unit.layouts.people import canvases, crowds, looks

pytestmark = pytest.mark.unit

ALL = st.sampled_from(names())


def overlap(one: Rect, other: Rect) -> bool:
    return (
        one.x < other.x + other.width
        and other.x < one.x + one.width
        and one.y < other.y + other.height
        and other.y < one.y + one.height
    )


def assert_sound(layout: Layout, canvas: Size, sources: Sequence[Source]) -> None:
    assert layout.canvas == canvas
    shown = [tile.source_id for tile in layout.tiles]
    assert len(shown) == len(set(shown)), "somebody is shown twice"
    assert set(shown) <= {source.id for source in sources}
    for tile in layout.tiles:
        rect = tile.rect
        assert not (rect.x | rect.y | rect.width | rect.height) & 1, f"odd: {rect}"
        assert rect.width >= 2
        assert rect.height >= 2
        assert rect.x >= 0
        assert rect.y >= 0
        assert rect.x + rect.width <= canvas.width
        assert rect.y + rect.height <= canvas.height
    for one, other in combinations(layout.tiles, 2):
        assert one.z != other.z or not overlap(one.rect, other.rect), f"{one} lies on {other}"
    assert [tile.z for tile in layout.tiles] == sorted(tile.z for tile in layout.tiles), "not in painting order"


@given(name=ALL, canvas=canvases, crowd=crowds, options=looks)
@settings(max_examples=300, deadline=None)
def test_tiles_are_even_and_inside_and_do_not_overlap(
    name: str, canvas: Size, crowd: list[Source], options: Options
) -> None:
    layout = resolve(name, canvas, crowd, options)
    assert_sound(layout, canvas, crowd)
    assert len(layout.tiles) + layout.waiting == len(crowd)
    assert layout == resolve(name, canvas, crowd, options), "not deterministic"


@given(change=st.tuples(ALL, ALL), canvas=canvases, before=crowds, after=crowds, options=looks)
@settings(max_examples=150, deadline=None)
def test_the_same_holds_after_any_layout_before(
    change: tuple[str, str], canvas: Size, before: list[Source], after: list[Source], options: Options
) -> None:
    other, name = change
    layout = resolve(name, canvas, after, options, previous=resolve(other, canvas, before, options))
    assert_sound(layout, canvas, after)
    afresh = resolve(name, canvas, after, options)
    if layout.featured == afresh.featured:  # who is big may shape the big tile
        assert {tile.rect for tile in layout.tiles} == {tile.rect for tile in afresh.tiles}


@given(
    name=st.sampled_from([name for name in names() if name not in {"single-speaker", "pip", "side-by-side"}]),
    canvas=canvases.filter(lambda canvas: min(canvas.width, canvas.height) >= 360),
    crowd=crowds,
    options=looks.filter(lambda options: options.small_share >= 0.2),
)
@settings(max_examples=150, deadline=None)
def test_everybody_is_shown_when_they_fit(name: str, canvas: Size, crowd: list[Source], options: Options) -> None:
    assert {tile.source_id for tile in resolve(name, canvas, crowd, options).tiles} == {source.id for source in crowd}


@given(canvas=canvases, crowd=crowds, options=looks)
@settings(max_examples=150, deadline=None)
def test_grid_tiles_are_equal_and_in_order(canvas: Size, crowd: list[Source], options: Options) -> None:
    tiles = resolve("grid", canvas, crowd, options).tiles
    assert len({(tile.rect.width, tile.rect.height) for tile in tiles}) <= 1
    as_read = sorted(tiles, key=lambda tile: (tile.rect.y, tile.rect.x))
    assert list(tiles) == as_read
    ids = [source.id for source in crowd]
    expected = {
        Order.JOINED: ids,
        Order.SPEAKING: [source.id for source in sorted(crowd, key=lambda source: -source.last_spoke)],
        Order.NAME: sorted(ids),  # all names are empty here: ties by id
    }[options.order]
    assert [tile.source_id for tile in tiles] == expected[: len(tiles)]


def test_ten_thousand_people_are_paged_not_refused() -> None:
    crowd = [Source(id=str(number)) for number in range(10_000)]
    layout = resolve("grid", Size(1280, 720), crowd)
    assert len(layout.tiles) == 100
    assert layout.waiting == 9_900
    assert_sound(layout, layout.canvas, crowd)


@pytest.mark.parametrize("name", names())
@pytest.mark.parametrize("aspect", [0.0, -1.0, float("nan"), float("inf"), 1e-9, 1e9])
def test_senseless_aspects_do_no_harm(name: str, aspect: float) -> None:
    crowd = [Source(id=str(number), aspect=aspect) for number in range(5)]
    assert_sound(resolve(name, Size(640, 360), crowd), Size(640, 360), crowd)


@pytest.mark.parametrize("name", names())
def test_nobody_here_makes_no_tiles(name: str) -> None:
    assert resolve(name, Size(1280, 720), []).tiles == ()
