"""Takes a stopped recording to its end: join, upload, tidy up. Every step can be taken again after a crash."""

import asyncio
import logging
import shutil
import threading
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import replace
from pathlib import Path

from recorder.blocking import in_thread
from recorder.catalog import Catalog
from recorder.errors import FinishInterruptedError, RecordingError, StoreError
from recorder.finish import finish, part_directories
from recorder.model import Part, Recording, Status, file_name
from recorder.storage import ObjectStore, Upload
from recorder.upload import Trouble, Uploader

logger = logging.getLogger(__name__)


class Finisher:
    """Finishes recordings that are ``ending``.

    Args:
        catalog: where they are listed.
        store: where their files go.
        directory: where their segments are, one folder each.
        on_changed: told of every change, on the event loop.
        sleep: waits that many seconds.
    """

    def __init__(
        self,
        catalog: Catalog,
        store: ObjectStore,
        directory: Path,
        on_changed: Callable[[Recording], None],
        sleep: Callable[[float], Awaitable[None]],
    ) -> None:
        self.uploader = Uploader(store, sleep)
        self._catalog = catalog
        self._directory = directory
        self._on_changed = on_changed
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

    async def finish(self, recording_id: str) -> None:
        """Join, upload, tidy up; what goes wrong is told in the recording."""
        try:
            recording = await asyncio.to_thread(self._catalog.get, recording_id)
            if recording.local_file is None or not (self.folder(recording_id) / recording.local_file).exists():
                async with self._joining:
                    recording = await in_thread(self._join, recording)
                self._on_changed(recording)
            recording = await self._upload(recording)
            await asyncio.to_thread(self.tidy_up, recording_id)
            self._on_changed(recording)
        except FinishInterruptedError:
            logger.info("recording %s: finishing goes on at the next start", recording_id)
        except RecordingError as error:
            logger.error("recording %s could not be finished: %s", recording_id, error)  # noqa: TRY400  # told, not a crash
            await self._fail(recording_id, error)

    def tidy_up(self, recording_id: str) -> None:
        """Remove what was only needed to make the file. Blocks."""
        shutil.rmtree(self.folder(recording_id), ignore_errors=True)

    async def _fail(self, recording_id: str, error: RecordingError) -> None:
        said = f"the destination failed: {error}" if isinstance(error, StoreError) else str(error)
        try:
            self._on_changed(
                await asyncio.to_thread(lambda: self._catalog.move(recording_id, Status.FAILED, error=said, owner=None))
            )
        except RecordingError:
            logger.exception("recording %s: its failure cannot be noted", recording_id)

    def _join(self, recording: Recording) -> Recording:
        folder = self.folder(recording.id)
        started_at = recording.started_at or recording.created_at
        name = file_name(recording.room, started_at)
        file = finish(folder, folder / name, self._cancelled)
        recording = self._catalog.change(
            recording.id,
            started_at=file.started_at,
            ended_at=file.ended_at,
            duration=file.duration,
            size=file.size,
            sha256=file.sha256,
            gaps=file.gaps,
            parts=_merged(recording.parts, file.parts),
            file_name=name,
            local_file=name,
        )
        for directory in part_directories(folder).values():  # the joined file is checked and noted: it is the truth now
            shutil.rmtree(directory, ignore_errors=True)
        return recording

    async def _upload(self, recording: Recording) -> Recording:
        assert recording.local_file is not None
        assert recording.size is not None
        assert recording.sha256 is not None
        assert recording.file_name is not None
        upload = Upload(
            path=self.folder(recording.id) / recording.local_file,
            key=f"{recording.id}/{recording.file_name}",
            size=recording.size,
            sha256=recording.sha256,
            file_name=recording.file_name,
        )

        async def told(trouble: Trouble) -> None:
            said = f"the destination failed: {trouble.error}; trying again in {trouble.pause_s:.0f} s"
            self._on_changed(await asyncio.to_thread(lambda: self._catalog.change(recording.id, error=said)))

        await self.uploader.upload(upload, told)
        return await asyncio.to_thread(
            lambda: self._catalog.move(
                recording.id,
                Status.COMPLETE,
                location=upload.key,
                local_file=None,
                owner=None,
                error=next((part.error for part in reversed(recording.parts) if part.error), None),
            )
        )


def _merged(noted: Iterable[Part], found: Iterable[Part]) -> tuple[Part, ...]:
    """What the files tell of the parts, and the errors that a full disk had no room for."""
    errors = {part.number: part.error for part in noted}
    return tuple(replace(part, error=part.error or errors.get(part.number)) for part in found)
