"""A running recording and the rooms that write its parts."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from mcu.errors import TuttiError
from recorder.finish import last_picture_at, part_directory
from recorder.finishing import Finisher
from recorder.ledger import Ledger
from recorder.model import Gap, Part, Recording, Status

logger = logging.getLogger(__name__)

REOPEN_PAUSES_S = (0.0, 1.0, 2.0, 4.0)  # before each try to go on in a new room
ROOM_FAILURES = (TuttiError, OSError, TimeoutError)
ROOM_LOST = "the room was lost"


class Recordable(Protocol):
    """The rooms, as far as recordings need them. Both raise ``TuttiError`` when it does not work."""

    async def start_part(self, room: str, recording_id: str, part: int, directory: Path) -> int:
        """Begin a part in ``room``, opened anew if it is gone; returns the first picture's Unix time (us)."""

    async def stop_part(self, room: str, recording_id: str) -> int:
        """End the part; returns its end's Unix time (us)."""


class Parts:
    """Begins, ends and replaces the parts of recordings. The caller holds the room's lock.

    Args:
        ledger: where it is noted.
        rooms: who writes parts.
        finisher: who knows the folders.
        sleep: waits that many seconds.
    """

    def __init__(
        self, ledger: Ledger, rooms: Recordable, finisher: Finisher, sleep: Callable[[float], Awaitable[None]]
    ) -> None:
        self._ledger = ledger
        self._rooms = rooms
        self._finisher = finisher
        self._sleep = sleep

    async def start(self, recording: Recording, number: int) -> Part:
        """Begin a part; raises what the room answers (``ROOM_FAILURES``)."""
        directory = part_directory(self._finisher.folder(recording.id), number).absolute()
        started_us = await self._rooms.start_part(recording.room, recording.id, number, directory)
        return Part(number, started_us / 1_000_000)

    async def stop(self, recording: Recording) -> None:
        """Ask the room to close the part; if it cannot, what is on disk is what there is."""
        try:
            await self._rooms.stop_part(recording.room, recording.id)
        except ROOM_FAILURES as error:
            logger.warning("recording %s: its part was not closed by the room: %s", recording.id, error)

    async def end(self, recording: Recording, error: str | None = None) -> None:
        """No more parts; ``error`` says why, if nobody asked for it."""
        parts = recording.parts
        if error is not None and parts:
            parts = (*parts[:-1], replace(parts[-1], error=error))
        await self._ledger.move(recording.id, Status.ENDING, ended_at=self._ledger.now(), parts=parts, error=error)

    async def abort(self, recording: Recording, why: str) -> None:
        """It never began."""
        await self._ledger.move(recording.id, Status.ABORTED, error=why, owner=None)
        await asyncio.to_thread(self._finisher.tidy_up, recording.id)

    async def go_on(self, recording: Recording) -> bool:
        """The room is gone: write the next part in a new one. If none can be had, the recording is ended: False."""
        ended_at = await asyncio.to_thread(self._last_picture_at, recording)
        number = max((part.number for part in recording.parts), default=0) + 1
        failure = ""
        for pause_s in REOPEN_PAUSES_S:
            await self._sleep(pause_s)
            try:
                part = await self.start(recording, number)
            except ROOM_FAILURES as error:
                failure = str(error)
                logger.warning("recording %s does not go on yet: %s", recording.id, error)
                number += 1  # whatever the failed try left in its folder stays apart
            else:
                await self.note(recording, ended_at, part)
                return True
        await self.end(recording, f"{ROOM_LOST} and could not be opened again: {failure}")
        return False

    async def note(self, recording: Recording, before_ended_at: float, part: Part) -> None:
        """Note that ``part`` runs, after one that was lost. The gap's exact figures come with the finished file."""
        started_at = part.started_at or self._ledger.now()
        parts = recording.parts
        if parts:
            parts = (*parts[:-1], replace(parts[-1], ended_at=before_ended_at))
        at = sum(max(0.0, (known.ended_at or 0) - (known.started_at or 0)) for known in parts)
        gap = Gap(at, max(0.0, started_at - before_ended_at), before_ended_at, started_at, ROOM_LOST)
        await self._ledger.change(recording.id, parts=(*parts, part), gaps=(*recording.gaps, gap))

    def _last_picture_at(self, recording: Recording) -> float:
        """When the last picture on disk ends; now, if that cannot be told. Blocks."""
        try:
            found = last_picture_at(self._finisher.folder(recording.id))
        except OSError:
            logger.exception("recording %s: its segments cannot be read", recording.id)
            found = None
        return self._ledger.now() if found is None else found
