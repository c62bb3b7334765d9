"""A room process's handler notes the timeline of what it records."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from api.rooms.handler import RoomHandler
from mcu.messages import (
    Close,
    Event,
    GetState,
    Open,
    PartStarted,
    PartStopped,
    RoomConfig,
    RoomState,
    SetLayout,
    StartPart,
    StopPart,
    VideoConfig,
)
from recorder.finish import finish

pytestmark = [pytest.mark.media, pytest.mark.usefixtures("no_standstill")]

CONFIG = RoomConfig(name="standup", video=VideoConfig(width=320, height=180, fps=30, bitrate_bps=500_000))


@pytest.fixture
async def handler() -> AsyncIterator[RoomHandler]:
    events: list[Event] = []
    handler = RoomHandler(events.append)
    await handler.answer(Open(config=CONFIG, instance="i"))
    yield handler
    await handler.answer(Close(reason="closed"))
    assert [event.type for event in events] == ["layout", "room_ending"]


async def record(handler: RoomHandler, directory: Path) -> float:
    """Record for a moment; how long it was, seconds."""
    started = await handler.answer(StartPart(recording_id="rec_1", part=1, directory=str(directory)))
    assert isinstance(started, PartStarted), started
    await handler.answer(SetLayout(layout="speaker"))
    await asyncio.sleep(0.3)
    stopped = await handler.answer(StopPart(recording_id="rec_1"))
    assert isinstance(stopped, PartStopped), stopped
    return (stopped.ended_wall_us - started.started_wall_us) / 1e6


async def lost(handler: RoomHandler) -> float:
    state = await handler.answer(GetState())
    assert isinstance(state, RoomState)
    return state.metrics["tutti_timeline_lines_lost_total"]


async def test_notes_begin_with_the_state_before_the_first_picture(handler: RoomHandler, tmp_path: Path) -> None:
    seconds = await record(handler, tmp_path / "part-0001")
    lines: list[dict[str, Any]] = [
        json.loads(line) for line in (tmp_path / "part-0001" / "timeline.jsonl").read_text().splitlines()
    ]
    assert [sorted(line.keys() - {"t"}) for line in lines] == [["people"], ["tiles"], ["active", "speaking"]]
    manifest = json.loads((tmp_path / "part-0001" / "manifest.json").read_text())
    assert all(line["t"] * 1e6 <= manifest["started_us"] for line in lines)
    assert await lost(handler) == 0
    told = finish(tmp_path, tmp_path / "out.mp4")
    timeline = json.loads((tmp_path / "out.timeline.json").read_bytes())
    assert timeline["duration"] == pytest.approx(told.duration) == pytest.approx(seconds, abs=0.001)
    assert (timeline["tiles"], timeline["active"]) == ([], [])


async def test_a_recording_does_not_need_its_notes(handler: RoomHandler, tmp_path: Path) -> None:
    part = tmp_path / "part-0001"
    (part / "timeline.jsonl").mkdir(parents=True)  # so that there is no writing it
    assert await record(handler, part) > 0.2
    assert await lost(handler) == 3
    assert finish(tmp_path, tmp_path / "out.mp4").duration > 0.2
