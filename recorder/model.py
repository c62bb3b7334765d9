"""A recording: what is told about it, and how its status may change. Pure.

starting ─► active ◄─► paused
   │          │          │
   │          └────┬─────┘
   ▼               ▼
aborted         ending ─► complete
                   │
                   ▼
                 failed ─► ending    (a retry)
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

MAX_NAME_CHARS = 80


class Status(StrEnum):
    """Where a recording is in its life. The names are LiveKit's."""

    STARTING = "starting"
    ACTIVE = "active"
    PAUSED = "paused"
    ENDING = "ending"  # stopped; its file is being joined or uploaded
    COMPLETE = "complete"
    FAILED = "failed"  # no file for now; `error` says why, a retry may help
    ABORTED = "aborted"  # never began


RUNNING = frozenset({Status.STARTING, Status.ACTIVE, Status.PAUSED})
"""A room has at most one recording in these."""

UNFINISHED = RUNNING | {Status.ENDING}

NEXT: Mapping[Status, frozenset[Status]] = {
    Status.STARTING: frozenset({Status.ACTIVE, Status.ENDING, Status.ABORTED}),
    Status.ACTIVE: frozenset({Status.PAUSED, Status.ENDING}),
    Status.PAUSED: frozenset({Status.ACTIVE, Status.ENDING}),
    Status.ENDING: frozenset({Status.COMPLETE, Status.FAILED}),
    Status.COMPLETE: frozenset(),
    Status.FAILED: frozenset({Status.ENDING}),
    Status.ABORTED: frozenset(),
}
"""What each status may change into."""


def sources_of(status: Status) -> frozenset[Status]:
    """The statuses that may change into ``status``."""
    return frozenset(source for source, targets in NEXT.items() if status in targets)


class Companion(StrEnum):
    """A file beside the MP4. The values are how the files' names end, where the MP4's ends in ``.mp4``."""

    TIMELINE = ".timeline.json"  # who was where on the picture and who spoke
    CAPTIONS = ".vtt"  # who spoke, for players

    @property
    def media_type(self) -> str:
        """For HTTP."""
        return "application/json" if self == Companion.TIMELINE else "text/vtt"

    def beside(self, mp4: str) -> str:
        """This companion's name or key, from the MP4's."""
        return mp4.removesuffix(".mp4") + self.value


@dataclass(frozen=True, slots=True)
class Gap:
    """Something that happened while nothing was recorded.

    ``at`` is the position in the file, in seconds, where it is missing; ``missing`` how long it was, in seconds;
    ``from_time`` and ``until_time`` are Unix seconds.
    """

    at: float
    missing: float
    from_time: float
    until_time: float
    reason: str


@dataclass(frozen=True, slots=True)
class Part:
    """A stretch that was recorded by one room process. Times are Unix seconds; None while not known.

    ``error`` says why it broke off, if it did.
    """

    number: int
    started_at: float | None = None
    ended_at: float | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Recording:
    """All that is known of one recording.

    Times are Unix seconds, ``duration`` seconds of the file, ``size`` its bytes. ``location`` names the finished file
    in its store, ``file_name`` what a download is called. ``video`` is whatever the room has to be opened with for the
    recording to go on in a new one. ``owner`` is the service process that takes care of it until ``lease_until``.
    ``local_file`` names the joined file in the recording's folder while it waits for its upload.
    """

    id: str
    room: str
    status: Status
    created_at: float
    started_at: float | None = None
    ended_at: float | None = None
    duration: float | None = None
    size: int | None = None
    sha256: str | None = None
    error: str | None = None
    location: str | None = None
    file_name: str | None = None
    parts: tuple[Part, ...] = ()
    gaps: tuple[Gap, ...] = ()
    video: Mapping[str, Any] = field(default_factory=dict)
    owner: str | None = None
    lease_until: float = 0
    local_file: str | None = None

    @property
    def key(self) -> str | None:
        """Where in the store its file is to be; None while that has no name yet."""
        return f"{self.id}/{self.file_name}" if self.file_name else None


def file_name(room: str, started_at: float) -> str:
    """What a recording's file is called: ``{room}-{UTC start}.mp4``, of characters that every file system takes."""
    plain = re.sub(r"[^\w.-]+", "-", room, flags=re.ASCII).strip("-.")[:MAX_NAME_CHARS]
    start = datetime.fromtimestamp(started_at, UTC).strftime("%Y%m%dT%H%M%SZ")
    return f"{plain or 'room'}-{start}.mp4"
