import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from layouts.geometry import Rect, Size
from layouts.model import Layout, Source, Tile
from layouts.motion import glide, still
from layouts.select import names, resolve
from tests.unit.layouts.people import HD, crowds, people

pytestmark = pytest.mark.unit

MS = 1000


def layout(**tiles: Rect) -> Layout:
    return Layout(HD, tuple(Tile(id_, rect) for id_, rect in tiles.items()))


LEFT, RIGHT = Rect(0, 0, 200, 100), Rect(1000, 0, 200, 100)


def x_at(now_ms: int, duration_ms: int = 200) -> int:
    motion = glide(still(layout(a=LEFT)), layout(a=RIGHT), 1000 * MS, duration_ms * MS)
    return motion.at(now_ms * MS).tiles[0].rect.x


def test_a_tile_glides_from_where_it_was_to_where_it_is_to_be() -> None:
    assert [x_at(ms) for ms in (0, 1000, 1100, 1200, 9999)] == [0, 0, 500, 1000, 1000]


def test_it_starts_and_ends_slowly() -> None:
    # the smooth step 3t² - 2t³ by hand: t = 0.25 → 0.15625, t = 0.75 → 0.84375
    assert x_at(1050) == 156
    assert x_at(1150) == 844


def test_no_duration_is_a_jump() -> None:
    assert x_at(1000, duration_ms=0) == 1000


def test_the_end_is_the_very_layout_asked_for() -> None:
    end = layout(a=RIGHT)
    motion = glide(still(layout(a=LEFT)), end, 0)
    assert not motion.is_over(249_999)
    assert motion.is_over(250_000)
    assert motion.at(250_000) is end


def test_a_new_turn_begins_where_the_tile_is() -> None:
    first = glide(still(layout(a=LEFT)), layout(a=RIGHT), 0, 200 * MS)
    back = glide(first, layout(a=LEFT), 100 * MS, 200 * MS)
    assert back.at(100 * MS).tiles[0].rect == Rect(500, 0, 200, 100)
    assert back.at(300 * MS).tiles[0].rect == LEFT


def test_who_comes_grows_and_who_leaves_is_gone() -> None:
    motion = glide(still(layout(a=LEFT)), layout(b=RIGHT), 0, 200 * MS)
    assert [tile.source_id for tile in motion.at(0).tiles] == ["b"]
    assert motion.at(0).tiles[0].rect == Rect(1050, 26, 100, 50)
    assert motion.at(200 * MS).tiles[0].rect == RIGHT


def test_nothing_moves_when_nobody_moves_or_the_canvas_changes() -> None:
    assert glide(still(layout(a=LEFT)), layout(a=LEFT), 5 * MS).is_over(5 * MS)
    other = Layout(Size(640, 360), (Tile("a", RIGHT),))
    assert glide(still(layout(a=LEFT)), other, 5 * MS).is_over(5 * MS)


@given(
    before=crowds,
    after=crowds,
    name=st.sampled_from(names()),
    to=st.sampled_from(names()),
    now_ms=st.integers(0, 300),
)
@settings(max_examples=80, deadline=None)
def test_on_the_way_tiles_stay_even_and_inside(
    before: list[Source], after: list[Source], name: str, to: str, now_ms: int
) -> None:
    motion = glide(still(resolve(name, HD, before)), resolve(to, HD, after), 0)
    for tile in motion.at(now_ms * MS).tiles:
        assert tile.rect.is_even
        assert min(tile.rect.width, tile.rect.height) >= 2
        assert tile.rect.x >= 0
        assert tile.rect.y >= 0
        assert tile.rect.right <= HD.width
        assert tile.rect.bottom <= HD.height


def test_a_still_room_stands_still() -> None:
    here = resolve("grid", HD, people(5))
    assert still(here).at(123) is here
