"""People come late, go together and have no camera, with real packets: what those notice who stay."""

import asyncio
import time
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import pytest

from tests.media.guest_streams import Stream, heard_from
from tests.media.own_process import in_own_process
from tests.media.room_guests import Guest, undecoding
from tests.media.room_house import House, open_house
from tests.unit.audio.chirps import SLOT_S, found

pytestmark = pytest.mark.media

GAP_MS = 200
TICK_MS = 1_000 / 30


@dataclass
class Story:
    """What those got who stayed."""

    gaps_ms: dict[str, float] = field(default_factory=dict)  # the longest between two pictures, on media time
    behind_ms: dict[str, float] = field(default_factory=dict)  # arrival of sound after its media time, in the middle
    chirps: list[int] = field(default_factory=list)  # of who has no camera, as heard after the late one had come
    sung: int = 0
    skipped_ms: float = 0.0  # ticks that the mixer left out on a busy machine, and counted


def _gap_ms(stream: Stream, since_s: float) -> float:
    times = [at for at, arrival, *_ in stream.units() if arrival >= since_s]
    return max((after - before) / 90 for before, after in pairwise(times))


def _behind_ms(stream: Stream, origin: int, clock_began_s: float, since_s: float) -> float:
    return float(
        np.median(
            [
                (arrival - clock_began_s) * 1_000 - ((at - origin) & 0xFFFFFFFF) / 48
                for at, arrival, *_ in stream.units()
                if arrival >= since_s
            ]
        )
    )


async def _told() -> Story:
    story = Story()
    with undecoding():
        async with open_house() as house:
            anna, bert, cleo = (Guest(name, seed=seed) for seed, name in enumerate(("anna", "bert", "cleo")))
            dora = Guest("dora", seed=3, sings=True, films=False)
            for guest in (anna, bert, cleo, dora):
                await guest.join(house)
            await asyncio.sleep(1)
            before, since_s = await house.moment(), time.monotonic()
            await asyncio.gather(bert.leave(), cleo.leave())
            await asyncio.sleep(2)
            late = Guest("late", seed=4)
            await late.join(house)
            await asyncio.sleep(3)
            story.skipped_ms = ((await house.moment()).skipped - before.skipped) * TICK_MS
            story.gaps_ms = {guest.name: _gap_ms(guest.picture, since_s) for guest in (anna, late)}
            await _look_back(story, house, anna, late, dora)
            for guest in (anna, dora, late):
                await guest.leave()
    return story


async def _look_back(story: Story, house: House, anna: Guest, late: Guest, dora: Guest) -> None:
    began_s = await house.began_s()
    since_s = min(arrival for _, arrival, *_ in late.sound.units()) + 0.5
    for guest in (anna, late):
        story.behind_ms[guest.name] = _behind_ms(guest.sound, (await house.origins(guest.name))[0], began_s, since_s)
    heard = heard_from(late.sound, (await house.origins(late.name))[0], dora.begun_s - began_s)
    count = int(len(heard) / 48_000 / SLOT_S)
    story.sung = sum(number * SLOT_S >= since_s - dora.begun_s for number in range(count - 1))
    story.chirps = [number for number, _ in found(heard, count) if number * SLOT_S >= since_s - dora.begun_s]


@pytest.fixture(scope="module")
def story() -> Story:
    return in_own_process(_told, timeout_s=60)


def test_two_who_leave_at_once_hold_up_nobody(story: Story) -> None:
    assert story.gaps_ms["anna"] <= GAP_MS + story.skipped_ms


def test_who_comes_late_hears_as_early_as_the_first(story: Story) -> None:
    assert abs(story.behind_ms["late"] - story.behind_ms["anna"]) < 20


def test_who_has_no_camera_is_heard_and_stops_no_picture(story: Story) -> None:
    assert story.chirps == sorted(story.chirps)
    assert len(story.chirps) >= story.sung - 1 > 5
    assert story.gaps_ms["late"] <= GAP_MS + story.skipped_ms
