"""Two Chromiums and a Firefox in one room: what each of them sees and hears."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from tests.e2e.support.browser import BrowserPeer
from tests.e2e.support.chromium import Chromium
from tests.e2e.support.firefox import Firefox
from tests.e2e.support.media import BLUE, GREEN, RED, Rgb
from tests.e2e.support.server import Server
from tests.e2e.support.spectra import tone_dbfs
from tests.e2e.support.tiles import Box, box_of, is_near
from tests.e2e.support.waiting import wait_for

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]

ROOT = Path(__file__).parents[2]
ROOM = "conference"


@dataclass
class Member:
    peer: BrowserPeer
    colour: Rgb
    hz: float
    tile: Box


@pytest.fixture(scope="module")
def members(server: Server, red: Chromium, green: Chromium, firefox: Firefox) -> Iterator[list[Member]]:
    """Three people in the order of joining; in 1280x720 three 16:9 pictures are largest as two above one."""
    joined = [
        Member(red, RED, 440, (0, 0, 640, 360)),
        Member(green, GREEN, 660, (640, 0, 640, 360)),
        Member(firefox, BLUE, 880, (320, 360, 640, 360)),
    ]
    for member in joined:
        member.peer.open(f"{server.url}/healthz")
    red.join(ROOM, "Rosa")
    green.join(ROOM, "Greta")
    firefox.join(ROOM, "Beatrix", painted=(BLUE, 880))
    yield joined
    for member in joined:
        member.peer.leave()
        member.peer.open("about:blank")


def _hears(listener: Member, others: list[Member]) -> npt.NDArray[np.float32] | None:
    """Two seconds of what the listener hears, once it hears all the others."""
    heard = listener.peer.listen(2)
    return heard if all(tone_dbfs(heard, other.hz) > -35 for other in others) else None


@pytest.mark.parametrize("who", [0, 1, 2], ids=["chromium", "other chromium", "firefox"])
def test_everybody_sees_everybody_in_the_right_tile(members: list[Member], who: int) -> None:
    def in_place() -> bool:
        picture = members[who].peer.frame()
        return picture is not None and all(is_near(box_of(picture, member.colour), member.tile) for member in members)

    wait_for(in_place, timeout_s=20, what="three colours in three tiles")


@pytest.mark.parametrize("who", [0, 1, 2], ids=["chromium", "other chromium", "firefox"])
def test_everybody_hears_the_others_and_not_themselves(members: list[Member], who: int) -> None:
    listener = members[who]
    others = [member for member in members if member is not listener]
    heard = wait_for(lambda: _hears(listener, others), timeout_s=30, what="both other tones")
    quieter = min(tone_dbfs(heard, other.hz) for other in others)
    assert tone_dbfs(heard, listener.hz) < quieter - 30


def _gets_full_size(member: Member) -> bool:
    picture = member.peer.frame()
    return picture is not None and picture.shape == (720, 1280, 3)


def test_the_room_encodes_each_codec_once(members: list[Member], server: Server) -> None:
    for member in members:
        wait_for(partial(_gets_full_size, member), timeout_s=30, what="the picture in full size")
    codecs = set()
    for member in members:
        inbound = member.peer.stats("inbound-rtp", "video")
        by_id = {report["id"]: report for report in member.peer.call("stats")}
        codecs.add(by_id[inbound["codecId"]]["mimeType"])
    assert codecs == {"video/H264", "video/VP8"}  # Firefox has no H.264 here
    wait_for(lambda: server.metric("tutti_video_encoders") == 2, timeout_s=5, what="exactly two encoders")


def _people(server: Server) -> list[dict[str, Any]] | None:
    """Who is here, once everybody's first sound and picture have come."""
    people: list[dict[str, Any]] = server.get(f"/v1/rooms/{ROOM}/participants")["participants"]
    return people if all(person["camera_on"] and not person["muted"] for person in people) else None


def test_participants_are_listed_as_they_are(members: list[Member], server: Server) -> None:
    assert len(members) == 3
    listed = wait_for(lambda: _people(server), timeout_s=20, what="everybody's first sound and picture")
    assert [person["name"] for person in listed] == ["Rosa", "Greta", "Beatrix"]
    for person in listed:
        assert person["state"] == "connected"
        assert {(track["kind"], track["direction"]) for track in person["tracks"]} >= {
            ("audio", "in"),
            ("audio", "out"),
            ("video", "in"),
            ("video", "out"),
        }


def test_metrics_are_as_documented(members: list[Member], server: Server) -> None:
    assert members
    documented = re.findall(r"`(tutti_[a-z0-9_]+)`", (ROOT / "docs/operations.md").read_text())
    told = server.metrics()
    assert len(documented) > 10
    assert [name for name in documented if not any(sample.startswith(name) for sample in told)] == []
