"""A mixer whose pictures cost too much, on virtual time."""

import pytest

from mcu.clock import Ticker
from mcu.media import Rung
from mcu.video.overload import RELIEFS, Overload

pytestmark = pytest.mark.unit

SECOND = 1_000_000
PERIOD_US = SECOND / 30
COST_OF_RUNG = {Rung.FULL: 1.0, Rung.HALF: 0.4, Rung.QUARTER: 0.2}


class Machine:
    """Works on ticks as the mixer's thread does; a picture costs so much, the rung's part by its size."""

    def __init__(self, fixed_ms: float, encode_ms: float) -> None:
        self.fixed_ms, self.encode_ms = fixed_ms, encode_ms
        self.ticker = Ticker(30)
        self.overload = Overload(PERIOD_US)
        self.now_us = 0
        self.levels: list[tuple[float, int]] = [(0.0, 0)]
        self.shown: list[int] = []

    def run(self, seconds: float) -> None:
        end_us = self.now_us + round(seconds * SECOND)
        while self.now_us < end_us:
            self.now_us += self.ticker.wait_us(self.now_us)
            tick = self.ticker.take(self.now_us)
            if not self.overload.keeps(tick):
                continue
            late_us = self.now_us - self.ticker.due_us(tick)
            relief = self.overload.relief
            busy_us = 1000 * (self.fixed_ms / relief.refresh + self.encode_ms * COST_OF_RUNG[relief.best])
            self.now_us += round(busy_us)
            self.shown.append(self.now_us)
            if self.overload.worked(late_us, busy_us, self.now_us):
                self.levels.append((self.now_us / SECOND, self.overload.level))

    def fps(self, last_s: float) -> float:
        return sum(at > self.now_us - last_s * SECOND for at in self.shown) / last_s


def test_a_machine_that_keeps_up_gives_nothing_up() -> None:
    machine = Machine(8, 12)
    machine.run(300)
    assert machine.levels == [(0.0, 0)]
    assert machine.fps(10) == pytest.approx(30, abs=0.2)


@pytest.mark.parametrize(
    ("fixed_ms", "encode_ms", "fps", "best"),
    [(10, 30, 20, Rung.FULL), (10, 48, 15, Rung.FULL), (10, 90, 15, Rung.HALF), (10, 200, 15, Rung.QUARTER)],
)
def test_first_the_rate_falls_then_the_rungs(fixed_ms: float, encode_ms: float, fps: float, best: Rung) -> None:
    machine = Machine(fixed_ms, encode_ms)
    machine.run(9)
    assert machine.overload.relief.best is best
    assert machine.fps(2) == pytest.approx(fps, abs=1.1)
    assert [level for _, level in machine.levels] == list(range(len(machine.levels)))  # one step after the other


def test_a_step_takes_a_second_of_late_ticks() -> None:
    machine = Machine(8, 12)
    machine.run(10)
    machine.encode_ms = 40
    machine.run(2)
    assert 10.7 < machine.levels[1][0] < 12


def test_tiles_are_the_last_to_go_and_take_turns() -> None:
    machine = Machine(80, 200)
    machine.run(20)
    overload = machine.overload
    assert overload.level == len(RELIEFS) - 1
    kept = [tick for tick in range(100, 140) if overload.keeps(tick)]
    for tile in range(4):
        fresh = [overload.refreshes(tick, tile) for tick in kept]
        assert fresh == [fresh[0], not fresh[0]] * (len(kept) // 2)
    assert [overload.refreshes(kept[0], tile) for tile in range(4)] in ([True, False] * 2, [False, True] * 2)


def test_it_climbs_back_when_the_cause_is_gone() -> None:
    machine = Machine(10, 200)
    machine.run(10)
    machine.encode_ms = 12
    machine.run(40)
    assert machine.overload.level == 0
    assert machine.fps(5) == pytest.approx(30, abs=0.5)


def test_it_does_not_swing_to_and_fro() -> None:
    machine = Machine(10, 30)  # 40 ms: too much for 30 a second, and it can be foretold
    machine.run(300)
    assert len(machine.levels) == 2
    machine = Machine(10, 90)  # what the full size costs is not known from the half
    machine.run(300)
    changes = [at for at, _ in machine.levels if at > 60]
    assert len(changes) <= 12


def test_a_single_late_tick_means_nothing() -> None:
    overload, calls = Overload(PERIOD_US), 0
    for tick in range(3000):
        late_us = 30_000 if tick % 5 == 0 else 0
        calls += overload.worked(late_us, 10_000, round(tick * PERIOD_US))
    assert calls == 0


@pytest.mark.parametrize(
    ("waits_ms", "behind_ms"),
    [
        ([], 0),
        ([5, 30, 33], 0),
        ([100, 110, 120], 77),
        ([5, 6, 5000], 0),  # one that sends what takes long to decode
        ([5, 5000], 0),
    ],
)
def test_decoding_is_behind_when_most_sources_wait_longer_than_a_picture(waits_ms: list[int], behind_ms: int) -> None:
    behind_us = Overload(PERIOD_US).behind_us([wait_ms * 1000 for wait_ms in waits_ms])
    assert round(behind_us / 1000) == behind_ms
