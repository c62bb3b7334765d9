from typing import Any, cast

import pytest

from mcu.looplag import LoopLag
from tests.unit.rtc.fakes import Loop

pytestmark = pytest.mark.unit

MS = 1000
SECOND = 1_000_000


def _watched() -> tuple[LoopLag, Loop]:
    loop = Loop()
    lag = LoopLag(cast("Any", loop))
    lag.start()
    return lag, loop


def _busy(loop: Loop, for_us: int) -> None:
    """The loop works on something else meanwhile: timers that come due have to wait."""
    loop.now_us += for_us
    loop.run()


def test_an_idle_loop_is_on_time() -> None:
    lag, loop = _watched()
    loop.run(3 * SECOND)
    assert (lag.worst_us, lag.median_us) == (0, 0)


def test_one_long_job_is_the_worst_for_a_second_and_no_rule() -> None:
    lag, loop = _watched()
    loop.run(2 * SECOND)
    _busy(loop, 350 * MS)
    assert 300 * MS <= lag.worst_us <= 350 * MS
    assert lag.median_us == 0
    loop.run(500 * MS)
    assert 300 * MS <= lag.worst_us <= 350 * MS
    loop.run(600 * MS)
    assert lag.worst_us == 0


def test_a_loop_that_is_always_behind_is_late_in_the_median() -> None:
    lag, loop = _watched()
    for _ in range(10):
        _busy(loop, 200 * MS)
    assert 150 * MS <= lag.median_us <= 200 * MS


def test_nobody_watches_after_the_end() -> None:
    lag, loop = _watched()
    lag.stop()
    _busy(loop, SECOND)
    assert lag.worst_us == 0


def test_what_was_before_a_pause_is_forgotten() -> None:
    lag, loop = _watched()
    _busy(loop, 350 * MS)
    assert lag.worst_us > 0
    lag.stop()
    assert (lag.worst_us, lag.median_us) == (0, 0)
    _busy(loop, SECOND)
    lag.start()
    loop.run(100 * MS)
    assert (lag.worst_us, lag.median_us) == (0, 0)
