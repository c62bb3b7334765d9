"""Who was where on the picture and who spoke: noted beside a part's segments while it is written.

``timeline.jsonl`` holds one JSON object a line. Every line has its media time ``t`` in seconds and tells one thing
whole, so that a lost line is made good by the next of its kind::

    {"t": 12.5, "people": {"p1": "Ann"}}
    {"t": 12.5, "tiles": [{"id": "p1", "name": "Ann", "rect": {"x": 0, "y": 0, "width": 1, "height": 1}}]}
    {"t": 13.0, "speaking": ["p1"], "active": "p1"}
"""

import json
import logging
import queue
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mcu.media import VIDEO_CLOCK_HZ
from recorder.segments import SegmentFile, SegmentStore

logger = logging.getLogger(__name__)

NOTES = "timeline.jsonl"
MAX_BYTES = 32 * 1024 * 1024  # of a part's notes
QUEUE_LINES = 1024  # that a stalled disk may hold up
CLOSE_S = 2.0  # how long `close` waits for such a disk


class NotesWriter:
    """Appends lines, each handed to the operating system at once, on a thread of its own.

    Nothing that goes wrong here reaches the recording: lines that cannot be written, or for which there is no room
    (drop policy *newest*), are counted in ``lost``.

    Args:
        store: the part's.
    """

    def __init__(self, store: SegmentStore) -> None:
        self.lost = 0
        self._store = store
        self._lines: queue.Queue[bytes | None] = queue.Queue(QUEUE_LINES)
        self._file: SegmentFile | None = None
        self._size = 0
        self._torn = False  # the last line may be there in part
        self._thread = threading.Thread(target=self._run, name="timeline-notes", daemon=True)
        self._thread.start()

    def note(self, line: Mapping[str, Any]) -> None:
        """Append a line. Never blocks, never raises."""
        try:
            self._lines.put_nowait(json.dumps(line, ensure_ascii=False, separators=(",", ":")).encode() + b"\n")
        except queue.Full:
            self.lost += 1

    def close(self) -> None:
        """Write what waits. Blocks, but not for long."""
        try:
            self._lines.put(None, timeout=CLOSE_S)
        except queue.Full:
            logger.warning("the disk keeps the timeline's notes waiting; %d lines are lost", self._lines.qsize())
            self.lost += self._lines.qsize()
            return
        self._thread.join(CLOSE_S)

    def _run(self) -> None:
        while (line := self._lines.get()) is not None:
            self._write(line)
        if self._file is not None:
            try:
                self._file.close()
            except OSError as error:
                self._failed(error)

    def _write(self, line: bytes) -> None:
        if self._size + len(line) > MAX_BYTES:
            self.lost += 1
            return
        try:
            if self._file is None:
                self._file = self._store.create(NOTES)
            self._file.write(b"\n" + line if self._torn else line)
        except OSError as error:
            self._failed(error)
        else:
            self._size += len(line)
            self._torn = False

    def _failed(self, error: OSError) -> None:
        if self.lost == 0:
            logger.warning("the timeline's notes cannot be written: %s", error)
        self.lost += 1
        self._torn = True


# --- reading ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Rectangle:
    """Parts of the canvas, all between 0 and 1."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Occupant:
    """Somebody in a rectangle; ``id`` is a participant's, or ``{id}:screen``."""

    id: str
    name: str
    rect: Rectangle


@dataclass(frozen=True, slots=True)
class Notes:
    """What was noted of one part: states in order of time, each in force until the next. Media time in 90 kHz ticks."""

    people: Mapping[str, str]  # names by id
    tiles: tuple[tuple[int, tuple[Occupant, ...]], ...] = ()
    speaking: tuple[tuple[int, tuple[str, ...]], ...] = ()
    active: tuple[tuple[int, tuple[str, ...]], ...] = ()  # nobody or one


NO_NOTES = Notes({})


def load_notes(store: SegmentStore) -> Notes:
    """A part's notes; whatever of them cannot be read is left out."""
    try:
        with store.open(NOTES) as file:
            return parse_notes(file.read(MAX_BYTES))
    except FileNotFoundError:
        return NO_NOTES
    except OSError as error:
        logger.warning("the timeline's notes cannot be read: %s", error)
        return NO_NOTES


def parse_notes(data: bytes) -> Notes:
    """Lines that are torn or make no sense are left out."""
    people: dict[str, str] = {}
    tiles: list[tuple[int, tuple[Occupant, ...]]] = []
    speaking: list[tuple[int, tuple[str, ...]]] = []
    active: list[tuple[int, tuple[str, ...]]] = []
    for line in data.splitlines():
        try:
            told = json.loads(line)
            at = round(float(told["t"]) * VIDEO_CLOCK_HZ)
            if "people" in told:
                people |= {str(id_): str(name) for id_, name in told["people"].items()}
            elif "tiles" in told:
                tiles.append((at, tuple(_occupant(tile) for tile in told["tiles"])))
            else:
                heard = tuple(str(id_) for id_ in told["speaking"])
                leads = () if told["active"] is None else (str(told["active"]),)
                speaking.append((at, heard))
                active.append((at, leads))
        except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError):
            continue
    for lines in (tiles, speaking, active):
        lines.sort(key=lambda state: state[0])
    return Notes(people, tuple(tiles), tuple(speaking), tuple(active))


def _occupant(tile: Mapping[str, Any]) -> Occupant:
    rect = Rectangle(**{side: float(tile["rect"][side]) for side in ("x", "y", "width", "height")})
    return Occupant(str(tile["id"]), str(tile["name"]), rect)
