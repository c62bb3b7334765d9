"""How decode time is divided, on virtual time."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcu.video.budget import BURST_US, CEILING, RESUME_US, TOGETHER, DecodeBudget, Shares

pytestmark = pytest.mark.unit

PERIOD_US = 33_333
SECOND = 1_000_000


def decoded(budget: DecodeBudget, cost_us: int, pictures: int, start_us: int = 0) -> list[int]:
    """Which pictures of a camera that costs so much a picture are worked on."""
    done = []
    for n in range(pictures):
        if budget.allows(start_us + n * PERIOD_US):
            budget.spend(cost_us)
            done.append(n)
    return done


@pytest.mark.parametrize("cost_us", [500, 2_000, 5_000, 13_000])
def test_a_camera_within_its_share_loses_nothing(cost_us: int) -> None:
    assert len(decoded(DecodeBudget(), cost_us, 3000)) == 3000


@pytest.mark.parametrize("cost_us", [15_000, 40_000, 100_000, 1_000_000])
def test_a_costly_one_takes_its_share_and_no_more(cost_us: int) -> None:
    done = decoded(DecodeBudget(), cost_us, 3000)
    spent_us = len(done) * cost_us
    assert spent_us <= CEILING * 100 * SECOND + BURST_US + cost_us
    assert spent_us >= CEILING * 100 * SECOND - RESUME_US - cost_us


def test_work_comes_in_runs_so_that_a_keyframe_is_worth_its_cost() -> None:
    done = decoded(DecodeBudget(), 20_000, 3000)
    runs = 1 + sum(after - before > 1 for before, after in itertools.pairwise(done))
    assert len(done) / runs > 3


def test_a_pause_saves_no_more_than_a_burst() -> None:
    budget = DecodeBudget()
    decoded(budget, 40_000, 300)
    budget.allows(10**9)
    assert len(decoded(budget, 100_000, 3, 10**9)) == 3  # a burst of 200 ms, and the one that overdraws it
    assert not budget.allows(10**9 + 3 * PERIOD_US)


def test_time_that_goes_back_gains_nothing() -> None:
    budget = DecodeBudget()
    budget.allows(SECOND)
    budget.spend(BURST_US + 10_000)
    assert not any(budget.allows(t) for t in (0, SECOND, 0, SECOND) * 1000)


# --- together ---------------------------------------------------------------------------------------------------------


def divided(loads: list[float], cores: int = 2) -> list[float]:
    """The shares after a second in which each source took so much of a core."""
    budgets = {str(n): DecodeBudget() for n in range(len(loads))}
    shares = Shares(cores)
    shares.divide(budgets, 0)
    for budget, load in zip(budgets.values(), loads, strict=True):
        budget.spend(round(load * SECOND))
    shares.divide(budgets, SECOND)
    return [budget.share for budget in budgets.values()]


def test_nine_cameras_and_four_costly_ones_are_as_free_as_alone() -> None:
    assert divided([0.02] * 9) == [CEILING] * 9
    assert divided([0.02] * 5 + [0.2] * 4) == [CEILING] * 9


def test_more_cores_leave_more_to_each() -> None:
    assert [divided([0.1], cores)[0] for cores in (1, 2, 4, 8, 64)] == pytest.approx([0.4, 0.4, 0.6, 1.0, 1.0])


def test_many_costly_ones_share_what_the_modest_leave() -> None:
    shares = divided([0.02] * 5 + [0.3] * 9)
    assert shares[-1] == pytest.approx((1.0 - 5 * 0.02) / 9)
    assert min(shares) > 0.02  # so the modest have all they need


def test_the_division_stands_while_all_take_what_they_get() -> None:
    assert divided([0.02] * 5 + [0.1] * 9)[-1] == pytest.approx(0.1)


def test_it_is_done_once_a_second() -> None:
    budgets = {"a": DecodeBudget()}
    shares = Shares(1)
    for n in range(100):
        shares.divide(budgets, n * PERIOD_US)
        budgets["a"].spend(SECOND)
        if n * PERIOD_US < SECOND:
            assert budgets["a"].share == CEILING


@given(st.lists(st.floats(0, CEILING), min_size=1, max_size=50), st.integers(1, 16))
def test_together_they_stay_within_the_total_and_the_modest_are_spared(loads: list[float], cores: int) -> None:
    shares = divided(loads, cores)
    granted = [min(load, share) for load, share in zip(loads, shares, strict=True)]
    assert sum(granted) <= TOGETHER * cores + 0.001
    even = TOGETHER * cores / len(loads)
    assert all(share >= min(even, CEILING) - 0.001 for share in shares)
