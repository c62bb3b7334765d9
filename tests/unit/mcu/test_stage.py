"""From the room's people to what is painted."""

import pytest

from layouts.errors import LayoutError
from layouts.geometry import Size
from layouts.model import Fit, Layout, Source
from mcu.direction import Direction, Wish, direct
from mcu.stage import Person, arrange
from mcu.video.scene import SourceState
from mcu.video.style import NO_STYLE

pytestmark = pytest.mark.unit

CANVAS = Size(1280, 720)
EMPTY = Layout(CANVAS)


def person(id_: str, *, speaking: bool = False, last_spoke: int = 0) -> Person:
    return Person(id_, f"name of {id_}", muted=False, speaking=speaking, last_spoke=last_spoke)


def test_everybody_has_a_tile_camera_or_not_and_is_captioned() -> None:
    people = [person("a"), person("b", speaking=True)]
    scene = arrange(Direction("grid"), NO_STYLE, people, {"a": SourceState(16 / 9, live=True)}, EMPTY)
    assert [tile.source_id for tile in scene.layout.tiles] == ["a", "b"]
    assert scene.info["b"].name == "name of b"
    assert scene.info["b"].speaking
    assert not scene.info["a"].speaking


def test_two_people_share_a_wide_canvas_side_by_side() -> None:
    a, b = arrange(Direction("grid"), NO_STYLE, [person("a"), person("b")], {}, EMPTY).layout.tiles
    assert a.rect.right <= b.rect.x
    assert a.rect.y == b.rect.y
    assert a.rect.size == b.rect.size


def test_who_spoke_last_is_large_in_the_speaker_layout() -> None:
    people = [person("a", last_spoke=1), person("b", last_spoke=3), person("c", last_spoke=2)]
    tiles = {t.source_id: t.rect for t in arrange(Direction("speaker"), NO_STYLE, people, {}, EMPTY).layout.tiles}
    assert tiles["b"].width * tiles["b"].height > 4 * tiles["a"].width * tiles["a"].height


def test_a_live_screen_has_its_own_uncropped_tile_and_goes_away_with_its_pictures() -> None:
    live = {"a": SourceState(16 / 9, live=True), "a:screen": SourceState(16 / 10, live=True)}
    tiles = {t.source_id: t for t in arrange(Direction("grid"), NO_STYLE, [person("a")], live, EMPTY).layout.tiles}
    assert set(tiles) == {"a", "a:screen"}
    assert tiles["a:screen"].fit == Fit.CONTAIN
    gone = {**live, "a:screen": SourceState(16 / 10, live=False)}
    assert len(arrange(Direction("grid"), NO_STYLE, [person("a")], gone, EMPTY).layout.tiles) == 1


def test_a_share_takes_the_stage_and_gives_it_back() -> None:
    people = [person("a"), person("b")]
    sharing = {"b:screen": SourceState(16 / 9, live=True)}
    tiles = {t.source_id: t.rect for t in arrange(Direction("grid"), NO_STYLE, people, sharing, EMPTY).layout.tiles}
    assert tiles["b:screen"].width * tiles["b:screen"].height > 0.5 * 1280 * 720
    back = {t.source_id: t.rect for t in arrange(Direction("grid"), NO_STYLE, people, {}, EMPTY).layout.tiles}
    assert back["a"].size == back["b"].size


def tiles_with(wishes: dict[str, Wish], name: str = "grid") -> dict[str, int]:
    people = [person("a"), person("b"), person("c")]
    layout = arrange(Direction(name, wishes=wishes), NO_STYLE, people, {}, EMPTY).layout
    return {t.source_id: t.rect.width * t.rect.height for t in layout.tiles}


def test_the_director_pins_spotlights_hides_and_orders() -> None:
    assert set(tiles_with({"b": Wish(hidden=True)})) == {"a", "c"}
    assert list(tiles_with({"c": Wish(order=1)})) == ["c", "a", "b"]
    assert list(tiles_with({"b": Wish(pinned=True)})) == ["b", "a", "c"]
    spotlit = tiles_with({"c": Wish(spotlight=True)})
    assert spotlit["c"] > 4 * spotlit["a"]
    pinned = tiles_with({"c": Wish(pinned=True)}, "speaker")
    assert pinned["c"] > 4 * pinned["a"]


def test_a_wish_is_forgotten_with_its_participant() -> None:
    direction = Direction("grid").with_wish("a", Wish(hidden=True))
    assert direction.wish("a").hidden
    assert not direction.with_wish("a", None).wishes


def test_a_custom_layout_is_checked_before_it_is_used() -> None:
    slots = {"slots": [{"x": "50%", "y": 0, "width": "50%", "height": "100%"}]}
    layout = direct("half", {}, slots, {}, CANVAS).layout(CANVAS, [Source("a")], None)
    assert [(t.source_id, t.rect.x, t.rect.width) for t in layout.tiles] == [("a", 640, 640)]
    with pytest.raises(LayoutError, match=r"slots\[0\]"):
        direct("half", {}, {"slots": [{"x": 0}]}, {}, CANVAS)


def test_an_unknown_layout_is_refused_by_name() -> None:
    with pytest.raises(LayoutError, match="grid"):
        arrange(Direction("no such"), NO_STYLE, [], {}, EMPTY)
