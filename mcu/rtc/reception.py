"""What a receiver knows of one incoming RTP stream: its reports (RFC 3550, section 6.4) and the sender's clock."""

from mcu.rtc.rtcp import ReportBlock
from mcu.rtc.unwrap import Unwrapper

_MAX_LOST = (1 << 23) - 1


class SenderClock:
    """The sender's wall clock, from its reports: RTP timestamps to microseconds since 1900 (NTP).

    Args:
        clock_hz: rate of the RTP timestamps.
    """

    def __init__(self, clock_hz: int) -> None:
        self._clock_hz = clock_hz
        self._reference: tuple[int, int] | None = None  # NTP in microseconds, unwrapped RTP timestamp

    def report(self, ntp: int, rtp_time: int) -> None:
        """Note a report: 64-bit NTP time and unwrapped RTP timestamp of the same instant."""
        if ntp:
            self._reference = (ntp * 1_000_000 >> 32, rtp_time)

    def capture_us(self, rtp_time: int) -> int | None:
        """When ``rtp_time`` was captured; None before the first report."""
        if self._reference is None:
            return None
        ntp_us, reference = self._reference
        return ntp_us + (rtp_time - reference) * 1_000_000 // self._clock_hz


class Reception:
    """Counts one stream's packets, for reports and statistics.

    Args:
        ssrc: the stream.
        clock_hz: rate of its RTP timestamps.
    """

    def __init__(self, ssrc: int, clock_hz: int) -> None:
        self.ssrc = ssrc
        self.clock = SenderClock(clock_hz)
        self.packets = 0
        self.octets = 0
        self.jitter = 0.0  # in ticks of the RTP clock, as RFC 3550 has it
        self._clock_hz = clock_hz
        self._sequences = Unwrapper(16)
        self._times = Unwrapper(32)
        self._first: int | None = None
        self._newest = 0
        self._transit: float | None = None
        self._reported = (0, 0)  # expected and received packets at the last report
        self._last_report: tuple[int, int] | None = None  # middle 32 bits of its NTP time, arrival

    def received(self, sequence: int, timestamp: int, size: int, now_us: int) -> tuple[int, int]:
        """Note a packet; its unwrapped sequence number and timestamp."""
        number, time = self._sequences.unwrap(sequence), self._times.unwrap(timestamp)
        if self._first is None:
            self._first = self._newest = number
        self._newest = max(self._newest, number)
        self.packets += 1
        self.octets += size
        transit = now_us * self._clock_hz / 1_000_000 - time
        if self._transit is not None:
            self.jitter += (abs(transit - self._transit) - self.jitter) / 16
        self._transit = transit
        return number, time

    def came_after_all(self, size: int) -> None:
        """Count a packet that was taken for lost when it came, because it had been asked for again."""
        self.packets += 1
        self.octets += size

    def place(self, sequence: int, timestamp: int) -> tuple[int, int]:
        """Unwrap the numbers of a packet that came another way (retransmitted); nothing is counted."""
        return self._sequences.peek(sequence), self._times.peek(timestamp)

    def sender_report(self, ntp: int, timestamp: int, now_us: int) -> None:
        """Note the sender's report."""
        self.clock.report(ntp, self._times.peek(timestamp))
        self._last_report = (ntp >> 16 & 0xFFFFFFFF, now_us)

    @property
    def lost(self) -> int:
        """Packets that never came (negative when some came twice)."""
        return 0 if self._first is None else self._newest - self._first + 1 - self.packets

    def report(self, now_us: int) -> ReportBlock:
        """The report block for now; losses are counted since the last one."""
        expected = self.lost + self.packets
        expected_now, received_now = expected - self._reported[0], self.packets - self._reported[1]
        self._reported = (expected, self.packets)
        lost_now = expected_now - received_now
        since_last, delay = 0, 0
        if self._last_report is not None:
            since_last, arrived_us = self._last_report
            delay = min(0xFFFFFFFF, (now_us - arrived_us) * 65536 // 1_000_000)
        return ReportBlock(
            ssrc=self.ssrc,
            fraction_lost=min(255, lost_now * 256 // expected_now) if lost_now > 0 else 0,
            packets_lost=max(-_MAX_LOST, min(_MAX_LOST, self.lost)),
            highest_sequence=self._newest & 0xFFFFFFFF,
            jitter=min(0xFFFFFFFF, int(self.jitter)),
            lsr=since_last,
            dlsr=delay,
        )
