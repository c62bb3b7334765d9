"""One participant of several behind a line of 300 kbit/s: what becomes of theirs, the others' and the recording.

How soon is told, not asserted: two browsers share the processors with the room.
"""

import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.e2e.support import film
from tests.e2e.support.bottleneck import Bottleneck
from tests.e2e.support.chromium import Chromium
from tests.e2e.support.media import tone, write_wav
from tests.e2e.support.server import Server
from tests.e2e.support.synthetic import Synthetic
from tests.e2e.support.waiting import wait_for

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]

ROOM = "narrow"
NARROW_S = 10.0
QUARTER = 2
WIDTHS_BY_OVERLOAD = (1280, 1280, 1280, 640, 320, 320)  # first the frame rate is given up, then sizes


@dataclass
class Story:
    """What was measured."""

    recording: Path
    wide_kbps: float = 0.0
    decided_after_s: float = 0.0  # as the room tells it
    down_after_s: float = 0.0  # as it is seen
    up_after_s: float = 0.0
    narrow: dict[str, float] = field(default_factory=dict)  # of the participant behind the line
    other: dict[str, float] = field(default_factory=dict)  # of another, in the same time
    other_widths: set[tuple[int, int]] = field(default_factory=set)  # beside the largest that the room offered then
    encoders: float = 0.0


def _busy_camera(path: Path, seed: int) -> Path:
    """Two seconds of a texture that drifts: nothing that an encoder gets cheap."""
    random = np.random.default_rng(seed)
    coarse = random.integers(30, 220, (120, 180)).astype(np.uint8)
    texture = coarse.repeat(4, 0).repeat(4, 1)
    with path.open("wb") as file:
        file.write(b"YUV4MPEG2 W640 H360 F30:1 Ip A1:1 C420jpeg\n")
        for n in range(60):
            shift = n * 2 if n < 30 else (59 - n) * 2
            luma = texture[shift : shift + 360, shift : shift + 640]
            file.write(b"FRAME\n" + luma.tobytes() + bytes([128]) * (640 * 360 // 2))
    return path


def _video(peer: Chromium) -> dict[str, Any]:
    reports: list[dict[str, Any]] = peer.call("stats")
    return next((r for r in reports if r["type"] == "inbound-rtp" and r.get("kind") == "video"), {})


def _over(peer: Chromium, then: dict[str, Any]) -> dict[str, float]:
    """Pictures and bits a second since ``then``, and the longest that the picture stood still."""
    now = _video(peer)
    seconds = (now["timestamp"] - then["timestamp"]) / 1000
    return {
        "fps": (now["framesDecoded"] - then["framesDecoded"]) / seconds,
        "kbps": (now["bytesReceived"] - then["bytesReceived"]) * 8 / seconds / 1000,
        "frozen_s": now.get("totalFreezesDuration", 0) - then.get("totalFreezesDuration", 0),
        "width": now["frameWidth"],
    }


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    folder = tmp_path_factory.mktemp("narrow")
    with ExitStack() as stack:
        server = Server(empty_room_grace_s=2)
        stack.callback(server.close)
        server.start()
        line, flasher = Bottleneck(), Synthetic(server.url)
        stack.callback(line.end)
        stack.callback(flasher.close)
        sound = write_wav(folder / "tone.wav", tone(440, 1))
        starved, other = (Chromium(video=_busy_camera(folder / f"{n}.y4m", n), audio=sound) for n in range(2))
        for peer in (starved, other):
            stack.callback(peer.close)
            peer.open(f"{server.url}/healthz")
        line.stand_between(starved)
        flasher.join(ROOM, "Flash")
        starved.join(ROOM, "Narrow")
        other.join(ROOM, "Other")
        yield _told(server, line, starved, other, folder / "narrow.mp4")


def _told(server: Server, line: Bottleneck, starved: Chromium, other: Chromium, recording: Path) -> Story:
    story = Story(recording)
    _wait_for_width(starved, 1280, timeout_s=30)
    _wait_for_width(other, 1280, timeout_s=30)
    time.sleep(8)
    wide = _video(starved)
    id_ = server.record(ROOM)
    time.sleep(2)
    story.wide_kbps = _over(starved, wide)["kbps"]

    line.narrow(300_000)
    begun = time.monotonic()
    wait_for(lambda: _rung(server, "Narrow") == QUARTER, timeout_s=40, what="the lowest rung")
    story.decided_after_s = time.monotonic() - begun
    _wait_for_width(starved, 320, timeout_s=30)
    story.down_after_s = time.monotonic() - begun
    time.sleep(2)
    before = _video(starved), _video(other)
    until = time.monotonic() + NARROW_S
    while time.monotonic() < until:
        story.other_widths.add((_video(other)["frameWidth"], _offered(server)))
        time.sleep(0.5)
    story.narrow, story.other = _over(starved, before[0]), _over(other, before[1])
    story.encoders = server.metric("tutti_video_encoders")

    line.narrow(None)
    story.up_after_s = _wait_for_width(starved, 1280, timeout_s=90)
    server.finish(id_)
    server.download(id_, recording)
    sys.stderr.write(f"{story}\n")  # pytest shows it when a test has failed
    return story


def _offered(server: Server) -> int:
    """The width that the best served get: less than the full one while the machine is too busy for it."""
    return WIDTHS_BY_OVERLOAD[int(server.metric("tutti_video_overload_level"))]


def _rung(server: Server, name: str) -> float:
    people = server.get(f"/v1/rooms/{ROOM}/participants")["participants"]
    return next(float(person["stats"]["rung"]) for person in people if person["name"] == name)


def _wait_for_width(peer: Chromium, width: int, *, timeout_s: float) -> float:
    begun = time.monotonic()
    wait_for(lambda: _video(peer).get("frameWidth") == width, timeout_s=timeout_s, what=f"{width} pixels")
    return time.monotonic() - begun


def test_the_line_was_too_narrow_for_the_full_size(story: Story) -> None:
    assert story.wide_kbps > 400


def test_and_has_a_moving_picture_there(story: Story) -> None:
    assert story.narrow["width"] == 320
    assert story.narrow["fps"] > 2
    assert story.narrow["kbps"] < 300


def test_the_others_keep_their_size(story: Story) -> None:
    assert any(width == offered for width, offered in story.other_widths), story.other_widths
    assert story.other["fps"] > 2


def test_encoders_follow_the_rungs_in_use(story: Story) -> None:
    assert 2 <= story.encoders <= 3


def test_the_recording_never_changes_size(story: Story) -> None:
    told = film.probe(story.recording)
    assert (told["video"]["width"], told["video"]["height"]) == (1280, 720)
    assert film.decode_errors(story.recording) == ""
