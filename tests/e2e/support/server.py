"""The real service, started as the README says, on a data folder of its own."""

import os
import shutil
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import psutil

from tests.e2e.support.ports import free_port
from tests.e2e.support.waiting import wait_for

TUTTI = Path(sys.executable).parent / "tutti"


def _content(response: httpx.Response) -> Any:
    assert response.is_success, f"{response.request.method} {response.url}: {response.status_code} {response.text}"
    return response.json()


class Server:
    """One service at a time on one data folder; it can be killed, stopped and started again.

    Args:
        data_dir: made under the temporary folder when left out, and removed at the end.
        settings: environment, without the prefix: ``empty_room_grace_s=1``.
    """

    def __init__(self, data_dir: Path | None = None, **settings: object) -> None:
        self._home = Path(tempfile.mkdtemp(prefix="tutti-"))
        self.data_dir = data_dir or self._home / "data"
        self.temp_dir = self._home / "tmp"  # what the service leaves in its TMPDIR can be seen here
        self.temp_dir.mkdir()
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._settings = {"port": self.port, "data_dir": self.data_dir} | settings
        self._process: subprocess.Popen[bytes] | None = None
        self.http = httpx.Client(base_url=self.url, timeout=30)

    # --- life and death -----------------------------------------------------------------------------------------------

    def start(self) -> "Server":
        """Start it and wait until it is well."""
        assert self._process is None
        environment = {f"TUTTI_{name.upper()}": str(value) for name, value in self._settings.items()}
        kept = {name: value for name, value in os.environ.items() if not name.startswith("TUTTI_")}
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [str(TUTTI), "serve"],
                env=kept | {"TMPDIR": str(self.temp_dir)} | environment,
                cwd=self._home,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        try:
            wait_for(self._is_well, timeout_s=30, what="the service to be well")
        except AssertionError as error:
            raise AssertionError(f"{error}; it says:\n{self.said()}") from None
        return self

    def _is_well(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, f"the service ended at its start:\n{self.said()}"
        with suppress(httpx.TransportError):
            return self.http.get("/healthz").status_code == 200
        return False

    def stop(self) -> int:
        """Ask it to end, as an operator does, and wait; its exit status."""
        assert self._process is not None
        self._process.terminate()
        status = self._process.wait(40)
        self._process = None
        return status

    def kill(self) -> None:
        """``kill -9``: the service only, its rooms live on."""
        assert self._process is not None
        self._process.kill()
        self._process.wait(10)
        self._process = None

    def close(self) -> None:
        """End it and all its rooms, whatever state they are in, and remove what it wrote."""
        self.http.close()
        sys.stderr.write(self.said())  # pytest shows it when the test has failed
        if self._process is not None:
            self._process.terminate()
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(20)
        for process in self.room_processes():
            process.kill()
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait(5)
        shutil.rmtree(self._home, ignore_errors=True)

    # --- looking at it ------------------------------------------------------------------------------------------------

    @property
    def log(self) -> Path:
        """Where its output goes."""
        return self._home / "log.txt"

    def said(self) -> str:
        """The end of its log."""
        return self.log.read_text(errors="replace")[-4000:] if self.log.exists() else ""

    @property
    def process(self) -> psutil.Process:
        """The service's own process."""
        assert self._process is not None
        return psutil.Process(self._process.pid)

    def room_processes(self) -> list[psutil.Process]:
        """Processes of rooms (and the spare one) that belong to this data folder."""
        found = []
        for process in psutil.process_iter(["cmdline"]):
            command = process.info["cmdline"] or []
            if "api.worker" in command and any(part.startswith(str(self.data_dir)) for part in command):
                found.append(process)
        return found

    def room_process(self, room: str) -> psutil.Process:
        """The process that is ``room``."""
        instance = self.get(f"/v1/rooms/{room}")["instance"]
        return next(process for process in self.room_processes() if instance in process.cmdline())

    # --- asking it ----------------------------------------------------------------------------------------------------

    def get(self, path: str) -> Any:
        """The JSON at ``path``."""
        return _content(self.http.get(path))

    def post(self, path: str, json: object = None) -> Any:
        """POST, and the JSON that comes back."""
        return _content(self.http.post(path, json=json))

    def open_room(self, name: str, **options: object) -> None:
        """Open a room."""
        self.post("/v1/rooms", {"name": name, **options})

    def record(self, room: str) -> str:
        """Start recording ``room``; the recording's id."""
        return str(self.post(f"/v1/rooms/{room}/recordings")["id"])

    def recording(self, id_: str) -> dict[str, Any]:
        """A recording's fields."""
        fields: dict[str, Any] = self.get(f"/v1/recordings/{id_}")
        return fields

    def finish(self, id_: str, *, stop: bool = True) -> dict[str, Any]:
        """Stop the recording, wait until it is complete, and give its fields."""
        if stop:
            self.post(f"/v1/recordings/{id_}/stop")

        def complete() -> dict[str, Any] | None:
            fields = self.recording(id_)
            assert fields["status"] not in {"failed", "aborted"}, fields
            return fields if fields["status"] == "complete" else None

        return wait_for(complete, timeout_s=40, what=f"recording {id_} to be complete")

    def download(self, id_: str, to: Path) -> Path:
        """The recording as a file."""
        with self.http.stream("GET", f"/v1/recordings/{id_}/download", follow_redirects=True) as response:
            response.raise_for_status()
            with to.open("wb") as file:
                for chunk in response.iter_bytes():
                    file.write(chunk)
        return to

    def metric(self, name: str) -> float:
        """One metric, over all its labels."""
        samples = self.metrics()
        found = [value for sample, value in samples.items() if sample == name or sample.startswith(f"{name}{{")]
        assert found, f"no {name} in {sorted(samples)}"
        return sum(found)

    def ticks_left_out(self) -> float:
        """Pictures that the running rooms did not make, because they came too late or were given up for that."""
        return self.metric("tutti_video_ticks_skipped_total") + self.metric("tutti_video_ticks_shed_total")

    def metrics(self) -> dict[str, float]:
        """``/metrics``: samples by name with labels, as they stand there."""
        lines = self.http.get("/metrics").raise_for_status().text.splitlines()
        samples = (line.rpartition(" ") for line in lines if line and not line.startswith("#"))
        return {name: float(value) for name, _, value in samples}
