"""The cost table: what it says of rooms that were measured, and what may not depend on the order of things."""

import re
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.costs import (
    CAMERA,
    ENCODERS,
    LISTENER,
    MICROPHONE,
    OCCUPIED,
    PARTICIPANT,
    RECORDING,
    ROOM,
    SCREEN,
    STAGE,
    TALKER,
    Cost,
    cost_of,
)
from mcu.media import Rung, VideoCodec
from mcu.messages import Demand, Load, VideoConfig

pytestmark = pytest.mark.unit

H264, VP8 = VideoCodec.H264, VideoCodec.VP8

demands = st.builds(
    Demand,
    id=st.uuids().map(str),
    microphone=st.booleans(),
    camera=st.booleans(),
    on_stage=st.booleans(),
    sharing=st.booleans(),
    codec=st.sampled_from([None, H264, VP8]),
    rung=st.sampled_from(Rung),
)
loads = st.builds(
    Load, demands=st.lists(demands, max_size=12, unique_by=lambda each: each.id).map(tuple), recording=st.booleans()
)


def person(number: int, codec: VideoCodec | None = H264, rung: Rung = Rung.FULL) -> Demand:
    return Demand(id=f"p{number}", microphone=True, camera=True, on_stage=True, codec=codec, rung=rung)


def room(people: int, **fields: object) -> Load:
    return Load(demands=tuple(person(n) for n in range(people))).model_copy(update=fields)


@pytest.mark.parametrize(
    ("load", "measured_cores", "measured_mb"),
    [
        (room(0), 0.002, 70),
        (room(2), 0.219, 120),
        (room(4), 0.322, 128),
        (room(9), 0.561, 145),
        (room(9, recording=True), 0.559, 170),
    ],
    ids=["empty", "two", "four", "nine", "nine, recorded"],
)
def test_measured_rooms_cost_what_the_table_says_and_not_much_less(
    load: Load, measured_cores: float, measured_mb: float
) -> None:
    """Measured by ``make bench`` on the machine of reference, with one or three who talk; all may."""
    cost = cost_of(load)
    assert measured_cores <= cost.cores <= measured_cores * 1.35 + 0.01
    assert measured_mb <= cost.memory_mb <= measured_mb * 1.3


def test_everybody_on_one_size_shares_one_encoder() -> None:
    third, second = cost_of(room(3)) - cost_of(room(2)), cost_of(room(2)) - cost_of(room(1))
    assert third.cores == pytest.approx(second.cores)
    other = Load(demands=(*room(2).demands, person(2, VP8)))
    assert (cost_of(other) - cost_of(room(2))).cores > third.cores + 0.1
    smaller = Load(demands=(*room(2).demands, person(2, H264, Rung.HALF)))
    assert third.cores < (cost_of(smaller) - cost_of(room(2))).cores < third.cores + 0.1


def test_a_listener_costs_a_fraction_of_a_camera() -> None:
    before = room(9)
    listener = Demand(id="x", codec=H264)
    more = cost_of(before.model_copy(update={"demands": (*before.demands, listener)})) - cost_of(before)
    assert more.cores <= 0.015
    assert more.memory_mb <= 1


def test_a_recording_of_people_who_take_vp8_needs_an_encoder_of_its_own() -> None:
    firefoxes = Load(demands=(person(0, VP8), person(1, VP8)))
    chromiums = Load(demands=(person(0), person(1)))
    extra = [cost_of(each.model_copy(update={"recording": True})) - cost_of(each) for each in (firefoxes, chromiums)]
    assert extra[0].cores > extra[1].cores + 0.1


def test_only_so_many_are_heard_at_once() -> None:
    listeners = [Demand(id=f"p{n}", microphone=True) for n in range(20)]
    steps = [
        cost_of(Load(demands=tuple(listeners[: n + 1]))).cores - cost_of(Load(demands=tuple(listeners[:n]))).cores
        for n in range(20)
    ]
    assert steps[19] == pytest.approx(steps[6])
    assert steps[19] < steps[5]


def test_a_canvas_of_four_times_the_pixels_is_four_times_the_encoding() -> None:
    small = VideoConfig(width=640, height=360)
    quarter, whole = cost_of(room(1, video=small)).cores, cost_of(room(1)).cores
    without = cost_of(Load(demands=(person(0, None),))).cores
    assert 3.5 < (whole - without) / (quarter - without) < 4.5


@given(loads, demands)
def test_nobody_makes_a_room_cheaper(load: Load, another: Demand) -> None:
    more = cost_of(load.model_copy(update={"demands": (*load.demands, another)}))
    assert more.cores > cost_of(load).cores
    assert more.memory_mb > cost_of(load).memory_mb


@given(loads, st.randoms(use_true_random=False), st.floats(0.1, 10))
def test_the_order_does_not_matter_and_a_slow_machine_takes_more_time_not_more_memory(
    load: Load, random: Random, factor: float
) -> None:
    shuffled = list(load.demands)
    random.shuffle(shuffled)
    other = cost_of(load.model_copy(update={"demands": tuple(shuffled)}), factor)
    assert other.cores == pytest.approx(cost_of(load).cores * factor)
    assert other.memory_mb == pytest.approx(cost_of(load).memory_mb)


def test_the_page_for_operators_has_the_table() -> None:
    page = (Path(__file__).parents[3] / "docs" / "operations.md").read_text()
    table = page.split("<!-- the test of this table reads it -->")[1].split("\n\n")[0]
    rows = [
        [cell.split(", ") for cell in row.split("|")[2:4]] for row in table.splitlines() if re.search(r"\d \|", row)
    ]
    told = [Cost(float(cores), float(mb)) for each in rows for cores, mb in zip(*each, strict=True)]
    listed = [
        ROOM,
        OCCUPIED,
        PARTICIPANT,
        LISTENER,
        MICROPHONE,
        CAMERA,
        STAGE,
        SCREEN,
        TALKER,
        RECORDING,
        *ENCODERS.values(),
    ]
    assert told == listed
    nine, memory = re.search(r"come to ([\d.]+) cores and (\d+) MB", page).groups()  # type: ignore[union-attr]  # it is there
    assert cost_of(room(9)).cores == pytest.approx(float(nine), abs=0.005)
    assert cost_of(room(9)).memory_mb == pytest.approx(float(memory), abs=0.5)
