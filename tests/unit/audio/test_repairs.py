import numpy as np
import pytest

from mcu.audio.repairs import RepairDelay
from mcu.media import AudioUnit
from tests.unit.audio.stream import PACKET_US, Heard, listen, packets, tone

pytestmark = pytest.mark.unit

MS, SECOND = 1_000, 1_000_000


def _note(delay: RepairDelay, at_us: int, *sequences: int, missed: bool = True, late_ms: int = 70) -> None:
    for sequence in sequences:
        delay.note(sequence, late_ms * MS, at_us, missed=missed)


def test_single_losses_now_and_then_are_not_waited_for() -> None:
    delay = RepairDelay()
    for second in range(20):
        _note(delay, second * SECOND, second * 50)
    assert delay.until_us == 0


def test_a_missed_burst_is_and_so_are_many_losses() -> None:
    for sequences, missed in [((7, 8), True), ((1, 9, 17, 25), False)]:
        delay = RepairDelay()
        _note(delay, SECOND, *sequences, missed=missed)
        assert SECOND < delay.until_us <= 3 * SECOND


def test_what_was_in_time_or_would_never_be_changes_nothing() -> None:
    delay = RepairDelay()
    _note(delay, SECOND, 7, 8, missed=False)
    _note(delay, SECOND, 17, 18, 19, 20, 21, late_ms=180)
    assert delay.until_us == 0


def test_single_repairs_keep_the_delay_up() -> None:
    delay = RepairDelay()
    _note(delay, SECOND, 7, 8)
    before_us = delay.until_us
    _note(delay, 2 * SECOND, 60, missed=False)
    assert delay.until_us == before_us + SECOND


# --- in the playout buffer --------------------------------------------------------------------------------------------


def _line(seconds: float, lost: set[int], late_ms: float) -> list[AudioUnit]:
    """Packets of 20 ms, 5 ms under way; those lost come by a repair, so much later."""
    return [
        AudioUnit(
            unit.codec,
            unit.data,
            unit.sequence,
            unit.rtp_time,
            unit.arrival_us + round((5 + (late_ms if n in lost else 0)) * MS),
            unit.capture_us,
            repaired=n in lost,
        )
        for n, unit in enumerate(packets(seconds))
    ]


def _bursts(begin_s: float, end_s: float) -> set[int]:
    """Three packets in every second."""
    first, last = round(begin_s * SECOND / PACKET_US), round(end_s * SECOND / PACKET_US)
    return {n for n in range(first, last) if n % 50 < 3}


def _delay_ms(heard: Heard, begin_s: float, end_s: float) -> tuple[float, float]:
    delays = heard.delay_between(begin_s, end_s)
    return float(delays.min()), float(delays.max())


def test_repairs_are_no_jitter() -> None:
    lost = set(range(100, 900, 60))  # one in 1.2 s
    buffer, heard = listen(_line(20, lost, 120), 20, fec=True)
    assert _delay_ms(heard, 4, 20)[1] < 75
    assert buffer.stats.repaired == 0  # all were too late, and nothing was waited for


def test_bursts_are_waited_for_and_the_delay_stands_still() -> None:
    buffer, heard = listen(_line(12, _bursts(2, 10), 120), 12)
    least_ms, most_ms = _delay_ms(heard, 4, 10.9)
    assert 180 < least_ms <= most_ms <= 200 + 25 + 3  # 20 ms of capture before it is sent, 5 ms under way
    assert most_ms - least_ms < 15
    assert buffer.stats.repaired >= 3 * 6
    assert buffer.stats.lost <= 3 * 2


def test_two_seconds_after_the_losses_the_delay_is_as_before() -> None:
    voice = tone(100)  # its pitch is what the delay is shortened by
    _, heard = listen(_line(14, _bursts(2, 8), 120), 14, sound=voice)  # the last at 7.06 s
    assert _delay_ms(heard, 1, 1.9)[1] < 75
    assert _delay_ms(heard, 7, 8)[0] > 180
    assert _delay_ms(heard, 7.06 + 0.14 + 2, 14)[1] < 75 + 20  # and a packet's room for FEC


def test_the_delay_moves_at_once_where_the_sound_is_soft() -> None:
    _, heard = listen(_line(12, _bursts(2, 10), 120), 12, sound=tone(amplitude=0.003))
    ms = np.array(heard.delay_ms)
    assert np.nanmax(np.diff(ms[60:])) > 100
