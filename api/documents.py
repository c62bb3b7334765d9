"""Small JSON documents by name, each in a file of its own: written whole or not at all, there again after a restart."""

import hashlib
import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from recorder.errors import disk_error
from recorder.segments import sync_directory, write_atomically

logger = logging.getLogger(__name__)

Document = dict[str, Any]


class Documents:
    """A folder of documents. All calls block.

    Args:
        folder: made when the first document is put.

    Raises:
        DiskFullError, DiskFailedError: by any call.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def get(self, name: str) -> Document | None:
        """One document; None when there is none."""
        path = self._path(name)
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise disk_error(error, f"cannot read {name!r}") from error
        told = _parsed(path, data)
        return None if told is None else told[1]

    def put(self, name: str, document: Document) -> None:
        """Add or replace one, durably."""
        path = self._path(name)
        data = json.dumps({"name": name, "document": document}, ensure_ascii=False).encode()
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            write_atomically(path, data)
        except OSError as error:
            raise disk_error(error, f"cannot write {name!r}") from error

    def delete(self, name: str) -> bool:
        """Remove one; whether it was there."""
        path = self._path(name)
        try:
            path.unlink()
            sync_directory(self._folder)
        except FileNotFoundError:
            return False
        except OSError as error:
            raise disk_error(error, f"cannot delete {name!r}") from error
        return True

    def names(self) -> list[str]:
        """All names, sorted."""
        return sorted(name for name, _ in self._all())

    def all(self) -> dict[str, Document]:
        """Every document by name, sorted."""
        return dict(sorted(self._all()))

    def _all(self) -> Iterator[tuple[str, Document]]:
        try:
            for path in self._folder.glob("*.json"):
                told = _parsed(path, path.read_bytes())
                if told is not None:
                    yield told
        except OSError as error:
            raise disk_error(error, f"cannot read {self._folder.name}") from error

    def _path(self, name: str) -> Path:
        return self._folder / f"{hashlib.sha256(name.encode()).hexdigest()[:32]}.json"


def _parsed(path: Path, data: bytes) -> tuple[str, Document] | None:
    """Name and content; a file that somebody spoiled counts as none."""
    try:
        told = json.loads(data)
        return str(told["name"]), dict(told["document"])
    except (ValueError, KeyError, TypeError):
        logger.exception("%s cannot be read and is passed over", path)
        return None
