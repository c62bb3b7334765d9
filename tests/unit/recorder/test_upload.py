from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from recorder.errors import FinishInterruptedError, ObjectMissingError, StoreError, StoreRefusedError
from recorder.storage import StoredObject, Upload
from recorder.upload import Trouble, Uploader, pause_s

pytestmark = pytest.mark.unit

UPLOAD = Upload(Path("/nowhere.mp4"), "rec_1/a.mp4", 1000, "ab" * 32, "a.mp4")


class Store:
    """Fails as told, then holds what it was given."""

    def __init__(self, *failures: StoreError, size: int = UPLOAD.size, sha256: str | None = UPLOAD.sha256) -> None:
        self.failures = list(failures)
        self.found = StoredObject(size, sha256)
        self.puts = 0

    def put(self, upload: Upload, progress: Callable[[int], None]) -> None:
        assert upload is UPLOAD
        self.puts += 1
        progress(1)
        if self.failures:
            raise self.failures.pop(0)

    def stat(self, key: str) -> StoredObject:
        assert key == UPLOAD.key
        return self.found

    def read(self, key: str, start: int, length: int) -> Iterator[bytes]:
        raise NotImplementedError

    def url(self, key: str, file_name: str, ttl_s: int) -> str | None:
        raise NotImplementedError

    def delete(self, key: str) -> None:
        raise NotImplementedError


class World:
    """Virtual time and what was told."""

    def __init__(self, store: Store) -> None:
        self.slept: list[float] = []
        self.troubles: list[Trouble] = []
        self.uploader = Uploader(store, self._sleep)

    async def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)

    async def _told(self, trouble: Trouble) -> None:
        self.troubles.append(trouble)

    async def upload(self) -> None:
        await self.uploader.upload(UPLOAD, self._told)


def test_pauses_double_up_to_five_minutes_and_end() -> None:
    pauses = [pause_s(attempt, refused=False) for attempt in range(1, 13)]
    assert pauses == [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, None]


def test_a_refusal_is_tried_only_once_more() -> None:
    assert [pause_s(attempt, refused=True) for attempt in (1, 2)] == [1, None]


async def test_a_store_that_comes_back_gets_the_file() -> None:
    world = World(store := Store(StoreError("503"), StoreError("503"), StoreError("timeout")))
    await world.upload()
    assert store.puts == 4
    assert world.slept == [1, 2, 4]
    assert [str(trouble.error) for trouble in world.troubles] == ["503", "503", "timeout"]
    assert world.uploader.failures == 3


async def test_wrong_credentials_are_told_soon() -> None:
    world = World(store := Store(*[StoreRefusedError("wrong credentials")] * 9))
    with pytest.raises(StoreRefusedError, match="wrong credentials"):
        await world.upload()
    assert store.puts == 2


async def test_a_store_that_stays_down_is_given_up() -> None:
    world = World(store := Store(*[StoreError("503")] * 99))
    with pytest.raises(StoreError, match="503"):
        await world.upload()
    assert store.puts == 12
    assert 15 * 60 < sum(world.slept) < 30 * 60


@pytest.mark.parametrize("store", [Store(size=999), Store(sha256="cd" * 32)])
async def test_what_arrives_differently_counts_as_failed(store: Store) -> None:
    with pytest.raises(StoreError, match="arrived"):
        await World(store).upload()


async def test_a_store_that_knows_no_hashes_is_believed_by_size() -> None:
    await World(Store(sha256=None)).upload()


async def test_an_object_that_is_not_there_afterwards_counts_as_failed() -> None:
    store = Store()

    def missing(key: str) -> StoredObject:
        raise ObjectMissingError(key)

    store.stat = missing  # type: ignore[method-assign]  # this store loses everything
    with pytest.raises(ObjectMissingError):
        await World(store).upload()


async def test_stopping_interrupts_a_running_upload() -> None:
    world = World(Store())
    world.uploader.stop()
    with pytest.raises(FinishInterruptedError):
        await world.upload()
