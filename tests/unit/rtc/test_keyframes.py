"""How often keyframes are asked for, on virtual time."""

import pytest

from mcu.rtc.keyframes import KeyframeRequests

pytestmark = pytest.mark.unit

STEP_US = 10_000


def _asked_s(requests: KeyframeRequests, begin_s: float, end_s: float, comes_s: tuple[float, ...] = ()) -> list[float]:
    """When it asks, while one is wanted all the time; whole keyframes come at these times."""
    asked: list[float] = []
    steps = range(round(begin_s * 100), round(end_s * 100))
    for step in steps:
        if step / 100 in comes_s:
            requests.arrived(step * STEP_US)
        if requests.ask(step * STEP_US):
            asked.append(step / 100)
    return asked


def test_the_first_at_once_then_more_and_more_seldom() -> None:
    assert _asked_s(KeyframeRequests(), 1, 20) == [1, 1.5, 2.5, 4.5, 8.5, 12.5, 16.5]


def test_one_that_came_whole_is_no_reason_to_wait_longer() -> None:
    assert _asked_s(KeyframeRequests(), 0, 2.2, comes_s=(0.2, 0.7, 1.2, 1.7)) == [0, 0.5, 1, 1.5, 2]


def test_one_that_took_long_is_given_twice_that_the_next_time() -> None:
    assert _asked_s(KeyframeRequests(), 0, 20, comes_s=(3,)) == [0, 0.5, 1.5, 4.5, 7.5, 11.5, 15.5, 19.5]


def test_one_that_came_soon_brings_the_short_intervals_back() -> None:
    requests = KeyframeRequests()
    assert _asked_s(requests, 0, 4, comes_s=(3.6,)) == [0, 0.5, 1.5, 3.5]
    assert _asked_s(requests, 4, 8) == [4, 4.5, 5.5, 7.5]


def test_one_that_nobody_asked_for_changes_nothing() -> None:
    requests = KeyframeRequests()
    requests.arrived(0)
    assert _asked_s(requests, 5, 7) == [5, 5.5, 6.5]
    requests.arrived(6_600_000)
    requests.arrived(9_000_000)
    assert _asked_s(requests, 9, 11) == [9, 9.5, 10.5]
