"""A sound card for machines without one: Firefox plays nothing, not even into Web Audio, unless it finds a device."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from tests.e2e.support.waiting import wait_for


class SoundCard:
    """A PulseAudio server of its own whose only device plays into nowhere."""

    def __init__(self) -> None:
        path = shutil.which("pulseaudio")
        assert path, "no PulseAudio here: apt-get install pulseaudio"
        self._directory = Path(tempfile.mkdtemp(prefix="pulse-"))
        endpoint = self._directory / "socket"
        with (self._directory / "log.txt").open("wb") as log:
            self._process = subprocess.Popen(
                [
                    path,
                    *("-n", "--daemonize=no", "--exit-idle-time=-1", "--use-pid-file=no", "--disable-shm=yes"),
                    "--load=module-null-sink rate=48000",
                    f"--load=module-native-protocol-unix socket={endpoint} auth-anonymous=1",
                ],
                env=os.environ | {"HOME": str(self._directory), "XDG_RUNTIME_DIR": str(self._directory)},
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        wait_for(endpoint.exists, timeout_s=10, what="PulseAudio to listen")
        self.environment = {"PULSE_SERVER": f"unix:{endpoint}"}
        """What a program needs in its environment to play on this card."""

    def close(self) -> None:
        """Take the card out."""
        self._process.terminate()
        self._process.wait(10)
        shutil.rmtree(self._directory, ignore_errors=True)
