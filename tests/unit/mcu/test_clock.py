"""Ticks on a clock that the test turns by hand."""

from fractions import Fraction

import pytest

from mcu.clock import MediaClock, Ticker

pytestmark = pytest.mark.unit


def test_media_time_counts_from_the_start_and_maps_to_the_wall() -> None:
    now = [5_000_000_000]
    clock = MediaClock(start_monotonic_ns=5_000_000_000, start_wall_us=1_000, monotonic_ns=lambda: now[0])
    now[0] += 1_234_567_000
    assert clock.now_us() == 1_234_567
    assert clock.wall_us(1_234_567) == 1_235_567


def test_thirty_hertz_does_not_drift_in_a_day() -> None:
    ticker = Ticker(30)
    day = 24 * 3600
    assert ticker.due_us(30 * day) == day * 1_000_000
    assert ticker.due_us(1) == 33_333


@pytest.mark.parametrize("rate", [Fraction(30_000, 1001), 50, 25])
def test_ticks_on_time_are_all_handed_out(rate: Fraction | int) -> None:
    ticker = Ticker(rate)
    handed = [ticker.take(ticker.due_us(n) + 500) for n in range(1000)]
    assert handed == list(range(1000))
    assert ticker.skipped == 0


def test_late_ticks_are_skipped_and_counted_never_queued() -> None:
    ticker = Ticker(50)
    assert ticker.take(0) == 0
    assert ticker.take(95_000) == 4  # 20, 40 and 60 ms were missed, 80 ms is the one due
    assert ticker.skipped == 3
    assert ticker.wait_us(95_000) == 5_000
    assert ticker.take(100_000) == 5


def test_sound_that_is_a_little_late_is_made_up_for_and_no_more_than_that() -> None:
    ticker = Ticker(50, made_up=2)
    assert ticker.take(0) == 0
    assert [ticker.take(75_000) for _ in range(3)] == [1, 2, 3]  # 20 and 40 ms were missed
    assert ticker.wait_us(75_000) == 5_000
    assert ticker.skipped == 0
    assert [ticker.take(205_000) for _ in range(3)] == [8, 9, 10]
    assert ticker.skipped == 4
