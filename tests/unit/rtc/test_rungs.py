"""Peers on lines of all kinds, on virtual time: a simulated bottleneck with a queue, a receiver that reports."""

import random
from dataclasses import dataclass, field

import pytest

from mcu.media import Rung
from mcu.rtc.losses import LossShare
from mcu.rtc.rungs import LineReport, RungChooser
from mcu.rtc.sender import LOSS_OF_PADDING

pytestmark = pytest.mark.unit

MS, SECOND = 1000, 1_000_000
BITRATES = (2_000_000, 700_000, 180_000)
PACKET_BYTES, OVERHEAD_BYTES = 1000, 58
SOUND_BPS = 55_000
FULL, HALF, QUARTER = Rung


@dataclass
class Line:
    """A peer behind a bottleneck with a drop-tail queue; reports once a second, asks again for what is lost at once."""

    bps: float = 10e6
    queue_bytes: float = 20_000
    loss: float = 0.0
    random_loss: float = 0.0  # of everything, padding too
    seed: int = 1
    way_us: int = 20 * MS
    report_us: int = SECOND
    still: bool = False  # the canvas does not change: five small packets a second
    receiver_estimates: bool = False
    can_probe: bool = True
    now_us: int = 0
    rungs: list[tuple[float, Rung]] = field(default_factory=list)
    bitrates: tuple[int, ...] = BITRATES

    def __post_init__(self) -> None:
        self.chooser = RungChooser(BITRATES, can_probe=self.can_probe)
        self.sent = self.octets = self.arrived = self.reported_sent = self.lost = self.highest = 0
        self.queue: list[int] = []  # sequence numbers of the packets that wait
        self.waiting = 0.0  # bytes
        self.padding = 0.0
        self.credit = 0.0
        self.drops = 0.0
        self.padded = self.padding_lost = 0
        self.padding_share = LossShare(LOSS_OF_PADDING)
        self.padding_share.reported(0, 0)
        self.reported = (0, 0)  # highest, lost
        self.chance = random.Random(self.seed)
        self.rungs.append((0.0, self.chooser.rung))

    def run(self, seconds: float) -> None:
        end_us = self.now_us + round(seconds * SECOND)
        while self.now_us < end_us:
            self._step()
            if self.chooser.rung is not self.rungs[-1][1]:
                self.rungs.append((self.now_us / SECOND, self.chooser.rung))

    def _step(self) -> None:
        """10 ms."""
        self.now_us += 10 * MS
        drain = self.bps * 0.01 / 8
        media_bps = 5 * 8 * 200 if self.still else self.bitrates[self.chooser.rung]
        self.credit += media_bps * 0.01 / 8
        size = 200 if self.still else PACKET_BYTES
        self._pad(media_bps)
        missing = 0
        while self.credit >= size:
            self.credit -= size
            self.sent += 1
            self.octets += size
            missing += not self._enter(size + OVERHEAD_BYTES)
        self.waiting = max(0.0, self.waiting + SOUND_BPS * 0.01 / 8 - drain)
        if missing:
            self.chooser.missing(missing, self.sent, self.now_us)
        if self.now_us % self.report_us == 0:
            self._report()
        if self.receiver_estimates and self.now_us % (200 * MS) == 0 and self.waiting > drain * 5:
            self.chooser.remb(int(0.85 * self.bps), self.now_us)
        elif self.receiver_estimates and self.now_us % SECOND == 0:
            self.chooser.remb(int(1.5 * media_bps), self.now_us)

    def _pad(self, media_bps: float) -> None:
        self.padding += max(0.0, self.chooser.probe_bps(self.now_us) - media_bps) * 0.01 / 8
        while self.padding >= 255:
            self.padding -= 255
            self.padded += 1
            self.padding_lost += not self._enter(255 + OVERHEAD_BYTES, counted=False)

    def _enter(self, size: int, *, counted: bool = True) -> bool:
        self.drops += self.loss * counted
        fits = self.waiting + size <= self.queue_bytes and self.chance.random() >= self.random_loss
        if fits and self.drops < 1:
            self.waiting += size
            self.highest = self.sent if counted else self.highest
            return True
        self.drops -= self.drops >= 1
        self.lost += counted
        return False

    def _report(self) -> None:
        behind = round(self.waiting / (PACKET_BYTES + OVERHEAD_BYTES))  # still in the queue
        highest = max(self.reported[0], self.highest - behind)
        expected = highest - self.reported[0]
        lost = min(expected, self.lost - self.reported[1])
        self.reported = (highest, self.reported[1] + lost)
        rtt_us = round(self.way_us + self.waiting * 8 / self.bps * SECOND)
        report = LineReport(self.reported[1], highest, self.sent, self.octets, rtt_us)
        share = self.padding_share.reported(self.padded, self.padding_lost)
        if share is not None:
            self.chooser.padding_lost(share, self.now_us)
        self.chooser.report(report, self.now_us)


def test_a_good_line_has_the_full_size_and_is_left_alone() -> None:
    line = Line()
    line.run(120)
    assert line.rungs == [(0, FULL)]
    assert line.chooser.probes == 0


@pytest.mark.parametrize("queue_bytes", [8_000, 20_000, 100_000])
@pytest.mark.parametrize(("bps", "rung"), [(300_000, QUARTER), (1_000_000, HALF), (1_500_000, HALF)])
def test_a_narrow_line_is_on_its_rung_within_two_seconds(bps: float, rung: Rung, queue_bytes: float) -> None:
    line = Line()
    line.run(10.3)
    line.bps, line.queue_bytes = bps, queue_bytes
    line.run(30)
    assert line.rungs[-1][1] is rung
    assert max(at for at, _ in line.rungs) <= 12.4  # at once, once, and it stays


def test_a_line_with_an_endless_queue_is_found_out_by_what_arrives() -> None:
    line = Line()
    line.run(10)
    line.bps, line.queue_bytes = 300_000, 1e9
    line.run(3)
    assert line.chooser.rung is QUARTER
    assert line.rungs[1][0] <= 12


def test_the_receivers_own_estimate_is_believed_when_it_falls() -> None:
    line = Line(receiver_estimates=True, queue_bytes=1e9)
    line.run(10.5)
    line.bps = 300_000
    line.run(1)
    assert line.chooser.rung is QUARTER  # sooner than by the reports


def test_an_estimate_that_goes_on_falling_is_not_waited_for() -> None:
    line = Line()
    line.run(10)
    line.chooser.remb(2_100_000, line.now_us)
    line.chooser.remb(900_000, line.now_us)
    assert line.chooser.rung is HALF  # the first estimate is still half of the past
    line.run(0.4)
    line.chooser.remb(200_000, line.now_us)
    assert line.chooser.rung is QUARTER


@pytest.mark.parametrize("wait", [10.0, 11.3, 13.7, 30.0])
@pytest.mark.parametrize("estimates", [False, True])
def test_within_fifteen_seconds_of_the_line_allowing_it_the_size_is_full_again(wait: float, *, estimates: bool) -> None:
    line = Line(bps=300_000, receiver_estimates=estimates)
    line.run(wait)
    assert line.chooser.rung is QUARTER
    line.bps = 10e6
    line.run(15)
    assert line.chooser.rung is FULL


def test_a_line_for_half_gets_half_and_no_more() -> None:
    line = Line(bps=300_000)
    line.run(10)
    line.bps = 1_100_000
    line.run(60)
    assert line.chooser.rung is HALF
    assert line.chooser.ups == 1
    assert line.chooser.failures.total() >= 3  # it goes on trying


def test_trying_the_line_out_loses_next_to_nothing_of_the_picture() -> None:
    line = Line(bps=300_000)
    line.run(10)
    lost, sent = line.lost, line.sent
    line.run(60)
    assert line.chooser.probes > 5
    assert line.chooser.ups == 0
    assert (line.lost - lost) / (line.sent - sent) < 0.02


def test_five_percent_of_random_loss_costs_no_rung() -> None:
    line = Line(loss=0.05)
    line.run(60)
    assert line.rungs == [(0, FULL)]


@pytest.mark.parametrize("way_ms", [120, 300, 700])
def test_a_way_that_became_longer_for_good_bars_no_way_up(way_ms: int) -> None:
    """A receiver takes the longer way for a queue at first, and tells so."""
    line = Line()
    line.run(10.2)
    line.way_us = way_ms * MS
    line.chooser.remb(300_000, line.now_us)
    line.chooser.remb(150_000, line.now_us)
    assert line.chooser.rung is QUARTER
    line.run(15)
    assert line.chooser.rung is FULL
    line.run(120)
    assert line.rungs[-1][0] < 25.3  # where it stays


def test_a_queue_of_others_that_stands_is_not_made_longer() -> None:
    """A line for the half size alone, behind a queue that somebody else keeps full."""
    line = Line(bps=1_000_000, queue_bytes=12_000)
    line.run(10)
    line.way_us = 300 * MS
    line.run(60)
    assert line.chooser.rung is HALF
    assert line.chooser.ups == 0
    assert line.chooser.failures.total() >= 3


def test_a_queue_that_drains_slowly_is_no_longer_way() -> None:
    """The lowest rung on a line that is hardly wider: the queue is its own, and shorter from report to report."""
    line = Line(queue_bytes=1e9)
    line.run(10)
    line.bps = 320_000
    line.run(4)
    assert line.chooser.rung is QUARTER
    longest = line.waiting
    while line.waiting > 150 * line.bps / 8000:
        line.run(1)
        assert line.chooser.probes == 0
    assert line.waiting < longest / 4


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("bps", [1_100_000, 10e6])
def test_five_percent_of_random_loss_costs_no_rung_however_often_it_is_told(bps: float, seed: int) -> None:
    line = Line(bps=bps, random_loss=0.05, seed=seed, report_us=300 * MS)
    line.run(300)
    assert line.chooser.downs <= (bps < 2e6)


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("loss", [0.02, 0.05])
@pytest.mark.parametrize("report_us", [300 * MS, SECOND])
def test_random_loss_bars_no_way_up(report_us: int, loss: float, seed: int) -> None:
    line = Line(bps=300_000, random_loss=loss, seed=seed, report_us=report_us)
    line.run(12)
    assert line.chooser.rung is QUARTER
    line.bps = 10e6
    line.run(100)
    assert line.chooser.rung is FULL


@pytest.mark.parametrize("seed", range(4))
def test_a_narrow_line_that_loses_at_random_gets_no_more_than_it_bears(seed: int) -> None:
    line = Line(bps=1_100_000, random_loss=0.05, seed=seed)
    line.run(120)
    assert line.chooser.rung is HALF
    assert line.chooser.ups <= 2


def test_a_still_canvas_neither_costs_nor_hides_anything() -> None:
    line = Line(bps=300_000)
    line.run(10)
    line.bps, line.still = 10e6, True
    line.run(15)
    assert line.chooser.rung is FULL  # padding showed that there is room
    line.bps = 300_000
    line.run(20)
    assert line.chooser.rung is FULL  # nothing needs the room now


def test_who_keeps_asking_for_keyframes_moves_down_and_stays_there_for_a_while() -> None:
    line = Line()
    for _ in range(50):
        line.run(0.1)
        line.chooser.keyframe_asked(line.now_us)
    assert line.chooser.rung is HALF
    for _ in range(50):
        line.run(0.1)
        line.chooser.keyframe_asked(line.now_us)
    assert line.chooser.rung is QUARTER
    line.run(20)
    assert line.chooser.rung is QUARTER
    line.run(30)
    assert line.chooser.rung is FULL


def test_a_few_keyframes_asked_for_at_once_are_no_begging() -> None:
    line = Line()
    for _ in range(6):
        for _ in range(5):
            line.chooser.keyframe_asked(line.now_us)
        line.run(5)
    assert line.rungs == [(0, FULL)]


def test_without_padding_going_up_is_a_trial() -> None:
    line = Line(bps=300_000, can_probe=False)
    line.run(120)
    assert line.chooser.probes == 0
    ups = [at for at, rung in line.rungs if rung is HALF]
    assert 1 <= len(ups) <= 6  # it is a visible one, so not often
    line.bps = 10e6
    line.run(60)
    assert line.chooser.rung is FULL


def test_a_room_that_offers_less_is_obeyed() -> None:
    line = Line()
    line.chooser.best = HALF
    assert line.chooser.rung is HALF
    line.run(20)
    assert line.chooser.rung is HALF
    assert line.chooser.probes == 0
    line.chooser.best = FULL
    assert line.chooser.rung is FULL


@pytest.mark.parametrize("highest", [0, 1, (1 << 31) + 5, (1 << 32) - 1])
@pytest.mark.parametrize("remb", [0, 1 << 63])
def test_senseless_feedback_is_survived(highest: int, remb: int) -> None:
    chooser = RungChooser(BITRATES)
    for second in range(1, 30):
        chooser.remb(remb, second * SECOND)
        report = LineReport(highest * second, highest * second % (1 << 32), 100 * second, 10_000 * second, 1 << 40)
        chooser.report(report, second * SECOND)
        assert chooser.probe_bps(second * SECOND) <= 1.15 * BITRATES[0]
    assert chooser.rung in Rung


def test_a_line_that_bears_the_full_size_at_a_lower_bitrate_gets_it() -> None:
    line = Line(bps=1_000_000)
    line.run(10)
    assert line.chooser.rung is HALF
    line.bitrates = (600_000, 300_000, 90_000)
    line.chooser.follow(line.bitrates)
    line.run(20)
    assert line.chooser.rung is FULL
