"""Takes a stopped recording to its end: join, upload, tidy up. Every step can be taken again after a crash."""

import asyncio
import hashlib
import logging
import shutil
import threading
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import replace
from pathlib import Path

from recorder.blocking import in_thread
from recorder.errors import FinishInterruptedError, RecordingError, StoreError
from recorder.finish import FinishedFile, finish, part_directories
from recorder.ledger import Ledger
from recorder.model import Companion, Part, Recording, Status, file_name
from recorder.storage import ObjectStore, Upload
from recorder.upload import Trouble, Uploader

logger = logging.getLogger(__name__)


class Finisher:
    """Finishes recordings that are ``ending``.

    Args:
        ledger: where they are noted.
        store: where their files go.
        directory: where their segments are, one folder each.
        sleep: waits that many seconds.
    """

    def __init__(
        self, ledger: Ledger, store: ObjectStore, directory: Path, sleep: Callable[[float], Awaitable[None]]
    ) -> None:
        self.uploader = Uploader(store, sleep)
        self.failures = 0  # recordings that could not be finished, retries included
        self._ledger = ledger
        self._directory = directory
        self._cancelled = threading.Event()
        # one at a time: every recording leaves free what its own joining takes, so joins must not overlap
        self._joining = asyncio.Semaphore(1)

    def folder(self, recording_id: str) -> Path:
        """Where a recording's parts are written."""
        return self._directory / recording_id

    def stop(self) -> None:
        """End joins and uploads soon; they are taken up again by the next start."""
        self._cancelled.set()
        self.uploader.stop()

    def tidy_up(self, recording_id: str) -> None:
        """Remove what was only needed to make the file. Blocks."""
        shutil.rmtree(self.folder(recording_id), ignore_errors=True)

    async def finish(self, recording_id: str) -> None:
        """Join, upload, tidy up; what goes wrong is told in the recording."""
        try:
            recording = await self._ledger.get(recording_id)
            if recording.location is None:
                if recording.local_file is None or not self._local_path(recording).exists():
                    recording = await self._join(recording)
                await self._upload(recording)
            await asyncio.to_thread(self.tidy_up, recording_id)
            early_end = next((part.error for part in reversed(recording.parts) if part.error), None)
            await self._ledger.move(recording_id, Status.COMPLETE, owner=None, error=early_end)
        except FinishInterruptedError:
            logger.info("recording %s: finishing goes on at the next start", recording_id)
        except RecordingError as error:
            logger.error("recording %s could not be finished: %s", recording_id, error)  # noqa: TRY400  # told, not a crash
            await self._fail(recording_id, _said(error))
        except Exception as error:
            logger.exception("recording %s could not be finished", recording_id)
            await self._fail(recording_id, f"internal error: {error}")

    async def _fail(self, recording_id: str, why: str) -> None:
        self.failures += 1
        await self._ledger.move(recording_id, Status.FAILED, error=why, owner=None)

    async def _join(self, recording: Recording) -> Recording:
        folder = self.folder(recording.id)
        name = file_name(recording.room, recording.started_at or recording.created_at)
        async with self._joining:
            file = await in_thread(finish, folder, folder / name, self._cancelled)
        recording = await self._note(recording, file)
        await asyncio.to_thread(_remove_parts, folder)  # the file is checked and noted: it is the truth now
        return recording

    async def _note(self, recording: Recording, file: FinishedFile) -> Recording:
        return await self._ledger.change(
            recording.id,
            started_at=file.started_at,
            ended_at=file.ended_at,
            duration=file.duration,
            size=file.size,
            sha256=file.sha256,
            gaps=file.gaps,
            parts=_merged(recording.parts, file.parts),
            file_name=file.path.name,
            local_file=file.path.name,
        )

    async def _upload(self, recording: Recording) -> None:
        assert recording.size is not None
        assert recording.sha256 is not None
        assert recording.file_name is not None
        key = recording.key
        assert key is not None
        path = self._local_path(recording)

        async def told(trouble: Trouble) -> None:
            said = f"{_said(trouble.error)}; trying again in {trouble.pause_s:.0f} s"
            await self._ledger.change(recording.id, error=said)

        for companion in await asyncio.to_thread(_companions, path, key):
            await self.uploader.upload(companion, told)
        await self.uploader.upload(Upload(path, key, recording.size, recording.sha256, recording.file_name), told)
        await asyncio.to_thread(lambda: self._ledger.catalog.change(recording.id, location=key, local_file=None))

    def _local_path(self, recording: Recording) -> Path:
        assert recording.local_file is not None
        return self.folder(recording.id) / recording.local_file


def _companions(mp4: Path, key: str) -> list[Upload]:
    """The files beside the MP4."""
    found = ((companion, mp4.with_name(companion.beside(mp4.name))) for companion in Companion)
    return [
        Upload(
            path=path,
            key=companion.beside(key),
            size=path.stat().st_size,
            sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
            file_name=path.name,
            content_type=companion.media_type,
        )
        for companion, path in found
        if path.exists()
    ]


def remove_objects(store: ObjectStore, recording: Recording) -> None:
    """Delete what a recording has in its store. Blocks.

    Raises:
        StoreError: the file cannot be removed. (If it never got there whole, that is only logged.)
    """
    key = recording.location or recording.key
    if key is None:
        return
    try:
        for companion in Companion:
            store.delete(companion.beside(key))
        store.delete(key)
    except StoreError as error:
        if recording.location is not None:
            raise
        logger.warning("recording %s: what was uploaded of it may be left: %s", recording.id, error)


def _said(error: RecordingError) -> str:
    return f"the destination failed: {error}" if isinstance(error, StoreError) else str(error)


def _merged(noted: Iterable[Part], found: Iterable[Part]) -> tuple[Part, ...]:
    """What the files tell of the parts, and the errors that a full disk had no room for."""
    errors = {part.number: part.error for part in noted}
    return tuple(replace(part, error=part.error or errors.get(part.number)) for part in found)


def _remove_parts(folder: Path) -> None:
    for directory in part_directories(folder).values():
        shutil.rmtree(directory, ignore_errors=True)
