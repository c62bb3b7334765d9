"""Who says that he is silent costs nothing, and is heard from his first word on as if he had been played always."""

from collections.abc import Iterator, Sequence

import numpy as np
import pytest

from mcu.audio.playout import Playout
from mcu.audio.source import INBOX_UNITS
from mcu.media import AudioUnit
from mcu.sync import LipSync
from tests.unit.audio.room import Person, Room, steady, strength
from tests.unit.audio.stream import Heard, KnownDecoder, delayed, packets, tone

pytestmark = pytest.mark.unit

RESTS_S, WAKES_S, ENDS_S = 3.0, 8.0, 10.0


def played(units: Sequence[AudioUnit], *, rests: bool) -> tuple[Playout, Heard]:
    """Unheard until ``WAKES_S``, by resting from ``RESTS_S`` on or not; heard from then on."""
    decoder = KnownDecoder(tone(), fec=False)
    buffer, heard = Playout(make=lambda _codec, _channels: decoder), Heard()
    waiting = sorted(units, key=lambda unit: unit.arrival_us)
    resting = False
    for tick in range(int(ENDS_S * 50)):
        now_us = tick * 20_000 + 7_000
        came = [unit for unit in waiting if unit.arrival_us <= now_us]
        waiting = waiting[len(came) :]
        if rests and now_us == RESTS_S * 1e6 + 7_000:
            buffer.rest()
            resting = True
        if resting and now_us < WAKES_S * 1e6:
            came = list(buffer.skim(came))
        if resting and (came or now_us >= WAKES_S * 1e6):
            buffer.resume(came, now_us)
            came, resting = [], False
        for unit in came:
            buffer.push(unit)
        if not resting:
            block = buffer.pull(now_us, decode=now_us >= WAKES_S * 1e6)
            heard.now_us.append(now_us)
            heard.played.append(block)
            heard.delay_ms.append(np.nan if block.capture_us is None else (now_us - block.capture_us) / 1000)
    return buffer, heard


def jittery(units: Sequence[AudioUnit], most_ms: float, *, later_ms: float = 0) -> list[AudioUnit]:
    """``later_ms``: by how much the way gets longer in the middle of the rest."""
    rng = np.random.default_rng(5)
    return list(delayed(units, lambda n: rng.uniform(0, most_ms) + (later_ms if n > 270 else 0)))


@pytest.mark.parametrize("packet_ms", [10, 20, 60])
@pytest.mark.parametrize("most_ms", [0, 80, 180])
def test_a_rest_does_not_change_when_something_is_played(most_ms: float, packet_ms: int) -> None:
    units = jittery(packets(ENDS_S, packet_ms=packet_ms, level_dbov=70), most_ms)
    plain, always = played(units, rests=False)
    rested, again = played(units, rests=True)
    expected = always.delay_between(WAKES_S + 0.1, ENDS_S)
    assert again.delay_between(WAKES_S + 0.1, ENDS_S).mean() == pytest.approx(expected.mean(), abs=8)
    assert np.abs(again.sound[-2_000:]).max() > 0.2
    assert rested.stats.overdue == 0
    assert rested.stats.lost <= plain.stats.lost
    assert rested.stats.received == plain.stats.received


def test_a_way_that_got_longer_during_the_rest_is_known_when_it_ends() -> None:
    units = jittery(packets(ENDS_S, level_dbov=70), 5, later_ms=150)
    rested, again = played(units, rests=True)
    assert again.delay_between(WAKES_S + 0.1, ENDS_S).max() < 260
    assert rested.stats.late == 0
    assert not np.isnan(again.delay_ms[-95:]).any()


def test_timestamps_that_jump_during_a_rest_end_it() -> None:
    def jumped() -> Iterator[AudioUnit]:
        for unit in packets(ENDS_S, level_dbov=70):
            shift = 5_000_000 if unit.arrival_us > 5_000_000 else 0
            yield AudioUnit(
                unit.codec, unit.data, unit.sequence, unit.rtp_time + shift, unit.arrival_us, unit.capture_us, 70
            )

    rested, again = played(list(jumped()), rests=True)
    assert rested.stats.restarts == 1
    assert again.delay_between(WAKES_S, ENDS_S).max() < 70
    assert np.abs(again.sound[-2_000:]).max() > 0.2


def explode(*_args: object, **_named: object) -> None:
    raise AssertionError("something was done for a silent source")


def test_nothing_is_done_for_who_is_silent() -> None:
    room = Room(silent=Person(440, steady(0)), quiet=Person(440, steady(0.0005)), talker=Person(880, steady(0.2)))
    room.run(2)
    for who in ("silent", "quiet"):
        playout = room.mixer._sources[who].playout
        playout.push = playout.pull = playout.level = explode  # type: ignore[method-assign,assignment] # would be seen
    room.run(3)
    metrics = room.mixer.metrics()
    assert metrics["tutti_audio_source_failures_total"] == 0
    assert metrics["tutti_audio_dropped_inbox_total"] == 0
    assert metrics["tutti_audio_packets_received_total"] == pytest.approx(3 * 250, abs=2 * 20)  # those noted so far
    assert strength(room.people["silent"].heard()[-24_000:], 880) == pytest.approx(0.2, rel=0.05)


@pytest.mark.parametrize("levels", [True, False])
def test_the_first_word_after_a_long_silence_is_heard_from_its_beginning(levels: bool) -> None:
    room = Room(a=Person(1_000, lambda t: 0.3 if t >= 6.005 else 0.0, levels=levels), b=Person(300, steady(0)))
    room.run(7)
    loud = np.flatnonzero(np.abs(room.people["b"].heard()) > 0.05)
    assert 20 < loud[0] / 48 - 6_005 < 80  # playout delay and filters


def test_who_spoke_last_stays_the_active_speaker_while_he_rests() -> None:
    room = Room(a=Person(440, lambda t: 0.2 if t < 1 else 0.0), b=Person(660, lambda t: 0.2 if t > 5 else 0.0))
    room.run(8)
    active = [speaking.active for _, speaking in room.told]
    assert [who for n, who in enumerate(active) if n == 0 or active[n - 1] != who] == [None, "a", "b"]


def test_a_silent_room_is_not_a_muted_one() -> None:
    room = Room(quiet=Person(440, steady(0.0005)), silent=Person(440, steady(0)))
    room.run(6)
    assert room.told[-1][1].muted == {"silent"}
    assert not [at for at, speaking in room.told if "quiet" in speaking.muted and at > 0.5]


def test_pictures_know_the_delay_of_a_sound_that_rests() -> None:
    room = Room(a=Person(440, lambda t: 0.2 if t < 1 else 0.0))
    sync = LipSync()
    room.inputs["a"] = room.mixer.add("a", sync, codec_out=None)
    room.run(3)
    due_us = []
    for _ in range(300):
        room.run(0.02)
        due_us.append(sync.due_us(room.now_us, room.now_us + 1) - room.now_us)
    metrics = room.mixer.metrics()
    expected_us = metrics["tutti_audio_playout_delay_seconds_max"] * 1e6 + 4_000
    assert 24_000 < expected_us < 60_000
    assert due_us[-1] == pytest.approx(expected_us, abs=8_000)


def test_a_flood_while_resting_is_bounded_and_counted() -> None:
    room = Room(a=Person(440, steady(0)))
    room.run(3)
    unit = AudioUnit(packets(0.02)[0].codec, b"\0" * 160, 1_000, 160_000, 3_000_000, None, 127)
    for _ in range(INBOX_UNITS + 50):
        room.inputs["a"].push(unit)
    assert 50 <= room.mixer.metrics()["tutti_audio_dropped_inbox_total"] <= 70
    room.run(1)
    assert room.mixer.metrics()["tutti_audio_source_failures_total"] == 0
