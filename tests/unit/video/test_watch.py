import pytest

from mcu.video.scene import SourceState
from mcu.video.watch import SourceWatch

pytestmark = pytest.mark.unit

WIDE = 16 / 9


def test_a_silent_new_source_is_no_news_and_its_first_picture_is() -> None:
    watch = SourceWatch()
    assert not watch.changed({"a": SourceState()}, 0)
    assert watch.changed({"a": SourceState(WIDE, live=True)}, 1)
    assert not watch.changed({"a": SourceState(WIDE, live=True)}, 1_000_000)
    assert watch.changed({"a": SourceState(WIDE, live=False)}, 2_000_000)


def test_turning_the_phone_is_news_and_a_cropped_line_is_not() -> None:
    watch = SourceWatch()
    watch.changed({"a": SourceState(WIDE, live=True)}, 0)
    assert not watch.changed({"a": SourceState(640 / 362, live=True)}, 1_000_000)
    assert watch.changed({"a": SourceState(9 / 16, live=True)}, 2_000_000)


def test_a_sender_that_changes_shape_all_the_time_is_told_of_five_times_a_second() -> None:
    watch = SourceWatch()
    told = sum(watch.changed({"a": SourceState(1 + n % 2, live=True)}, n * 33_333) for n in range(300))
    assert 40 <= told <= 50


def test_the_last_change_is_told_even_if_it_came_too_soon() -> None:
    watch = SourceWatch()
    assert watch.changed({"a": SourceState(WIDE, live=True)}, 0)
    assert not watch.changed({"a": SourceState(WIDE, live=False)}, 10_000)
    assert watch.changed({"a": SourceState(WIDE, live=False)}, 210_000)


def test_that_a_source_costs_too_much_is_news() -> None:
    watch = SourceWatch()
    assert watch.changed({"a": SourceState(WIDE, live=True)}, 0)
    assert watch.changed({"a": SourceState(WIDE, live=True, costly=True)}, 1_000_000)
    assert not watch.changed({"a": SourceState(WIDE, live=True, costly=True)}, 2_000_000)
