"""A real PostgreSQL server on a free port."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from tests.e2e.support.ports import free_port
from tests.e2e.support.waiting import wait_for

_VERSIONS = Path("/usr/lib/postgresql")


class Postgres:
    """One database, ``tutti``, that everybody on this machine may use, until ``close``."""

    def __init__(self) -> None:
        found = sorted(_VERSIONS.glob("*/bin"))
        assert found, "no PostgreSQL here: apt-get install postgresql"
        self._programs = found[-1]
        self._user = "postgres" if os.geteuid() == 0 else None  # it refuses to run as root
        self._home = Path(tempfile.mkdtemp(prefix="postgres-"))
        if self._user:
            shutil.chown(self._home, self._user)
        self.port = free_port()
        data = self._home / "data"
        self._run("initdb", "--auth=trust", "--username=tutti", "--no-sync", f"--pgdata={data}")
        with (self._home / "log.txt").open("wb") as log:
            options = ["-D", str(data), "-p", str(self.port), "-k", str(self._home), "-c", "listen_addresses=127.0.0.1"]
            self._process = subprocess.Popen(
                [str(self._programs / "postgres"), *options, "-F"],
                user=self._user,
                cwd=self._home,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        wait_for(lambda: self._run("pg_isready", f"--port={self.port}", "--host=127.0.0.1"), timeout_s=20, what="it")
        assert self._run("createdb", f"--port={self.port}", "--host=127.0.0.1", "--username=tutti", "tutti")
        self.url = f"postgresql+psycopg://tutti@127.0.0.1:{self.port}/tutti"

    def _run(self, program: str, *arguments: str) -> bool:
        command = [str(self._programs / program), *arguments]
        done = subprocess.run(
            command, user=self._user, cwd=self._home, stdout=subprocess.DEVNULL, timeout=60, check=False
        )
        return done.returncode == 0

    def close(self) -> None:
        """End it."""
        self._process.terminate()
        self._process.wait(15)
        shutil.rmtree(self._home, ignore_errors=True)
