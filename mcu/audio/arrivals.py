"""The packets of one run of timestamps that wait for their time, and what their arrival says of the network."""

from collections import deque
from dataclasses import dataclass

from mcu.audio.jitter import DelayEstimator
from mcu.audio.repairs import RepairDelay
from mcu.media import SAMPLE_RATE_HZ, AudioUnit

MAX_PACKETS = 128

_AHEAD_US = -1_000_000  # nothing overtakes the fastest packet by a second: the stream's clock has jumped
_BEHIND_US = 600_000  # more than the longest delay
_BEHIND_PACKETS, _BEHIND_SPAN_US = 8, 120_000  # as many that far behind, at their usual pace, are a new timeline
_RECOVERED = 16  # packets, more than come while one is sent again
_REMEMBERED = 512  # sequence numbers by which a duplicate is told from a late packet


@dataclass(slots=True)
class PlayoutStats:
    """What happened to one source's sound since it came."""

    received: int = 0
    lost: int = 0  # packets that never came in time
    concealed: int = 0  # samples made up for them
    fec_recovered: int = 0  # packets taken from the copy in the next one
    late: int = 0
    duplicate: int = 0
    malformed: int = 0  # no packets of their codec
    overflow: int = 0  # dropped from a full buffer
    overdue: int = 0  # dropped by a cut
    repaired: int = 0  # packets that were lost and came in time when they were sent again
    restarts: int = 0
    stretched: int = 0  # samples gained or lost by splices


@dataclass(frozen=True, slots=True)
class Packet:
    """A packet and its place: ``start`` and ``end`` count 48 kHz samples of stream time."""

    unit: AudioUnit
    start: int
    samples: int

    @property
    def end(self) -> int:
        """Where the next packet starts."""
        return self.start + self.samples


def to_us(samples: int) -> int:
    """Samples at 48 kHz as microseconds."""
    return samples * 1_000_000 // SAMPLE_RATE_HZ


class Arrivals:
    """The waiting packets, in any order. Drop policy when full: *drop-oldest*.

    Args:
        stats: where drops are counted.
    """

    def __init__(self, stats: PlayoutStats) -> None:
        self.estimator = DelayEstimator()
        self.repairs = RepairDelay()
        self.recovered: deque[int] = deque(maxlen=_RECOVERED)  # packets taken from the copy in the next one
        self._stats = stats
        self._packets: dict[int, Packet] = {}  # by start
        self._seen: deque[int] = deque(maxlen=_REMEMBERED)
        self._behind: list[int] = []  # arrivals of the packets in a row that were far too late

    def __len__(self) -> int:
        return len(self._packets)

    def jumped(self, packet: Packet) -> bool:
        """Whether ``packet`` says that the stream's timestamps no longer continue."""
        if self.estimator.base_us is None or packet.unit.repaired:
            return False
        behind_us = packet.unit.arrival_us - to_us(packet.start) - self.estimator.base_us
        if behind_us <= _BEHIND_US:
            self._behind.clear()
            return behind_us < _AHEAD_US
        self._behind.append(packet.unit.arrival_us)
        return len(self._behind) >= _BEHIND_PACKETS and self._behind[-1] - self._behind[0] >= _BEHIND_SPAN_US

    def add(self, packet: Packet, played_until: int | None) -> None:
        """Keep ``packet`` for later, unless it is a duplicate or its time has passed."""
        if packet.unit.sequence in self._seen:
            self._stats.duplicate += 1
            return
        self._seen.append(packet.unit.sequence)
        if packet.unit.repaired:
            self._note_repair(packet, played_until)
        else:
            self.estimator.note(to_us(packet.start), packet.unit.arrival_us)
        if played_until is not None and packet.start < played_until:
            self._stats.late += 1
            return
        self._keep(packet)

    def _note_repair(self, packet: Packet, played_until: int | None) -> None:
        late = played_until is not None and packet.start < played_until
        self._stats.repaired += not late
        if self.estimator.base_us is not None:
            lateness_us = packet.unit.arrival_us - to_us(packet.start) - self.estimator.base_us
            missed = late and packet.unit.sequence not in self.recovered
            self.repairs.note(packet.unit.sequence, lateness_us, packet.unit.arrival_us, missed=missed)

    def keeps_pace(self, start_us: int, arrival_us: int) -> bool:
        """Take note of a packet that is not kept; False, and no note, when it does not continue the timestamps."""
        base_us = self.estimator.base_us
        if base_us is None or not _AHEAD_US <= arrival_us - start_us - base_us <= _BEHIND_US:
            return False
        self.estimator.note(start_us, arrival_us)
        return True

    def recall(self, packet: Packet) -> None:
        """Keep a packet after all that has been taken note of."""
        self._seen.append(packet.unit.sequence)
        self._keep(packet)

    def _keep(self, packet: Packet) -> None:
        self._packets[packet.start] = packet
        if len(self._packets) > MAX_PACKETS:
            del self._packets[min(self._packets)]
            self._stats.overflow += 1

    def first(self) -> Packet | None:
        """The one to be played first."""
        return self._packets[min(self._packets)] if self._packets else None

    def take(self, start: int) -> Packet | None:
        """Take out the packet that starts there, if it is here."""
        return self._packets.pop(start, None)

    def take_until(self, wanted: int) -> list[Packet]:
        """Take out what is over before ``wanted``, oldest first, but never the newest."""
        newest = max(self._packets, default=wanted)
        over = sorted(start for start, packet in self._packets.items() if packet.end <= wanted and start != newest)
        return [self._packets.pop(start) for start in over]

    def drop_until(self, wanted: int) -> int:
        """Drop what is over before ``wanted``, but never the newest; how many."""
        overdue = len(self.take_until(wanted))
        self._stats.overdue += overdue
        return overdue
