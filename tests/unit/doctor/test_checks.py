"""What a host is said to have and to lack."""

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from api import machine
from api.doctor import checks
from api.doctor.checks import State
from recorder.errors import ObjectMissingError, StoreError, StoreRefusedError
from recorder.storage import LocalStore, ObjectStore

pytestmark = pytest.mark.unit


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        sock.listen()
        yield sock.getsockname()[1]


def test_a_taken_port_is_noted_and_a_free_one_is_good(taken: int) -> None:
    assert checks.listening("127.0.0.1", taken).state == State.NOTE
    assert checks.listening("127.0.0.1", 0).state == State.GOOD
    assert checks.listening("no.such.host.invalid", 80).state == State.NOTE


def test_the_right_to_go_first_is_the_capability() -> None:
    status = dict(line.split(":\t") for line in Path("/proc/self/status").read_text().splitlines() if ":\t" in line)
    has_sys_nice = bool(int(status["CapEff"], 16) & 1 << 23)
    assert checks.priority().state == (State.GOOD if has_sys_nice else State.NOTE)


@pytest.mark.parametrize(("cores", "state"), [(0.5, State.NOTE), (1.99, State.NOTE), (2, State.GOOD)])
def test_two_processors_are_enough(monkeypatch: pytest.MonkeyPatch, cores: float, state: State) -> None:
    monkeypatch.setattr(machine, "cores", lambda: cores)
    assert checks.processors().state == state


@pytest.mark.parametrize(("available_mb", "state"), [(300, State.NOTE), (3000, State.GOOD)])
def test_a_gigabyte_is_enough(monkeypatch: pytest.MonkeyPatch, available_mb: float, state: State) -> None:
    monkeypatch.setattr(machine, "available_mb", lambda: available_mb)
    assert checks.memory().state == state
    monkeypatch.setattr(machine, "memory_mb", lambda: 200.0)
    assert checks.memory().state == State.NOTE


def test_the_kernels_refusal_of_segmentation_is_noted(monkeypatch: pytest.MonkeyPatch) -> None:
    assert checks.segmentation().state == State.GOOD  # as all kernels since 4.18

    def refuse(*_: object) -> None:
        raise OSError(22, "Invalid argument")

    monkeypatch.setattr("mcu.rtc.datagrams.Outbox.send_run", refuse)
    assert checks.segmentation().state == State.NOTE


def test_the_folder_is_looked_at_where_it_will_be_and_not_made(tmp_path: Path) -> None:
    (check,) = checks.disk(tmp_path / "not" / "yet", 2_000_000)
    assert check.state in {State.GOOD, State.NOTE}
    assert "GB free" in check.said
    assert not (tmp_path / "not").exists()
    (tmp_path / "file").write_text("")
    (check,) = checks.disk(tmp_path / "file" / "data", 2_000_000)
    assert check.state == State.BAD


@pytest.mark.parametrize(("free", "state", "hours"), [(1e9, State.NOTE, "1 h"), (100e9, State.GOOD, "52 h")])
def test_room_on_the_disk_is_told_in_hours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free: float, state: State, hours: str
) -> None:
    """2,128 kbit/s, twice: 1.9 GB an hour."""
    usage = cast("Any", type("Usage", (), {"free": free}))
    monkeypatch.setattr("shutil.disk_usage", lambda _: usage)
    (check,) = checks.disk(tmp_path, 2_000_000)
    assert check.state == state
    assert f" {hours} of one recording" in check.said


class Store:
    def __init__(self, error: Exception) -> None:
        self.error = error

    def read(self, *_: object) -> Iterator[bytes]:
        raise self.error


@pytest.mark.parametrize(
    ("error", "state"),
    [
        (ObjectMissingError("not there"), State.GOOD),
        (StoreRefusedError("bucket x: the bucket does not exist (NoSuchBucket)"), State.BAD),
        (StoreRefusedError("bucket x: access is denied (AccessDenied)"), State.NOTE),
        (StoreError("bucket x cannot be reached"), State.BAD),
    ],
)
def test_a_store_is_good_if_it_says_that_something_is_not_there(error: Exception, state: State) -> None:
    check = checks.reachable(cast("ObjectStore", Store(error)))
    assert check.state == state
    assert state == State.GOOD or str(error) in check.said


def test_a_folder_is_a_store_too(tmp_path: Path) -> None:
    assert checks.reachable(LocalStore(tmp_path)).state == State.GOOD


@pytest.mark.parametrize(
    ("url", "state"),
    [
        ("sqlite://", State.GOOD),
        ("sqlite:////no/such/folder/x.sqlite", State.BAD),
        ("nonsense", State.BAD),
        ("oracle://user:hush@localhost/x", State.BAD),
    ],
)
def test_a_database_has_to_let_us_in(url: str, state: State) -> None:
    check = checks.database(url)
    assert check.state == state
    assert "hush" not in check.said
    assert "\n" not in check.said
