"""From the room's people to what is painted."""

import pytest

from layouts.errors import LayoutError
from layouts.geometry import Size
from layouts.model import Fit
from mcu.stage import Person, arrange
from mcu.video.scene import SourceState

pytestmark = pytest.mark.unit

CANVAS = Size(1280, 720)


def person(id_: str, *, speaking: bool = False, last_spoke: int = 0) -> Person:
    return Person(id_, f"name of {id_}", muted=False, speaking=speaking, last_spoke=last_spoke)


def test_everybody_has_a_tile_camera_or_not_and_is_captioned() -> None:
    people = [person("a"), person("b", speaking=True)]
    scene = arrange("grid", CANVAS, people, {"a": SourceState(16 / 9, live=True)}, None)
    assert [tile.source_id for tile in scene.layout.tiles] == ["a", "b"]
    assert scene.info["b"].name == "name of b"
    assert scene.info["b"].speaking
    assert not scene.info["a"].speaking


def test_two_people_share_a_wide_canvas_side_by_side() -> None:
    a, b = arrange("grid", CANVAS, [person("a"), person("b")], {}, None).layout.tiles
    assert a.rect.right <= b.rect.x
    assert a.rect.y == b.rect.y
    assert a.rect.size == b.rect.size


def test_who_spoke_last_is_large_in_the_speaker_layout() -> None:
    people = [person("a", last_spoke=1), person("b", last_spoke=3), person("c", last_spoke=2)]
    tiles = {t.source_id: t.rect for t in arrange("speaker", CANVAS, people, {}, None).layout.tiles}
    assert tiles["b"].width * tiles["b"].height > 4 * tiles["a"].width * tiles["a"].height


def test_a_live_screen_has_its_own_uncropped_tile_and_goes_away_with_its_pictures() -> None:
    live = {"a": SourceState(16 / 9, live=True), "a:screen": SourceState(16 / 10, live=True)}
    tiles = {t.source_id: t for t in arrange("grid", CANVAS, [person("a")], live, None).layout.tiles}
    assert set(tiles) == {"a", "a:screen"}
    assert tiles["a:screen"].fit == Fit.CONTAIN
    gone = {**live, "a:screen": SourceState(16 / 10, live=False)}
    assert len(arrange("grid", CANVAS, [person("a")], gone, None).layout.tiles) == 1


def test_an_unknown_layout_is_refused_by_name() -> None:
    with pytest.raises(LayoutError, match="grid"):
        arrange("no such", CANVAS, [], {}, None)
