"""What is seen and heard of an actor, with a source that counts."""

import numpy as np
import pytest

from mcu.media import SAMPLES_PER_TICK, Picture, Samples
from mcu.offline.performer import Performer
from mcu.offline.scenario import FOREVER_US, Actor, Spans

pytestmark = pytest.mark.unit

S = 1_000_000
TICKS_PER_S = 50


class Counting:
    """Sound that is its own sample number (in seconds), and pictures that know the time they were asked for."""

    def __init__(self, length_us: int | None = 10 * S) -> None:
        self.name = "counting"
        self.first_picture: Picture | None = None
        self.length_us = length_us
        self.taken = 0

    def picture(self, now_us: int) -> Picture | None:
        plane = np.zeros((2, 2), np.uint8)
        return Picture(plane, plane, plane, due_us=now_us)

    def sound(self, count: int) -> Samples:
        self.taken += count
        return ((np.arange(self.taken - count, self.taken) + 1) / 48_000).astype(np.float32)[:, np.newaxis]

    def is_over(self, now_us: int) -> bool:
        return self.length_us is not None and now_us >= self.length_us

    def close(self) -> None:
        pass


def listen(actor: Actor, seconds: float) -> Samples:
    performer = Performer(actor, Counting())
    ticks = round(seconds * TICKS_PER_S)
    return np.concatenate([performer.sound(n * SAMPLES_PER_TICK, SAMPLES_PER_TICK) for n in range(ticks)])[:, 0]


def test_who_comes_late_begins_at_the_beginning_to_the_sample() -> None:
    sound = listen(Actor("a", "x", here=((505_000, FOREVER_US),)), 1)
    first = 505 * 48
    assert not sound[:first].any()
    assert sound[first : first + 3] == pytest.approx(np.array([1, 2, 3]) / 48_000)


def test_who_comes_back_is_where_time_has_gone() -> None:
    sound = listen(Actor("a", "x", here=((0, S), (2 * S, 3 * S))), 4)
    assert not sound[48_000 + 960 : 96_000].any()
    assert sound[-1] == 0
    assert sound[120_000] == pytest.approx(2.5, abs=0.001)


@pytest.mark.parametrize(
    "actor", [Actor("a", "x", muted=((S, 2 * S),)), Actor("a", "x", speaks=((0, S), (2 * S, 3 * S)))]
)
def test_muting_fades_in_20_ms(actor: Actor) -> None:
    sound = listen(actor, 3)
    assert not sound[48_000 + 960 : 96_000].any()
    assert np.abs(np.diff(sound)).max() < 0.005, "a click"
    assert sound[40_000] == pytest.approx(40_001 / 48_000)
    assert sound[140_000] == pytest.approx(140_001 / 48_000)


def test_its_time_begins_when_it_comes() -> None:
    performer = Performer(Actor("a", "x", here=((2 * S, 5 * S),), camera_off=((3 * S, 4 * S),)), Counting())
    shown = {at_s: performer.picture(at_s * S) for at_s in range(1, 6)}
    assert {at_s: picture and picture.due_us for at_s, picture in shown.items()} == {
        1: None,
        2: 0,
        3: None,
        4: 2 * S,
        5: 3 * S,
    }
    assert [performer.since_us(at_s * S) for at_s in (1, 2, 4, 5)] == [None, 2 * S, 2 * S, None]


@pytest.mark.parametrize(
    ("speaks", "muted", "levels"),
    [
        (None, (), [-30, -30, -30]),
        (((S, 2 * S),), (), [-127, -20, -127]),
        (((0, 3 * S),), ((S, 2 * S),), [-20, -127, -20]),
        ((), (), [-127, -127, -127]),
    ],
)
def test_how_loud_it_counts(speaks: Spans | None, muted: Spans, levels: list[float]) -> None:
    performer = Performer(Actor("a", "x", speaks=speaks, muted=muted), Counting())
    assert [performer.level_dbov(n * S + S // 2, -30) for n in range(3)] == levels


def test_when_it_is_over() -> None:
    clip = Performer(Actor("a", "x", here=((2 * S, FOREVER_US),)), Counting(3 * S))
    assert [clip.is_over(n * S) for n in (0, 2, 4, 5)] == [False, False, False, True]
    assert clip.known_end_us == 5 * S
    leaving = Performer(Actor("a", "x", here=((0, S),)), Counting(None))
    assert [leaving.is_over(n * S) for n in (0, 1)] == [False, True]
    assert Performer(Actor("a", "x", here=()), Counting()).is_over(0)
