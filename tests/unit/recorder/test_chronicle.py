import json

import pytest

from recorder.chronicle import Chronicle, Run, Span, chronicle_of
from recorder.notes import Notes, Occupant, Rectangle, parse_notes

pytestmark = pytest.mark.unit

S = 90_000
LEFT, RIGHT, FULL = Rectangle(0, 0, 0.5, 1), Rectangle(0.5, 0, 0.5, 1), Rectangle(0, 0, 1, 1)


def ann(rect: Rectangle) -> Occupant:
    return Occupant("p1", "Ann", rect)


def bob(rect: Rectangle) -> Occupant:
    return Occupant("p2", "Bob", rect)


def test_two_parts_with_a_hole_and_a_torn_line() -> None:
    """Part 1 is filmed from 10 to 14 s of its room's time, part 2 (a new room) from 3 to 6 s of its own."""
    first = Notes(
        {"p1": "Ann", "p2": "Bob"},
        tiles=((9 * S, (ann(FULL),)), (12 * S, (ann(LEFT), bob(RIGHT))), (15 * S, (bob(FULL),))),
        speaking=((9 * S, ()), (11 * S, ("p1",)), (13 * S, ("p1", "p2"))),
        active=((9 * S, ()), (11 * S, ("p1",)), (13 * S, ("p2",))),
    )
    second = parse_notes(
        b'{"t": 2.0, "people": {"p3": "Cy"}}\n'
        b'{"t": 2.0, "tiles": [{"id": "p3", "name": "Cy", "rect": {"x": 0, "y": 0, "width": 1, "height": 1}}]}\n'
        b'{"t": 2.5, "speaking": ["p3"], "active": "p3"}\n'
        b'{"t": 5.0, "speaking": [], "active": "p3"}\n'
        b'{"t": 5.5, "speaking": ["p3"], "act'
    )
    told = chronicle_of((Run(1, 10 * S, 0), Run(2, 3 * S, 4 * S)), {1: first, 2: second}, 7 * S)
    cy = Occupant("p3", "Cy", FULL)
    assert told.tiles == (
        Span(ann(FULL), 0, 2 * S),
        Span(ann(LEFT), 2 * S, 4 * S),
        Span(bob(RIGHT), 2 * S, 4 * S),
        Span(cy, 4 * S, 7 * S),
    )
    assert told.speaking == (Span("p1", 1 * S, 4 * S), Span("p2", 3 * S, 4 * S), Span("p3", 4 * S, 6 * S))
    assert told.active == (Span("p1", 1 * S, 3 * S), Span("p2", 3 * S, 4 * S), Span("p3", 4 * S, 7 * S))


def test_what_goes_on_over_a_hole_in_one_part_is_one_span_and_what_happened_in_it_is_in_force_after_it() -> None:
    noted = Notes(
        {}, tiles=((0, (ann(LEFT),)), (6 * S, (ann(LEFT), bob(RIGHT)))), speaking=((4 * S, ("p1",)), (5 * S, ()))
    )
    told = chronicle_of((Run(1, 1 * S, 0), Run(1, 8 * S, 2 * S)), {1: noted}, 4 * S)  # 3 to 8 s is missing
    assert told.tiles == (Span(ann(LEFT), 0, 4 * S), Span(bob(RIGHT), 2 * S, 4 * S))
    assert told.speaking == ()  # it was all in the hole


def test_a_part_without_notes_is_empty() -> None:
    noted = Notes({}, tiles=((0, (ann(FULL),)),))
    runs = (Run(1, 0, 0), Run(2, 7 * S, 2 * S), Run(3, 0, 3 * S))
    told = chronicle_of(runs, {1: noted, 3: noted}, 5 * S)
    assert told.tiles == (Span(ann(FULL), 0, 2 * S), Span(ann(FULL), 3 * S, 5 * S))


def test_changes_at_the_very_start_and_end() -> None:
    noted = Notes({}, tiles=((1 * S, (ann(FULL),)), (2 * S, (bob(FULL),)), (4 * S, (ann(FULL),))))
    assert chronicle_of((Run(1, 2 * S, 0),), {1: noted}, 2 * S).tiles == (Span(bob(FULL), 0, 2 * S),)


def test_as_json() -> None:
    told = Chronicle(
        7 * S, {"p1": "Ännchen"}, (Span(ann(LEFT), 3000, S),), (Span("p1", 0, S),), (Span("p9", S, 2 * S),)
    )
    assert json.loads(told.to_json()) == {
        "version": 1,
        "duration": 7.0,
        "participants": [{"id": "p1", "name": "Ännchen"}],
        "tiles": [
            {
                "id": "p1",
                "name": "Ann",
                "rect": {"x": 0, "y": 0, "width": 0.5, "height": 1},
                "from": 0.033333,
                "to": 1.0,
            }
        ],
        "speaking": [{"id": "p1", "name": "Ännchen", "from": 0.0, "to": 1.0}],
        "active": [{"id": "p9", "name": "p9", "from": 1.0, "to": 2.0}],
    }
