"""Who goes first, without threads: the test says what the ticking thread does while somebody waits for it."""

from collections.abc import Callable
from typing import Any, cast

import pytest

from mcu.clock import MediaClock
from mcu.rightofway import RightOfWay

pytestmark = pytest.mark.unit

PERIOD_US = 20_000


class _Bench:
    """Stands for the clock, and for the event by which a tick says that it is through."""

    def __init__(self, tick: Callable[["_Bench"], None] = lambda _bench: None) -> None:
        self.now_us = 1_000_000
        self.waits = 0
        self.way = RightOfWay(MediaClock(0, 0, lambda: self.now_us * 1000))
        self.way._through = cast("Any", self)
        self._tick = tick
        self._is_set = False

    def set(self) -> None:
        self._is_set = True

    def clear(self) -> None:
        self._is_set = False

    def wait(self, timeout_s: float) -> bool:
        assert timeout_s > PERIOD_US / 1e6
        self.waits += 1
        self._tick(self)
        return self._is_set

    def begin(self) -> None:
        """A tick is through, and the next is due now."""
        self.way.next_at(self.now_us + PERIOD_US)
        self.now_us += PERIOD_US

    def end(self) -> None:
        """3 ms later it is through."""
        self.now_us += 3000
        self.way.next_at(self.now_us + PERIOD_US - 3000)


def test_between_ticks_nobody_waits() -> None:
    bench = _Bench()
    bench.way.give()  # there was no tick yet
    bench.way.next_at(bench.now_us + PERIOD_US)
    bench.now_us += PERIOD_US - 1
    bench.way.give()
    assert bench.waits == 0


def test_others_wait_from_when_a_tick_is_due_until_it_is_through() -> None:
    bench = _Bench(_Bench.end)
    bench.begin()
    bench.way.give()
    assert (bench.waits, bench.now_us) == (1, 1_000_000 + PERIOD_US + 3000)
    bench.way.give()
    assert bench.waits == 1


def test_a_tick_that_is_through_while_somebody_looks_is_not_waited_for() -> None:
    bench = _Bench()
    bench.begin()
    bench.clear = bench.end  # type: ignore[method-assign]  # just before the other one would wait
    bench.way.give()
    assert bench.waits == 0


def test_who_is_behind_has_no_right_of_way() -> None:
    bench = _Bench()
    bench.way.next_at(bench.now_us)  # its next tick is due already
    bench.way.give()
    assert bench.waits == 0


def test_a_tick_that_does_not_come_is_waited_for_once() -> None:
    bench = _Bench()
    bench.begin()
    bench.way.give()
    bench.way.give()
    assert bench.waits == 1
    bench.begin()  # and it is there again
    bench.way.give()
    assert bench.waits == 2
