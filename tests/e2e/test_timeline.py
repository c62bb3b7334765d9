"""A recorded conference's timeline: people are where it says, in the file."""

import json
import subprocess
import time
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.e2e.support import film
from tests.e2e.support.media import BLUE, Rgb
from tests.e2e.support.server import Server
from tests.e2e.support.synthetic import Synthetic
from tests.e2e.support.tiles import Box, box_of, is_near

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]

ROOM = "timeline"
YELLOW: Rgb = (170, 160, 40)
WHITE: Rgb = (255, 255, 255)
COLOURS = {"Flash": YELLOW, "Beatrix <3": BLUE}
SETTLED_S = 0.6  # tiles glide for 0.25 s; a camera's first picture takes a moment


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


def is_there(path: Path, tile: dict[str, Any], at_s: float) -> bool:
    picture = film.picture(path, at_s)
    return any(is_near(box_of(picture, shade), in_pixels(tile["rect"])) for shade in (COLOURS[tile["name"]], WHITE))


def test_who_came_and_went(recorded: Recorded) -> None:
    stays = [(tile["name"], tile["rect"]["width"]) for tile in recorded.timeline["tiles"]]
    assert stays[0] == ("Flash", 1)
    assert stays[-1] == ("Flash", 1)
    assert sorted(stays[1:-1]) == [("Beatrix <3", 0.5), ("Flash", 0.5)]
    assert recorded.timeline["tiles"][0]["from"] == 0
    assert recorded.timeline["tiles"][-1]["to"] == pytest.approx(recorded.duration, abs=0.001)


def test_people_are_where_it_says_from_when_to_when(recorded: Recorded) -> None:
    for tile in recorded.timeline["tiles"]:
        assert tile["to"] - tile["from"] > 1.5
        assert is_there(recorded.path, tile, tile["from"] + SETTLED_S), tile
        assert is_there(recorded.path, tile, tile["to"] - 1.5 / 30), tile  # the last picture of its stay


def test_a_stay_begins_with_the_picture_in_which_the_tile_sets_out(recorded: Recorded) -> None:
    """Three pictures later (an eased start is slow) it has left its place."""
    flash = [tile for tile in recorded.timeline["tiles"] if tile["name"] == "Flash"]
    for before, after in pairwise(flash):
        assert before["to"] == after["from"]
        assert not is_there(recorded.path, before, after["from"] + 3.5 / 30), before


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
