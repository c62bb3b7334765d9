"""What a room's events leave in the notes of a recording's timeline."""

from collections.abc import Mapping
from typing import Any

import pytest

from api.rooms.witness import Witness
from mcu.messages import (
    ActiveSpeaker,
    Event,
    LayoutChanged,
    ParticipantJoined,
    ParticipantLeft,
    ParticipantState,
    ParticipantUpdated,
    RoomConfig,
    RoomState,
    TileBox,
    TileMove,
    TilesMoved,
    VideoConfig,
)

pytestmark = pytest.mark.unit

FULL = TileBox(x=0, y=0, width=1, height=1)
LEFT = TileBox(x=0, y=0, width=0.5, height=1)


def person(id_: str, name: str, *, speaking: bool = False) -> ParticipantState:
    return ParticipantState(id=id_, name=name, joined_at=1, state="connected", speaking=speaking)


def moved(media_time: float, **ends: TileBox) -> TilesMoved:
    tiles = tuple(TileMove(id=id_.replace("_", ":"), start=FULL, end=end) for id_, end in ends.items())
    return TilesMoved(media_time=media_time, begins_at=0, duration=0.25, tiles=tiles)


def told(state: dict[str, Any], *events: Event) -> list[Mapping[str, Any]]:
    """The notes; the clock shows 10 s, and a second more at each event."""
    now = 10_000_000
    notes: list[Mapping[str, Any]] = []
    config = RoomConfig(name="standup", video=VideoConfig(width=640, height=360, fps=30, bitrate_bps=1_000_000))
    room = RoomState(config=config, instance="i", created_at=1, layout="grid", **state)
    witness = Witness(room, lambda: now, notes.append)
    for event in events:
        now += 1_000_000
        witness.see(event)
    return notes


def test_it_begins_with_the_state() -> None:
    state = {
        "participants": (person("a", "Ann", speaking=True), person("b", "Bob")),
        "active_speaker": "b",
        "tiles": moved(8.5, a=LEFT, a_screen=FULL),
    }
    assert told(state) == [
        {"t": 10.0, "people": {"a": "Ann", "b": "Bob"}},
        {
            "t": 8.5,
            "tiles": [
                {"id": "a", "name": "Ann", "rect": {"x": 0, "y": 0, "width": 0.5, "height": 1}},
                {"id": "a:screen", "name": "Ann", "rect": {"x": 0, "y": 0, "width": 1, "height": 1}},
            ],
        },
        {"t": 10.0, "speaking": ["a"], "active": "b"},
    ]


def test_then_what_changes_and_only_that() -> None:
    notes = told(
        {},
        ParticipantJoined(participant=person("a", "Ann")),
        moved(11.5, a=FULL),
        LayoutChanged(layout="grid"),
        ParticipantUpdated(participant=person("a", "Ann", speaking=True)),
        ActiveSpeaker(participant_id="a"),
        ParticipantUpdated(participant=person("a", "Ann", speaking=True)),  # the camera, say
        ParticipantLeft(participant_id="a", reason="left"),
    )
    assert [{**note, "tiles": ...} if "tiles" in note else note for note in notes] == [
        {"t": 10.0, "people": {}},
        {"t": 10.0, "tiles": ...},
        {"t": 10.0, "speaking": [], "active": None},
        {"t": 11.0, "people": {"a": "Ann"}},
        {"t": 11.5, "tiles": ...},
        {"t": 14.0, "speaking": ["a"], "active": None},
        {"t": 15.0, "speaking": ["a"], "active": "a"},
        {"t": 17.0, "speaking": [], "active": "a"},
    ]
