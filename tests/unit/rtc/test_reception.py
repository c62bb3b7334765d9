import pytest

from mcu.rtc.reception import Reception, SenderClock

pytestmark = pytest.mark.unit

SECOND = 1_000_000


def test_capture_times_follow_the_senders_report() -> None:
    clock = SenderClock(90_000)
    assert clock.capture_us(0) is None
    clock.report(ntp=(1000 << 32) | 1 << 31, rtp_time=90_000)
    assert clock.capture_us(90_000) == 1_000_500_000
    assert clock.capture_us(0) == 999_500_000
    assert clock.capture_us(180_000) == 1_001_500_000


def test_a_sender_without_a_clock_has_none() -> None:
    clock = SenderClock(90_000)
    clock.report(ntp=0, rtp_time=90_000)
    assert clock.capture_us(90_000) is None


def test_losses_are_counted_since_the_last_report_and_in_all() -> None:
    reception = Reception(7, 8_000)
    for sequence in (65_530, 65_531, 65_535, 0, 1):  # 3 of 8 lost
        reception.received(sequence, sequence * 160, 160, 0)
    report = reception.report(0)
    assert (report.ssrc, report.packets_lost, report.fraction_lost) == (7, 3, 3 * 256 // 8)
    assert report.highest_sequence == 65_537
    for sequence in (2, 3, 4, 5):
        reception.received(sequence, sequence * 160, 160, 0)
    report = reception.report(0)
    assert (report.packets_lost, report.fraction_lost) == (3, 0)
    assert reception.octets == 9 * 160


def test_jitter_is_that_of_rfc_3550() -> None:
    reception = Reception(7, 8_000)
    jitter, transits = 0.0, [0, 80, 0, 80, 160]
    for index, transit in enumerate(transits):
        reception.received(index, index * 160, 1, (index * 160 + transit) * 125)
        if index:
            jitter += (abs(transit - transits[index - 1]) - jitter) / 16
    assert reception.jitter == pytest.approx(jitter)


def test_a_report_tells_when_the_senders_came() -> None:
    reception = Reception(7, 90_000)
    reception.received(1, 1000, 1, 0)
    assert (reception.report(SECOND).lsr, reception.report(SECOND).dlsr) == (0, 0)
    reception.sender_report(ntp=0x1234_5678_9ABC_DEF0, timestamp=1000, now_us=2 * SECOND)
    report = reception.report(2 * SECOND + SECOND // 2)
    assert report.lsr == 0x5678_9ABC
    assert report.dlsr == 65536 // 2


def test_absurd_numbers_fit_the_packet() -> None:
    reception = Reception(7, 90_000)
    reception.received(0, 0, 1, 0)
    for step in range(1, 700):
        reception.received(step * 30_000 & 0xFFFF, (step * 2_000_000_000) & 0xFFFFFFFF, 1, step)
    assert len(bytes(reception.report(10**15))) == 24


def test_a_packet_sent_again_is_placed_but_not_counted() -> None:
    reception = Reception(7, 90_000)
    reception.received(65_535, 100, 1, 0)
    assert reception.place(0, 200) == (65_536, 200)
    assert reception.packets == 1
