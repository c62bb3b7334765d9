"""Brings finished files into the store: a few at a time, again and again with growing pauses, and verified."""

import asyncio
import logging
import threading
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from recorder.blocking import in_thread
from recorder.errors import FinishInterruptedError, StoreError, StoreRefusedError
from recorder.storage import ObjectStore, Upload

logger = logging.getLogger(__name__)

CONCURRENT = 2
FIRST_PAUSE_S = 1.0
LONGEST_PAUSE_S = 300.0
ATTEMPTS = 12  # over about 25 minutes, if the store is merely down
ATTEMPTS_IF_REFUSED = 2  # credentials do not get better by trying


def pause_s(attempt: int, *, refused: bool) -> float | None:
    """How long to wait after the failed ``attempt`` (from 1), in seconds; None to give up."""
    if attempt >= (ATTEMPTS_IF_REFUSED if refused else ATTEMPTS):
        return None
    return min(FIRST_PAUSE_S * 2.0 ** (attempt - 1), LONGEST_PAUSE_S)


@dataclass(frozen=True, slots=True)
class Trouble:
    """A failed attempt; ``pause_s`` seconds until the next."""

    error: StoreError
    attempt: int
    pause_s: float


class Uploader:
    """Uploads with patience.

    Args:
        store: where to.
        sleep: waits that many seconds.
    """

    def __init__(self, store: ObjectStore, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        self._store = store
        self._sleep = sleep
        self._slots = asyncio.Semaphore(CONCURRENT)
        self._stopping = threading.Event()
        self.failures = 0  # attempts that failed, ever

    async def upload(self, upload: Upload, on_trouble: Callable[[Trouble], Awaitable[None]]) -> None:
        """Store the file and verify that it is there; the file stays.

        Raises:
            StoreError: given up.
            FinishInterruptedError: ``stop`` was called.
        """
        attempt = 0
        while True:
            attempt += 1
            try:
                async with self._slots:
                    await in_thread(self._put_and_verify, upload)
            except StoreError as error:
                self.failures += 1
                pause = pause_s(attempt, refused=isinstance(error, StoreRefusedError))
                logger.warning("uploading %s, attempt %d: %s", upload.key, attempt, error)
                if pause is None:
                    raise
                await on_trouble(Trouble(error, attempt, pause))
                await self._sleep(pause)
            else:
                return

    def stop(self) -> None:
        """End running uploads soon."""
        self._stopping.set()

    def _put_and_verify(self, upload: Upload) -> None:
        self._store.put(upload, self._progress)
        found = self._store.stat(upload.key)
        if found.size != upload.size or found.sha256 not in (None, upload.sha256):
            raise StoreError(f"{upload.key} arrived as {found.size} bytes, sent were {upload.size}")

    def _progress(self, _sent: int) -> None:
        if self._stopping.is_set():
            raise FinishInterruptedError("the upload was interrupted")
