"""The catalog as the service's event loop uses it: in threads, on behalf of one owner, every change told."""

import asyncio
import logging
import os
import secrets
import socket
import time
from collections.abc import Awaitable, Callable
from typing import Any

from recorder.catalog import Catalog
from recorder.errors import CatalogError
from recorder.model import RUNNING, Recording, Status

logger = logging.getLogger(__name__)

LEASE_S = 30.0
RENEW_S = 10.0


class Ledger:
    """What this service knows and notes of recordings.

    Args:
        catalog: the table.
        on_changed: called on the event loop with every recording that changed.
        now: Unix seconds.
    """

    def __init__(
        self, catalog: Catalog, on_changed: Callable[[Recording], None], now: Callable[[], float] = time.time
    ) -> None:
        self.catalog = catalog
        self.owner = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"
        self.now = now
        self.told = on_changed

    async def add(self, recording: Recording) -> None:
        """Insert; raises RecordingConflictError."""
        await asyncio.to_thread(self.catalog.add, recording)
        self.told(recording)

    async def get(self, recording_id: str) -> Recording:
        """One recording; raises RecordingNotFoundError."""
        return await asyncio.to_thread(self.catalog.get, recording_id)

    async def running(self, room: str) -> Recording | None:
        """The recording that runs in ``room``."""
        found = await asyncio.to_thread(lambda: self.catalog.find(room=room, statuses=RUNNING))
        return found[0] if found else None

    async def move(self, recording_id: str, status: Status, **changes: Any) -> Recording:
        """Change the status; raises RecordingNotActiveError where it may not become that."""
        moved = await asyncio.to_thread(lambda: self.catalog.move(recording_id, status, **changes))
        self.told(moved)
        return moved

    async def change(self, recording_id: str, **changes: Any) -> Recording:
        """Change other fields; raises RecordingNotFoundError."""
        changed = await asyncio.to_thread(lambda: self.catalog.change(recording_id, **changes))
        self.told(changed)
        return changed

    # --- ownership ----------------------------------------------------------------------------------------------------

    @property
    def lease(self) -> dict[str, Any]:
        """The columns that make a recording ours for now."""
        return {"owner": self.owner, "lease_until": self.now() + LEASE_S}

    async def acquire(self, recording: Recording, *, owner_is_gone: bool) -> bool:
        """Take a recording over, if its owner is known to be gone or has let its lease run out."""
        dead = recording.owner if owner_is_gone else None
        return await asyncio.to_thread(
            lambda: self.catalog.acquire(recording.id, self.owner, self.now(), self.now() + LEASE_S, dead=dead)
        )

    async def keep_leases(self, sleep: Callable[[float], Awaitable[None]]) -> None:
        """Prolong all leases, for ever."""
        while True:
            await sleep(RENEW_S)
            try:
                await asyncio.to_thread(self.catalog.renew, self.owner, self.now() + LEASE_S)
            except CatalogError:
                logger.exception("leases could not be renewed")
