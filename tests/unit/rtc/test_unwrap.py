import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcu.rtc.unwrap import Unwrapper

pytestmark = pytest.mark.unit


def test_a_counter_goes_on_behind_its_wrap() -> None:
    unwrapper = Unwrapper(16)
    assert [unwrapper.unwrap(v) for v in (65_534, 65_535, 0, 1)] == [65_534, 65_535, 65_536, 65_537]


def test_what_was_overtaken_gets_its_true_place() -> None:
    unwrapper = Unwrapper(16)
    assert [unwrapper.unwrap(v) for v in (65_535, 2, 0, 1, 3)] == [65_535, 65_538, 65_536, 65_537, 65_539]


def test_peeking_changes_nothing() -> None:
    unwrapper = Unwrapper(32)
    unwrapper.unwrap(10)
    assert unwrapper.peek(3_000_000_000) == 3_000_000_000 - (1 << 32)
    assert unwrapper.peek(2_000_000_000) == 2_000_000_000
    assert unwrapper.unwrap(11) == 11


@given(st.lists(st.integers(-200, 200), max_size=300), st.integers(0, 1 << 40))
def test_any_walk_in_small_steps_comes_out_as_it_went_in(steps: list[int], start: int) -> None:
    unwrapper, value = Unwrapper(16), start
    first = unwrapper.unwrap(start & 0xFFFF)
    for step in steps:
        value += step
        if abs(value - start) < 30_000:
            assert unwrapper.unwrap(value & 0xFFFF) - first == value - start
