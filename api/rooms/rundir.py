"""The directory with the sockets of this installation's rooms."""

import fcntl
import hashlib
import os
import tempfile
from pathlib import Path

from mcu.errors import TuttiError

MAX_SOCKET_PATH_BYTES = 107  # sockaddr_un.sun_path on Linux, less the closing zero
INSTANCE_BYTES = 16  # length of an instance's name
SUFFIX = ".sock"


class DataDirectoryError(TuttiError):
    """The data directory cannot be used."""

    code = "data_directory"


def choose(data_dir: Path) -> Path:
    """Where the sockets go: below ``data_dir``, or in the temporary directory when that path is too long for sockets.

    The same ``data_dir`` always gives the same directory, so that a restarted service finds the rooms.
    """
    data_dir = data_dir.resolve()
    preferred = data_dir / "run"
    longest = len(os.fsencode(preferred)) + 1 + INSTANCE_BYTES + len(SUFFIX)
    if longest <= MAX_SOCKET_PATH_BYTES:
        return preferred
    digest = hashlib.sha256(os.fsencode(data_dir)).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"tutti-{os.getuid()}-{digest}"


class RunDir:
    """The run directory, held by one service at a time.

    Args:
        path: made, readable by its owner only, if it is not there.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock_fd = -1

    def acquire(self) -> None:
        """Take the directory; raises ``DataDirectoryError`` when another service has it or it is not ours. Once."""
        if self._lock_fd >= 0:
            return
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            if self.path.is_symlink() or self.path.stat().st_uid != os.getuid():
                raise DataDirectoryError(f"{self.path} belongs to somebody else")
            self._lock_fd = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise DataDirectoryError(f"cannot use {self.path}: {error.strerror}") from error
        try:
            fcntl.flock(self._lock_fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self.release()
            raise DataDirectoryError(f"another service is running on {self.path.parent}") from None

    def release(self) -> None:
        """Let another service have it."""
        if self._lock_fd >= 0:
            os.close(self._lock_fd)
            self._lock_fd = -1

    def socket(self, instance: str) -> Path:
        """The socket of a room process."""
        return self.path / f"{instance}{SUFFIX}"

    def instances(self) -> list[str]:
        """All for whom there is a socket, alive or not."""
        return sorted(path.stem for path in self.path.glob(f"*{SUFFIX}"))

    def remove(self, instance: str) -> None:
        """Remove a dead process's socket, if it left one."""
        self.socket(instance).unlink(missing_ok=True)
