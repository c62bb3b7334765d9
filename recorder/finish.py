"""From working segments to the file that is handed out: joined, fast-start, checked, named once it is whole."""

import hashlib
import logging
import os
import shutil
import struct
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import av

from recorder.errors import CheckFailedError, DiskFullError, disk_error
from recorder.joining import Joined, join
from recorder.model import Gap
from recorder.reading import PartOnDisk
from recorder.segments import LocalSegmentStore, sync_directory

logger = logging.getLogger(__name__)

DECODED_PICTURES = 10  # of the start, as a check
_DURATION_TOLERANCE_S = 0.1
_HASH_CHUNK = 1024 * 1024
_PART_PREFIX = "part-"


@dataclass(frozen=True, slots=True)
class FinishedFile:
    """A checked MP4. Wall-clock times are Unix seconds; ``error`` says why the recording ended early, if it did."""

    path: Path
    size: int
    sha256: str
    duration: float
    started_at: float
    ended_at: float
    gaps: tuple[Gap, ...]
    error: str | None


def part_directory(directory: Path, part: int) -> Path:
    """Where a part of the recording in ``directory`` is written."""
    return directory / f"{_PART_PREFIX}{part:04d}"


def find_parts(directory: Path) -> list[PartOnDisk]:
    """The parts of the recording in ``directory``, in order. Raises OSError."""
    found = sorted(path for path in directory.glob(f"{_PART_PREFIX}*") if path.name[len(_PART_PREFIX) :].isdigit())
    return [PartOnDisk.find(int(path.name[len(_PART_PREFIX) :]), LocalSegmentStore(path)) for path in found]


def finish(directory: Path, target: Path, cancelled: threading.Event | None = None) -> FinishedFile:
    """Join what the parts in ``directory`` hold into ``target``. Blocks; the segments stay.

    Raises:
        NothingRecordedError, UnjoinableError, CheckFailedError: see there.
        DiskFullError, DiskFailedError: the file could not be written.
    """
    temporary = target.with_name(f".{target.name}.tmp")
    try:
        parts = find_parts(directory)
        _demand_space(directory)
        joined = join(parts, temporary, cancelled or threading.Event())
        check(temporary, joined)
        size, sha256 = _seal(temporary)
        temporary.replace(target)
        sync_directory(target.parent)
    except OSError as error:
        raise disk_error(error, "joining the recording") from error
    except av.FFmpegError as error:
        raise CheckFailedError(f"the segments could not be joined: {error}") from error
    finally:
        temporary.unlink(missing_ok=True)
    return FinishedFile(
        path=target,
        size=size,
        sha256=sha256,
        duration=float(joined.duration),
        started_at=joined.started_us / 1_000_000,
        ended_at=joined.ended_us / 1_000_000,
        gaps=joined.gaps,
        error=_broke_off(parts),
    )


def _broke_off(parts: Sequence[PartOnDisk]) -> str | None:
    last = parts[-1].manifest
    return last.error if last else None


def _demand_space(directory: Path) -> None:
    needed = sum(path.stat().st_size for path in directory.glob(f"{_PART_PREFIX}*/segment-*.mp4"))
    free = shutil.disk_usage(directory).free if directory.exists() else needed
    if free < needed:
        raise DiskFullError(f"joining the recording takes {needed} bytes, the disk has {free} left")


def check(path: Path, joined: Joined) -> None:
    """Look at a file as a player would.

    Raises:
        CheckFailedError: it is not what was joined, or does not begin with a picture.
        av.FFmpegError: it cannot be opened or decoded.
    """
    boxes = top_level_boxes(path)
    if "moov" not in boxes or boxes.index("moov") > boxes.index("mdat"):
        raise CheckFailedError(f"the file's index does not come first: {', '.join(boxes)}")
    with av.open(str(path)) as container:
        if len(container.streams.video) != 1 or len(container.streams.audio) != bool(joined.sounds):
            raise CheckFailedError("the file does not have the streams that were written")
        video = container.streams.video[0]
        counts = (video.frames, *(audio.frames for audio in container.streams.audio))
        if counts != tuple(count for count in (joined.pictures, joined.sounds) if count):
            raise CheckFailedError(f"the file has {counts} packets, written were {joined.pictures}, {joined.sounds}")
        if (video.width, video.height) != (joined.width, joined.height):
            raise CheckFailedError(f"the picture is {video.width}x{video.height}")
        seconds = float((video.duration or 0) * (video.time_base or 0))
        if abs(seconds - float(joined.duration)) > _DURATION_TOLERANCE_S:
            raise CheckFailedError(f"the file lasts {seconds:.3f} s, written were {float(joined.duration):.3f} s")
        for wanted, picture in zip(
            range(min(DECODED_PICTURES, joined.pictures)), container.decode(video), strict=False
        ):
            if wanted == 0 and (picture.pts != 0 or not picture.key_frame):
                raise CheckFailedError("the file does not begin with a key picture")


def top_level_boxes(path: Path) -> list[str]:
    """The types of an MP4's outermost boxes, in order. Raises OSError."""
    boxes = []
    size = path.stat().st_size
    with path.open("rb") as file:
        at = 0
        while at + 8 <= size:
            file.seek(at)
            length, name = struct.unpack(">I4s", file.read(8))
            if length == 1:
                (length,) = struct.unpack(">Q", file.read(8))
            boxes.append(name.decode("latin-1"))
            at += length or size
    return boxes


def _seal(path: Path) -> tuple[int, str]:
    """Make the file durable; its size and SHA-256."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        os.fsync(file.fileno())
        while chunk := file.read(_HASH_CHUNK):
            digest.update(chunk)
        return file.tell(), digest.hexdigest()
