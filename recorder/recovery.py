"""Takes up what an earlier service left behind: recordings that still run, and those that wait to be finished."""

import asyncio
import logging

from recorder.finish import last_picture_at, part_started_at
from recorder.finishing import Finisher
from recorder.ledger import Ledger
from recorder.model import Part, Recording, Status
from recorder.parts import Parts

logger = logging.getLogger(__name__)


class Recovery:
    """Decides what becomes of each unfinished recording. The caller holds the room's lock.

    Args:
        ledger: where it is noted.
        parts: the rooms' side.
        finisher: who knows the folders.
    """

    def __init__(self, ledger: Ledger, parts: Parts, finisher: Finisher) -> None:
        self._ledger = ledger
        self._parts = parts
        self._finisher = finisher

    async def adopt(self, recording: Recording) -> bool:
        """Become the owner. We hold the working folder's lock: whoever owned what lies in it is gone."""
        is_here = await asyncio.to_thread(self._finisher.folder(recording.id).exists)
        leaves_nothing = recording.status == Status.STARTING or recording.location is not None
        return await self._ledger.acquire(recording, owner_is_gone=is_here or leaves_nothing)

    async def take_up(self, recording: Recording, live_part: int | None) -> bool:
        """Put a recording right, given the part that its room reports; whether it has to be finished now."""
        if recording.status == Status.ENDING:
            if live_part is not None:
                await self._parts.stop(recording)
            return True
        if live_part is not None:
            await self._go_on(recording, live_part)
            return False
        if recording.status == Status.STARTING and not await asyncio.to_thread(self._has_pictures, recording):
            await self._parts.abort(recording, "the service ended while the recording was being started")
            return False
        logger.info("recording %s: its room is gone, finishing what was recorded", recording.id)
        await self._parts.end(recording)
        return True

    async def _go_on(self, recording: Recording, live_part: int) -> None:
        """The room records on; note what the earlier service had no time to."""
        logger.info("recording %s goes on in its room", recording.id)
        if any(part.number == live_part for part in recording.parts):
            return
        started_at = await asyncio.to_thread(part_started_at, self._finisher.folder(recording.id), live_part)
        part = Part(live_part, self._ledger.now() if started_at is None else started_at)
        if recording.status == Status.STARTING:
            await self._ledger.move(recording.id, Status.ACTIVE, started_at=part.started_at, parts=(part,))
        else:
            before = recording.parts[-1].ended_at if recording.parts else None
            await self._parts.note(recording, before or part.started_at or self._ledger.now(), part)

    def _has_pictures(self, recording: Recording) -> bool:
        try:
            return last_picture_at(self._finisher.folder(recording.id)) is not None
        except OSError:
            logger.exception("recording %s: its segments cannot be read", recording.id)
            return True  # not for us to throw away: finishing it will tell what is wrong

    def tidy_up(self) -> None:
        """Remove the folders of recordings whose file is elsewhere by now, or that never began. Blocks."""
        for recording in self._ledger.catalog.find(statuses=(Status.COMPLETE, Status.ABORTED)):
            if self._finisher.folder(recording.id).exists():
                self._finisher.tidy_up(recording.id)
