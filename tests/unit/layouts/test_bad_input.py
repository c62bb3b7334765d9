"""Rooms and layouts that nobody should bring, and somebody will."""

import random
import time

import pytest

from layouts import LayoutError, Options, Rect, Size, Source, names, parse_options, parse_template, resolve
from tests.unit.layouts.people import HD, people

pytestmark = pytest.mark.unit

CROWD = people(10_000)


@pytest.mark.parametrize("name", names())
def test_nobody_at_all(name: str) -> None:
    layout = resolve(name, HD, [])
    assert (layout.tiles, layout.waiting, layout.featured) == ((), 0, None)


@pytest.mark.parametrize("name", names())
def test_ten_thousand(name: str) -> None:
    before = resolve(name, HD, CROWD)
    layout = resolve(name, HD, CROWD[1:], previous=before)
    assert 1 <= len(layout.tiles) <= 100
    assert len(layout.tiles) + layout.waiting == 9_999
    assert all(Rect(0, 0, 1280, 720).contains(tile.rect) and tile.rect.is_even for tile in layout.tiles)


@pytest.mark.parametrize(
    "document",
    [
        {
            "slots": [
                {"x": 0, "y": 0, "width": "50%", "height": "100%"},
                {"x": "50%", "y": 0, "width": 64, "height": 36},
            ]
        },
        {"all": {"video_sources": ["*"]}},
        {"new": {"max_rows": 2, "max_columns": 3, "reuse": "show_newest", "video_sources": ["*"]}},
        {"once": {"max_rows": 2, "max_columns": 3, "reuse": "none", "video_sources": ["*"]}},
    ],
)
def test_ten_thousand_in_custom_layouts(document: object) -> None:
    template = parse_template(document)
    before = template.arrange(HD, CROWD, Options())
    layout = template.arrange(HD, CROWD[1:], Options(), before)
    assert 1 <= len(layout.tiles) <= 100
    assert len(layout.tiles) + layout.waiting == 9_999
    assert template.arrange(HD, [], Options()).tiles == ()


def test_as_many_shapes_as_people_take_no_time_to_speak_of() -> None:
    chance = random.Random(7)
    crowd = [Source(f"p{number}", aspect=chance.uniform(0.1, 9)) for number in range(2000)]
    began = time.process_time()
    resolve("grid", Size(3840, 2160), crowd, Options(max_tiles=1000))
    assert time.process_time() - began < 5  # seconds of work, not of waiting; a cubic search would take minutes


@pytest.mark.parametrize("aspect", [0.0, -1.0, float("nan"), float("inf"), 1e-300, 1e300, 1 / 3840, 3840.0])
@pytest.mark.parametrize("name", names())
def test_pictures_of_absurd_shapes(name: str, aspect: float) -> None:
    layout = resolve(name, HD, [Source("odd", aspect=aspect), *people(3)])
    assert {tile.source_id for tile in layout.tiles} >= {"odd"}
    assert all(min(tile.rect.width, tile.rect.height) >= 2 for tile in layout.tiles)


def slot(**values: object) -> dict[str, object]:
    return {"slots": [{"x": 0, "y": 0, "width": 64, "height": 36} | values]}


@pytest.mark.parametrize(
    ("document", "said"),
    [
        (slot(x=-2), "slots[0].x: -2 is not between"),
        (slot(width=-64), "slots[0].width: -64 is not between"),
        (slot(height=0), "slots[0].height: has to be more than nothing"),
        (slot(width="-5%"), "slots[0].width: '-5%' is neither pixels"),
        (slot(width="101%"), "slots[0].width: 101% is more than the whole canvas"),
        (slot(x="60%", width="41%"), "slots[0].width: x and width together are more"),
        (slot(x=1e3), "slots[0].x: has to be a whole number"),
        (slot(x=float("nan")), "slots[0].x: has to be a whole number"),
        (slot(x=10**400), "slots[0].x: "),
        (slot(source="name:"), "slots[0].source: "),
        (slot(source={"a": 1}), "slots[0].source: has to be text"),
        ({"slots": [slot()["slots"]] * 101}, "slots: has 101 items, more than 100"),
        ({"slots": {"0": {}}}, "slots: has to be a list"),
        ([], "layout: has to be an object"),
        (None, "layout: has to be an object"),
        ({}, "layout: has no region and no slots"),
        ({f"r{n}": {"video_sources": ["*"]} for n in range(51)}, "layout: has 51 regions, more than 50"),
        ({f"r{n}": {"video_sources": ["*"] * 101} for n in range(5)}, "layout: has 505 video sources in all"),
    ],
)
def test_the_place_of_a_fault_is_named(document: object, said: str) -> None:
    with pytest.raises(LayoutError) as caught:
        parse_template(document)
    assert str(caught.value).startswith(said)
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize(
    ("document", "said"),
    [
        (slot(x=1270), "slots[0]: does not lie inside the canvas of 1280x720"),
        (slot(y="99%"), "slots[0]: does not lie inside the canvas of 1280x720"),
        (slot(width="0.01%"), "slots[0]: is too small on a canvas of 1280x720"),
        ({"slots": slot()["slots"] * 2}, "slots[1]: overlaps slots[0], and both have z 0"),  # type: ignore[operator] # a list
    ],
)
def test_what_does_not_fit_this_canvas_is_named(document: object, said: str) -> None:
    template = parse_template(document)
    with pytest.raises(LayoutError) as caught:
        template.arrange(HD, people(2), Options())
    assert str(caught.value).startswith(said)


def test_slots_of_different_z_may_overlap() -> None:
    template = parse_template({"slots": [*slot()["slots"], *slot(z=1)["slots"]]})  # type: ignore[misc] # lists
    assert len(template.arrange(HD, people(2), Options()).tiles) == 2


@pytest.mark.parametrize("name", ["", "x" * 10_000, "grid\0", "group:grid", "../grid", "GRID"])
def test_names_that_are_none(name: str) -> None:
    with pytest.raises(LayoutError, match="unknown layout") as caught:
        resolve(name, HD, [])
    assert len(str(caught.value)) < 400


def test_names_and_ids_of_any_kind() -> None:
    odd = [Source("\0", name="\u202e" * 10_000), Source("", name=""), Source("x" * 10_000, name="\ud800")]
    assert len(resolve("grid", HD, odd, Options(order=parse_options({"order": "name"}).order)).tiles) == 3


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"reserved": "presenter"}, "reserved: "),
        ({"reserved": {"presenter": 7}}, "reserved: "),
        ({"reserved": ["a"]}, "reserved: "),
        ({"empty_picture": "/etc/passwd"}, "empty_picture: '/etc/passwd' is none of waiting, bars, logo"),
        ({"corner_radius": "1e9"}, "corner_radius: "),
        ({"gap": 10**30}, "gap: "),
    ],
)
def test_options_that_cannot_be(values: dict[str, object], said: str) -> None:
    with pytest.raises(LayoutError) as caught:
        parse_options(values)
    assert str(caught.value).startswith(said)


def test_reservations_from_text_and_from_an_object() -> None:
    expected = (("presenter", "p1"), ("second", "p2"))
    assert parse_options({"reserved": "presenter=p1, second=p2"}).reserved == expected
    assert parse_options({"reserved": {"presenter": "p1", "second": "p2"}}).reserved == expected
