"""What a lean participant notes of a stream that it receives: numbers out of the header, which is not encrypted."""

from dataclasses import dataclass

from mcu.rtc.rtcp import ReportBlock

_SAMPLES = 960


@dataclass(slots=True)
class Inflow:
    """One payload type's stream."""

    packets: int = 0
    frames: int = 0  # packets with the marker
    missing: int = 0  # sequence numbers left out, as a signed sum: reordering makes good for itself
    time_gaps: int = 0  # of sound: packets that do not follow the one before by 20 ms
    sequence: int = -1
    highest: int = 0
    time: int = 0
    ssrc: int = 0
    report_middle: int = 0  # of the newest sender report's NTP time
    report_came: float = 0.0
    lost_told: int = 0
    expected_told: int = 0

    def take(self, header: bytearray, *, audio: bool) -> None:
        """Note a packet; ``header`` holds at least its first 12 bytes."""
        sequence = header[2] << 8 | header[3]
        self.packets += 1
        if self.sequence < 0:
            self.highest = sequence
            self.ssrc = int.from_bytes(header[8:12], "big")
        else:
            step = (sequence - self.sequence) & 0xFFFF
            if step != 1:
                step = step - 0x10000 if step > 0x8000 else step
                self.missing += step - 1
            self.highest += step
        self.sequence = sequence
        if audio:
            time = int.from_bytes(header[4:8], "big")
            if self.packets > 1 and (time - self.time) & 0xFFFFFFFF != _SAMPLES:
                self.time_gaps += 1
            self.time = time
        elif header[1] & 0x80:
            self.frames += 1

    def block(self, now: float) -> ReportBlock:
        """For the receiver report."""
        lost, expected = max(0, self.missing), self.packets + max(0, self.missing)
        lost_now, expected_now = lost - self.lost_told, expected - self.expected_told
        self.lost_told, self.expected_told = lost, expected
        delay = round((now - self.report_came) * 65536) if self.report_came else 0
        return ReportBlock(
            ssrc=self.ssrc,
            fraction_lost=max(0, min(255, lost_now * 256 // expected_now)) if expected_now > 0 else 0,
            packets_lost=lost,
            highest_sequence=self.highest & 0xFFFFFFFF,
            jitter=0,
            lsr=self.report_middle if self.report_came else 0,
            dlsr=min(delay, 0xFFFFFFFF),
        )
