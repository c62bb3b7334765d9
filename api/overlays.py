"""What each room's canvas shows beside its tiles, remembered for the room's next process and for whoever asks."""

import asyncio
import logging
from collections.abc import Collection
from pathlib import Path

from pydantic import ValidationError

from api.documents import Documents
from api.wishes import Overlay
from mcu.errors import TuttiError
from mcu.messages import SetOverlay

logger = logging.getLogger(__name__)


class Overlays:
    """Overlays by room, on disk: they may hold pictures, and rooms outlive the service.

    Args:
        folder: where they are kept.
    """

    def __init__(self, folder: Path) -> None:
        self._documents = Documents(folder)
        self._rooms: set[str] = set()  # those that have one

    async def recover(self, rooms: Collection[str]) -> None:
        """At the start: keep those of ``rooms`` that run, forget the others."""
        kept = set(await asyncio.to_thread(self._documents.names))
        self._rooms = kept & set(rooms)
        for gone in kept - self._rooms:
            await asyncio.to_thread(self._documents.delete, gone)

    async def get(self, room: str) -> Overlay:
        """A room's; an empty one if none was put."""
        document = await asyncio.to_thread(self._documents.get, room) if room in self._rooms else None
        try:
            return Overlay.model_validate(document or {})
        except ValidationError:
            logger.exception("the overlay of room %r was kept by another version and is passed over", room)
            return Overlay()

    async def put(self, room: str, overlay: Overlay) -> None:
        """Remember a room's."""
        self._rooms.add(room)
        await asyncio.to_thread(self._documents.put, room, overlay.model_dump(exclude_defaults=True))

    async def forget(self, room: str) -> None:
        """The room is over."""
        if room in self._rooms:
            self._rooms.discard(room)
            await asyncio.to_thread(self._documents.delete, room)

    async def message(self, room: str) -> SetOverlay | None:
        """What a room's new process has to be told; None for nothing."""
        if room not in self._rooms:
            return None
        try:
            overlay = await self.get(room)
            return await asyncio.to_thread(overlay.message)
        except TuttiError:
            logger.exception("the overlay of room %r is lost", room)
            return None
