import os
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mcu import priority
from mcu.priority import defer_this_thread, prefer_this_process, prefer_this_thread, undisturbed

pytestmark = pytest.mark.unit


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    interval_s = sys.getswitchinterval()
    yield
    sys.setswitchinterval(interval_s)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int, int]]:
    """What the system was asked for, instead of asking it."""
    calls: list[tuple[int, int, int]] = []
    monkeypatch.setattr(os, "getpriority", lambda *_arguments: -7)
    monkeypatch.setattr(os, "setpriority", lambda *arguments: calls.append(arguments))
    monkeypatch.setattr(os, "sched_setscheduler", lambda *_arguments: None)
    return calls


@pytest.fixture(autouse=True)
def autogroup(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What the kernel would be told of this process's group."""
    path = tmp_path / "autogroup"
    monkeypatch.setattr(priority, "_AUTOGROUP", path)
    return path


@pytest.mark.parametrize("prefer", [prefer_this_process, prefer_this_thread])
def test_without_the_right_to_it_everything_stays_as_it_is(
    prefer: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_arguments: int) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "setpriority", refuse)
    monkeypatch.setattr(os, "sched_setscheduler", refuse)
    monkeypatch.setattr(priority, "_AUTOGROUP", Path("/nowhere/autogroup"))
    prefer()


@pytest.mark.skipif(sys.platform != "linux", reason="threads have priorities of their own on Linux only")
@pytest.mark.parametrize(("before", "after"), [(-15, [-5]), (-10, [0]), (0, []), (-5, []), (5, [])])
def test_a_thread_of_codecs_lets_others_go_first_but_no_other_programs(
    before: int, after: list[int], asked: list[tuple[int, int, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "getpriority", lambda *_arguments: before)
    thread = threading.Thread(target=defer_this_thread)
    thread.start()
    thread.join()
    assert asked == [(os.PRIO_PROCESS, thread.native_id, niceness) for niceness in after]


@pytest.mark.skipif(sys.platform != "linux", reason="threads have priorities of their own on Linux only")
def test_it_is_the_calling_thread_that_is_raised_above_what_it_was(asked: list[tuple[int, int, int]]) -> None:
    thread = threading.Thread(target=prefer_this_thread)
    thread.start()
    thread.join()
    assert asked == [(os.PRIO_PROCESS, thread.native_id, -22)]


def test_the_interpreter_is_never_handed_over_later_than_before(asked: list[tuple[int, int, int]]) -> None:
    sys.setswitchinterval(0.0001)
    prefer_this_thread()
    assert sys.getswitchinterval() == pytest.approx(0.0001, abs=2e-6)
    sys.setswitchinterval(0.005)
    prefer_this_thread()
    assert sys.getswitchinterval() == pytest.approx(0.0005, abs=2e-6)
    assert len(asked) == 2


def test_the_group_of_a_raised_process_is_raised_with_it(asked: list[tuple[int, int, int]], autogroup: Path) -> None:
    prefer_this_process()
    assert asked
    assert autogroup.read_text() == "-10"


def test_other_threads_keep_their_interval_when_a_process_is_raised(asked: list[tuple[int, int, int]]) -> None:
    sys.setswitchinterval(0.005)
    prefer_this_process()
    assert sys.getswitchinterval() == pytest.approx(0.005, abs=2e-6)
    assert len(asked) == 1


def test_what_must_not_be_late_is_disturbed_later_and_what_follows_as_before(asked: list[tuple[int, int, int]]) -> None:
    prefer_this_thread()
    within: list[float] = []

    def work() -> None:
        with undisturbed():
            within.append(sys.getswitchinterval())
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        work()
    assert within == pytest.approx([0.005])
    assert sys.getswitchinterval() == pytest.approx(0.0005)
