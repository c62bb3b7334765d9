import pytest

from mcu.rtc.budget import TokenBucket

pytestmark = pytest.mark.unit


def test_a_burst_then_one_per_interval() -> None:
    bucket = TokenBucket(interval_us=1_000_000, burst=3)
    assert [bucket.take(0) for _ in range(5)] == [True, True, True, False, False]
    assert [bucket.take(t) for t in (500_000, 1_000_000, 1_100_000, 2_000_000)] == [False, True, False, True]
    assert bucket.refused == 4


def test_what_counts_for_more_takes_more() -> None:
    bucket = TokenBucket(interval_us=10, burst=100)
    assert [bucket.take(0, cost) for cost in (60, 60, 40, 1)] == [True, False, True, False]
    assert [bucket.take(500, cost) for cost in (51, 50)] == [False, True]


def test_a_long_pause_saves_no_more_than_a_burst() -> None:
    bucket = TokenBucket(interval_us=1_000, burst=2)
    bucket.take(0)
    assert [bucket.take(10_000_000) for _ in range(3)] == [True, True, False]
