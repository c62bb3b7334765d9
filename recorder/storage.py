"""Where finished recordings are kept: the interface, and a folder on this machine."""

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from recorder.errors import ObjectMissingError, StoreError, disk_error
from recorder.segments import sync_directory

CHUNK_BYTES = 256 * 1024


@dataclass(frozen=True, slots=True)
class Upload:
    """A file on its way into a store, and what is kept beside it."""

    path: Path
    key: str
    size: int
    sha256: str
    file_name: str  # what a download is called
    content_type: str = "video/mp4"


@dataclass(frozen=True, slots=True)
class StoredObject:
    """What a store says of an object. ``sha256`` as told at its upload; None if the store keeps no such thing."""

    size: int
    sha256: str | None


class ObjectStore(Protocol):
    """A place for finished files, by key. All calls block; all raise ``StoreError``."""

    def put(self, upload: Upload, progress: Callable[[int], None]) -> None:
        """Store a file, replacing an object of that key at once.

        ``progress`` is told the bytes sent since the last call, from any thread; what it raises ends the upload.
        """

    def stat(self, key: str) -> StoredObject:
        """Look at an object; raises ``ObjectMissingError``."""

    def read(self, key: str, start: int, length: int) -> Iterator[bytes]:
        """``length`` bytes from ``start`` on, in chunks; errors come at the call, not at the first chunk."""

    def url(self, key: str, file_name: str, ttl_s: int) -> str | None:
        """A URL at which anybody can download for ``ttl_s`` seconds; None if the store has none."""

    def delete(self, key: str) -> None:
        """Remove an object; one that is not there counts as removed."""


class LocalStore:
    """A folder. Files are moved in by a hard link where that is possible, so that no second copy is needed.

    Args:
        root: the folder; made at the first upload.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    def path(self, key: str) -> Path:
        """Where an object lies; raises StoreError for a key that leads out of the folder."""
        path = (self.root / key).resolve()
        if not path.is_relative_to(self.root.resolve()) or path == self.root.resolve():
            raise StoreError(f"no key of this store: {key!r}")
        return path

    def put(self, upload: Upload, progress: Callable[[int], None]) -> None:
        """Link or copy, then rename."""
        target = self.path(upload.key)
        temporary = target.with_name(f".{target.name}.tmp")
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            temporary.unlink(missing_ok=True)
            _link_or_copy(upload.path, temporary)
            temporary.replace(target)
            temporary.unlink(missing_ok=True)  # renaming a link onto the same file does nothing (POSIX)
            sync_directory(target.parent)
        except OSError as error:
            temporary.unlink(missing_ok=True)
            raise StoreError(str(disk_error(error, f"storing {target.name}"))) from error
        progress(upload.size)

    def stat(self, key: str) -> StoredObject:
        """The file's size."""
        try:
            return StoredObject(self.path(key).stat().st_size, None)
        except FileNotFoundError as error:
            raise ObjectMissingError(f"{key} is not in {self.root}") from error

    def read(self, key: str, start: int, length: int) -> Iterator[bytes]:
        """Chunks of the file."""
        try:
            file = self.path(key).open("rb")
        except FileNotFoundError as error:
            raise ObjectMissingError(f"{key} is not in {self.root}") from error
        except OSError as error:
            raise StoreError(f"{key} cannot be read: {error.strerror}") from error

        def chunks() -> Iterator[bytes]:
            with file:
                file.seek(start)
                left = length
                while left > 0 and (chunk := file.read(min(left, CHUNK_BYTES))):
                    left -= len(chunk)
                    yield chunk

        return chunks()

    def url(self, key: str, file_name: str, ttl_s: int) -> str | None:  # noqa: ARG002  # the protocol's signature
        """There is none."""
        return None

    def delete(self, key: str) -> None:
        """Remove the file and the folder that it leaves empty."""
        path = self.path(key)
        try:
            path.unlink(missing_ok=True)
            if path.parent != self.root.resolve() and path.parent.is_dir() and not any(path.parent.iterdir()):
                path.parent.rmdir()
        except OSError as error:
            raise StoreError(f"{key} cannot be removed: {error.strerror}") from error


def _link_or_copy(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError:  # another file system, or one without links
        shutil.copyfile(source, target)
        with target.open("rb") as file:
            os.fsync(file.fileno())
