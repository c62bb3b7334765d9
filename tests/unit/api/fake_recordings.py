"""Recordings without a recorder: the states, and a file of a hundred bytes."""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from recorder.errors import (
    ObjectMissingError,
    RecordingActiveError,
    RecordingConflictError,
    RecordingNotActiveError,
    RecordingNotCompleteError,
    RecordingNotFoundError,
)
from recorder.model import RUNNING, UNFINISHED, Companion, Recording, Status

DATA = bytes(range(100))


class FakeRecordings:
    def __init__(self, on_changed: Callable[[Recording], None]) -> None:
        self.all: dict[str, Recording] = {}
        self.told: list[tuple[object, ...]] = []
        self.companions: dict[tuple[str, Companion], bytes] = {}
        self.presigned: str | None = None
        self.metrics = {"tutti_upload_failures_total": 2.0}
        self._on_changed = on_changed

    def set(self, recording_id: str, **changes: Any) -> Recording:
        self.all[recording_id] = replace(self.all[recording_id], **changes)
        self._on_changed(self.all[recording_id])
        return self.all[recording_id]

    def complete(self, recording_id: str) -> None:
        sha256 = hashlib.sha256(DATA).hexdigest()
        self.set(recording_id, status=Status.COMPLETE, size=100, sha256=sha256, location="x", file_name="plain.mp4")

    async def start(self, room: str, video: Mapping[str, Any] | None = None) -> Recording:
        if any(found.room == room and found.status in RUNNING for found in self.all.values()):
            raise RecordingConflictError("the room is being recorded")
        id_ = f"rec_{len(self.all)}"
        self.all[id_] = Recording(id_, room, Status.STARTING, created_at=1.0, video=dict(video or {}))
        return self.set(id_, status=Status.ACTIVE, started_at=1_700_000_000.5)

    async def stop(self, recording_id: str) -> Recording:
        if (await self.get(recording_id)).status not in RUNNING:
            raise RecordingNotActiveError("stopped already")
        return self.set(recording_id, status=Status.ENDING)

    async def get(self, recording_id: str) -> Recording:
        if recording_id not in self.all:
            raise RecordingNotFoundError(f"there is no recording {recording_id}")
        return self.all[recording_id]

    async def find(self, room: str | None = None) -> list[Recording]:
        return [found for found in reversed(self.all.values()) if room in {None, found.room}]

    async def retry(self, recording_id: str) -> Recording:
        if (await self.get(recording_id)).status != Status.FAILED:
            raise RecordingNotActiveError("it has not failed")
        return self.set(recording_id, status=Status.ENDING, error=None)

    async def delete(self, recording_id: str) -> None:
        if (await self.get(recording_id)).status in UNFINISHED:
            raise RecordingActiveError("stop it first")
        del self.all[recording_id]

    async def finished(self, recording_id: str) -> Recording:
        found = await self.get(recording_id)
        if found.status != Status.COMPLETE:
            raise RecordingNotCompleteError("there is no file yet")
        return found

    def read(self, _recording: Recording, start: int, length: int) -> Iterator[bytes]:
        yield DATA[start : start + length]

    def companion_size(self, recording: Recording, companion: Companion) -> int:
        return len(self._companion(recording, companion))

    def read_companion(self, recording: Recording, companion: Companion, start: int, length: int) -> Iterator[bytes]:
        yield self._companion(recording, companion)[start : start + length]

    def _companion(self, recording: Recording, companion: Companion) -> bytes:
        try:
            return self.companions[recording.id, companion]
        except KeyError:
            raise ObjectMissingError("there is no such file") from None

    async def url(self, _recording: Recording, _ttl_s: int) -> str | None:
        return self.presigned

    async def room_lost(self, room: str) -> None:
        self.told.append(("lost", room))

    async def room_ended(self, room: str) -> None:
        self.told.append(("ended", room))

    async def part_failed(self, recording_id: str, part: int, code: str, message: str) -> None:
        self.told.append(("failed", recording_id, part, code, message))

    async def recover(self, live: Mapping[str, int]) -> None:
        self.told.append(("recover", dict(live)))

    async def close(self) -> None:
        self.told.append(("close",))
