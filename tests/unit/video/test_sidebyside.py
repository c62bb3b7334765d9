"""Jobs that run at once, and a caller who waits for them."""

import threading
from functools import partial

import pytest

from mcu.video.sidebyside import SideBySide

pytestmark = pytest.mark.unit


def test_two_run_at_the_same_time() -> None:
    side_by_side = SideBySide(1, "helper")
    both = threading.Barrier(2, timeout=10)  # each passes only while the other is there
    threads: list[str] = []

    def job() -> None:
        both.wait()
        threads.append(threading.current_thread().name)

    side_by_side.run([job, job])
    side_by_side.stop()
    assert sorted(threads) == sorted([threading.current_thread().name, "helper_0"])


@pytest.mark.parametrize("helpers", [0, 1, 3])
def test_all_are_done_when_it_returns(helpers: int) -> None:
    side_by_side = SideBySide(helpers, "helper")
    done: list[int] = []
    for count in range(5):
        done.clear()
        side_by_side.run([partial(done.append, number) for number in range(count)])
        assert sorted(done) == list(range(count))
    side_by_side.stop()


@pytest.mark.parametrize("place", [0, 1])
def test_what_one_raises_is_raised(place: int) -> None:
    side_by_side = SideBySide(1, "helper")
    both = threading.Barrier(2, timeout=10)

    def job(number: int) -> None:
        both.wait()
        if number == place:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        side_by_side.run([partial(job, number) for number in range(2)])
    side_by_side.stop()
