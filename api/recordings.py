"""Joins recordings and rooms: recordings are made in rooms, and rooms' listeners are told of recordings."""

import asyncio
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

from api.rooms.asking import ask
from api.rooms.feed import Feeds
from api.rooms.host import RoomHost
from api.rooms.keeper import RoomKeeper
from api.schemas import RecordingInfo
from api.settings import Settings
from mcu.messages import PartStarted, PartStopped, RoomConfig, RoomState, StartPart, StopPart
from recorder.catalog import Catalog
from recorder.model import UNFINISHED, Companion, Recording, Status
from recorder.service import RecordingService
from recorder.storage import LocalStore, ObjectStore

START_TIMEOUT_S = 15  # the part begins at a keyframe of the mix
STOP_TIMEOUT_S = 20  # the part's last byte is on disk


class Recordings(Protocol):
    """All recordings, as routes and rooms need them (``recorder.service.RecordingService``)."""

    async def start(self, room: str, video: Mapping[str, Any] | None = None) -> Recording:
        """Begin."""

    async def stop(self, recording_id: str) -> Recording:
        """End."""

    async def get(self, recording_id: str) -> Recording:
        """One."""

    async def find(self, room: str | None = None) -> list[Recording]:
        """The newest first."""

    async def retry(self, recording_id: str) -> Recording:
        """Finish a failed one again."""

    async def delete(self, recording_id: str) -> None:
        """Remove one with its file."""

    async def finished(self, recording_id: str) -> Recording:
        """One whose file can be downloaded."""

    def read(self, recording: Recording, start: int, length: int) -> Iterator[bytes]:
        """Bytes of the file; blocks."""

    def companion_size(self, recording: Recording, companion: Companion) -> int:
        """Bytes of a file beside it; blocks."""

    def read_companion(self, recording: Recording, companion: Companion, start: int, length: int) -> Iterator[bytes]:
        """Bytes of a file beside it; blocks."""

    async def url(self, recording: Recording, ttl_s: int) -> str | None:
        """Where the file can be downloaded without us."""

    async def room_lost(self, room: str) -> None:
        """See ``RecordingHooks``."""

    async def room_ended(self, room: str) -> None:
        """See ``RecordingHooks``."""

    async def part_failed(self, recording_id: str, part: int, code: str, message: str) -> None:
        """See ``RecordingHooks``."""

    async def recover(self, live: Mapping[str, int]) -> None:
        """Take up what an earlier service left."""

    async def close(self) -> None:
        """Interrupt what is being finished."""

    @property
    def metrics(self) -> dict[str, float]:
        """Figures for ``/metrics``."""


class RecordedRooms:
    """Rooms as the recorder needs them (``recorder.service.Recordable``)."""

    def __init__(self, host: RoomHost, keeper: RoomKeeper) -> None:
        self._host = host
        self._keeper = keeper

    async def start_part(self, room: str, recording_id: str, part: int, directory: Path) -> int:
        """Begin a part; a room that is coming back is waited for. Unix microseconds of the first picture."""
        ref = await self._keeper.ensure(room, create=False)
        message = StartPart(recording_id=recording_id, part=part, directory=str(directory))
        return (await ask(self._host, ref, message, PartStarted, START_TIMEOUT_S)).started_wall_us

    async def stop_part(self, room: str, recording_id: str) -> int:
        """End the part; Unix microseconds of its end."""
        ref = await self._keeper.find(room)
        message = StopPart(recording_id=recording_id)
        return (await ask(self._host, ref, message, PartStopped, STOP_TIMEOUT_S)).ended_wall_us


class Unfinished:
    """Which recordings still run or are being finished, and telling rooms' listeners of each change.

    Args:
        feeds: where listeners are told.
    """

    def __init__(self, feeds: Feeds) -> None:
        self._feeds = feeds
        self._ending: set[str] = set()
        self._none_ending = asyncio.Event()
        self._none_ending.set()

    def changed(self, recording: Recording) -> None:
        """A recording has changed (on the event loop)."""
        self._feeds.publish(
            recording.room,
            {"type": "recording", "recording": RecordingInfo.of(recording).model_dump(mode="json")},
        )
        if recording.status == Status.ENDING:
            self._ending.add(recording.id)
            self._none_ending.clear()
        else:
            self._ending.discard(recording.id)
            if not self._ending:
                self._none_ending.set()

    async def wait_for_ends(self, timeout_s: float) -> bool:
        """Wait until no recording is being finished; returns whether that is so."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._none_ending.wait()
        except TimeoutError:
            return False
        return True


def make(settings: Settings, rooms: RecordedRooms, changes: Unfinished) -> RecordingService:
    """The recordings of this installation.

    Raises:
        TuttiError: the catalog, the store or the folder cannot be used.
        OSError: as above.
    """
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    return RecordingService(
        Catalog(settings.catalog_url),
        rooms,
        store_of(settings),
        settings.data_dir / "work",
        on_changed=changes.changed,
    )


def store_of(settings: Settings) -> ObjectStore:
    """Where finished recordings go; raises ``TuttiError`` if the settings make no sense."""
    if settings.s3_bucket is None:
        return LocalStore(settings.data_dir / "recordings")
    from recorder.s3 import S3Options, S3Store  # noqa: PLC0415 - boto3 is a sixth of the service's start

    return S3Store(
        S3Options(
            bucket=settings.s3_bucket,
            endpoint_url=settings.s3_endpoint_url,
            region=settings.s3_region,
            prefix=settings.s3_prefix,
            path_style=settings.s3_path_style,
            checksums=settings.s3_checksum,
        )
    )


def kept_of(config: RoomConfig) -> dict[str, Any]:
    """What is kept with a recording of the room it was made in."""
    return config.video.model_dump(include={"width", "height", "fps", "bitrate_bps"})  # it is always the full size


def live_parts(states: list[RoomState]) -> dict[str, int]:
    """The part being written, by recording."""
    return {state.recording.recording_id: state.recording.part for state in states if state.recording}


async def unfinished_in(recordings: Recordings, room: str) -> list[Recording]:
    """A room's recordings that run or are being finished."""
    return [recording for recording in await recordings.find(room) if recording.status in UNFINISHED]
