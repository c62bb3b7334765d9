"""The disk fills up while a conference is recorded."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.support import film
from tests.e2e.support.server import Server
from tests.e2e.support.synthetic import Synthetic
from tests.e2e.support.waiting import wait_for

pytestmark = [pytest.mark.e2e, pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a small disk")]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 16 MB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", str(disk)], check=True)
    yield disk
    subprocess.run(["umount", "--lazy", str(disk)], check=True)


def _fill(path: Path) -> None:
    with path.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            return


def test_the_conference_goes_on_and_the_recording_can_be_saved(small_disk: Path, tmp_path: Path) -> None:
    server = Server(data_dir=small_disk / "data").start()
    flasher = Synthetic(server.url)
    try:
        flasher.join("full", "Flash")
        flasher.see(30)
        recording = server.record("full")
        flasher.see(90)
        _fill(small_disk / "filler")

        failed = wait_for(lambda: _when(server, recording, "failed"), timeout_s=30, what="the recording to end")
        assert "disk" in failed["error"]
        flasher.see(30)
        assert server.http.get("/healthz").status_code == 200
        assert server.get("/v1/rooms/full")["recording"] is None

        (small_disk / "filler").unlink()
        server.post(f"/v1/recordings/{recording}/retry")
        fields = server.finish(recording, stop=False)
        assert fields["duration"] > 2
        path = server.download(recording, tmp_path / "saved.mp4")
        assert film.decode_errors(path) == ""
        again = server.record("full")
        flasher.see(30)
        assert server.finish(again)["error"] is None
    finally:
        flasher.close()
        server.close()


def _when(server: Server, recording: str, status: str) -> dict[str, str] | None:
    fields = server.recording(recording)
    return fields if fields["status"] == status else None
