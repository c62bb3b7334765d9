"""What a machine is said to carry fits, and one more would not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.costs import Cost, cost_of
from api.doctor.carrying import MEMORY, PROCESSORS, THREAD, Limits, carried, room
from api.rooms.admission import UNLIMITED, Pending, judge
from api.rooms.host import Kind, NoCapacity
from mcu.messages import Load, VideoConfig

pytestmark = pytest.mark.unit

VIDEO = VideoConfig()
ROOMS = {
    "rooms of 4": room(VIDEO, 4),
    "rooms of 4, recorded": room(VIDEO, 4, recording=True),
    "rooms of 9": room(VIDEO, 9),
    "rooms of 9, recorded": room(VIDEO, 9, recording=True),
}


def limits(capacity: Cost, factor: float = 1.0, max_rooms: int = 1000, max_participants: int = 1000) -> Limits:
    return Limits(capacity, factor, VIDEO, max_rooms, max_participants)


def fits(loads: dict[str, Load], capacity: Cost, factor: float) -> bool:
    """Whether admission would let the last of them in."""
    *others, last = loads
    try:
        judge(Kind.ROOM, Pending(last, loads[last]), {name: loads[name] for name in others}, capacity, factor)
    except NoCapacity:
        return False
    return True


@given(st.floats(0.1, 20), st.floats(100, 10_000), st.floats(0.2, 5))
def test_admission_agrees_with_what_is_said(cores: float, memory_mb: float, factor: float) -> None:
    capacity = Cost(cores, memory_mb)
    said = {each.what: each for each in carried(limits(capacity, factor))}
    for what, load in ROOMS.items():
        count, limited_by = said[what].count, said[what].limited_by
        assert limited_by in {PROCESSORS, MEMORY}
        assert count == 0 or fits({str(n): load for n in range(count)}, capacity, factor)
        assert not fits({str(n): load for n in range(count + 1)}, capacity, factor)
    listeners = said["listeners in a room of 9"]
    if listeners.limited_by != THREAD and cost_of(room(VIDEO, 9), factor).cores <= cores:
        assert not fits({"a": room(VIDEO, 9, listeners.count + 1)}, capacity, factor)
    if listeners.count:
        assert fits({"a": room(VIDEO, 9, listeners.count)}, capacity, factor)


def test_settings_bound_what_machines_do_not() -> None:
    said = carried(limits(UNLIMITED, max_rooms=7, max_participants=12))
    assert [(each.count, each.limited_by) for each in said[:4]] == [(7, "TUTTI_MAX_ROOMS")] * 4
    assert (said[4].count, said[4].limited_by) == (3, "TUTTI_MAX_PARTICIPANTS")


def test_a_machine_of_many_cores_has_one_thread_for_a_room() -> None:
    many, few = (carried(limits(Cost(64, 1_000_000), factor))[4] for factor in (1.0, 2.0))
    assert many.limited_by == few.limited_by == THREAD
    assert 20 < few.count < many.count < 1000
