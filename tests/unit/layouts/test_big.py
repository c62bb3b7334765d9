"""Layouts with a big tile, and the one that chooses among all."""

import dataclasses

import pytest

from layouts.geometry import Rect, Size
from layouts.model import Fit, Kind, Layout, Options, Source
from layouts.select import resolve
from tests.unit.layouts.people import HD, people

pytestmark = pytest.mark.unit


def rects(layout: Layout) -> dict[str, Rect]:
    return {tile.source_id: tile.rect for tile in layout.tiles}


def spoke(sources: list[Source], id_: str, turn: int) -> list[Source]:
    return [dataclasses.replace(source, last_spoke=turn) if source.id == id_ else source for source in sources]


def test_the_last_to_speak_is_big() -> None:
    layout = resolve("speaker", HD, spoke(spoke(people(4), "p1", 1), "p3", 2))
    assert layout.featured == "p3"
    assert rects(layout)["p3"] == Rect(0, 72, 1024, 576)


def test_before_anybody_spoke_the_first_is_big() -> None:
    assert resolve("speaker", HD, people(4)).featured == "p0"


def test_nobody_loses_the_big_tile_to_silence() -> None:
    before = resolve("speaker", HD, spoke(people(4), "p2", 1))
    assert resolve("speaker", HD, people(4), previous=before).featured == "p2"


def test_a_tall_canvas_has_its_strip_below() -> None:
    big, small = resolve("speaker", Size(720, 1280), people(2)).tiles
    assert big.rect == Rect(0, 310, 720, 404)
    assert small.rect.y >= 1024


@pytest.mark.parametrize("name", ["presentation", "verticalPresentation", "horizontalPresentation", "auto", "speaker"])
def test_a_screen_is_large_and_whole(name: str) -> None:
    sources = [*people(5), Source("s", kind=Kind.SCREEN, aspect=1.6)]
    layout = resolve(name, HD, sources)
    big = layout.tiles[0]
    assert (big.source_id, big.fit) == ("s", Fit.CONTAIN)
    assert abs(big.rect.width / big.rect.height - 1.6) < 0.01
    assert big.rect.width * big.rect.height > 0.4 * 1280 * 720


def test_a_screen_stays_big_until_it_ends() -> None:
    one, two = Source("s1", kind=Kind.SCREEN), Source("s2", kind=Kind.SCREEN)
    before = resolve("presentation", HD, [*people(2), one])
    both = resolve("presentation", HD, [*people(2), two, one], previous=before)
    assert both.featured == "s1"
    assert resolve("presentation", HD, [*people(2), two], previous=both).featured == "s2"


def test_vertical_and_horizontal_put_the_cameras_beside_and_below() -> None:
    sources = [*people(3), Source("s", kind=Kind.SCREEN)]
    assert {rect.x for id_, rect in rects(resolve("verticalPresentation", HD, sources)).items() if id_ != "s"} == {1024}
    assert {rect.y for id_, rect in rects(resolve("horizontalPresentation", HD, sources)).items() if id_ != "s"} == {
        576
    }


def test_single_speaker_shows_one() -> None:
    layout = resolve("single-speaker", HD, spoke(people(9), "p7", 3))
    assert rects(layout) == {"p7": Rect(0, 0, 1280, 720)}
    assert layout.waiting == 8


def test_insets_lie_on_the_big_picture_without_touching() -> None:
    layout = resolve("pip", HD, people(4))
    assert layout.tiles[0].rect == Rect(0, 0, 1280, 720)
    assert [tile.z for tile in layout.tiles] == [0, 1, 1, 1]
    assert [tile.rect for tile in layout.tiles[1:]] == [Rect(x, 562, 256, 144) for x in (1010, 740, 470)]


def test_side_by_side_turns_with_the_canvas() -> None:
    wide = resolve("side-by-side", HD, people(2))
    assert rects(wide) == {"p0": Rect(0, 0, 640, 720), "p1": Rect(640, 0, 640, 720)}
    tall = resolve("side-by-side", Size(720, 1280), people(2))
    assert rects(tall) == {"p0": Rect(0, 0, 720, 640), "p1": Rect(0, 640, 720, 640)}


def test_auto_follows_who_is_here() -> None:
    screen = Source("s", kind=Kind.SCREEN)
    assert [resolve("auto", HD, people(count)).name for count in (1, 2, 3, 9)] == [
        "single-speaker",
        "side-by-side",
        "grid",
        "grid",
    ]
    assert resolve("auto", HD, [*people(2), screen]).name == "presentation"
    assert resolve("auto", HD, people(5), Options(pinned=("p3",))).name == "speaker"
