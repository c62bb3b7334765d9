"""A recorded conference's timeline: people are where it says, in the file."""

import json
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from tests.e2e.support import film
from tests.e2e.support.media import BLUE, Rgb
from tests.e2e.support.server import Server
from tests.e2e.support.synthetic import Synthetic
from tests.e2e.support.tiles import Box, box_of, is_near

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]

ROOM = "timeline"
YELLOW: Rgb = (170, 160, 40)
COLOURS = {"Flash": YELLOW, "Beatrix <3": BLUE}
GLIDE_S = 0.25
BACKGROUND: Rgb = (0x11, 0x13, 0x18)


@dataclass
class Recorded:
    path: Path
    timeline: dict[str, Any]
    captions: str
    duration: float


@pytest.fixture(scope="module")
def recorded(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    """One who beeps; another comes and goes."""
    flasher = Synthetic(server.url, colour=YELLOW)
    flasher.join(ROOM, "Flash")
    flasher.see(30)
    id_ = server.record(ROOM)
    time.sleep(2)
    guest = Synthetic(server.url, colour=BLUE)
    guest.join(ROOM, "Beatrix <3")
    time.sleep(4)
    guest.close()
    time.sleep(3)
    fields = server.finish(id_)
    flasher.close()
    path = server.download(id_, tmp_path_factory.mktemp("recording") / "conference.mp4")
    captions = httpx.get(f"{server.url}/v1/recordings/{id_}/timeline.vtt").raise_for_status().text
    return Recorded(path, server.get(f"/v1/recordings/{id_}/timeline.json"), captions, fields["duration"])


def in_pixels(rect: dict[str, float]) -> Box:
    x, width = (round(rect[side] * 1280) for side in ("x", "width"))
    y, height = (round(rect[side] * 720) for side in ("y", "height"))
    return x, y, width, height


def told(recorded: Recorded, at_s: float) -> Box:
    """What the tiles cover at this time, by the timeline."""
    boxes = [in_pixels(tile["rect"]) for tile in recorded.timeline["tiles"] if tile["from"] <= at_s < tile["to"]]
    left, top = (min(box[side] for box in boxes) for side in (0, 1))
    right, bottom = (max(box[side] + box[side + 2] for box in boxes) for side in (0, 1))
    return left, top, right - left, bottom - top


def shown(recorded: Recorded, at_s: float) -> Box:
    """What is not the canvas's background, whatever the tiles show."""
    tiles = (np.abs(film.picture(recorded.path, at_s).astype(int) - np.array(BACKGROUND)) > 12).any(axis=2)
    y, x = np.flatnonzero(tiles.mean(axis=1) > 0.3), np.flatnonzero(tiles.mean(axis=0) > 0.3)
    return int(x[0]), int(y[0]), int(x[-1] - x[0] + 1), int(y[-1] - y[0] + 1)


def is_seen(path: Path, tile: dict[str, Any]) -> bool:
    """Whether somebody's colour fills their tile at some time of its stay."""
    times = np.arange(tile["from"] + GLIDE_S, tile["to"], 0.25)
    return any(is_near(box_of(film.picture(path, at), COLOURS[tile["name"]]), in_pixels(tile["rect"])) for at in times)


def test_who_came_and_went(recorded: Recorded) -> None:
    stays = [(tile["name"], tile["rect"]["width"]) for tile in recorded.timeline["tiles"]]
    assert stays[0] == ("Flash", 1)
    assert stays[-1] == ("Flash", 1)
    assert sorted(stays[1:-1]) == [("Beatrix <3", 0.5), ("Flash", 0.5)]
    assert recorded.timeline["tiles"][0]["from"] == 0
    assert recorded.timeline["tiles"][-1]["to"] == pytest.approx(recorded.duration, abs=0.001)


def test_people_are_where_it_says(recorded: Recorded) -> None:
    for tile in recorded.timeline["tiles"]:
        assert is_seen(recorded.path, tile), tile


def test_tiles_set_out_when_it_says(recorded: Recorded) -> None:
    changes = sorted({tile["from"] for tile in recorded.timeline["tiles"]} - {0})
    assert len(changes) == 2
    for at in changes:
        before, after = at - 1.5 / 30, at + GLIDE_S + 1.5 / 30
        assert is_near(shown(recorded, before), told(recorded, before)), at  # in the last picture, nothing has moved
        assert is_near(shown(recorded, after), told(recorded, after)), at
        under_way = shown(recorded, at + GLIDE_S / 2)
        assert not is_near(under_way, told(recorded, before)), at
        assert not is_near(under_way, told(recorded, after)), at


def test_who_spoke(recorded: Recorded) -> None:
    assert {turn["name"] for turn in recorded.timeline["active"]} <= set(COLOURS)
    assert recorded.timeline["active"][0]["name"] == "Flash"
    assert recorded.captions.startswith("WEBVTT\n\n00:00:00.000 --> ")
    assert "\nFlash\n" in recorded.captions
    assert recorded.timeline["speaking"]


def test_the_first_chapter_is_the_first_speakers(recorded: Recorded) -> None:
    command = ("ffprobe", "-v", "error", "-show_chapters", "-of", "json", recorded.path)
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    chapters = json.loads(done.stdout)["chapters"]
    assert (float(chapters[0]["start_time"]), chapters[0]["tags"]["title"]) == (0, "Flash")
    assert float(chapters[-1]["end_time"]) == pytest.approx(recorded.duration, abs=0.001)
    assert film.decode_errors(recorded.path) == ""
