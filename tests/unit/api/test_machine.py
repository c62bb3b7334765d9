"""How much of a machine there is, and how fast it is said to be."""

import math
import os
from pathlib import Path

import pytest

from api import machine
from api.costs import Cost
from api.machine import HOST_FILE, Host, UnwritableError

pytestmark = pytest.mark.unit


def group(folder: Path, **files: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name.replace("_", ".")).write_text(text + "\n")


@pytest.fixture
def own_group(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """This process's control group, below ``tmp_path``."""
    real = machine._lines
    monkeypatch.setattr(
        machine, "_lines", lambda path: ["0::/outer/inner"] if str(path) == "/proc/self/cgroup" else real(path)
    )
    return tmp_path / "outer" / "inner"


def test_without_control_groups_it_is_all_that_the_system_has(tmp_path: Path) -> None:
    assert machine.cores(tmp_path) == len(os.sched_getaffinity(0))
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 1e6
    assert machine.memory_mb(tmp_path) == pytest.approx(pages, rel=0.02)
    assert 0 < machine.available_mb() < machine.memory_mb(tmp_path)


def test_the_narrowest_control_group_above_us_counts(own_group: Path, tmp_path: Path) -> None:
    group(own_group, cpu_max="max 100000", memory_max="max")
    group(own_group.parent, cpu_max="50000 100000", memory_max="256000000")
    group(tmp_path, cpu_max="80000 100000", memory_max="300000000")
    assert machine.cores(tmp_path) == 0.5
    assert machine.memory_mb(tmp_path) == 256


@pytest.mark.parametrize(
    ("there", "left"), [((2, 4000), (1.75, 3488)), ((16, 64_000), (14.4, 57_600)), ((0.4, 600), (0.2, 300))]
)
def test_some_of_it_is_left_to_others(
    monkeypatch: pytest.MonkeyPatch, there: tuple[float, float], left: tuple[float, float]
) -> None:
    monkeypatch.setattr(machine, "cores", lambda: there[0])
    monkeypatch.setattr(machine, "memory_mb", lambda: there[1])
    capacity = machine.capacity(None, None)
    assert (capacity.cores, capacity.memory_mb) == pytest.approx(left)


def test_what_is_asked_for_counts_and_0_is_no_limit() -> None:
    assert machine.capacity(0.5, 100) == Cost(0.5, 100)
    assert machine.capacity(0, 0) == Cost(math.inf, math.inf)


def test_the_factor_is_kept_and_believed(tmp_path: Path) -> None:
    assert machine.factor(tmp_path) == 1.0
    kept = machine.keep(tmp_path / "data", Host(processor=machine.processor(), factor=1.5, measured_at="now"))
    assert kept == tmp_path / "data" / HOST_FILE
    assert machine.factor(tmp_path / "data") == 1.5


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        '{"processor": "x"}',
        '{"processor": "another", "factor": 2, "measured_at": ""}',
        '{"version": 2, "processor": "x", "factor": 2, "measured_at": ""}',
        '{"processor": "x", "factor": 1e9, "measured_at": ""}',
        '{"processor": "x", "factor": NaN, "measured_at": ""}',
    ],
)
def test_a_factor_that_cannot_be_believed_is_warned_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, text: str
) -> None:
    monkeypatch.setattr(machine, "processor", lambda: "x")
    (tmp_path / HOST_FILE).write_text(text)
    assert machine.factor(tmp_path) == 1.0
    assert [record.levelname for record in caplog.records] == ["WARNING"]


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UnwritableError, match="cannot write"):
        machine.keep(tmp_path / "file", Host(processor="x", factor=1, measured_at=""))
