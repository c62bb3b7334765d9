"""Starts and stops recordings, carries them over the death of a room or of this service, and hands their files out.

Runs on the service's event loop; everything that blocks is done in threads. What happens to one room's recordings
happens in order: a lock a room.
"""

import asyncio
import fcntl
import logging
import os
import secrets
import socket
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol, TypeVar
from weakref import WeakValueDictionary

from mcu.errors import TuttiError
from recorder.catalog import Catalog
from recorder.errors import (
    FolderTakenError,
    RecordingActiveError,
    RecordingError,
    RecordingNotActiveError,
    RecordingNotCompleteError,
)
from recorder.finish import last_picture_at, part_directory, part_started_at
from recorder.finishing import Finisher
from recorder.model import RUNNING, UNFINISHED, Gap, Part, Recording, Status
from recorder.storage import ObjectStore

logger = logging.getLogger(__name__)

LEASE_S = 30.0
RENEW_S = 10.0
REOPEN_PAUSES_S = (0.0, 1.0, 2.0, 4.0)  # before each try to go on in a new room
_ROOM_FAILURES = (TuttiError, OSError, TimeoutError)
T = TypeVar("T")


class Recordable(Protocol):
    """The rooms, as far as recordings need them. Both raise ``TuttiError`` when it does not work."""

    async def start_part(self, room: str, recording_id: str, part: int, directory: Path) -> int:
        """Begin a part in ``room``, opened anew if it is gone; returns the first picture's Unix time (us)."""

    async def stop_part(self, room: str, recording_id: str) -> int:
        """End the part; returns its end's Unix time (us)."""


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
        self.owner = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"
        self._catalog = catalog
        self._rooms = rooms
        self._store = store
        self._on_changed = on_changed
        self._now = now
        self._sleep = sleep
        self._finisher = Finisher(catalog, store, directory, on_changed, sleep)
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
        return await asyncio.to_thread(self._catalog.get, recording_id)

    async def find(self, room: str | None = None) -> list[Recording]:
        """All recordings, or those of a room, the newest first."""
        return await asyncio.to_thread(lambda: self._catalog.find(room=room))

    async def running(self, room: str) -> Recording | None:
        """The recording that runs in ``room``."""
        found = await asyncio.to_thread(lambda: self._catalog.find(room=room, statuses=RUNNING))
        return found[0] if found else None

    async def retry(self, recording_id: str) -> Recording:
        """Finish a ``failed`` recording again: join, if need be, and upload.

        Raises:
            RecordingNotFoundError: no such recording.
            RecordingNotActiveError: it has not failed.
        """
        recording = await self.get(recording_id)
        async with self._lock(recording.room):
            if (await self.get(recording_id)).status != Status.FAILED:
                raise RecordingNotActiveError(f"recording {recording_id} has not failed, there is nothing to retry")
            recording = await self._move(recording_id, Status.ENDING, error=None, **self._lease())
        self._finish(recording_id)
        return recording

    async def delete(self, recording_id: str) -> None:
        """Remove a recording that is over, its object and its files.

        Raises:
            RecordingNotFoundError: no such recording.
            RecordingActiveError: it runs or is being finished.
            StoreError: its object cannot be removed; the recording stays.
        """
        recording = await self.get(recording_id)
        async with self._lock(recording.room):
            recording = await self.get(recording_id)
            if recording.status in UNFINISHED:
                raise RecordingActiveError(f"recording {recording_id} is {recording.status}, stop it first")
            if recording.location is not None:
                await asyncio.to_thread(self._store.delete, recording.location)
            await asyncio.to_thread(self._finisher.tidy_up, recording_id)
            await asyncio.to_thread(self._catalog.delete, recording_id)

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

    async def url(self, recording: Recording, ttl_s: int) -> str | None:
        """Where a finished recording can be downloaded without us for ``ttl_s`` seconds; None: only through us."""
        assert recording.location is not None
        location, name = recording.location, recording.file_name or recording.id
        return await asyncio.to_thread(self._store.url, location, name, ttl_s)

    # --- what rooms tell ----------------------------------------------------------------------------------------------

    async def room_lost(self, room: str) -> None:
        """The room's process is gone: its recording goes on in a new one, as the next part."""
        async with self._lock(room):
            recording = await self.running(room)
            if recording is not None:
                await self._continue(recording)

    async def room_ended(self, room: str) -> None:
        """The room ended in order, the part being written included: its recording is finished."""
        async with self._lock(room):
            recording = await self.running(room)
            if recording is not None:
                await self._end(recording)

    async def part_failed(self, recording_id: str, part: int, code: str, message: str) -> None:
        """A part broke off: what was recorded until now is finished, and the reason told."""
        recording = await self.get(recording_id)
        async with self._lock(recording.room):
            recording = await self.get(recording_id)
            if recording.status in RUNNING and recording.parts and recording.parts[-1].number == part:
                logger.warning("recording %s: part %d broke off: %s (%s)", recording_id, part, message, code)
                await self._stop_part(recording)
                await self._end(recording, error=message)

    # --- the life of this service -------------------------------------------------------------------------------------

    async def recover(self, live: Mapping[str, int]) -> None:
        """Take up what an earlier service left: called once, before anything else.

        Args:
            live: the part being written, by recording id, as the rooms that are alive report it.
        """
        self._spawn(self._keep_leases())
        for recording in await asyncio.to_thread(lambda: self._catalog.find(statuses=UNFINISHED)):
            if await self._adopt(recording):
                async with self._lock(recording.room):
                    await self._recover(recording, live.get(recording.id))
        await asyncio.to_thread(self._tidy_up_leftovers)

    async def close(self) -> None:
        """Interrupt what is being finished (the next start goes on with it) and let go of the folder."""
        self._finisher.stop()
        tasks = set(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)  # each has logged its own failure
        os.close(self._folder_lock)

    @property
    def metrics(self) -> dict[str, float]:
        """Counters for ``/metrics``."""
        return {"tutti_upload_failures_total": float(self._finisher.uploader.failures)}

    # --- starting and stopping ----------------------------------------------------------------------------------------

    async def _start(self, room: str, video: dict[str, Any]) -> Recording:
        async with self._lock(room):
            recording = Recording(
                id=f"rec_{secrets.token_hex(8)}",
                room=room,
                status=Status.STARTING,
                created_at=self._now(),
                video=video,
                **self._lease(),
            )
            await asyncio.to_thread(self._catalog.add, recording)
            self._on_changed(recording)
            try:
                started_at = await self._start_part(recording, 1)
            except _ROOM_FAILURES as error:
                await self._stop_part(recording)  # in case it did begin and only the answer was lost
                await self._abort(recording, str(error))
                raise
            parts = (Part(1, started_at),)
            return await self._move(recording.id, Status.ACTIVE, started_at=started_at, parts=parts)

    async def _stop(self, recording_id: str) -> Recording:
        recording = await self.get(recording_id)
        async with self._lock(recording.room):
            recording = await self.get(recording_id)
            if recording.status not in RUNNING:
                raise RecordingNotActiveError(f"recording {recording_id} is {recording.status}")
            recording = await self._move(recording_id, Status.ENDING, ended_at=self._now())
            await self._stop_part(recording)
        self._finish(recording_id)
        return recording

    async def _start_part(self, recording: Recording, number: int) -> float:
        directory = part_directory(self._finisher.folder(recording.id), number).absolute()
        return await self._rooms.start_part(recording.room, recording.id, number, directory) / 1_000_000

    async def _stop_part(self, recording: Recording) -> None:
        """Ask the room to close the part; if it cannot, what is on disk is what there is."""
        try:
            await self._rooms.stop_part(recording.room, recording.id)
        except _ROOM_FAILURES as error:
            logger.warning("recording %s: its part was not closed by the room: %s", recording.id, error)

    async def _end(self, recording: Recording, error: str | None = None) -> None:
        parts = recording.parts
        if error is not None and parts:
            parts = (*parts[:-1], replace(parts[-1], error=error))
        await self._move(recording.id, Status.ENDING, ended_at=self._now(), parts=parts, error=error)
        self._finish(recording.id)

    async def _continue(self, recording: Recording) -> None:
        ended_at = await asyncio.to_thread(self._last_picture, recording)
        number = max((part.number for part in recording.parts), default=0) + 1
        failure = ""
        for pause in REOPEN_PAUSES_S:
            await self._sleep(pause)
            try:
                started_at = await self._start_part(recording, number)
            except _ROOM_FAILURES as error:
                failure = str(error)
                logger.warning("recording %s does not go on yet: %s", recording.id, error)
                number += 1  # whatever the failed try left in its folder stays apart
            else:
                await self._note_next_part(recording, ended_at, Part(number, started_at))
                return
        await self._end(recording, error=f"the room was lost and could not be opened again: {failure}")

    async def _note_next_part(self, recording: Recording, ended_at: float, part: Part) -> None:
        assert part.started_at is not None
        parts = recording.parts
        if parts:
            parts = (*parts[:-1], replace(parts[-1], ended_at=ended_at))
        at = sum((known.ended_at or 0) - (known.started_at or 0) for known in parts)
        gap = Gap(at, max(0.0, part.started_at - ended_at), ended_at, part.started_at, "the room was lost")
        changed = await asyncio.to_thread(
            lambda: self._catalog.change(recording.id, parts=(*parts, part), gaps=(*recording.gaps, gap))
        )
        self._on_changed(changed)

    def _last_picture(self, recording: Recording) -> float:
        """When the last picture on disk ends; now, if that cannot be told. Blocks."""
        try:
            found = last_picture_at(self._finisher.folder(recording.id))
        except OSError:
            logger.exception("recording %s: its segments cannot be read", recording.id)
            found = None
        return self._now() if found is None else found

    # --- after a restart ----------------------------------------------------------------------------------------------

    async def _adopt(self, recording: Recording) -> bool:
        """Become the owner. We hold the working folder's lock: whoever owned what lies in it is gone."""
        here = await asyncio.to_thread(self._finisher.folder(recording.id).exists)
        lease = self._lease()
        return await asyncio.to_thread(
            lambda: self._catalog.acquire(
                recording.id,
                self.owner,
                self._now(),
                lease["lease_until"],
                dead=recording.owner if here or recording.status == Status.STARTING else None,
            )
        )

    async def _recover(self, recording: Recording, live_part: int | None) -> None:
        if recording.status == Status.ENDING:
            if live_part is not None:
                await self._stop_part(recording)
            self._finish(recording.id)
        elif live_part is not None:
            await self._readopt(recording, live_part)
        elif await asyncio.to_thread(last_picture_at, self._finisher.folder(recording.id)) is None:
            if recording.status == Status.STARTING:
                await self._abort(recording, "the service ended while the recording was being started")
            else:
                await self._end(recording)
        else:
            logger.info("recording %s: its room is gone, finishing what was recorded", recording.id)
            await self._end(recording)

    async def _readopt(self, recording: Recording, live_part: int) -> None:
        """The room records on; note what we missed of its beginning."""
        logger.info("recording %s goes on in its room", recording.id)
        if any(part.number == live_part for part in recording.parts):
            return
        folder = self._finisher.folder(recording.id)
        started_at = await asyncio.to_thread(part_started_at, folder, live_part)
        part = Part(live_part, self._now() if started_at is None else started_at)
        if recording.status == Status.STARTING:
            await self._move(recording.id, Status.ACTIVE, started_at=part.started_at, parts=(part,))
        else:
            before = recording.parts[-1].ended_at if recording.parts else None
            await self._note_next_part(recording, before or part.started_at or self._now(), part)

    def _tidy_up_leftovers(self) -> None:
        """Folders of recordings whose file is already elsewhere, or that never began. Blocks."""
        for recording in self._catalog.find(statuses=(Status.COMPLETE, Status.ABORTED)):
            if self._finisher.folder(recording.id).exists():
                self._finisher.tidy_up(recording.id)

    # --- small things -------------------------------------------------------------------------------------------------

    async def _abort(self, recording: Recording, why: str) -> None:
        await self._move(recording.id, Status.ABORTED, error=why, owner=None)
        await asyncio.to_thread(self._finisher.tidy_up, recording.id)

    async def _move(self, recording_id: str, status: Status, **changes: Any) -> Recording:
        moved = await asyncio.to_thread(lambda: self._catalog.move(recording_id, status, **changes))
        self._on_changed(moved)
        return moved

    def _finish(self, recording_id: str) -> None:
        self._spawn(self._finisher.finish(recording_id))

    def _lease(self) -> dict[str, Any]:
        return {"owner": self.owner, "lease_until": self._now() + LEASE_S}

    async def _keep_leases(self) -> None:
        while True:
            await self._sleep(RENEW_S)
            try:
                await asyncio.to_thread(self._catalog.renew, self.owner, self._now() + LEASE_S)
            except RecordingError:
                logger.exception("leases could not be renewed")

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
