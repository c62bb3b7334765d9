"""Documents as they stand in the projects of people who come from Twilio."""

import pytest

from layouts import Kind, Layout, Rect, Size, Source, parse_template
from layouts.model import Options
from tests.unit.layouts.people import people

pytestmark = pytest.mark.unit

VGA = Size(640, 480)
SCREEN = Source("s", name="Ann", kind=Kind.SCREEN, aspect=4 / 3)


def arrange(document: object, sources: list[Source], canvas: Size = VGA) -> dict[str, Rect]:
    layout: Layout = parse_template(document).arrange(canvas, sources, Options())
    return {tile.source_id: tile.rect for tile in layout.tiles}


def test_a_grid_of_two_by_two() -> None:
    document = {"grid": {"max_rows": 2, "max_columns": 2, "reuse": "show_newest", "video_sources": ["*"]}}
    assert arrange(document, people(4, aspect=4 / 3)) == {
        "p0": Rect(0, 0, 320, 240),
        "p1": Rect(320, 0, 320, 240),
        "p2": Rect(0, 240, 320, 240),
        "p3": Rect(320, 240, 320, 240),
    }
    assert set(arrange(document, people(6))) == {"p2", "p3", "p4", "p5"}


def test_a_main_region_with_a_row() -> None:
    document = {
        "main": {"z_pos": 1, "video_sources": ["screen"]},
        "row": {
            "z_pos": 2,
            "x_pos": 10,
            "y_pos": 530,
            "width": 1260,
            "height": 160,
            "max_rows": 1,
            "video_sources": ["*"],
            "video_sources_excluded": ["screen"],
        },
    }
    placed = arrange(document, [*people(6), SCREEN], Size(1280, 720))
    assert placed["s"] == Rect(0, 0, 1280, 720)
    assert [placed[f"p{number}"] for number in range(6)] == [
        Rect(10 + 210 * number, 530, 210, 160) for number in range(6)
    ]


def test_a_main_region_with_a_column() -> None:
    document = {
        "main": {"z_pos": 1, "video_sources": ["screen*"]},
        "column": {"z_pos": 2, "x_pos": 480, "width": 160, "max_columns": 1, "video_sources": ["camera*"]},
    }
    placed = arrange(document, [*people(4), SCREEN])
    assert [placed[f"p{number}"] for number in range(4)] == [Rect(480, 120 * number, 160, 120) for number in range(4)]


def test_a_picture_in_a_picture() -> None:
    document = {
        "main": {"z_pos": 1, "video_sources": ["screen"]},
        "pip": {"z_pos": 2, "x_pos": 400, "y_pos": 20, "width": 220, "height": 160, "video_sources": ["teacher"]},
    }
    placed = arrange(document, [Source("t", name="teacher"), *people(2), SCREEN])
    assert placed == {"s": Rect(0, 0, 640, 480), "t": Rect(400, 20, 220, 160)}


def test_a_lecturer_over_a_ring_of_listeners() -> None:
    document = {
        "middle": {"z_pos": 5, "x_pos": 160, "y_pos": 120, "width": 320, "height": 240, "video_sources": ["p0"]},
        "ring": {
            "max_rows": 4,
            "max_columns": 4,
            "cells_excluded": [5, 6, 9, 10],
            "video_sources": ["*"],
            "video_sources_excluded": ["p0"],
        },
    }
    placed = arrange(document, people(13, aspect=4 / 3))
    assert len(placed) == 13
    assert not any(rect.overlaps(placed["p0"]) for id_, rect in placed.items() if id_ != "p0")
