"""One participant of four on a bad line, with real packets: what becomes of theirs, and of the others'.

They ask for keyframes all the time. Everything is told from what was received, on media time. A tick that the mixer
left out on a busy machine is no fault of the line: the mixer counts it, and such moments are left out here as well.
"""

import asyncio
import sys
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import pytest

from mcu.media import Samples
from tests.e2e.support.impairment import CLEAN, DEAD, ImpairedLine, Impairment
from tests.e2e.support.waiting import LoopThread
from tests.media.guest_shows import FPS, NUMBERS, number_shown
from tests.media.guest_streams import Luma, Shown, heard_from, pictures
from tests.media.room_guests import CANVAS, Guest, House, open_house
from tests.unit.audio.chirps import SLOT_S, found

pytestmark = [pytest.mark.media, pytest.mark.timeout(150), pytest.mark.usefixtures("no_standstill")]

TICK = 90_000 // FPS
STEADY = 30  # ticks in a row before a picture that is compared
LINES = {
    "random loss": Impairment(loss=0.05),
    "bursts": Impairment(loss=0.1, burst=3),
    "jitter": Impairment(delay_ms=100, jitter_ms=80),
    "reordering": Impairment(overtaken=0.2),
}
PHASE_S, OUTAGE_S = 5.0, 10.0
MOST = 0.75  # of the chirps; a machine that stands still for a moment costs some, on a clean line too


@dataclass
class Phase:
    """A time of the story."""

    begin: int  # media time in 90 kHz
    end: int
    skipped: int  # ticks
    seen: list[tuple[int, Shown]] = field(default_factory=list)  # by one of the others, with media time
    starved: list[tuple[int, Shown]] = field(default_factory=list)  # by the one on the bad line


@dataclass
class Story:
    """What everybody got."""

    phases: dict[str, Phase] = field(default_factory=dict)
    painted: dict[int, Luma] = field(default_factory=dict)
    sound: Samples | None = None  # of the one on the bad line, as another hears it, from its first sample on
    sound_begins: float = 0.0  # media seconds
    camera_begins: int = 0  # media time of picture 0 of another camera
    begging_from: int = 0


class _Telling:
    """Marks the phases while they last."""

    def __init__(self, house: House, story: Story) -> None:
        self._house, self._story = house, story

    def _now(self) -> tuple[int, int]:
        return self._house.room.clock.now_us() * 9 // 100, int(self._house.metric("tutti_video_ticks_skipped_total"))

    async def phase(self, name: str, seconds: float) -> None:
        begin, skipped = self._now()
        await asyncio.sleep(seconds)
        end, skipped_then = self._now()
        self._story.phases[name] = Phase(begin, end, skipped_then - skipped)


async def _told() -> Story:
    story, line = Story(), ImpairedLine(seed=4)
    async with open_house() as house:
        guests = [
            Guest(name, seed=seed, sings=name == "dora") for seed, name in enumerate(("anna", "bert", "cleo", "dora"))
        ]
        anna, bert, _, dora = guests
        for guest in guests:
            await guest.join(house.room, line if guest is dora else None)
        await asyncio.sleep(1)
        telling = _Telling(house, story)
        await telling.phase("clean", PHASE_S)
        story.begging_from = house.room.clock.now_us() * 9 // 100
        dora.beg()
        for name, impairment in LINES.items():
            line.impair(impairment)
            await telling.phase(name, PHASE_S)
        line.impair(DEAD)
        await telling.phase("outage", OUTAGE_S)
        line.impair(CLEAN)
        await telling.phase("after", PHASE_S)
        origins = {guest.name: house.origins(guest) for guest in guests}
        began_s = house.room.clock.start_monotonic_ns / 1e9
        for guest in guests:
            await guest.leave()
    story.painted = house.painted
    story.camera_begins = round((bert.begun_s - began_s) * 90_000)
    story.sound_begins = dora.begun_s - began_s
    story.sound = heard_from(anna.sound, origins["anna"][0], story.sound_begins)
    for guest, list_of in ((anna, "seen"), (dora, "starved")):
        for shown in pictures(guest.picture):
            time = (shown.time - origins[guest.name][1]) & 0xFFFFFFFF
            for phase in story.phases.values():
                if phase.begin <= time < phase.end:
                    getattr(phase, list_of).append((time, shown))
    return story


@pytest.fixture(scope="module")
def story() -> Story:
    thread = LoopThread("network")
    told = thread.run(_told(), timeout_s=120)
    thread.close()
    for name, phase in told.phases.items():  # pytest shows it when a test has failed
        delays = _delays_ms(told, phase) or [np.nan]
        p50, p95 = np.percentile(delays, [50, 95])
        sys.stderr.write(
            f"{name}: {len(phase.seen)} pictures and {phase.skipped} skipped of {(phase.end - phase.begin) // TICK}, "
            f"{np.mean(_psnrs(told, phase) or [np.nan]):.2f} dB, delay p50 {p50:.0f} p95 {p95:.0f} ms; "
            f"there {len(phase.starved)} pictures of { ({shown.luma.shape[0] for _, shown in phase.starved}) }\n"
        )
    return told


def _psnrs(story: Story, phase: Phase) -> list[float]:
    """Of pictures that were compared with the canvas, where others' pictures had moved steadily before."""
    numbers = {time: _number(shown) for time, shown in phase.seen}
    found = []
    for time, shown in phase.seen:
        canvas = story.painted.get(time)
        before = [numbers.get(time - back * TICK) for back in range(STEADY)]
        steady = all(one is not None and other == (one - 1) % NUMBERS for one, other in pairwise(before))
        if steady and canvas is not None and shown.luma.shape == canvas.shape:
            found.append(float(10 * np.log10(255**2 / np.mean((shown.luma.astype(float) - canvas) ** 2))))
    return found


def _number(shown: Shown) -> int:
    """Which of its pictures the second of four tiles shows."""
    height, width = shown.luma.shape
    return number_shown(shown.luma[: height // 2, width // 2 :])


def _delays_ms(story: Story, phase: Phase) -> list[float]:
    """From the capture of another's picture to the tick that shows it."""
    delays = []
    for time, shown in phase.seen:
        captured = story.camera_begins + _number(shown) * TICK
        delays.append((time - captured) % (NUMBERS * TICK) / 90)
    return delays


@pytest.mark.parametrize("line", [*LINES, "outage", "after"])
def test_the_others_have_every_picture(story: Story, line: str) -> None:
    phase = story.phases[line]
    due = (phase.end - phase.begin) // TICK
    assert len(phase.seen) >= due - phase.skipped - 2  # a phase does not begin with a tick
    assert {shown.luma.shape for _, shown in phase.seen} == {(CANVAS.height, CANVAS.width)}


def test_the_others_pictures_are_as_good(story: Story) -> None:
    clean = _psnrs(story, story.phases["clean"])
    now = [each for line in LINES for each in _psnrs(story, story.phases[line])]
    assert np.median(now) >= np.median(clean) - 0.5


def test_the_others_pictures_are_as_early(story: Story) -> None:
    clean = _delays_ms(story, story.phases["clean"])
    now = [each for line in LINES for each in _delays_ms(story, story.phases[line])]
    assert np.median(now) <= np.median(clean) + 1_000 / FPS + 0.1


def test_the_others_get_a_keyframe_in_5_s_at_most(story: Story) -> None:
    times = [time for phase in story.phases.values() for time, shown in phase.seen if shown.keyframe]
    times = [time for time in times if time >= story.begging_from]
    assert all(after - before >= 5 * 90_000 for before, after in pairwise(times))


@pytest.mark.parametrize("line", [*LINES, "after"])
def test_who_is_on_the_bad_line_has_a_moving_picture(story: Story, line: str) -> None:
    pictures = [shown for _, shown in story.phases[line].starved]
    moves = sum(_number(one) != _number(other) for one, other in pairwise(pictures))
    assert moves >= 5 * PHASE_S
    if line != "random loss":
        assert max(shown.luma.shape[0] for shown in pictures) < CANVAS.height


def _chirps(story: Story) -> list[tuple[float, float]]:
    """Those that were heard, in order of being heard: when they were sung, in media seconds, and how late in ms."""
    assert story.sound is not None
    sung = int((story.phases["after"].end / 90_000 - story.sound_begins) / SLOT_S) - 4
    return [
        (story.sound_begins + number * SLOT_S, (second - number * SLOT_S) * 1_000)
        for number, second in found(story.sound, sung)
    ]


def _within(story: Story, line: str, chirps: list[tuple[float, float]], after_s: float = 0.0) -> list[float]:
    phase = story.phases[line]
    return [late for sung, late in chirps if phase.begin / 90_000 + after_s <= sung < phase.end / 90_000 - 1]


def test_what_is_heard_over_the_bad_line_keeps_its_order(story: Story) -> None:
    chirps = _chirps(story)
    sung = [when for when, _ in chirps]
    assert sung == sorted(sung)
    for line in LINES:
        assert len(_within(story, line, chirps)) >= MOST * (PHASE_S - 1) / SLOT_S


def test_sound_and_picture_are_back_after_the_outage(story: Story) -> None:
    chirps = _chirps(story)
    before, after = _within(story, "clean", chirps), _within(story, "after", chirps, after_s=2)
    assert len(after) >= MOST * (PHASE_S - 3) / SLOT_S
    assert np.median(after) <= np.median(before) + 60
    back = [time for time, _ in story.phases["after"].starved]
    assert back[0] - story.phases["after"].begin < 2 * 90_000
