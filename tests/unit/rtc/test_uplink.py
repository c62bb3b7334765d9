"""Senders on lines of all kinds, on virtual time: a bottleneck with a queue that drops its tail, jitter, loss."""

import heapq
import random
from dataclasses import dataclass, field

import pytest

from mcu.rtc.rtp import abs_send_time
from mcu.rtc.uplink import LEAST_BPS, UplinkEstimate

pytestmark = pytest.mark.unit

MS, SECOND = 1000, 1_000_000
MOST_BPS = 4_000_000
PACKET_BYTES = 1000
FRAME_US = 33_333


@dataclass
class Line:
    """A sender that sends what is wanted, or what it is told if that is less, with a keyframe now and then."""

    wanted_bps: float = 1_500_000
    bps: float = 50e6
    queue_bytes: float = 50_000
    delay_us: float = 20 * MS
    jitter_us: float = 0  # each packet takes so much more or less, so they overtake each other
    loss: float = 0.0
    keyframe_every: int = 300  # frames; it is ten times the size of others
    drift: float = 0.0  # how much faster the sender's clock is
    obeys: bool = True
    now_us: int = 60 * SECOND  # the sender's clock wraps every 64 seconds
    estimates: list[tuple[float, float | None]] = field(default_factory=list)  # by second
    queues_us: list[float] = field(default_factory=list)  # what each packet waited

    def __post_init__(self) -> None:
        self.late_us = 0  # the receiving loop
        self.uplink = UplinkEstimate(MOST_BPS, lambda: self.late_us)
        self.random = random.Random(7)
        self.begun_us = self.now_us
        self.free_us = 0.0  # when the line has sent what was given to it
        self.on_the_way: list[tuple[float, int, int]] = []  # arrival, number, departure as the sender has it
        self.sent = self.frames = self.arrived = self.highest = 0
        self.reported = (0, 0)
        self.report_us = self.now_us + SECOND
        self.credit = 0.0

    @property
    def rate_bps(self) -> float:
        """What is sent."""
        told = self.uplink.bps if self.obeys else None
        return self.wanted_bps if told is None else min(self.wanted_bps, told)

    def run(self, seconds: float) -> None:
        end_us = self.now_us + round(seconds * SECOND)
        while self.now_us < end_us:
            self._frame()
            self.now_us += FRAME_US
            while self.on_the_way and self.on_the_way[0][0] <= self.now_us:
                self._arrive(*heapq.heappop(self.on_the_way))
            if self.now_us >= self.report_us:
                self._report()

    def _frame(self) -> None:
        """All packets of a frame leave within half of its time, those of a keyframe too."""
        self.frames += 1
        self.credit += self.rate_bps * FRAME_US / SECOND / 8
        spend = self.credit
        if self.frames % self.keyframe_every == 0:
            spend += 9 * self.credit
        for n in range(packets := round(spend / PACKET_BYTES)):
            self._send(self.now_us + n * FRAME_US / 2 / packets)
        self.credit -= packets * PACKET_BYTES

    def _send(self, at_us: float) -> None:
        self.sent += 1
        waits_us = max(0.0, self.free_us - at_us)
        if waits_us * self.bps / 8 / SECOND > self.queue_bytes - PACKET_BYTES:
            return
        self.queues_us.append(waits_us)
        self.free_us = at_us + waits_us + PACKET_BYTES * 8 / self.bps * SECOND
        if self.random.random() < self.loss:
            return
        arrival_us = self.free_us + self.delay_us + self.random.uniform(-self.jitter_us, self.jitter_us)
        departure = abs_send_time(round(at_us * (1 + self.drift)))
        heapq.heappush(self.on_the_way, (arrival_us, self.sent, departure))

    def _arrive(self, arrival_us: float, number: int, departure: int) -> None:
        self.arrived += 1
        self.highest = max(self.highest, number)
        self.uplink.packet(PACKET_BYTES, departure.to_bytes(3), round(arrival_us))

    def _report(self) -> None:
        self.report_us += SECOND
        expected, arrived = self.highest - self.reported[0], self.arrived - self.reported[1]
        self.reported = (self.highest, self.arrived)
        self.uplink.report(expected, expected - arrived, self.now_us)
        self.estimates.append(((self.now_us - self.begun_us) / SECOND, self.uplink.bps))

    def told_since(self, second: float) -> list[float]:
        """The estimates from then on; none of them may be None."""
        told = [bps for at, bps in self.estimates if at > second]
        assert None not in told, self.estimates
        return [bps for bps in told if bps is not None]


@pytest.mark.parametrize(
    "impaired",
    [
        {},
        {"delay_us": 100 * MS, "jitter_us": 80 * MS},
        {"loss": 0.05},
        {"delay_us": 100 * MS, "jitter_us": 80 * MS, "loss": 0.05},
        {"drift": 300e-6},
        {"drift": -300e-6},
        {"wanted_bps": 100_000, "delay_us": 100 * MS, "jitter_us": 80 * MS},
        {"bps": 3_000_000, "keyframe_every": 90},
    ],
)
def test_a_line_that_is_wide_enough_is_left_alone(impaired: dict[str, float]) -> None:
    line = Line(**impaired)  # type: ignore[arg-type]  # a frame count is among the floats
    line.run(180)
    assert {bps for _, bps in line.estimates} == {None}


@pytest.mark.parametrize("queue_bytes", [5_000, 30_000, 200_000])
@pytest.mark.parametrize("bps", [300_000, 700_000, 1_200_000])
def test_a_sender_stays_below_what_a_narrow_line_bears_and_uses_it(bps: float, queue_bytes: float) -> None:
    line = Line(bps=bps, queue_bytes=queue_bytes)
    line.run(60)
    told = line.told_since(8)
    assert 0.65 * bps < min(told)
    assert max(told) < 1.15 * bps
    assert sum(told) / len(told) > 0.8 * bps


def test_the_queue_of_a_narrow_line_stays_short() -> None:
    line = Line(bps=700_000, queue_bytes=200_000)
    line.run(15)
    line.queues_us.clear()
    line.run(60)
    assert sorted(line.queues_us)[len(line.queues_us) // 2] < 60 * MS


def test_a_line_that_becomes_narrow_is_noticed_within_two_seconds() -> None:
    line = Line()
    line.run(20)
    line.bps = 700_000
    line.run(2)
    assert line.uplink.bps is not None
    assert line.uplink.bps < 750_000


def test_a_line_that_becomes_wide_is_used_again() -> None:
    line = Line(bps=500_000)
    line.run(20)
    line.bps = 50e6
    line.run(20)
    assert line.rate_bps > 0.9 * line.wanted_bps
    line.run(60)
    assert line.uplink.bps is None or line.uplink.bps > line.wanted_bps


@pytest.mark.parametrize("longer_us", [80 * MS, 400 * MS])
def test_another_way_or_a_queue_of_others_does_not_silence_a_sender(longer_us: int) -> None:
    line = Line()
    line.run(20)
    line.delay_us += longer_us
    line.run(10)
    assert min(bps for _, bps in line.estimates if bps is not None) > 0.5 * line.wanted_bps
    line.run(15)
    assert line.rate_bps > 0.95 * line.wanted_bps


def test_a_jump_of_the_senders_clock_is_no_queue() -> None:
    line = Line()
    line.run(20)
    line.delay_us += 10 * SECOND
    line.run(30)
    assert {bps for _, bps in line.estimates} == {None}


def test_an_outage_says_nothing_of_the_line() -> None:
    line = Line()
    for _ in range(5):
        line.run(10)
        line.loss = 1.0
        line.run(1.5)
        line.loss = 0.0
    line.run(10)
    assert {bps for _, bps in line.estimates} == {None}


def test_what_is_lost_whatever_is_sent_does_not_silence_a_sender() -> None:
    line = Line(loss=0.2)
    line.run(60)
    assert min(bps for _, bps in line.estimates if bps is not None) > 0.3 * line.wanted_bps
    line.loss = 0.0
    line.run(30)
    assert line.rate_bps > 0.9 * line.wanted_bps


def test_a_sender_that_does_not_obey_is_told_no_less_than_the_least() -> None:
    line = Line(bps=150_000, queue_bytes=20_000, obeys=False)
    line.run(120)
    assert min(bps for _, bps in line.estimates if bps is not None) >= LEAST_BPS


def test_queues_before_a_loop_that_is_behind_are_not_the_lines() -> None:
    line = Line(bps=700_000)
    line.late_us = 150 * MS
    line.run(20)
    assert {bps for _, bps in line.estimates} == {None}
    line.late_us = 50 * MS
    line.run(5)
    assert line.uplink.bps is not None


def test_without_departure_times_loss_alone_tells() -> None:
    uplink = UplinkEstimate(MOST_BPS)
    for second in range(1, 5):
        for n in range(70):
            assert not uplink.packet(1250, None, second * SECOND + n * 10 * MS)
        uplink.report(100, 30, second * SECOND + 999 * MS)
    assert uplink.bps is not None
    assert uplink.bps < 700_000


def test_after_a_minute_without_trouble_nothing_is_known_any_more() -> None:
    line = Line(bps=300_000)
    line.run(10)
    line.wanted_bps = 100_000
    line.run(50)
    assert line.uplink.bps is not None
    line.run(15)
    assert line.uplink.bps is None
