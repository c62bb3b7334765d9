"""Starts and stops recordings, carries them over the death of a room or of this service, and hands their files out.

Runs on the service's event loop; everything that blocks is done in threads. What happens to one room's recordings
happens in order: a lock a room.
"""

import asyncio
import fcntl
import logging
import os
import secrets
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar
from weakref import WeakValueDictionary

from mcu.errors import TuttiError
from recorder.catalog import Catalog
from recorder.errors import (
    FolderTakenError,
    RecordingActiveError,
    RecordingNotActiveError,
    RecordingNotCompleteError,
)
from recorder.finishing import Finisher, remove_objects
from recorder.ledger import Ledger
from recorder.model import RUNNING, UNFINISHED, Companion, Recording, Status
from recorder.parts import ROOM_FAILURES, Parts, Recordable
from recorder.recovery import Recovery
from recorder.storage import ObjectStore

__all__ = ["Recordable", "RecordingService"]

logger = logging.getLogger(__name__)

T = TypeVar("T")


class RecordingService:
    """All recordings of this service.

    Args:
        catalog: their table.
        rooms: where they are made.
        store: where finished files go.
        directory: working folder for segments; used by one service at a time.
        on_changed: called on the event loop with every recording that changed.
        now: Unix seconds.
        sleep: waits that many seconds.

    Raises:
        FolderTakenError: another service works in ``directory``.
        OSError: ``directory`` cannot be used.
    """

    def __init__(  # noqa: PLR0913  # everything it is wired to, by name
        self,
        catalog: Catalog,
        rooms: Recordable,
        store: ObjectStore,
        directory: Path,
        *,
        on_changed: Callable[[Recording], None] = lambda _: None,
        now: Callable[[], float] = time.time,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._store = store
        self._sleep = sleep
        self._ledger = Ledger(catalog, on_changed, now)
        self._finisher = Finisher(self._ledger, store, directory, sleep)
        self._parts = Parts(self._ledger, rooms, self._finisher, sleep)
        self._recovery = Recovery(self._ledger, self._parts, self._finisher)
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()  # by room, while somebody holds it
        self._tasks: set[asyncio.Task[Any]] = set()
        self._folder_lock = _lock_folder(directory)

    # --- what people ask for ------------------------------------------------------------------------------------------

    async def start(self, room: str, video: Mapping[str, Any] | None = None) -> Recording:
        """Begin to record ``room``; returns once the first picture is on its way to disk.

        Args:
            room: which.
            video: kept with the recording: what a new room has to be opened with for the recording to go on.

        Raises:
            RecordingConflictError: the room is being recorded.
            TuttiError: the room could not begin; the recording is kept as ``aborted``.
        """
        # in a task of its own: a caller that goes away leaves no half-started recording
        return await asyncio.shield(self._spawn(self._start(room, dict(video or {}))))

    async def stop(self, recording_id: str) -> Recording:
        """End a recording; it is ``ending`` afterwards, and finished in the background.

        Raises:
            RecordingNotFoundError: no such recording.
            RecordingNotActiveError: it does not run.
        """
        return await asyncio.shield(self._spawn(self._stop(recording_id)))

    async def get(self, recording_id: str) -> Recording:
        """One recording; raises RecordingNotFoundError."""
        return await self._ledger.get(recording_id)

    async def find(self, room: str | None = None) -> list[Recording]:
        """All recordings, or those of a room, the newest first."""
        return await asyncio.to_thread(lambda: self._ledger.catalog.find(room=room))

    async def running(self, room: str) -> Recording | None:
        """The recording that runs in ``room``."""
        return await self._ledger.running(room)

    async def retry(self, recording_id: str) -> Recording:
        """Finish a ``failed`` recording again: join, if need be, and upload.

        Raises:
            RecordingNotFoundError: no such recording.
            RecordingNotActiveError: it has not failed.
        """
        async with self._lock((await self.get(recording_id)).room):
            if (await self.get(recording_id)).status != Status.FAILED:
                raise RecordingNotActiveError(f"recording {recording_id} has not failed, there is nothing to retry")
            recording = await self._ledger.move(recording_id, Status.ENDING, error=None, **self._ledger.lease)
            self._finish(recording_id)
            return recording

    async def delete(self, recording_id: str) -> None:
        """Remove a recording that is over, its object and its files.

        Raises:
            RecordingNotFoundError: no such recording.
            RecordingActiveError: it runs or is being finished.
            StoreError: its object cannot be removed; the recording stays.
        """
        async with self._lock((await self.get(recording_id)).room):
            recording = await self.get(recording_id)
            if recording.status in UNFINISHED:
                raise RecordingActiveError(f"recording {recording_id} is {recording.status}, stop it first")
            await asyncio.to_thread(remove_objects, self._store, recording)
            await asyncio.to_thread(self._finisher.tidy_up, recording_id)
            await asyncio.to_thread(self._ledger.catalog.delete, recording_id)

    # --- handing out files --------------------------------------------------------------------------------------------

    async def finished(self, recording_id: str) -> Recording:
        """A recording whose file can be downloaded: ``size``, ``sha256``, ``file_name`` and ``location`` are set.

        Raises:
            RecordingNotFoundError: no such recording.
            RecordingNotCompleteError: there is no file yet.
        """
        recording = await self.get(recording_id)
        if recording.status != Status.COMPLETE or recording.location is None:
            raise RecordingNotCompleteError(f"recording {recording_id} is {recording.status}, there is no file yet")
        return recording

    def read(self, recording: Recording, start: int, length: int) -> Iterator[bytes]:
        """``length`` bytes of a finished recording's file from ``start`` on. Blocks; raises StoreError."""
        assert recording.location is not None
        return self._store.read(recording.location, start, length)

    def companion_size(self, recording: Recording, companion: Companion) -> int:
        """The bytes of a file beside a finished recording's. Blocks; raises StoreError (ObjectMissingError)."""
        assert recording.location is not None
        return self._store.stat(companion.beside(recording.location)).size

    def read_companion(self, recording: Recording, companion: Companion, start: int, length: int) -> Iterator[bytes]:
        """As ``read``, of a file beside it."""
        assert recording.location is not None
        return self._store.read(companion.beside(recording.location), start, length)

    async def url(self, recording: Recording, ttl_s: int) -> str | None:
        """Where a finished recording can be downloaded without us for ``ttl_s`` seconds; None: only through us."""
        assert recording.location is not None
        location, name = recording.location, recording.file_name or recording.id
        return await asyncio.to_thread(self._store.url, location, name, ttl_s)

    # --- what rooms tell ----------------------------------------------------------------------------------------------

    async def room_lost(self, room: str) -> None:
        """The room's process is gone: its recording goes on in a new one, as the next part."""
        async with self._lock(room):
            recording = await self._ledger.running(room)
            if recording is not None and not await self._parts.go_on(recording):
                self._finish(recording.id)

    async def room_ended(self, room: str) -> None:
        """The room ended in order, the part being written included: its recording is finished."""
        async with self._lock(room):
            recording = await self._ledger.running(room)
            if recording is not None:
                await self._parts.end(recording)
                self._finish(recording.id)

    async def part_failed(self, recording_id: str, part: int, code: str, message: str) -> None:
        """A part broke off: what was recorded until now is finished, and the reason told."""
        async with self._lock((await self.get(recording_id)).room):
            recording = await self.get(recording_id)
            if recording.status not in RUNNING or not recording.parts or recording.parts[-1].number != part:
                return
            logger.warning("recording %s: part %d broke off: %s (%s)", recording_id, part, message, code)
            await self._parts.stop(recording)
            await self._parts.end(recording, message)
            self._finish(recording_id)

    # --- the life of this service -------------------------------------------------------------------------------------

    async def recover(self, live: Mapping[str, int]) -> None:
        """Take up what an earlier service left: called once, before anything else.

        Args:
            live: the part being written, by recording id, as the rooms that are alive report it.
        """
        self._spawn(self._ledger.keep_leases(self._sleep))
        for recording in await asyncio.to_thread(lambda: self._ledger.catalog.find(statuses=UNFINISHED)):
            async with self._lock(recording.room):
                if await self._recovery.adopt(recording) and await self._recovery.take_up(
                    recording, live.get(recording.id)
                ):
                    self._finish(recording.id)
        await asyncio.to_thread(self._recovery.tidy_up)

    async def close(self) -> None:
        """Interrupt what is being finished (the next start goes on with it); close the catalog, free the folder."""
        self._finisher.stop()
        tasks = set(self._tasks)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        self._ledger.catalog.close()
        os.close(self._folder_lock)

    @property
    def metrics(self) -> dict[str, float]:
        """Counters for ``/metrics``."""
        return {
            "tutti_upload_failures_total": float(self._finisher.uploader.failures),
            "tutti_recordings_failed_total": float(self._finisher.failures),
        }

    # --- inside -------------------------------------------------------------------------------------------------------

    async def _start(self, room: str, video: dict[str, Any]) -> Recording:
        async with self._lock(room):
            recording = Recording(
                id=f"rec_{secrets.token_hex(8)}",
                room=room,
                status=Status.STARTING,
                created_at=self._ledger.now(),
                video=video,
                **self._ledger.lease,
            )
            await self._ledger.add(recording)
            try:
                part = await self._parts.start(recording, 1)
            except ROOM_FAILURES as error:
                await self._parts.stop(recording)  # in case it did begin and only the answer was lost
                await self._parts.abort(recording, str(error))
                raise
            return await self._ledger.move(recording.id, Status.ACTIVE, started_at=part.started_at, parts=(part,))

    async def _stop(self, recording_id: str) -> Recording:
        async with self._lock((await self.get(recording_id)).room):
            recording = await self.get(recording_id)
            if recording.status not in RUNNING:
                raise RecordingNotActiveError(f"recording {recording_id} is {recording.status}")
            recording = await self._ledger.move(recording_id, Status.ENDING, ended_at=self._ledger.now())
            await self._parts.stop(recording)
            self._finish(recording_id)
            return recording

    def _finish(self, recording_id: str) -> None:
        self._spawn(self._finisher.finish(recording_id))

    def _lock(self, room: str) -> asyncio.Lock:
        return self._locks.setdefault(room, asyncio.Lock())

    def _spawn(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None and not isinstance(error, TuttiError):  # those are told to whoever asked
            logger.error("a recording's work failed", exc_info=error)


def _lock_folder(directory: Path) -> int:
    directory.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(directory / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(descriptor)
        raise FolderTakenError(f"another service keeps its recordings in {directory}") from error
    return descriptor
