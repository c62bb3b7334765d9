"""Processes that die: rooms, the service, both. What was recorded stays, and nothing is left behind."""

import itertools
import random
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import psutil
import pytest

from tests.e2e.support import film
from tests.e2e.support.chromium import Chromium
from tests.e2e.support.server import Server
from tests.e2e.support.synthetic import BEEP_HZ, Synthetic
from tests.e2e.support.waiting import wait_for

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]

SMALL = {"width": 320, "height": 180, "fps": 30, "bitrate": 200_000}
KILLS = 10
WINDOW_S = 10.0
SEED = 20


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """A service whose rooms wait for people to come back."""
    service = Server(empty_room_grace_s=60)
    yield service.start()
    service.close()


@pytest.fixture
def own_server() -> Iterator[Server]:
    """A service that a test may kill."""
    service = Server(empty_room_grace_s=60)
    yield service.start()
    service.close()


@dataclass
class Kill:
    """One room, killed while it recorded."""

    room: str
    after_s: float
    recording: str = ""
    started_wall: float = 0.0
    killed_wall: float = 0.0

    def carry_out(self, server: Server) -> None:
        victim = server.room_process(self.room)
        self.recording = server.record(self.room)
        self.started_wall = time.time()
        time.sleep(self.after_s)
        victim.kill()
        self.killed_wall = time.time()


@pytest.fixture(scope="module")
def kills(server: Server) -> list[Kill]:
    """Ten rooms, each with one viewer who never asks for a keyframe, killed at random moments of their recordings."""
    moments = random.Random(SEED)
    plan = [Kill(f"doomed-{n}", moments.uniform(0.0, WINDOW_S)) for n in range(KILLS)]
    viewers = [Synthetic(server.url, sends=False, asks_for_keyframes=False) for _ in plan]
    for kill, viewer in zip(plan, viewers, strict=True):
        server.open_room(kill.room, video=SMALL)
        viewer.join(kill.room, "Viewer")
        viewer.see()
    threads = [threading.Thread(target=kill.carry_out, args=(server,)) for kill in plan]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for viewer in viewers:
        viewer.close()
    return plan


def _is_recording(server: Server, room: str) -> bool:
    return server.get(f"/v1/rooms/{room}")["recording"] is not None


def _has_changed(path: Path, at_s: float) -> bool:
    before, after = film.picture(path, at_s - 0.02), film.picture(path, at_s + 0.02)
    return bool(np.abs(before.astype(int) - after).max() > 60)


def test_a_killed_room_costs_at_most_a_second_of_its_recording(
    kills: list[Kill], server: Server, red: Chromium, tmp_path: Path
) -> None:
    red.open(f"{server.url}/healthz")
    for kill in kills:
        wait_for(partial(_is_recording, server, kill.room), timeout_s=20, what="the next part")
        fields = server.finish(kill.recording)
        server.http.delete(f"/v1/rooms/{kill.room}")
        path = server.download(kill.recording, tmp_path / f"{kill.room}.mp4")

        assert len(fields["gaps"]) == 1, fields
        gap = fields["gaps"][0]
        assert 0 <= kill.killed_wall - gap["start"] <= 1.0, (kill, fields)
        assert gap["end"] > kill.killed_wall
        assert gap["at"] >= kill.after_s - 1.0
        assert _has_changed(path, gap["at"])  # the viewer's tile ends where the next room's empty canvas begins

        told = film.probe(path)
        assert float(told["format"]["duration"]) == pytest.approx(fields["duration"], abs=0.1)
        assert film.decode_errors(path) == ""
        played = red.play(f"/v1/recordings/{kill.recording}/download", [0.0])
        assert played["duration"] > 0


def test_a_killed_service_costs_a_recording_nothing(own_server: Server, tmp_path: Path) -> None:
    flasher = Synthetic(own_server.url)
    try:
        own_server.open_room("survivor", video=SMALL)
        flasher.join("survivor", "Flash")
        flasher.see(30)
        room_process = own_server.room_process("survivor")
        recording = own_server.record("survivor")
        flasher.see(60)
        own_server.kill()
        flasher.see(60)  # the room goes on by itself
        own_server.start()

        assert own_server.room_process("survivor").pid == room_process.pid
        assert own_server.recording(recording)["status"] == "active"
        flasher.see(60)
        fields = own_server.finish(recording)
        left_out = own_server.ticks_left_out()
    finally:
        flasher.close()

    path = own_server.download(recording, tmp_path / "survivor.mp4")
    assert fields["gaps"] == []
    assert fields["duration"] > 5.5
    assert film.decode_errors(path) == ""
    spacing = film.spacing(path, fps=30)
    assert spacing.all_whole
    assert spacing.missing <= left_out
    flashes = [flash.shown_s for flash in film.flashes(path, (0, 0, 320, 180), fps=30)]
    assert max(later - earlier for earlier, later in itertools.pairwise(flashes)) < 1.5
    assert len(film.beeps(path, BEEP_HZ)) >= fields["duration"] - 2


def test_a_restarted_service_finishes_what_a_dead_room_recorded(own_server: Server, tmp_path: Path) -> None:
    flasher = Synthetic(own_server.url)
    try:
        own_server.open_room("lost", video=SMALL)
        flasher.join("lost", "Flash")
        flasher.see(30)
        victim = own_server.room_process("lost")
        recording = own_server.record("lost")
        flasher.see(90)
        own_server.kill()
        victim.kill()
    finally:
        flasher.close()
    own_server.start()

    fields = own_server.finish(recording, stop=False)
    path = own_server.download(recording, tmp_path / "lost.mp4")
    assert fields["duration"] > 1.9
    assert film.decode_errors(path) == ""
    assert len(film.flashes(path, (0, 0, 320, 180), fps=30)) >= 1


@pytest.mark.beside
def test_fifty_rooms_leave_nothing_behind(own_server: Server) -> None:
    def quiet() -> bool:  # one spare stands ready, as at the start
        sockets = list((own_server.data_dir / "run").glob("*.sock"))
        return len(own_server.room_processes()) == len(sockets) == 1

    wait_for(quiet, timeout_s=20, what="the spare room process")
    files_at_first = own_server.process.num_fds()
    for n in range(50):
        own_server.open_room(f"passing-{n}", video=SMALL)
        if n % 10 == 0:
            visitor = Synthetic(own_server.url, sends=False)
            visitor.join(f"passing-{n}", "Visitor")
            visitor.close()
        own_server.http.delete(f"/v1/rooms/passing-{n}").raise_for_status()

    wait_for(quiet, timeout_s=30, what="the rooms' processes to be gone")
    children = own_server.process.children()
    assert [child for child in children if child.status() == psutil.STATUS_ZOMBIE] == []
    assert list(own_server.temp_dir.iterdir()) == []
    assert own_server.get("/v1/rooms")["rooms"] == []
    wait_for(lambda: own_server.process.num_fds() <= files_at_first + 2, timeout_s=10, what="file handles to be closed")
    own_server.stop()
    assert own_server.room_processes() == []
