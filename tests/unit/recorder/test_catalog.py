import sqlite3
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from recorder.catalog import Catalog
from recorder.errors import (
    CatalogError,
    RecordingActiveError,
    RecordingConflictError,
    RecordingNotActiveError,
    RecordingNotFoundError,
)
from recorder.model import Gap, Part, Recording, Status

pytestmark = pytest.mark.unit

FIRST = Recording(id="rec_1", room="standup", status=Status.STARTING, created_at=100.0, owner="a", lease_until=130.0)


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'catalog.db'}"


@pytest.fixture
def catalog(url: str) -> Iterator[Catalog]:
    catalog = Catalog(url)
    yield catalog
    catalog.close()


@pytest.fixture
def other(url: str, catalog: Catalog) -> Iterator[Catalog]:
    """A second process's view of the same file."""
    other = Catalog(url)
    yield other
    other.close()


def test_a_recording_comes_back_whole(catalog: Catalog, other: Catalog) -> None:
    recording = replace(
        FIRST,
        started_at=101.5,
        duration=12.25,
        size=5_000_000_000,  # more than 32 bits
        gaps=(Gap(3.5, 2.0, 104.0, 106.0, "the room was lost"),),
        parts=(Part(1, 101.5, 104.0), Part(2, 106.0, None, "the disk is full")),
        video={"width": 1280, "height": 720},
    )
    catalog.add(recording)
    assert other.get("rec_1") == recording


def test_a_room_has_one_running_recording_whoever_starts_it(catalog: Catalog, other: Catalog) -> None:
    catalog.add(FIRST)
    for status in (Status.STARTING, Status.ACTIVE, Status.PAUSED):
        if status != Status.STARTING:
            catalog.move("rec_1", status)
        with pytest.raises(RecordingConflictError, match="standup"):
            other.add(replace(FIRST, id="rec_2"))
    other.add(replace(FIRST, id="rec_3", room="retro"))
    catalog.move("rec_1", Status.ENDING)
    other.add(replace(FIRST, id="rec_4"))
    assert {recording.id for recording in catalog.find(room="standup")} == {"rec_1", "rec_4"}


def test_of_two_that_start_at_once_one_wins(catalog: Catalog, other: Catalog) -> None:
    outcomes: list[str] = []
    barrier = threading.Barrier(2)

    def start(which: Catalog, recording_id: str) -> None:
        barrier.wait()
        try:
            which.add(replace(FIRST, id=recording_id))
            outcomes.append("started")
        except RecordingConflictError:
            outcomes.append("conflict")

    threads = [
        threading.Thread(target=start, args=(which, name)) for which, name in ((catalog, "rec_1"), (other, "rec_2"))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["conflict", "started"]


def test_of_two_that_finish_one_wins(catalog: Catalog, other: Catalog) -> None:
    catalog.add(replace(FIRST, status=Status.ENDING))
    assert catalog.move("rec_1", Status.COMPLETE, location="here").location == "here"
    with pytest.raises(RecordingNotActiveError, match="is complete"):
        other.move("rec_1", Status.FAILED, location="there")
    assert other.get("rec_1").location == "here"


def test_unknown_ids_are_told_as_such(catalog: Catalog) -> None:
    for call in (
        catalog.get,
        catalog.delete,
        lambda name: catalog.change(name, error=None),
        lambda name: catalog.move(name, Status.ACTIVE),
    ):
        with pytest.raises(RecordingNotFoundError, match="rec_9"):
            call("rec_9")


def test_the_newest_comes_first_and_filters_add_up(catalog: Catalog) -> None:
    for number, (room, status) in enumerate(
        [("a", Status.COMPLETE), ("b", Status.ACTIVE), ("a", Status.FAILED), ("a", Status.ACTIVE)]
    ):
        catalog.add(replace(FIRST, id=f"rec_{number}", room=room, status=status, created_at=float(number)))
    assert [r.id for r in catalog.find()] == ["rec_3", "rec_2", "rec_1", "rec_0"]
    assert [r.id for r in catalog.find(room="a", statuses=[Status.ACTIVE, Status.FAILED])] == ["rec_3", "rec_2"]
    assert catalog.find(room="'; DROP TABLE recordings; --") == []


def test_a_lease_keeps_others_out_until_it_runs_out_or_its_owner_is_known_dead(
    catalog: Catalog, other: Catalog
) -> None:
    catalog.add(FIRST)  # owner a until 130
    assert not other.acquire("rec_1", "b", now=129.0, until=159.0)
    assert catalog.renew("a", 150.0) == 1
    assert not other.acquire("rec_1", "b", now=131.0, until=161.0)
    assert not other.acquire("rec_1", "b", now=131.0, until=161.0, dead="c")
    assert other.acquire("rec_1", "b", now=131.0, until=161.0, dead="a")
    assert not catalog.acquire("rec_1", "a", now=160.0, until=190.0)
    assert catalog.acquire("rec_1", "a", now=162.0, until=192.0)
    assert other.renew("b", 300.0) == 0


def test_only_what_is_over_can_be_deleted(catalog: Catalog) -> None:
    catalog.add(replace(FIRST, status=Status.ENDING))
    with pytest.raises(RecordingActiveError, match="ending"):
        catalog.delete("rec_1")
    catalog.move("rec_1", Status.FAILED)
    catalog.delete("rec_1")
    assert catalog.find() == []


def test_a_catalog_of_a_newer_program_is_refused(tmp_path: Path, url: str) -> None:
    Catalog(url).close()
    with sqlite3.connect(tmp_path / "catalog.db") as connection:
        connection.execute("UPDATE schema_version SET version = 2")
    connection.close()
    with pytest.raises(CatalogError, match="schema version 2"):
        Catalog(url)


@pytest.mark.parametrize("url", ["nonsense", "sqlite:////nowhere/at/all/catalog.db", "oddbase://x"])
def test_a_database_that_cannot_be_used_is_told_as_such(url: str) -> None:
    with pytest.raises(CatalogError):
        Catalog(url)
