"""Working segments of one part of a recording, and the manifest that lists them.

A part is a folder of numbered segments (``segment-00000.mp4`` …: fragmented MP4, each starting at a keyframe, stamped
with the room's media time) and a ``manifest.json``. The segments are the truth: whoever finishes a recording believes
them, and takes from the manifest only what they cannot tell (wall-clock time, what was lost and why).
"""

import json
import os
import re
import shutil
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import BinaryIO, Protocol, Self

MANIFEST = "manifest.json"
VERSION = 1
_NAME = re.compile(r"segment-(\d{5,})\.mp4")


@dataclass(frozen=True, slots=True)
class SegmentEntry:
    """A whole segment on disk; times are the room's media time."""

    name: str
    start_us: int
    end_us: int
    pictures: int
    size: int


@dataclass(frozen=True, slots=True)
class Hole:
    """Media time of which nothing was written, because the disk did not keep up."""

    from_us: int
    until_us: int
    reason: str
    dropped: int  # frames of picture and sound lost


@dataclass(frozen=True, slots=True)
class Manifest:
    """What is known of a part.

    ``wall_offset_us`` is the Unix time of media time zero. ``ended_us`` is None while the part is being written (or
    was never closed); ``error_code`` and ``error`` say why it broke off, if it did.
    """

    recording_id: str
    part: int
    width: int
    height: int
    fps: int
    wall_offset_us: int
    started_us: int | None = None
    ended_us: int | None = None
    segments: tuple[SegmentEntry, ...] = ()
    holes: tuple[Hole, ...] = ()
    error_code: str | None = None
    error: str | None = None
    version: int = field(default=VERSION)

    def to_json(self) -> bytes:
        """As UTF-8 JSON."""
        return json.dumps(asdict(self), indent=1).encode()

    @classmethod
    def from_json(cls, data: bytes) -> Self | None:
        """Parse; None if it is no manifest of a version known here (a torn or foreign file)."""
        try:
            values = json.loads(data)
            if values.pop("version") != VERSION:
                return None
            values["segments"] = tuple(SegmentEntry(**entry) for entry in values["segments"])
            values["holes"] = tuple(Hole(**hole) for hole in values["holes"])
            return cls(**values)
        except (ValueError, TypeError, KeyError, AttributeError):
            return None


class SegmentFile(Protocol):
    """A segment being written: bytes go straight to the operating system, so that they survive this process."""

    def write(self, data: bytes, /) -> int:
        """Append all of ``data``; OSError (ENOSPC included) if it cannot be done."""

    def close(self) -> None:
        """Make it durable and close it; OSError. Closing twice is harmless."""


class SegmentStore(Protocol):
    """Where one part's segments live. Every method raises OSError."""

    def create(self, name: str) -> SegmentFile:
        """A new, empty segment."""

    def open(self, name: str) -> BinaryIO:
        """A segment to read."""

    def names(self) -> list[str]:
        """Segments present, in order."""

    def save_manifest(self, manifest: Manifest) -> None:
        """Replace the manifest at once and durably: a reader sees the old one or the new one."""

    def load_manifest(self) -> Manifest | None:
        """The manifest; None when there is none that can be read."""

    def modified_us(self, name: str) -> int:
        """When a segment was written last, Unix microseconds."""

    def has_room(self, unfinished_bytes: int) -> bool:
        """Whether what was written so far, ``unfinished_bytes`` of this part included, could still be joined."""


def segment_name(number: int) -> str:
    """The name of the ``number``-th segment of a part."""
    return f"segment-{number:05d}.mp4"


class _LocalSegmentFile:
    """After a write that failed there are no others: what follows a hole makes the whole file unreadable."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("xb", buffering=0)
        self._error: OSError | None = None

    def write(self, data: bytes, /) -> int:
        if self._error is not None:
            raise self._error
        view = memoryview(data)
        done = 0
        try:
            while done < len(view):
                done += self._file.write(view[done:])
        except OSError as error:
            self._error = error
            raise
        return done

    def close(self) -> None:
        if not self._file.closed:
            try:
                os.fsync(self._file.fileno())
            finally:
                self._file.close()


RESERVE_BYTES = 4 * 1024 * 1024  # beside the joined file: its index, the catalog, the logs


class LocalSegmentStore:
    """A part as a folder on this machine.

    Args:
        directory: the part's folder; created by the first write. Its siblings are the recording's other parts.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._others_bytes: int | None = None  # written by earlier parts

    def create(self, name: str) -> SegmentFile:
        """A new file, in a folder made if need be."""
        self.directory.mkdir(parents=True, exist_ok=True)
        return _LocalSegmentFile(self.directory / name)

    def open(self, name: str) -> BinaryIO:
        """An ordinary file."""
        return (self.directory / name).open("rb")

    def names(self) -> list[str]:
        """By number; foreign files are ignored."""
        try:
            found = [entry.name for entry in self.directory.iterdir()]
        except (FileNotFoundError, NotADirectoryError):
            return []
        matches = [match for name in found if (match := _NAME.fullmatch(name))]
        return [match.group() for match in sorted(matches, key=lambda match: int(match.group(1)))]

    def save_manifest(self, manifest: Manifest) -> None:
        """Temporary file, fsync, rename."""
        self.directory.mkdir(parents=True, exist_ok=True)
        write_atomically(self.directory / MANIFEST, manifest.to_json())

    def load_manifest(self) -> Manifest | None:
        """A torn or foreign manifest counts as none."""
        try:
            return Manifest.from_json((self.directory / MANIFEST).read_bytes())
        except FileNotFoundError:
            return None

    def modified_us(self, name: str) -> int:
        """The file's modification time."""
        return (self.directory / name).stat().st_mtime_ns // 1000

    def has_room(self, unfinished_bytes: int) -> bool:
        """Joining copies all parts before it deletes any."""
        if self._others_bytes is None:
            others = (p for p in self.directory.parent.glob("*/segment-*.mp4") if p.parent != self.directory)
            self._others_bytes = sum(path.stat().st_size for path in others)
        return shutil.disk_usage(self.directory).free > self._others_bytes + unfinished_bytes + RESERVE_BYTES


def write_atomically(path: Path, data: bytes) -> None:
    """Replace ``path`` by ``data``, durably; leaves no temporary file behind. Raises OSError."""
    temporary = path.with_name(f".{path.name}.tmp")
    try:
        with temporary.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
    sync_directory(path.parent)


def sync_directory(directory: Path) -> None:
    """Make renames in ``directory`` durable."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
