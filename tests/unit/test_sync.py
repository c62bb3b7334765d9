from collections.abc import Callable
from itertools import pairwise

import pytest

from mcu.sync import MAX_WAIT_US, LipSync

pytestmark = pytest.mark.unit

SENDER_US = 1_700_000_000_000_000  # the sender's wall clock when media time is 0
FRAME_US = 33_333


def play(  # noqa: PLR0913 - each is one thing that a call may differ in
    sync: LipSync,
    seconds: float,
    *,
    sound_delay_us: Callable[[float], float | None],
    picture_delay_us: Callable[[float], float],
    start_s: float = 0,
    reports_from_s: float = 0,
) -> list[tuple[float, int, int]]:
    """Sound every 20 ms, pictures at 30 fps, in order of time; (second of capture, arrival, due) of each picture."""
    events: list[tuple[float, int, int]] = []
    for n in range(round(seconds * 50)):
        at_s = start_s + n / 50
        delay = sound_delay_us(at_s)
        if delay is not None and at_s >= reports_from_s:
            events.append((at_s * 1e6 + delay, 0, round(at_s * 1e6)))
    for n in range(round(seconds * 30)):
        captured = round(start_s * 1e6) + n * FRAME_US
        events.append((captured + picture_delay_us(captured / 1e6), 1, captured))
    pictures = []
    for now, is_picture, captured in sorted(events):
        if not is_picture:
            sync.note_audio(SENDER_US + captured, round(now))
        else:
            known = captured / 1e6 >= reports_from_s
            due = sync.due_us(SENDER_US + captured if known else None, round(now))
            pictures.append((captured / 1e6, round(now), due))
    return pictures


def offsets_ms(pictures: list[tuple[float, int, int]], from_s: float) -> list[float]:
    return [(due - at_s * 1e6) / 1000 for at_s, _, due in pictures if at_s >= from_s]


def test_pictures_wait_for_their_sound() -> None:
    pictures = play(LipSync(), 10, sound_delay_us=lambda _: 180_000, picture_delay_us=lambda _: 40_000)
    assert offsets_ms(pictures, 4) == pytest.approx([180] * len(offsets_ms(pictures, 4)), abs=2)


def test_jitter_of_pictures_is_taken_out() -> None:
    jittery = play(
        LipSync(), 10, sound_delay_us=lambda _: 180_000, picture_delay_us=lambda t: 30_000 + (t * 7919) % 1 * 90_000
    )
    assert offsets_ms(jittery, 4) == pytest.approx([180] * len(offsets_ms(jittery, 4)), abs=2)


def test_without_a_sender_report_pictures_are_shown_as_they_come() -> None:
    sync = LipSync()
    assert [sync.due_us(None, at) for at in (0, 33_000, 90_000)] == [0, 33_000, 90_000]


def test_before_the_first_report_pictures_wait_as_long_as_the_sound() -> None:
    sync = LipSync()
    sync.note_delay(70_000)
    assert [sync.due_us(None, at) for at in (0, 33_000)] == [70_000, 103_000]
    first_known = sync.due_us(SENDER_US + 66_000, 66_000)
    assert first_known == pytest.approx(136_000, abs=4_000)  # no jump when the report comes


def test_without_a_report_a_changed_delay_is_slewed_to() -> None:
    sync = LipSync()
    sync.due_us(None, 0)
    sync.note_delay(100_000)
    held = [sync.due_us(None, n * FRAME_US) - n * FRAME_US for n in range(1, 60)]
    assert max(b - a for a, b in pairwise(held)) < FRAME_US * 0.35
    assert held[-1] == 100_000


def test_the_first_report_slews_and_never_jumps() -> None:
    pictures = play(
        LipSync(), 12, sound_delay_us=lambda _: 250_000, picture_delay_us=lambda _: 40_000, reports_from_s=5
    )
    dues = [due for _, _, due in pictures]
    steps = [later - earlier for earlier, later in pairwise(dues)]
    assert min(steps) > FRAME_US * 0.65
    assert max(steps) < FRAME_US * 1.35
    assert offsets_ms(pictures, 9) == pytest.approx([250] * len(offsets_ms(pictures, 9)), abs=2)


def test_a_changed_sound_delay_is_followed_slowly() -> None:
    pictures = play(
        LipSync(), 20, sound_delay_us=lambda t: 100_000 if t < 8 else 300_000, picture_delay_us=lambda _: 40_000
    )
    dues = [due for _, _, due in pictures]
    steps = [later - earlier for earlier, later in pairwise(dues)]
    assert max(steps) < FRAME_US * 1.35
    assert offsets_ms(pictures, 13) == pytest.approx([300] * len(offsets_ms(pictures, 13)), abs=3)


def test_sound_that_was_moved_is_followed_before_anybody_notices() -> None:
    """As it is after a bad moment on the line, when its delay shrinks again in one pause of speech."""
    pictures = play(
        LipSync(), 10, sound_delay_us=lambda t: 160_000 if t < 8 else 100_000, picture_delay_us=lambda _: 40_000
    )
    assert max(abs(offset - 100) for offset in offsets_ms(pictures, 8.4)) < 12


def test_no_picture_waits_longer_than_half_a_second_or_is_due_before_it_came() -> None:
    late_sound = play(LipSync(), 20, sound_delay_us=lambda _: 900_000, picture_delay_us=lambda _: 40_000)
    late_pictures = play(LipSync(), 20, sound_delay_us=lambda _: 50_000, picture_delay_us=lambda _: 400_000)
    for pictures in (late_sound, late_pictures):
        assert all(0 <= due - arrival <= MAX_WAIT_US for _, arrival, due in pictures)


def test_when_the_sound_ends_pictures_stop_waiting_for_it() -> None:
    pictures = play(
        LipSync(), 20, sound_delay_us=lambda t: 300_000 if t < 6 else None, picture_delay_us=lambda _: 40_000
    )
    assert max(offsets_ms(pictures, 14)) < 60


def test_a_sender_whose_clock_is_set_is_followed_at_once() -> None:
    sync = LipSync()
    play(sync, 5, sound_delay_us=lambda _: 100_000, picture_delay_us=lambda _: 40_000)
    for n in range(50):
        sync.note_audio(SENDER_US + 3_600_000_000 + n * 20_000, 6_000_000 + n * 20_000 + 100_000)
    due = sync.due_us(SENDER_US + 3_600_000_000 + 1_000_000, 7_000_000 + 40_000)
    assert 0 <= due - 7_040_000 <= MAX_WAIT_US


def test_the_sound_learns_how_long_pictures_take() -> None:
    sync = LipSync()
    assert sync.pictures_offset_us(0) is None
    play(sync, 4, sound_delay_us=lambda _: 60_000, picture_delay_us=lambda _: 120_000)
    offset = sync.pictures_offset_us(4_000_000)
    assert offset is not None
    assert offset + SENDER_US == pytest.approx(120_000, abs=1_000)
    assert sync.pictures_offset_us(8_000_000) is None  # the camera is off
