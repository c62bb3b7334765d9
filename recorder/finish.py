"""From working segments to the file that is handed out: joined, fast-start, checked, named once it is whole."""

import hashlib
import logging
import os
import shutil
import struct
import threading
from dataclasses import dataclass
from pathlib import Path

import av

from mcu.media import VIDEO_CLOCK_HZ
from recorder.captions import webvtt
from recorder.chronicle import Chronicle
from recorder.errors import CheckFailedError, DiskFullError, disk_error
from recorder.joining import Joined, join
from recorder.model import Companion, Gap, Part
from recorder.reading import PartOnDisk
from recorder.segments import LocalSegmentStore, sync_directory, write_atomically

logger = logging.getLogger(__name__)

DECODED_PICTURES = 10  # of the start, as a check
_DURATION_TOLERANCE_S = 0.1
_HASH_CHUNK = 1024 * 1024
_PART_PREFIX = "part-"


@dataclass(frozen=True, slots=True)
class FinishedFile:
    """A checked MP4. Wall-clock times are Unix seconds."""

    path: Path
    size: int
    sha256: str
    duration: float
    started_at: float
    ended_at: float
    gaps: tuple[Gap, ...]
    parts: tuple[Part, ...]


def part_directory(directory: Path, part: int) -> Path:
    """Where a part of the recording in ``directory`` is written."""
    return directory / f"{_PART_PREFIX}{part:04d}"


def part_directories(directory: Path) -> dict[int, Path]:
    """The parts' folders in the recording's ``directory``, by number, in order. Raises OSError."""
    numbers = {path.name.removeprefix(_PART_PREFIX): path for path in directory.glob(f"{_PART_PREFIX}*")}
    return {int(number): numbers[number] for number in sorted(numbers) if number.isdigit()}


def find_parts(directory: Path) -> list[PartOnDisk]:
    """The parts of the recording in ``directory``, in order. Raises OSError."""
    found = part_directories(directory)
    return [PartOnDisk.find(number, LocalSegmentStore(path)) for number, path in found.items()]


def last_picture_at(directory: Path) -> float | None:
    """When the last picture on disk ends, Unix seconds; None if there is none. Raises OSError."""
    for part in reversed(find_parts(directory)):
        segment = part.last_segment()
        if segment is not None:
            return part.wall_offset_us(segment) / 1_000_000 + segment.end / VIDEO_CLOCK_HZ
    return None


def part_started_at(directory: Path, part: int) -> float | None:
    """When a part's first picture was shown, Unix seconds, by its manifest. Raises OSError."""
    manifest = LocalSegmentStore(part_directory(directory, part)).load_manifest()
    if manifest is None or manifest.started_us is None:
        return None
    return (manifest.wall_offset_us + manifest.started_us) / 1_000_000


def finish(directory: Path, target: Path, cancelled: threading.Event | None = None) -> FinishedFile:
    """Join what the parts in ``directory`` hold into ``target``, and write its companions beside it.

    Blocks; the segments stay.

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
        _write_companions(target, joined.chronicle)
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
        parts=joined.parts,
    )


def _write_companions(target: Path, chronicle: Chronicle) -> None:
    write_atomically(target.with_name(Companion.TIMELINE.beside(target.name)), chronicle.to_json())
    write_atomically(target.with_name(Companion.CAPTIONS.beside(target.name)), webvtt(chronicle))


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
