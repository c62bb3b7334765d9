"""Who is let in: the reckoning, and that no burst overshoots, whatever comes in between."""

import asyncio
from collections.abc import Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.costs import Cost, cost_of
from api.rooms.admission import UNLIMITED, Admission, Pending, judge, together, total, with_pending
from api.rooms.host import Kind, NoCapacity
from mcu.media import VideoCodec
from mcu.messages import Demand, Load
from tests.unit.api.test_costs import loads, person, room

pytestmark = pytest.mark.unit


def joining(number: int) -> Load:
    return Load(demands=(person(number),))


# --- the reckoning ----------------------------------------------------------------------------------------------------


@given(loads, loads)
def test_together_is_everybody_once_and_the_room_knows_best(one: Load, other: Load) -> None:
    both = together(one, [other, other])
    assert {each.id for each in both.demands} == {each.id for each in (*one.demands, *other.demands)}
    assert set(one.demands) <= set(both.demands)
    assert both.recording == (one.recording or other.recording)
    assert together(both, [one]) == both


def test_who_has_arrived_counts_once() -> None:
    arrived = {"a": room(3)}
    assert with_pending(arrived, [Pending("a", joining(2))]) == arrived
    backstage = Load(demands=(person(0).model_copy(update={"on_stage": False}),))
    assert with_pending({"a": backstage}, [Pending("a", joining(0))]) == {"a": backstage}  # the room knows better
    assert len(with_pending(arrived, [Pending("a", joining(3))])["a"].demands) == 4
    assert with_pending(arrived, [Pending("b", joining(0))])["b"] == joining(0)


@given(loads, st.floats(0.5, 2))
def test_what_fits_exactly_fits_and_a_trifle_less_does_not(load: Load, factor: float) -> None:
    whole = cost_of(room(1), factor) + cost_of(load, factor)
    judge(Kind.ROOM, Pending("b", room(1)), {"a": load}, whole, factor)
    for short in (Cost(whole.cores - 1e-6, whole.memory_mb), Cost(whole.cores, whole.memory_mb - 1e-6)):
        with pytest.raises(NoCapacity):
            judge(Kind.ROOM, Pending("b", room(1)), {"a": load}, short, factor)


def test_the_refusal_says_what_is_needed_and_what_is_left() -> None:
    used = cost_of(room(2))
    need = cost_of(room(3)) - used
    with pytest.raises(NoCapacity) as refused:
        judge(Kind.PARTICIPANT, Pending("a", joining(2)), {"a": room(2)}, used + Cost(0.01, 1000), 1.0)
    assert refused.value.code == "no_capacity_participant"
    assert f"{need.cores:.3f} cores are needed and 0.010 of" in str(refused.value)
    assert "memory" not in str(refused.value)
    with pytest.raises(NoCapacity, match="MB of memory are needed and 0 of 1 are left"):
        judge(Kind.ROOM, Pending("b", Load()), {"a": room(2)}, Cost(10, 1), 1.0)


def test_what_is_there_already_fits_into_an_overfull_machine() -> None:
    judge(Kind.RECORDING, Pending("a", Load(recording=True)), {"a": room(9, recording=True)}, Cost(0.1, 10), 1.0)


@given(loads)
def test_without_a_limit_everything_fits(load: Load) -> None:
    judge(Kind.PARTICIPANT, Pending("a", load), {"a": room(100)}, UNLIMITED, 50.0)


# --- many at once -----------------------------------------------------------------------------------------------------


class Rooms:
    """Rooms as they are: who is in them, told with a delay that may be long."""

    def __init__(self, capacity: Cost, answer_turns: int = 1) -> None:
        self.loads: dict[str, Load] = {}
        self.worst = Cost()
        self.admission = Admission(self._ask, capacity)
        self._answer_turns = answer_turns

    async def _ask(self) -> Mapping[str, Load]:
        told = dict(self.loads)
        await turns(self._answer_turns)
        return told

    def change(self, name: str, load: Load) -> None:
        self.loads[name] = load
        now = total(self.loads, 1.0)
        self.worst = Cost(max(self.worst.cores, now.cores), max(self.worst.memory_mb, now.memory_mb))

    async def join(self, name: str, number: int, before: int, after: int) -> bool:
        """Whether they got in; the room has them some turns after they were let in."""
        try:
            async with self.admission.admitted(Kind.PARTICIPANT, name, joining(number)):
                await turns(before)
                self.change(name, together(self.loads[name], [joining(number)]))
                await turns(after)
        except NoCapacity:
            return False
        return True


async def turns(count: int) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


WAYS = st.tuples(st.sampled_from("abc"), st.integers(0, 6), st.integers(0, 6))


@settings(max_examples=60)
@given(st.lists(WAYS, min_size=1, max_size=20), st.integers(0, 5), st.floats(0.1, 1.5))
def test_a_burst_never_overshoots(ways: list[tuple[str, int, int]], answer_turns: int, cores: float) -> None:
    async def burst() -> None:
        rooms = Rooms(Cost(cores, 10_000), answer_turns)
        for name in "abc":
            rooms.change(name, Load())
        joins = [rooms.join(name, n, before, after) for n, (name, before, after) in enumerate(ways)]
        let_in = await asyncio.gather(*joins)
        assert rooms.worst.cores <= cores + 1e-6
        assert sum(let_in) == sum(len(load.demands) for load in rooms.loads.values())
        assert rooms.admission.refused[Kind.PARTICIPANT] == let_in.count(False)

    asyncio.run(burst())


async def test_a_burst_into_one_room_fills_it_to_the_last_place() -> None:
    rooms = Rooms(cost_of(room(5)))
    rooms.change("a", Load())
    assert sum(await asyncio.gather(*(rooms.join("a", n, 3, 3) for n in range(12)))) == 5
    assert total(rooms.loads, 1.0) == cost_of(room(5))


async def test_whoever_leaves_makes_room() -> None:
    rooms = Rooms(cost_of(room(2)))
    rooms.change("a", room(2))
    assert not await rooms.join("a", 2, 0, 0)
    rooms.change("a", room(1))
    assert await rooms.join("a", 2, 0, 0)


async def test_a_join_that_fails_takes_no_place() -> None:
    rooms = Rooms(cost_of(room(1)))
    rooms.change("a", Load())
    with pytest.raises(RuntimeError, match="no good"):
        async with rooms.admission.admitted(Kind.PARTICIPANT, "a", joining(0)):
            raise RuntimeError("no good")
    assert await rooms.join("a", 1, 0, 0)


async def test_pending_joins_count_as_used() -> None:
    rooms = Rooms(UNLIMITED)
    async with rooms.admission.admitted(Kind.ROOM, "new", joining(0)):
        assert rooms.admission.used({}) == cost_of(room(1))
    assert rooms.admission.used({}) == Cost()


async def test_a_second_codec_counts_with_whoever_brings_it() -> None:
    firefox = Load(demands=(Demand(id="f", codec=VideoCodec.VP8),))
    rooms = Rooms(cost_of(room(4)))
    rooms.change("a", room(3))
    with pytest.raises(NoCapacity):
        async with rooms.admission.admitted(Kind.PARTICIPANT, "a", firefox):
            pass
    assert await rooms.join("a", 3, 0, 0)
