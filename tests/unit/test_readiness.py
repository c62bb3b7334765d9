"""By when most pictures are here, on lines that hold some of them up."""

import random
from collections.abc import Callable, Iterator
from itertools import pairwise

import pytest

from mcu.readiness import Readiness

pytestmark = pytest.mark.unit

MS = 1_000
FRAME_US = 33_333


def levels_ms(seconds: float, hold_up_ms: Callable[[float], float], transit_ms: float = 30) -> list[float]:
    """The level after each picture; a picture that is held up holds up those behind it."""
    readiness, free_us, levels = Readiness(), 0, []
    for number in range(round(seconds * 30)):
        captured_us = number * FRAME_US
        held_us = round(hold_up_ms(captured_us / 1e6) * MS)
        free_us = max(free_us, captured_us + round(transit_ms * MS) + held_us)
        readiness.note(free_us, free_us - captured_us)
        levels.append(readiness.ready_us / MS)
    return levels


def now_and_then(share: float, for_ms: float, seed: int = 1) -> Callable[[float], float]:
    chance = random.Random(seed)
    return lambda _: for_ms if chance.random() < share else 0.0


def moved_ms(levels: list[float]) -> Iterator[float]:
    yield from (abs(after - before) for before, after in pairwise(levels))


def test_without_jitter_it_is_the_transit_time() -> None:
    assert levels_ms(5, lambda _: 0.0) == pytest.approx([30] * 150)


@pytest.mark.parametrize("for_ms", [55, 115, 315])
def test_rare_hold_ups_are_not_followed(for_ms: float) -> None:
    assert set(levels_ms(60, now_and_then(0.01, for_ms))) == {30}


@pytest.mark.parametrize("share", [0.1, 0.2, 0.4])
def test_where_most_are_held_up_the_level_is_high_and_steady(share: float) -> None:
    levels = levels_ms(60, now_and_then(share, 315))[300:]
    assert min(levels) > 250
    assert sum(moved_ms(levels)) / 50 < 20  # ms a second


@pytest.mark.parametrize("share", [0.01, 0.02, 0.05, 0.1, 0.2, 0.4])
@pytest.mark.parametrize("for_ms", [55, 115, 315])
def test_it_hardly_moves_on_any_line(share: float, for_ms: float) -> None:
    """Following the 90th percentile of two seconds moved by up to 100 ms a second."""
    moved = [sum(moved_ms(levels_ms(60, now_and_then(share, for_ms, seed))[300:])) / 50 for seed in range(5)]
    assert sum(moved) / len(moved) < 35


def test_after_a_burst_it_is_the_usual_one_within_two_seconds() -> None:
    levels = levels_ms(20, lambda at_s: 300.0 if 10 <= at_s < 11.5 else 0.0)
    assert max(levels) > 100
    assert max(levels[round(13.5 * 30) :]) == 30


def test_after_minutes_of_hold_ups_it_is_the_usual_one_within_six_seconds() -> None:
    chance = random.Random(1)
    levels = levels_ms(80, lambda at_s: 315.0 if at_s < 60 and chance.random() < 0.2 else 0.0)
    assert min(levels[(55 * 30) : 60 * 30]) > 250
    assert max(levels[(66 * 30) :]) == 30


def test_a_longer_way_is_followed_within_two_seconds() -> None:
    readiness = Readiness()
    for number in range(300):
        captured_us = number * FRAME_US
        transit_us = 30 * MS if number < 150 else 130 * MS
        readiness.note(captured_us + transit_us, transit_us)
        if number == 210:
            assert readiness.ready_us == 130 * MS
