"""Recordings from start to download, over the death of rooms and of the service, with real segments."""

import asyncio
import hashlib
import json
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from recorder.catalog import Catalog
from recorder.errors import (
    FolderTakenError,
    RecordingActiveError,
    RecordingConflictError,
    RecordingNotActiveError,
    RecordingNotCompleteError,
    RecordingNotFoundError,
    StoreError,
    StoreRefusedError,
)
from recorder.model import Companion, Recording, Status
from recorder.service import RecordingService
from recorder.storage import LocalStore, Upload
from tests.media import recorder_clips as clips
from tests.media import recorder_probe as probe
from tests.media.recorder_rooms import RoomGoneError, Rooms

pytestmark = [pytest.mark.media, pytest.mark.beside]


class TroubledStore(LocalStore):
    """A store that fails as often as told."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.failures: list[StoreError] = []

    def put(self, upload: Upload, progress: Callable[[int], None]) -> None:
        if self.failures:
            raise self.failures.pop(0)
        super().put(upload, progress)


class World:
    """A service with everything around it."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.rooms = Rooms()
        self.store = TroubledStore(directory / "recordings")
        self.told: list[Recording] = []
        self.slept: list[float] = []
        self.service = self.make()

    def make(self) -> RecordingService:
        return RecordingService(
            Catalog(f"sqlite:///{self.directory / 'catalog.db'}"),
            self.rooms,
            self.store,
            self.directory / "work",
            on_changed=self.told.append,
            sleep=self._sleep,
        )

    async def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        await asyncio.sleep(60 if seconds >= 10 else 0)  # leases need no renewal here

    async def restart(self, live: dict[str, int]) -> None:
        """The service dies and comes back."""
        await self.service.close()
        self.service = self.make()
        await self.service.recover(live)

    async def until(self, recording_id: str, *statuses: Status) -> Recording:
        async with asyncio.timeout(20):
            while (recording := await self.service.get(recording_id)).status not in statuses:  # noqa: ASYNC110  # as clients do
                await asyncio.sleep(0.02)
        return recording

    async def beside(self, recording: Recording, companion: Companion) -> bytes:
        size = await asyncio.to_thread(self.service.companion_size, recording, companion)
        return b"".join(self.service.read_companion(recording, companion, 0, size))

    async def complete(self, recording_id: str) -> Recording:
        """Wait for the end; the file is there, plays, and nothing else is left."""
        recording = await self.until(recording_id, Status.COMPLETE, Status.FAILED)
        assert recording.status == Status.COMPLETE, recording.error
        finished = await self.service.finished(recording_id)
        assert finished.size is not None
        data = b"".join(self.service.read(finished, 0, finished.size))
        assert hashlib.sha256(data).hexdigest() == finished.sha256
        (self.directory / "download.mp4").write_bytes(data)
        probe.decode(self.directory / "download.mp4")
        assert not [path for path in (self.directory / "work").rglob("*") if path.name != ".lock"]
        assert not list((self.directory / "recordings").rglob("*.tmp"))
        return recording


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    world = World(tmp_path)
    await world.service.recover({})
    yield world
    for room in world.rooms.writing.values():
        await asyncio.to_thread(room.writer.stop)
    await world.service.close()


async def test_start_stop_download(world: World) -> None:
    recording = await world.service.start("standup", {"width": 320, "height": 180})
    assert recording.status == Status.ACTIVE
    assert recording.started_at == pytest.approx(clips.WALL_US / 1e6 + 5 + 1)
    with pytest.raises(RecordingConflictError):
        await world.service.start("standup")
    with pytest.raises(RecordingNotCompleteError):
        await world.service.finished(recording.id)
    with pytest.raises(RecordingActiveError):
        await world.service.delete(recording.id)
    assert (await world.service.stop(recording.id)).status == Status.ENDING
    with pytest.raises(RecordingNotActiveError):
        await world.service.stop(recording.id)
    done = await world.complete(recording.id)
    assert done.duration == pytest.approx(3, abs=0.001)
    assert done.file_name == "standup-20231114T221326Z.mp4"
    assert done.video == {"width": 320, "height": 180}
    assert done.error is None
    assert done.gaps == ()
    statuses = [told.status for told in world.told]
    assert [s for n, s in enumerate(statuses) if n == 0 or s != statuses[n - 1]] == [
        "starting",
        "active",
        "ending",
        "complete",
    ]
    assert b"".join(world.service.read(done, 4, 4)) == b"ftyp"
    assert await world.service.url(done, 60) is None
    assert json.loads(await world.beside(done, Companion.TIMELINE))["duration"] == 3
    assert await world.beside(done, Companion.CAPTIONS) == b"WEBVTT\n"
    assert [found.id for found in await world.service.find("standup")] == [recording.id]
    assert await world.service.find("elsewhere") == []
    await world.service.delete(recording.id)
    assert await world.service.find() == []
    assert list((world.directory / "recordings").iterdir()) == []


async def test_unknown_ids(world: World) -> None:
    for call in (world.service.get, world.service.stop, world.service.retry, world.service.delete):
        with pytest.raises(RecordingNotFoundError):
            await call("rec_nothing")


async def test_a_room_that_cannot_begin_leaves_an_aborted_recording_and_no_files(world: World) -> None:
    world.rooms.refusals = [RoomGoneError("no picture")]
    with pytest.raises(RoomGoneError):
        await world.service.start("standup")
    (recording,) = await world.service.find()
    assert recording.status == Status.ABORTED
    assert recording.error == "no picture"
    assert list((world.directory / "work").iterdir()) == [world.directory / "work" / ".lock"]
    assert (await world.service.start("standup")).status == Status.ACTIVE


async def test_a_caller_that_goes_away_leaves_no_half_started_recording(world: World) -> None:
    caller = asyncio.create_task(world.service.start("standup"))
    await asyncio.sleep(0.05)
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller
    (recording,) = await world.service.find()
    await world.until(recording.id, Status.ACTIVE)


async def test_a_lost_room_is_followed_by_the_next_part(world: World) -> None:
    recording = await world.service.start("standup")
    await world.rooms.end("standup")
    world.rooms.refusals = [RoomGoneError("still starting")]
    await world.service.room_lost("standup")
    running = await world.service.get(recording.id)
    assert running.status == Status.ACTIVE
    (gap,) = running.gaps
    assert (round(gap.at, 3), round(gap.missing, 3)) == (3, 7)  # 6…9 s and 16…19 s of the clock
    await world.service.stop(recording.id)
    done = await world.complete(recording.id)
    assert done.duration == pytest.approx(6, abs=0.001)
    (gap,) = done.gaps
    assert (round(gap.at, 3), round(gap.missing, 3)) == (3, 7)
    assert [part.number for part in done.parts] == [1, 3]  # the second try's folder was not used again
    assert world.rooms.parts == [1, 2, 3]


async def test_a_room_that_stays_lost_ends_the_recording_with_what_there_is(world: World) -> None:
    recording = await world.service.start("standup")
    await world.rooms.end("standup")
    world.rooms.refusals = [RoomGoneError("no capacity")] * 9
    await world.service.room_lost("standup")
    done = await world.complete(recording.id)
    assert done.duration == pytest.approx(3, abs=0.001)
    assert done.error is not None
    assert "no capacity" in done.error
    assert [pause for pause in world.slept if pause < 10] == [0, 1, 2, 4]


async def test_a_room_that_ends_finishes_its_recording(world: World) -> None:
    recording = await world.service.start("standup")
    await world.rooms.end("standup")
    await world.service.room_ended("standup")
    assert (await world.complete(recording.id)).error is None
    await world.service.room_ended("standup")  # nothing runs there any more
    await world.service.room_lost("standup")


async def test_a_part_that_broke_off_is_finished_and_the_reason_told(world: World) -> None:
    recording = await world.service.start("standup")
    await world.service.part_failed(recording.id, 7, "disk_full", "an old story")
    assert (await world.service.get(recording.id)).status == Status.ACTIVE
    await world.service.part_failed(recording.id, 1, "disk_full", "the disk is full")
    done = await world.complete(recording.id)
    assert done.error == "the disk is full"
    assert done.duration == pytest.approx(3, abs=0.001)


# --- the destination fails --------------------------------------------------------------------------------------------


async def test_a_destination_that_comes_back_gets_the_file(world: World) -> None:
    world.store.failures = [StoreError("answered 503"), StoreError("answered 503")]
    recording = await world.service.start("standup")
    await world.service.stop(recording.id)
    done = await world.complete(recording.id)
    assert done.error is None
    errors = [told.error for told in world.told if told.error]
    assert errors == [
        "the destination failed: answered 503; trying again in 1 s",
        "the destination failed: answered 503; trying again in 2 s",
    ]


async def test_a_destination_that_refuses_keeps_the_file_for_a_retry(world: World) -> None:
    world.store.failures = [StoreRefusedError("wrong credentials")] * 2
    recording = await world.service.start("standup")
    await world.service.stop(recording.id)
    failed = await world.until(recording.id, Status.FAILED)
    assert failed.error == "the destination failed: wrong credentials"
    kept = {path.suffix: path for path in (world.directory / "work" / recording.id).iterdir()}
    assert set(kept) == {".mp4", ".json", ".vtt"}
    assert kept[".mp4"].stat().st_size == failed.size
    with pytest.raises(RecordingNotCompleteError):
        await world.service.finished(recording.id)
    assert (await world.service.retry(recording.id)).status == Status.ENDING
    done = await world.complete(recording.id)
    assert done.error is None
    with pytest.raises(RecordingNotActiveError):
        await world.service.retry(recording.id)


async def test_a_failed_recording_can_be_deleted_with_its_files(world: World) -> None:
    world.store.failures = [StoreRefusedError("wrong credentials")] * 2
    recording = await world.service.start("standup")
    await world.service.stop(recording.id)
    await world.until(recording.id, Status.FAILED)
    await world.service.delete(recording.id)
    assert not (world.directory / "work" / recording.id).exists()


async def test_a_destination_that_lacks_only_the_captions_gets_them_by_a_retry(world: World) -> None:
    put = world.store.put

    def refuses_captions(upload: Upload, progress: Callable[[int], None]) -> None:
        if upload.content_type == "text/vtt":
            raise StoreRefusedError("no captions here")
        put(upload, progress)

    world.store.put = refuses_captions  # type: ignore[method-assign]  # for a while
    recording = await world.service.start("standup")
    await world.service.stop(recording.id)
    failed = await world.until(recording.id, Status.FAILED)
    assert failed.error == "the destination failed: no captions here"
    world.store.put = put  # type: ignore[method-assign]  # as it was
    await world.service.retry(recording.id)
    done = await world.complete(recording.id)
    assert await world.beside(done, Companion.CAPTIONS) == b"WEBVTT\n"


async def test_what_was_uploaded_of_a_failed_recording_is_deleted_with_it(world: World) -> None:
    put = world.store.put

    def refuses_films(upload: Upload, progress: Callable[[int], None]) -> None:
        if upload.content_type == "video/mp4":
            raise StoreRefusedError("no films here")
        put(upload, progress)

    world.store.put = refuses_films  # type: ignore[method-assign]  # what else is there arrives
    recording = await world.service.start("standup")
    await world.service.stop(recording.id)
    await world.until(recording.id, Status.FAILED)
    assert len(list((world.directory / "recordings").rglob("*.*"))) == 2
    await world.service.delete(recording.id)
    assert list((world.directory / "recordings").iterdir()) == []


# --- the service dies -------------------------------------------------------------------------------------------------


async def test_a_restarted_service_goes_on_with_a_room_that_records(world: World) -> None:
    recording = await world.service.start("standup")
    await world.restart({recording.id: 1})
    assert (await world.service.get(recording.id)).status == Status.ACTIVE
    await world.service.stop(recording.id)
    assert (await world.complete(recording.id)).duration == pytest.approx(3, abs=0.001)


async def test_a_restarted_service_finishes_what_a_dead_room_recorded(world: World) -> None:
    recording = await world.service.start("standup")
    await world.rooms.end("standup")
    await world.restart({})
    done = await world.complete(recording.id)
    assert done.duration == pytest.approx(3, abs=0.001)
    assert done.ended_at == pytest.approx(clips.WALL_US / 1e6 + 5 + 4)


async def test_a_restarted_service_goes_on_with_an_upload(world: World) -> None:
    world.store.failures = [StoreError("answered 503")] * 5  # then pauses of 16 s: the service dies in one of them
    recording = await world.service.start("standup")
    await world.service.stop(recording.id)
    async with asyncio.timeout(20):
        while 16 not in world.slept:  # noqa: ASYNC110  # the pause itself tells nobody
            await asyncio.sleep(0.02)
    await world.restart({})
    assert (await world.complete(recording.id)).error is None


@pytest.mark.parametrize("live", [True, False])
async def test_a_service_that_died_while_starting(world: World, *, live: bool) -> None:
    begun = threading.Event()
    original = world.rooms.start_part

    async def never_answers(room: str, recording_id: str, part: int, directory: Path) -> int:
        if live:
            await original(room, recording_id, part, directory)
        begun.set()
        await asyncio.sleep(60)
        raise AssertionError

    world.rooms.start_part = never_answers  # type: ignore[method-assign]  # the answer never comes
    caller = asyncio.create_task(world.service.start("standup"))
    await asyncio.to_thread(begun.wait)
    (recording,) = await world.service.find()
    caller.cancel()
    await world.restart({recording.id: 1} if live else {})
    found = await world.service.get(recording.id)
    assert found.status == (Status.ACTIVE if live else Status.ABORTED)
    if live:
        assert found.started_at == pytest.approx(clips.WALL_US / 1e6 + 5 + 1)
        await world.service.stop(recording.id)
        await world.complete(recording.id)


async def test_one_folder_has_one_service(world: World) -> None:
    with pytest.raises(FolderTakenError):
        world.make()


@pytest.fixture(autouse=True)
def no_thread_left() -> Iterator[None]:
    before = set(threading.enumerate())
    yield
    assert not [t.name for t in set(threading.enumerate()) - before if t.name.startswith("part-")]
