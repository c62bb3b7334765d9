"""The mixer on virtual time."""

import numpy as np
import pytest

from mcu.audio.codecs import NarrowDecoder
from mcu.media import AudioCodec, Samples
from mcu.sync import LipSync
from tests.unit.audio.room import Person, Room, steady, strength

pytestmark = pytest.mark.unit


def test_everybody_hears_all_but_himself() -> None:
    room = Room(a=Person(440, steady(0.14)), b=Person(660, steady(0.14), levels=False), c=Person(880, steady(0.14)))
    room.run(4)
    for who, person in room.people.items():
        sound = person.heard()[-96_000:]
        for other, sender in room.people.items():
            found = strength(sound, sender.frequency_hz)
            if other == who:
                assert found < 0.14 / 100
            else:
                assert found == pytest.approx(0.14, rel=0.05)


def test_who_only_listens_hears_everybody() -> None:
    room = Room(a=Person(440, steady(0.14)), b=Person(660, steady(0.14)), c=Person(880, steady(0)))
    room.run(3)
    assert strength(room.people["c"].heard()[-48_000:], 440) == pytest.approx(0.14, rel=0.05)
    assert strength(room.people["c"].heard()[-48_000:], 660) == pytest.approx(0.14, rel=0.05)


def test_encodes_follow_talkers_not_participants() -> None:
    people = {f"p{n}": Person(300 + 50 * n, steady(0.1 if n < 3 else 0)) for n in range(40)}
    room = Room(**people)
    room.run(1)
    assert room.mixer.metrics()["tutti_audio_encoders"] == 4
    assert len(room.blocks[-1].own) == 3


@pytest.mark.parametrize("levels", [True, False])
def test_turning_from_listener_to_talker_and_back_does_not_click(levels: bool) -> None:
    talks = Person(1_000, lambda t: 0.2 if 1.5 <= t < 2.2 else 0.0, levels=levels)
    room = Room(a=talks, b=Person(300, steady(0.2)), c=Person(300, steady(0)))
    room.run(5)
    switches = {"a" in block.own for block in room.blocks}
    assert switches == {True, False}
    for who, fastest_slope_hz in (("a", 300), ("c", 300 + 1_000)):  # who turns hears b, who listens hears both
        sound = room.people[who].heard()[48_000:]
        assert np.abs(np.diff(sound)).max() < 1.3 * 0.2 * 2 * np.pi * fastest_slope_hz / 48_000


def test_the_first_word_is_heard_from_its_beginning() -> None:
    room = Room(a=Person(1_000, lambda t: 0.3 if t >= 2 else 0.0), b=Person(300, steady(0)))
    room.run(3)
    loud = np.flatnonzero(np.abs(room.people["b"].heard()) > 0.05)
    delay_ms = loud[0] / 48 - 2000
    assert 20 < delay_ms < 120  # playout delay and filters, not the detector's


def test_a_leaver_is_faded_not_cut() -> None:
    room = Room(a=Person(300, steady(0.3)), b=Person(300, steady(0)))
    room.run(2)
    room.mixer.remove("a")
    del room.inputs["a"]
    room.run(0.5)
    sound = room.people["b"].heard()[48_000:]
    assert np.abs(np.diff(sound)).max() < 1.3 * 0.3 * 2 * np.pi * 300 / 48_000
    assert np.abs(sound[-9_600:]).max() < 0.001


def test_a_crowd_of_loud_voices_stays_within_bounds() -> None:
    people = {f"p{n}": Person(300 + 70 * n, steady(0.9)) for n in range(8)}
    room = Room(**people)
    room.run(2)
    assert np.abs(room.people["p7"].heard()).max() <= 1.0
    assert room.mixer.metrics()["tutti_audio_limiter_gain"] < 0.5


def test_muted_is_digital_silence_or_nothing_for_half_a_second() -> None:
    room = Room(
        silent=Person(440, lambda t: 0.2 if t < 1 else 0.0),
        quiet=Person(440, steady(0.0005)),
        unlevelled=Person(440, lambda t: 0.2 if t < 1 else 0.0, levels=False),
        gone=Person(440, steady(0.2)),
    )
    room.run(1)
    assert room.told[-1][1].muted == frozenset()
    del room.inputs["gone"]
    room.run(1)
    assert room.told[-1][1].muted == {"silent", "unlevelled", "gone"}
    since = min(at for at, speaking in room.told if "silent" in speaking.muted and at > 0.5)
    assert 1.4 < since < 1.75


def test_the_active_speaker_is_told_once() -> None:
    room = Room(a=Person(440, lambda t: 0.2 if t < 2 else 0.0), b=Person(660, lambda t: 0.2 if t > 2 else 0.0))
    room.run(5)
    active = [speaking.active for _, speaking in room.told if speaking.active]
    assert [who for n, who in enumerate(active) if n == 0 or active[n - 1] != who] == ["a", "b"]


def test_one_source_that_fails_is_silenced_alone(caplog: pytest.LogCaptureFixture) -> None:
    room = Room(a=Person(440, steady(0.2)), b=Person(660, steady(0.2)), c=Person(880, steady(0)))
    room.run(1)

    def explode(*_args: object, **_named: object) -> None:
        raise RuntimeError("a bug")

    room.mixer._sources["a"].playout.pull = explode  # type: ignore[assignment] # a fault put in on purpose
    room.run(1)
    sound = room.people["c"].heard()[-24_000:]
    assert strength(sound, 660) == pytest.approx(0.2, rel=0.05)
    assert strength(sound, 440) < 0.002
    assert room.mixer.metrics()["tutti_audio_source_failures_total"] == 50
    assert len(caplog.records) == 1


def test_an_output_that_fails_is_counted_and_the_next_tick_goes_on(caplog: pytest.LogCaptureFixture) -> None:
    room = Room(a=Person(440, steady(0.2)))
    room.run(0.1)
    del room.people["a"].packets  # the room's own write fails now
    room.run(0.1)
    assert room.mixer.metrics()["tutti_audio_tick_failures_total"] == 5
    assert room.mixer.metrics()["tutti_audio_ticks_total"] == 10
    assert caplog.records


def test_blocks_are_stamped_by_tick_number() -> None:
    room = Room(a=Person(440, steady(0.2)))
    room.run(1)
    assert [block.pts for block in room.blocks] == [960 * n for n in range(1, 51)]


def test_who_wants_no_sound_gets_none() -> None:
    room = Room(a=Person(440, steady(0.2)))
    room.mixer.add("deaf", LipSync(), codec_out=None)
    room.run(0.5)
    assert "deaf" not in room.blocks[-1].own


def test_lip_sync_is_told_what_is_played() -> None:
    room = Room(a=Person(440, steady(0.2)), b=Person(440, steady(0)))
    sync = LipSync()
    room.inputs["a"] = room.mixer.add("a", sync, codec_out=AudioCodec.PCMU)
    room.run(3)
    # the tone's packet n was captured at n · 20 ms and a picture of that instant is due when its sound is played
    room_delay_us = sync.due_us(3_000_000, 3_000_000 + 1) - 3_000_000
    for _ in range(300):
        room.run(0.02)
        room_delay_us = sync.due_us(room.now_us, room.now_us + 1) - room.now_us
    metrics = room.mixer.metrics()
    expected_us = metrics["tutti_audio_playout_delay_seconds_max"] * 1e6 + 4_000
    assert room_delay_us == pytest.approx(expected_us, abs=8_000)


def test_metrics_survive_those_who_left() -> None:
    room = Room(a=Person(440, steady(0.2)), b=Person(440, steady(0.2)))
    room.run(1)
    before = room.mixer.metrics()
    room.mixer.remove("a")
    after = room.mixer.metrics()
    for name in ("tutti_audio_packets_received_total", "tutti_audio_packets_lost_total"):
        assert after[name] == before[name]


class _Deafening(NarrowDecoder):
    """A damaged Opus packet decodes to numbers like these."""

    def decode(self, data: bytes) -> Samples:
        return super().decode(data) * np.float32(90)


def test_a_decoder_far_over_full_scale_does_not_hush_the_others() -> None:
    room = Room(ada=Person(440, steady(0.2)), bo=Person(660, steady(0.2)), mallory=Person(1000, steady(0.2)))
    room.mixer._sources["mallory"].playout._decoder._make = _Deafening
    room.run(2)
    heard = room.people["bo"].heard()[-48_000:]
    assert strength(heard, 440) > 0.1


def test_a_block_tells_when_the_sound_came_that_begins_in_it() -> None:
    """The step at 2 s is in the packet with that number; it is heard in one block, and that block tells its arrival."""
    room = Room(ann=Person(440, lambda second: 0.02 if second < 2 else 0.5), ben=Person(0, steady(0)))
    room.run(4)
    heard = np.abs(room.people["ben"].heard()).reshape(-1, 960).max(axis=1)
    step = next(number for number in range(60, len(heard)) if heard[number] > 3 * heard[number - 1])
    traces = [block.trace for block in room.blocks]
    trace = traces[step]
    assert trace is not None
    assert trace.arrivals == {
        "ann": 101 * 20_000 + 4_000
    }  # packets arrive 4 ms after the tick that they are numbered by
    assert trace.begun_us == trace.mixed_us == (step + 1) * 20_000 + 6_000
    assert all(each is not None and "ben" not in each.arrivals for each in traces)
