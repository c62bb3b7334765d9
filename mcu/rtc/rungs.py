"""Which rung a peer's line bears. Pure: feedback and time go in, a rung and a rate to probe with come out.

Down at once when the line is too narrow: heavy loss, a queue that grows (what arrives stays behind what is sent, or the
round trip lengthens), or a receiver's own estimate that falls. Up only after a probe: padding brings what is sent to
what the rung above takes, step by step, and nothing may be lost or delayed by it. A receiver's estimate (REMB) shows no
room above what it receives, so only its fall tells anything. A line may lose some packets however few it is given: a
probe is judged by what it adds to that. Nor is every longer round trip a queue of ours: one that stands still may be
that of a longer way, and a probe that makes it no longer proves it.
"""

from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass

from mcu.media import Rung
from mcu.rtc.losses import expected_since, lost_since
from mcu.rtc.roundtrips import RoundTrips

HEAVY_LOSS, LOSS = 0.2, 0.1  # of one report; of two in a row, but for what is lost anyway:
MORE_THAN_USUAL, SURELY_LOSS = 2.5, 0.15  # it has to be so many times that; more than so much is not asked for
CLEAN_LOSS = 0.05  # with more there is no way up, unless half of it was there before; with ``LOSS`` there is none
USUAL_MEMORY = 0.8  # what is left, at the next report, of the packets by which the usual loss is told
FEW_PACKETS = 3  # so few lost ones prove nothing
SLOW = 0.7  # what arrives, as part of what is sent: the queue grows
MANY_PACKETS = 20  # of fewer, that part says nothing
PROBE_LONGER_US = 80_000  # a round trip than of late, while probing
LONGER_US, MUCH_LONGER_US = 150_000, 400_000  # than at best; twice in a row, the second time much
SAFETY = 0.9  # of what arrived in a crowded line, that the rung may take
FALLEN = 0.75  # a receiver's estimate, as part of what is sent
SETTLE_US = 2_000_000  # after a change, until feedback is about what came of it
HOLD_US = 4_000_000  # no probe so soon after a step down, or a probe that failed
BEGGAR_HOLD_US, TRIAL_HOLD_US = 30_000_000, 20_000_000  # no way up so soon after begging; after a way up untried
BEGS, BEG_EVERY_US, BEG_WINDOW_US = 4, 1_000_000, 10_000_000  # so many seconds of the window with a keyframe asked for
FIRST_STEP, STEP = 1.4, 2.0  # of a probe: careful at first, since a line that is just wide enough is the usual one
STEP_US, PATIENCE_US = 800_000, 4_000_000  # how long a step has to last before a report counts; may last without one
MARGIN = 1.15  # the probe goes so far above the rung, which is not always at its mean
MIN_INTERVAL_US = 600_000  # reports closer together are joined: of few packets, a few lost ones look like many
_US = 1_000_000


@dataclass(frozen=True, slots=True)
class LineReport:
    """A receiver report on the picture, with our own counters at its arrival."""

    lost: int  # packets in all, 24 bits: a share would be of the time since some report that we may not have used
    highest_sequence: int  # received, 32 bits
    packets: int  # sent in all
    octets: int  # of their payloads
    rtt_us: int | None


@dataclass(slots=True)
class _Probe:
    """Padding, a step further with each clean report, up to the next rung's rate."""

    rate_bps: float
    target_bps: float
    since_us: int  # of the step
    packets: int  # sent when it began
    longer_us: float  # the round trip of late, than at best
    missing: int = 0  # packets asked for again since then


class RungChooser:
    """Keeps one peer on the best rung that its line allows.

    Args:
        bitrates_bps: of the rungs offered, best first.
        can_probe: whether the peer takes padding; without it, going up is a trial that is taken back.
    """

    def __init__(self, bitrates_bps: Sequence[int], *, can_probe: bool = True) -> None:
        self.best = Rung.FULL  # that the room offers now
        self.crowded = False  # the last step down was for want of room: every packet of the rung above is too much
        self.downs = 0
        self.ups = 0
        self.probes = 0
        self.failures: Counter[str] = Counter()  # of probes, by what told
        self._bitrates = tuple(bitrates_bps)
        self._can_probe = can_probe
        self._rung = Rung.FULL
        self._probe: _Probe | None = None
        self._hold_until_us = 0
        self._settled_us = 0
        self._last: tuple[int, LineReport] | None = None
        self._lost = 0.0
        self._usual = (0.0, 0.0)  # packets lost and expected on this rung, of late, while nothing was tried out
        self._round_trips = RoundTrips()
        self._longer = deque([0.0], maxlen=3)  # than at best, the last round trips were
        self._slow = False
        self._sent_bps = 0.0
        self._remb_bps: int | None = None
        self._padding_told_us: int | None = None  # when a report on it came last; some peers send none
        self._begs: list[int] = []

    @property
    def rung(self) -> Rung:
        """Where the peer belongs."""
        return max(self._rung, self.best)

    def follow(self, bitrates_bps: Sequence[int]) -> None:
        """The rungs take this much from now on; what was tried before says nothing of them."""
        self._bitrates = tuple(bitrates_bps)
        self._probe = None
        self._hold_until_us = 0

    def probe_bps(self, now_us: int) -> float:
        """What is to be sent in all, padding included; 0 while nothing is tried out."""
        if self._probe is not None and now_us > self._probe.since_us + PATIENCE_US:
            self._fail_probe("silence", now_us)
        return self._probe.rate_bps if self._probe is not None else 0

    # --- feedback -----------------------------------------------------------------------------------------------------

    def report(self, report: LineReport, now_us: int) -> None:
        """Take a receiver report."""
        if self._last is None:
            self._last = (now_us, report)
            return
        then_us, before = self._last
        elapsed_us = now_us - then_us
        if elapsed_us < MIN_INTERVAL_US:
            return
        self._last = (now_us, report)
        sent = report.packets - before.packets
        arrived = expected_since(report.highest_sequence, before.highest_sequence)
        if sent <= 0 or arrived is None:
            return
        octets = report.octets - before.octets
        self._sent_bps = octets * 8 * _US / elapsed_us
        arrived_bps = self._sent_bps * min(1.0, arrived / sent)
        missed = lost_since(report.lost, before.lost)
        lost = missed / arrived if arrived and missed >= FEW_PACKETS else 0.0
        self._round_trips.note(report.rtt_us, now_us)
        slow = sent >= MANY_PACKETS and arrived_bps < SLOW * self._sent_bps
        if self._probe is None:
            self._note_usual(missed, arrived)
        if self._probe is not None:
            self._judge(self._probe, lost, now_us, slow=slow)
        elif now_us >= self._settled_us and self._is_crowded(lost, slow=slow):
            self._step_down(arrived_bps * (1 - lost), now_us)
        elif lost <= self._bearable_loss and self._has_no_queue and now_us >= self._hold_until_us:
            self._try_up(report.packets, now_us)
        self._lost, self._slow = lost, slow
        self._longer.append(self._round_trips.longer_us)

    def padding_lost(self, lost: float, now_us: int) -> None:
        """Take a report on the padding; before the one on the picture, if they come together."""
        self._padding_told_us = now_us
        if self._probe is not None and lost > self._bearable_loss:
            self._fail_probe("padding_lost", now_us)

    def remb(self, bitrate_bps: int, now_us: int) -> None:
        """Take the receiver's own estimate."""
        before, self._remb_bps = self._remb_bps, bitrate_bps
        if before is None or bitrate_bps >= before:
            return
        if self._probe is not None:
            if bitrate_bps < min(0.95 * before, self._probe.rate_bps):
                self._fail_probe("estimate", now_us)
        elif bitrate_bps < FALLEN * (self._sent_bps if now_us >= self._settled_us else self._bitrates[self._rung]):
            self._step_down(bitrate_bps, now_us)

    def missing(self, count: int, packets: int, now_us: int) -> None:
        """So many packets were asked for again, when ``packets`` had been sent in all."""
        probe = self._probe
        if probe is not None:
            probe.missing += count
            if probe.missing > FEW_PACKETS + 2 * max(self._usual_loss, 0.01) * (packets - probe.packets):
                self._fail_probe("missing", now_us)

    def keyframe_asked(self, now_us: int) -> None:
        """The peer's decoder wants a keyframe. Who goes on asking is better off with less."""
        if self._begs and now_us - self._begs[-1] < BEG_EVERY_US:
            return
        self._begs = [then_us for then_us in self._begs if now_us - then_us < BEG_WINDOW_US] + [now_us]
        if len(self._begs) >= BEGS:
            self._begs = []
            self._go_down(now_us, at_most_bps=self._bitrates[self._rung] - 1)
            self._hold_until_us = now_us + BEGGAR_HOLD_US

    # --- decisions ----------------------------------------------------------------------------------------------------

    def _note_usual(self, missed: int, expected: int) -> None:
        missed_before, expected_before = self._usual
        self._usual = (missed_before * USUAL_MEMORY + max(0, missed), expected_before * USUAL_MEMORY + expected)

    @property
    def _usual_loss(self) -> float:
        missed, expected = self._usual
        return missed / expected if expected else 0.0

    @property
    def _bearable_loss(self) -> float:
        """With more than this there is no way up."""
        return min(LOSS, max(CLEAN_LOSS, 2 * self._usual_loss))

    @property
    def _is_lowest(self) -> bool:
        return self._rung == len(self._bitrates) - 1

    @property
    def _has_no_queue(self) -> bool:
        """As far as round trips can tell that have not been tried out."""
        return self._round_trips.longer_us <= LONGER_US or self._round_trips.stands

    def _is_crowded(self, lost: float, *, slow: bool) -> bool:
        much = min(SURELY_LOSS, max(LOSS, MORE_THAN_USUAL * self._usual_loss))
        if lost >= HEAVY_LOSS or (lost >= much and self._lost >= LOSS):
            return True
        if self._round_trips.longer_us > MUCH_LONGER_US and not (self._round_trips.stands and self._is_lowest):
            return slow or self._longer[-1] > LONGER_US
        return slow and self._slow

    def _step_down(self, borne_bps: float, now_us: int) -> None:
        self._go_down(now_us, at_most_bps=SAFETY * borne_bps)
        self.crowded = True

    def _go_down(self, now_us: int, *, at_most_bps: float) -> None:
        """To the best rung below this one that takes no more, else to the lowest."""
        if self._probe is not None:
            self._fail_probe("step_down", now_us)
        self._hold_until_us = max(self._hold_until_us, now_us + HOLD_US)
        self._settled_us = now_us + SETTLE_US
        below = [Rung(r) for r in range(self._rung + 1, len(self._bitrates))]
        self.crowded = False
        if below:
            self.downs += 1
            self._usual = (0.0, 0.0)
            self._rung = next((rung for rung in below if self._bitrates[rung] <= at_most_bps), below[-1])

    def _try_up(self, packets: int, now_us: int) -> None:
        if self._rung <= self.best:
            return
        if not self._can_probe:
            self._go_up(now_us)
            self._hold_until_us = now_us + TRIAL_HOLD_US
            return
        self.probes += 1
        target_bps = self._bitrates[self._rung - 1] * MARGIN
        rate_bps = min(self._bitrates[self._rung] * FIRST_STEP, target_bps)
        longer_us = min(max(self._longer), max(LONGER_US, self._round_trips.longer_us))
        self._probe = _Probe(rate_bps, target_bps, now_us, packets, longer_us)

    def _judge(self, probe: _Probe, lost: float, now_us: int, *, slow: bool) -> None:
        if lost > self._bearable_loss:
            self._fail_probe("lost", now_us)
        elif slow:
            self._fail_probe("slow", now_us)
        elif self._round_trips.longer_us > probe.longer_us + PROBE_LONGER_US:
            self._fail_probe("delay", now_us)
        elif now_us < probe.since_us + STEP_US or (self._padding_told_us or now_us) < probe.since_us:
            pass  # too soon to say; the padding may be lost where the media is not
        elif probe.rate_bps < probe.target_bps:
            probe.rate_bps, probe.since_us = min(probe.rate_bps * STEP, probe.target_bps), now_us
        else:
            self._probe = None
            if self._round_trips.longer_us > LONGER_US:  # and no longer for all that was sent
                self._round_trips.accept()
            self._go_up(now_us)

    def _fail_probe(self, reason: str, now_us: int) -> None:
        self.failures[reason] += 1
        self._probe = None
        self._settled_us = now_us + SETTLE_US  # what it filled has to drain
        self._hold_until_us = max(self._hold_until_us, now_us + HOLD_US)

    def _go_up(self, now_us: int) -> None:
        self.ups += 1
        self._rung = Rung(self._rung - 1)
        self._settled_us = now_us + SETTLE_US
