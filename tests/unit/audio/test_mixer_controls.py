"""Gain and mute from outside, and senders whose levels are not true."""

import numpy as np
import pytest

from mcu.audio.levels import LevelCheck
from mcu.errors import UnknownParticipantError
from mcu.media import Samples
from tests.unit.audio.room import Person, Room, steady, strength

pytestmark = pytest.mark.unit


class RoomForOne(Room):
    max_talkers = 1


class RoomForTwo(Room):
    max_talkers = 2


def heard_by(room: Room, who: str, seconds: float = 0.5) -> Samples:
    return room.people[who].heard()[-round(seconds * 48_000) :]


def clicks(sound: Samples, amplitude: float, hertz: float) -> bool:
    return bool(np.abs(np.diff(sound)).max() > 1.3 * amplitude * 2 * np.pi * hertz / 48_000)


@pytest.mark.parametrize("gain_db", [-12.0, 6.0])
def test_a_gain_changes_what_the_others_hear_of_one(gain_db: float) -> None:
    room = Room(a=Person(440, steady(0.1)), b=Person(660, steady(0.1)), c=Person(880, steady(0)))
    room.run(1)
    room.mixer.set_gain("a", gain_db)
    room.run(1)
    assert strength(heard_by(room, "c"), 440) == pytest.approx(0.1 * 10 ** (gain_db / 20), rel=0.05)
    assert strength(heard_by(room, "c"), 660) == pytest.approx(0.1, rel=0.05)
    assert not clicks(room.people["c"].heard()[24_000:], 0.1 * max(1, 10 ** (gain_db / 20)) + 0.1, 660)


@pytest.mark.parametrize("levels", [True, False])
def test_who_is_muted_is_heard_by_nobody_and_does_not_speak(levels: bool) -> None:
    room = Room(a=Person(300, steady(0.2), levels=levels), b=Person(300, steady(0)), c=Person(300, steady(0)))
    room.run(1)
    assert room.told[-1][1].speaking == {"a"}
    room.mixer.set_muted("a", muted=True)
    room.run(1)
    speaking = room.told[-1][1]
    assert (speaking.active, speaking.speaking, "a" in speaking.muted) == (None, frozenset(), True)
    assert not heard_by(room, "b").any()
    assert room.mixer.metrics()["tutti_audio_encoders"] == 1
    room.mixer.set_muted("a", muted=False)
    room.run(1)
    assert room.told[-1][1].speaking == {"a"}
    assert "a" not in room.told[-1][1].muted
    assert strength(heard_by(room, "b"), 300) == pytest.approx(0.2, rel=0.05)
    assert not clicks(room.people["b"].heard()[24_000:], 0.2, 300)


def test_who_is_muted_takes_nobodys_place() -> None:
    room = RoomForOne(loud=Person(440, steady(0.5)), soft=Person(660, steady(0.05)), listener=Person(880, steady(0)))
    room.run(1)
    room.mixer.set_muted("loud", muted=True)
    room.run(0.5)
    assert strength(heard_by(room, "listener", 0.4), 660) == pytest.approx(0.05, rel=0.05)


def test_controls_of_strangers_and_senseless_gains_are_refused() -> None:
    room = Room(a=Person(440, steady(0.1)))
    with pytest.raises(UnknownParticipantError):
        room.mixer.set_gain("x", 0)
    with pytest.raises(UnknownParticipantError):
        room.mixer.set_muted("x", muted=True)
    for gain_db in (float("nan"), float("inf"), 40.0, -100.0):
        with pytest.raises(ValueError, match="gain"):
            room.mixer.set_gain("a", gain_db)


def test_a_lying_level_does_not_keep_a_talkers_place() -> None:
    people = {f"p{n}": Person(300 + 100 * n, steady(0.05)) for n in range(2)}
    room = RoomForTwo(liar=Person(2_000, steady(0.0005), claims=1), **people, listener=Person(90, steady(0)))
    room.run(3)
    sound = heard_by(room, "listener")
    for person in people.values():
        assert strength(sound, person.frequency_hz) == pytest.approx(0.05, rel=0.05)
    assert room.told[-1][1].active != "liar"
    assert room.mixer.metrics()["tutti_audio_levels_distrusted"] == 1


def test_who_lied_is_heard_when_he_really_speaks() -> None:
    liar = Person(440, lambda t: 0.1 if t > 3 else 0.0, claims=1)
    room = Room(liar=liar, listener=Person(90, steady(0)))
    room.run(5)
    assert strength(heard_by(room, "listener"), 440) == pytest.approx(0.1, rel=0.05)


def test_true_levels_are_believed() -> None:
    room = Room(
        a=Person(440, lambda t: 0.3 if t % 0.7 < 0.2 else 0.001),
        b=Person(660, steady(0.2)),
        c=Person(200, lambda t: 0.4 * (t * 7 % 1) ** 4),
    )
    room.run(20)
    assert room.mixer.metrics()["tutti_audio_levels_distrusted"] == 0


def test_trust_comes_back_after_10_s_of_truth() -> None:
    check = LevelCheck()
    assert [check.note(0, -60) for _ in range(100)].count(True) == 1
    assert not check.trusted
    for _ in range(490):
        check.note(-20, -20)
    assert not check.trusted
    for _ in range(120):
        check.note(-20, -20)
    assert check.trusted


def test_a_claim_that_is_late_or_early_is_no_lie() -> None:
    check = LevelCheck()
    measured = [-20.0 if n % 40 < 10 else -80.0 for n in range(2_000)]
    claimed = [*measured[2:], -80.0, -80.0]
    assert not any(check.note(*pair) for pair in zip(claimed, measured, strict=True))
