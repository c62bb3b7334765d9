"""Custom layouts in our own JSON."""

import dataclasses
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from layouts.errors import LayoutError
from layouts.geometry import Rect, Size
from layouts.model import Fit, Kind, Layout, Options, Source
from layouts.pattern import matches
from layouts.templates import parse_template
from tests.unit.layouts.people import HD, people

pytestmark = pytest.mark.unit

STAGE = {
    "slots": [
        {"x": 0, "y": 0, "width": "75%", "height": "75%", "source": "speaker"},
        {"x": "75%", "y": 0, "width": "25%", "height": "25%"},
        {"x": "75%", "y": "25%", "width": "25%", "height": "25%"},
        {"x": 16, "y": 556, "width": 256, "height": 144, "z": 2, "fit": "contain", "source": "name:*guest*"},
    ]
}


def rects(layout: Layout) -> dict[str, Rect]:
    return {tile.source_id: tile.rect for tile in layout.tiles}


def test_slots_in_percent_and_pixels() -> None:
    crowd = [*people(3), Source("g", name="the guest")]
    layout = parse_template(STAGE, "stage").arrange(HD, crowd, Options())
    assert layout.name == "stage"
    assert rects(layout) == {
        "p0": Rect(0, 0, 960, 540),
        "p1": Rect(960, 0, 320, 180),
        "p2": Rect(960, 180, 320, 180),
        "g": Rect(16, 556, 256, 144),
    }
    assert layout.tiles[-1].z == 2
    assert layout.tiles[-1].fit is Fit.CONTAIN
    assert layout.featured == "p0"


def test_who_finds_no_slot_waits_on_the_next_page() -> None:
    template = parse_template(STAGE)
    assert template.arrange(HD, people(6), Options()).waiting == 3
    assert set(rects(template.arrange(HD, people(6), Options(page=1)))) == {"p0", "p3", "p4"}


def test_a_new_speaker_swaps_with_the_old_one() -> None:
    template = parse_template(STAGE)
    before = template.arrange(HD, people(3), Options())
    crowd = people(3)
    crowd[2] = dataclasses.replace(crowd[2], last_spoke=1)
    after = template.arrange(HD, crowd, Options(), before)
    assert rects(after) == {"p2": rects(before)["p0"], "p0": rects(before)["p2"], "p1": rects(before)["p1"]}


def test_screens_and_reservations_have_their_own_slots() -> None:
    template = parse_template(
        {
            "slots": [
                {"x": 0, "y": 0, "width": "50%", "height": "100%", "source": "screen"},
                {"x": "50%", "y": 0, "width": "50%", "height": "50%", "source": "reserved:host"},
                {"x": "50%", "y": "50%", "width": "50%", "height": "50%"},
            ]
        }
    )
    crowd = [*people(2), Source("s", kind=Kind.SCREEN)]
    layout = template.arrange(HD, crowd, Options(reserved=(("host", "p1"),)))
    assert rects(layout) == {
        "s": Rect(0, 0, 640, 720),
        "p1": Rect(640, 0, 640, 360),
        "p0": Rect(640, 360, 640, 360),
    }
    assert rects(template.arrange(HD, crowd[:2], Options())) == {"p0": Rect(640, 360, 640, 360)}, (
        "nobody else sits there"
    )


def test_thirds_touch_without_a_gap_or_an_overlap() -> None:
    slots = [{"x": f"{x}%", "y": 0, "width": w, "height": "100%"} for x, w in ((0, "33.333%"), (33.333, "33.334%"))]
    left, right = parse_template({"slots": slots}).arrange(Size(1000, 500), people(2), Options()).tiles
    assert left.rect.right == right.rect.x
    assert left.rect.is_even
    assert right.rect.is_even


@pytest.mark.parametrize(
    ("document", "said"),
    [
        (None, "layout: has to be an object"),
        ([], "layout: has to be an object"),
        ({}, "layout: has no region and no slots"),
        ({"slots": []}, "slots: is empty"),
        ({"slots": {}}, "slots: has to be a list"),
        ({"slots": [1]}, "slots[0]: has to be an object"),
        ({"slots": [{}]}, "slots[0].x: is missing"),
        ({"slots": [{"x": 0, "y": 0, "width": 0, "height": 9}]}, "slots[0].width: has to be more than nothing"),
        ({"slots": [{"x": -1, "y": 0, "width": 9, "height": 9}]}, "slots[0].x: -1 is not between"),
        ({"slots": [{"x": 1.5, "y": 0, "width": 9, "height": 9}]}, "slots[0].x: has to be a whole number"),
        ({"slots": [{"x": "1e3%", "y": 0, "width": 9, "height": 9}]}, "slots[0].x: '1e3%' is neither"),
        ({"slots": [{"x": "101%", "y": 0, "width": 9, "height": 9}]}, "slots[0].x: 101% is more"),
        ({"slots": [{"x": "60%", "y": 0, "width": "50%", "height": 9}]}, "slots[0].width: x and width together"),
        ({"slots": [{"x": 0, "y": 0, "width": 9, "height": 9, "z": 100}]}, "slots[0].z: 100 is not between"),
        ({"slots": [{"x": 0, "y": 0, "width": 9, "height": 9, "fit": "zoom"}]}, "slots[0].fit: 'zoom' is none of"),
        ({"slots": [{"x": 0, "y": 0, "width": 9, "height": 9, "source": "bob"}]}, "slots[0].source: 'bob' is none of"),
        ({"slots": [{"x": 0, "y": 0, "width": 9, "height": 9, "colour": 1}]}, "slots[0].colour: is not known"),
        ({"slots": [{"x": 0, "y": 0, "width": 9, "height": 9}] * 101}, "slots: has 101 items"),
        ({"slots": [], "slotz": 1}, "slotz: is not known"),
    ],
)
def test_a_fault_is_named_with_its_path(document: object, said: str) -> None:
    with pytest.raises(LayoutError) as caught:
        parse_template(document)
    assert str(caught.value).startswith(said)


@pytest.mark.parametrize(
    ("slots", "said"),
    [
        ([(0, 0, 1300, 100)], "slots[0]: does not lie inside the canvas of 1280x720"),
        ([(0, 0, 100, 721)], "slots[0]: does not lie inside"),
        ([(0, 0, 100, 100), (50, 50, 100, 100)], "slots[1]: overlaps slots[0], and both have z 0"),
        ([(0, 0, "0.01%", 9)], "slots[0]: is too small"),
    ],
)
def test_what_does_not_fit_the_canvas_is_named(slots: list[tuple[int, int, int | str, int]], said: str) -> None:
    document = {"slots": [dict(zip(("x", "y", "width", "height"), slot, strict=True)) for slot in slots]}
    with pytest.raises(LayoutError) as caught:
        parse_template(document).arrange(HD, [], Options())
    assert str(caught.value).startswith(said)


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        ("*", "", True),
        ("*", "anybody", True),
        ("student*", "student", True),
        ("student*", "studentTeam", True),
        ("student*", "a student", False),
        ("*-video", "bob-video", True),
        ("a*b*c", "a-b-b-c", True),
        ("a*b*c", "acb", False),
        ("ab*ba", "aba", False),
        ("Bob", "bob", False),
        ("", "", True),
        ("", "x", False),
        ("a.c", "abc", False),
        ("**", "x", True),
    ],
)
def test_wildcards(pattern: str, text: str, expected: bool) -> None:
    assert matches(pattern, text) is expected


def test_wildcards_are_quick_on_hostile_input() -> None:
    assert not matches("a*" * 99 + "b", "a" * 10_000)


@given(st.text("ab*", max_size=8), st.text("ab", max_size=8))
def test_wildcards_agree_with_regular_expressions(pattern: str, text: str) -> None:

    expected = re.fullmatch(".*".join(re.escape(part) for part in pattern.split("*")), text) is not None
    assert matches(pattern, text) is expected
