"""The disk fills up while a conference is recorded."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.support import film
from tests.e2e.support.server import Server
from tests.e2e.support.synthetic import Synthetic
from tests.e2e.support.waiting import wait_for

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.beside,
    pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a small disk"),
]


MIB = 1024 * 1024


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 16 MB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", str(disk)], check=True)
    yield disk
    subprocess.run(["umount", "--lazy", str(disk)], check=True)


def _fill(disk: Path, *, but_for: int = 0) -> Path:
    """Let something else take all of ``disk``, ``but_for`` bytes."""
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as file:
        try:
            file.write(bytes(max(0, shutil.disk_usage(disk).free - but_for)))
            while not but_for:
                file.write(bytes(4096))
        except OSError:
            pass
    return filler


@pytest.fixture
def server(small_disk: Path) -> Iterator[Server]:
    """A service whose data folder is on the small disk."""
    service = Server(data_dir=small_disk / "data")
    yield service.start()
    service.close()


@pytest.fixture
def flasher(server: Server) -> Iterator[Synthetic]:
    """Somebody in the room ``full``."""
    participant = Synthetic(server.url)
    participant.join("full", "Flash")
    participant.see(30)
    yield participant
    participant.close()


def _ended(server: Server, recording: str) -> dict[str, str] | None:
    fields = server.recording(recording)
    return fields if fields["status"] in {"complete", "failed"} else None


def test_a_recording_ends_before_the_disk_is_full(
    server: Server, flasher: Synthetic, small_disk: Path, tmp_path: Path
) -> None:
    recording = server.record("full")
    flasher.see(60)
    filler = _fill(small_disk, but_for=9 * MIB // 2)

    fields = wait_for(lambda: _ended(server, recording), timeout_s=60, what="the recording to end by itself")
    assert fields["status"] == "complete"
    assert "disk" in fields["error"]
    assert film.decode_errors(server.download(recording, tmp_path / "saved.mp4")) == ""
    flasher.see(30)  # the conference goes on

    filler.unlink()
    filler = _fill(small_disk, but_for=MIB)
    refused = server.http.post("/v1/rooms/full/recordings")
    assert (refused.status_code, refused.json()["error"]["code"]) == (507, "disk_full")

    filler.unlink()
    again = server.record("full")
    flasher.see(30)
    assert server.finish(again)["error"] is None


def test_a_recording_survives_that_something_else_fills_the_disk(
    server: Server, flasher: Synthetic, small_disk: Path, tmp_path: Path
) -> None:
    recording = server.record("full")
    flasher.see(90)
    filler = _fill(small_disk)
    flasher.see(60)  # the conference goes on
    assert server.http.get("/healthz").status_code == 200

    filler.unlink()
    server.http.post(f"/v1/recordings/{recording}/stop")  # it may have ended by itself
    fields = wait_for(lambda: _ended(server, recording), timeout_s=60, what="the recording to end")
    if fields["status"] == "failed":
        server.post(f"/v1/recordings/{recording}/retry")
        fields = server.finish(recording, stop=False)
    path = server.download(recording, tmp_path / "saved.mp4")
    assert film.decode_errors(path) == ""
    assert float(film.probe(path)["format"]["duration"]) > 2
