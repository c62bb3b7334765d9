"""A real TURN server, coturn, with time-limited credentials."""

import base64
import hashlib
import hmac
import os
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path

from tests.e2e.support.ports import free_port
from tests.e2e.support.waiting import wait_for

SECRET = "for tests only"


class TurnServer:
    """Listens and relays on loopback."""

    def __init__(self) -> None:
        path = shutil.which("turnserver")
        assert path, "no coturn here: apt-get install coturn"
        self._directory = Path(tempfile.mkdtemp(prefix="turn-"))
        self.port = free_port()
        self.url = f"turn:127.0.0.1:{self.port}?transport=udp"
        self._log = self._directory / "log.txt"
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [
                    *(path, "-n", "--log-file=stdout", "--simple-log", "--verbose"),
                    *("--listening-ip=127.0.0.1", "--relay-ip=127.0.0.1", f"--listening-port={self.port}"),
                    *("--min-port=49152", "--max-port=49352", "--allow-loopback-peers", "--no-multicast-peers"),
                    *("--no-cli", "--no-tls", "--no-dtls", "--realm=test.local"),
                    *("--use-auth-secret", f"--static-auth-secret={SECRET}"),
                    *(f"--pidfile={self._directory}/pid", f"--userdb={self._directory}/users"),
                ],
                cwd=self._directory,
                env=os.environ,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        wait_for(self._listens, timeout_s=10, what="coturn to listen")

    def _listens(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def credentials(self) -> dict[str, str]:
        """A user name that is good for an hour, and its password."""
        username = f"{int(time.time()) + 3600}:tester"
        digest = hmac.new(SECRET.encode(), username.encode(), hashlib.sha1).digest()
        return {"username": username, "credential": base64.b64encode(digest).decode()}

    def said(self) -> str:
        """Its log."""
        return self._log.read_text(errors="replace")

    def close(self) -> None:
        """End it."""
        self._process.terminate()
        self._process.wait(10)
        shutil.rmtree(self._directory, ignore_errors=True)
