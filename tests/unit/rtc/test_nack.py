import itertools

import pytest

from mcu.rtc.nack import MAX_MISSING, MAX_TRIES, NackSchedule

pytestmark = pytest.mark.unit

MS = 1000


def test_mere_reordering_costs_nothing() -> None:
    schedule = NackSchedule()
    for sequence, now_ms in [(1, 0), (4, 1), (3, 2), (2, 5), (5, 6)]:
        schedule.received(sequence, now_ms * MS)
        assert schedule.due(now_ms * MS) == []
    assert schedule.next_due_us() is None


def test_the_patience_follows_the_reordering() -> None:
    schedule = NackSchedule()
    asked = []
    for step in range(20):  # every other packet comes 40 ms after its successor
        for sequence, at_ms, original in [(2 * step + 1, 0, True), (2 * step, 40, True)]:
            now_us = (100 * step + at_ms) * MS
            asked += schedule.due(now_us - 1)
            schedule.received(sequence, now_us, original=original)
    assert len(asked) == 1  # learnt from the first
    assert schedule.recovered == 0


def test_patience_wears_off_when_packets_are_truly_lost() -> None:
    schedule = NackSchedule()
    schedule.received(0, 0)
    schedule.received(2, 0)
    schedule.received(1, 60 * MS, original=True)
    assert schedule.grace_us == 75 * MS
    for sequence in range(2, 100, 2):
        schedule.received(sequence, 0)
        schedule.due(80 * MS)
        schedule.received(sequence - 1, 100 * MS)
    assert schedule.grace_us < 12 * MS


def test_lost_packets_are_asked_for_again_and_again_until_they_come() -> None:
    schedule = NackSchedule()
    schedule.received(1, 0)
    schedule.received(4, 0)
    asked = [(now_ms, lost) for now_ms in range(0, 400, 5) if (lost := schedule.due(now_ms * MS))]
    assert [lost for _, lost in asked] == [[2, 3]] * len(asked)
    intervals = [after - before for (before, _), (after, _) in itertools.pairwise(asked)]
    assert asked[0][0] == 10  # the grace for reordering
    assert set(intervals) == {125}  # 5/4 of the round-trip time that is assumed at first
    schedule.received(2, 400 * MS)
    assert schedule.due(600 * MS) == [3]


def test_the_round_trip_time_is_learnt_from_the_answers() -> None:
    schedule = NackSchedule()
    sequence, now_us = 0, 0
    for _ in range(60):
        schedule.received(sequence, now_us)
        schedule.received(sequence + 2, now_us)
        now_us += 10 * MS
        assert schedule.due(now_us) == [sequence + 1]
        now_us += 30 * MS
        schedule.received(sequence + 1, now_us)
        sequence += 3
        schedule.received(sequence - 1, now_us)
    assert schedule.rtt_us == pytest.approx(30 * MS, rel=0.1)
    assert schedule.recovered == 60


def test_it_ends_after_some_tries_or_when_nobody_waits() -> None:
    schedule = NackSchedule()
    schedule.received(1, 0)
    schedule.received(3, 0)
    tries = sum(bool(schedule.due(now_ms * MS)) for now_ms in range(0, 5000, 5))
    assert tries == MAX_TRIES
    assert schedule.next_due_us() is None
    schedule.received(10, 0)
    schedule.forget_before(8)
    assert schedule.due(10**9) == [8, 9]
    assert schedule.abandoned == 1 + 4


def test_a_hole_too_large_is_not_mended() -> None:
    schedule = NackSchedule()
    schedule.received(1, 0)
    assert not schedule.received(1 + MAX_MISSING + 2, 0)
    assert schedule.next_due_us() is None
    assert schedule.received(1 + MAX_MISSING + 4, 0)
    assert schedule.due(10**6) == [1 + MAX_MISSING + 3]


def test_a_full_line_is_not_filled_with_repetitions() -> None:
    """Two of three packets are lost, whatever is asked for: a line of a third of what is sent."""
    schedule = NackSchedule()
    asked = 0
    for sequence in range(3000):
        if sequence % 3 == 0:
            schedule.received(sequence, sequence * 1000)
        asked += len(schedule.due(sequence * 1000))
    assert asked <= 0.5 * 1000 + 100


def test_a_line_that_loses_a_fifth_is_mended_whole() -> None:
    schedule = NackSchedule()
    asked: set[int] = set()
    for sequence in range(3000):
        if sequence % 5:
            schedule.received(sequence, sequence * 1000)
        for lost in schedule.due(sequence * 1000):
            asked.add(lost)
            schedule.received(lost, sequence * 1000 + 500)
    assert asked >= set(range(5, 2900, 5))


def test_packets_in_order_may_be_noted_all_at_once() -> None:
    schedule = NackSchedule()
    schedule.came_in_order(10)
    schedule.received(13, 0)
    assert schedule.due(10 * MS) == [11, 12]
    schedule.came_in_order(13)
    assert schedule.due(1000 * MS) == [11, 12]


def test_patience_ends() -> None:
    schedule = NackSchedule(patience_us=200 * MS)
    schedule.received(1, 0)
    schedule.received(3, 0)
    assert [now_ms for now_ms in range(0, 1000, 5) if schedule.due(now_ms * MS)] == [10, 135]
    assert schedule.abandoned == 1
