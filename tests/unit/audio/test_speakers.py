from collections.abc import Callable, Mapping
from itertools import pairwise

import pytest

from mcu.audio.speakers import HANGOVER_US, MUSIC_DBOV, Selection, SpeakerSelector

pytestmark = pytest.mark.unit

SILENT = -127.0


def run(
    selector: SpeakerSelector, levels: Mapping[str, Callable[[float], float]], seconds: float, start_s: float = 0
) -> list[Selection]:
    """A selection every 20 ms."""
    ticks = range(round(start_s * 50), round((start_s + seconds) * 50))
    return [selector.update(n * 20_000, {who: level(n / 50) for who, level in levels.items()}) for n in ticks]


def test_a_voice_is_heard_in_its_first_tick() -> None:
    selections = run(SpeakerSelector(6), {"a": lambda t: -30 if t >= 1 else SILENT}, 2)
    assert [s.talkers for s in selections[:50]] == [frozenset()] * 50
    assert selections[50] == Selection(frozenset("a"), frozenset("a"), "a")


def test_a_steady_tone_speaks_for_ever() -> None:
    selections = run(SpeakerSelector(6), {"a": lambda _: -23.0}, 600)
    assert all(s.talkers == frozenset("a") for s in selections)


def test_gaps_between_words_do_not_switch() -> None:
    words = {"a": lambda t: -30.0 if t % 0.9 < 0.3 else -70.0}
    selections = run(SpeakerSelector(6), words, 10)
    assert all(s.speaking == frozenset("a") for s in selections)


def test_who_stops_is_let_go_after_the_hangover() -> None:
    selections = run(SpeakerSelector(6), {"a": lambda t: -30.0 if t < 1 else -80.0}, 3)
    held = sum(bool(s.talkers) for s in selections) / 50 - 1
    assert held == pytest.approx(HANGOVER_US / 1e6, abs=0.04)
    assert HANGOVER_US >= 600_000


def test_a_level_about_the_threshold_does_not_flicker() -> None:
    selections = run(SpeakerSelector(6), {"a": lambda t: -50.0 + (-3 if int(t * 50) % 2 else 0.5)}, 10)
    assert len({s.talkers for s in selections}) == 1


def test_the_loudest_are_heard_and_no_more() -> None:
    levels = {name: (lambda _t, n=n: -20.0 - n) for n, name in enumerate("abcdefgh")}
    assert run(SpeakerSelector(6), levels, 1)[-1].talkers == frozenset("abcdef")


def test_equally_loud_people_do_not_take_turns() -> None:
    levels = {name: (lambda t, n=n: -30.0 + 4 * ((int(t * 50) * 7 + n * 3) % 2)) for n, name in enumerate("abcd")}
    selections = run(SpeakerSelector(2), levels, 10)
    assert len({s.talkers for s in selections}) == 1


def test_a_shout_gets_in_at_once_when_all_places_are_taken() -> None:
    levels = {"a": lambda _: -40.0, "b": lambda _: -38.0, "c": lambda t: -15.0 if t >= 1 else SILENT}
    selections = run(SpeakerSelector(2), levels, 2)
    assert selections[50].talkers == frozenset("bc")


def test_soft_music_is_heard_and_nobody_speaks() -> None:
    levels = {"soft": lambda t: -65.0 if t < 1 else -78.0, "silent": lambda _: -90.0}
    selections = run(SpeakerSelector(6, MUSIC_DBOV), levels, 2)
    assert {selection.talkers for selection in selections} == {frozenset({"soft"})}
    assert {selection.speaking for selection in selections} == {frozenset()}
    assert {selection.active for selection in selections} == {None}
    assert {selection.talkers for selection in run(SpeakerSelector(6), levels, 2)} == {frozenset()}


def test_the_active_speaker_changes_when_another_goes_on_speaking() -> None:
    levels = {"a": lambda t: -30.0 if t < 2 else -80.0, "b": lambda t: -30.0 if t >= 2 else -80.0}
    active = [s.active for s in run(SpeakerSelector(6), levels, 5)]
    assert set(active[:100]) == {"a"}
    assert active[100 + 75] == "b"
    assert sum(x != y for x, y in pairwise(active)) == 1


def test_a_cough_does_not_take_the_floor() -> None:
    levels = {"a": lambda _: -30.0, "b": lambda t: -15.0 if 2 <= t < 2.2 else -80.0}
    assert {s.active for s in run(SpeakerSelector(6), levels, 5)} == {"a"}


def test_the_active_speaker_stays_through_silence_and_goes_with_his_leaving() -> None:
    selector = SpeakerSelector(6)
    assert run(selector, {"a": lambda _: SILENT, "b": lambda _: SILENT}, 1)[-1].active is None
    speech = run(selector, {"a": lambda t: -30.0 if t < 2 else SILENT, "b": lambda _: SILENT}, 9, start_s=1)
    assert speech[-1].active == "a"
    assert run(selector, {"b": lambda _: SILENT}, 1, start_s=10)[-1].active is None
