"""One participant of four on lines that are bad in turn, asking for keyframes all the time: what everybody got."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from tests.e2e.support.impairment import CLEAN, DEAD, ImpairedLine, Impairment
from tests.media.guest_shows import FPS, NUMBERS, number_shown
from tests.media.guest_streams import Luma, Shown, heard_from, pictures
from tests.media.room_guests import Guest, undecoding
from tests.media.room_house import House, open_house
from tests.unit.audio.chirps import CLEARLY, SLOT_S, found

TICK = 90_000 // FPS
LINES = {
    "random loss": Impairment(loss=0.05),
    "bursts": Impairment(loss=0.1, burst=3),
    "jitter": Impairment(delay_ms=100, jitter_ms=80),
    "reordering": Impairment(overtaken=0.2),
}
PHASE_S, OUTAGE_S = 5.0, 10.0
_STEADY = 30  # ticks in a row before a picture that is compared


@dataclass(frozen=True)
class Seen:
    """A picture of the mix, as somebody decoded it."""

    time: int  # of media in 90 kHz
    number: int  # of the picture that the second of four tiles shows
    size: tuple[int, int]  # height, width
    keyframe: bool
    psnr_db: float | None = None  # to the canvas; None where none was kept


@dataclass
class Phase:
    """A time of the story."""

    begin: int  # media time in 90 kHz
    end: int
    skipped: int  # ticks
    seen: list[Seen] = field(default_factory=list)  # by one of the others
    starved: list[Seen] = field(default_factory=list)  # by the one on the bad line

    def delays_ms(self, camera_begins: int) -> list[float]:
        """From the capture of another's picture to the tick that shows it."""
        return [(seen.time - camera_begins - seen.number * TICK) % (NUMBERS * TICK) / 90 for seen in self.seen]

    def psnrs_db(self) -> list[float]:
        """Of pictures that were compared with the canvas, where others' pictures had moved steadily before."""
        numbers = {seen.time: seen.number for seen in self.seen}
        return [seen.psnr_db for seen in self.seen if seen.psnr_db is not None and _steady(numbers, seen.time)]


def _steady(numbers: dict[int, int], time: int) -> bool:
    before = [numbers.get(time - back * TICK) for back in range(_STEADY)]
    return all(one is not None and other == (one - 1) % NUMBERS for one, other in pairwise(before))


@dataclass
class Story:
    """What everybody got."""

    phases: dict[str, Phase]
    camera_begins: int  # media time of picture 0 of another camera
    begging_from: int
    chirps: list[tuple[float, float]]  # of the one on the bad line, in the order another heard them: when they were
    # sung, in media seconds, and how late in ms
    clear: list[float]  # those of them that can be taken for no other, in the same order: when they were sung


class _Telling:
    """Marks the phases while they last."""

    def __init__(self, house: House) -> None:
        self.phases: dict[str, Phase] = {}
        self._house = house

    async def phase(self, name: str, seconds: float) -> None:
        begin = await self._house.moment()
        await asyncio.sleep(seconds)
        end = await self._house.moment()
        self.phases[name] = Phase(begin.time, end.time, end.skipped - begin.skipped)


@dataclass(frozen=True)
class _Within:
    """What only the room knows."""

    began_s: float  # monotonic time of media time 0
    origins: dict[str, tuple[int, int]]  # RTP times of media time 0, of each guest's sound and picture
    painted: dict[int, Luma]


async def told() -> Story:
    """Live through it; takes some 50 s."""
    line = ImpairedLine(seed=4)
    guests = [
        Guest(name, seed=seed, sings=name == "dora") for seed, name in enumerate(("anna", "bert", "cleo", "dora"))
    ]
    dora = guests[-1]
    with undecoding():
        async with open_house() as house:
            telling = _Telling(house)
            for guest in guests:
                await guest.join(house, line if guest is dora else None)
            begging_from = await _live(telling, house, line, dora)
            origins = {guest.name: await house.origins(guest.name) for guest in guests}
            within = _Within(await house.began_s(), origins, await house.painted())
            for guest in guests:
                await guest.leave()
    return _look_back(telling.phases, within, guests, begging_from)


async def _live(telling: _Telling, house: House, line: ImpairedLine, beggar: Guest) -> int:
    await asyncio.sleep(1)
    await telling.phase("clean", PHASE_S)
    begging_from = (await house.moment()).time
    beggar.beg()
    for name, impairment in LINES.items():
        line.impair(impairment)
        await telling.phase(name, PHASE_S)
    line.impair(DEAD)
    await telling.phase("outage", OUTAGE_S)
    line.impair(CLEAN)
    await telling.phase("after", PHASE_S)
    return begging_from


def _look_back(phases: dict[str, Phase], within: _Within, guests: list[Guest], begging_from: int) -> Story:
    anna, bert, _, dora = guests
    for seen in _seen(anna, within):
        for phase in _around(phases, seen):
            phase.seen.append(seen)
    for seen in _seen(dora, within):
        for phase in _around(phases, seen):
            phase.starved.append(seen)
    sound_begins_s = dora.begun_s - within.began_s
    heard = heard_from(anna.sound, within.origins[anna.name][0], sound_begins_s)
    sung = int((phases["after"].end / 90_000 - sound_begins_s) / SLOT_S) - 4
    chirps = [
        (sound_begins_s + number * SLOT_S, (second - number * SLOT_S) * 1_000) for number, second in found(heard, sung)
    ]
    clear = [sound_begins_s + number * SLOT_S for number, _ in found(heard, sung, least=CLEARLY)]
    return Story(phases, round((bert.begun_s - within.began_s) * 90_000), begging_from, chirps, clear)


def _around(phases: dict[str, Phase], seen: Seen) -> Iterator[Phase]:
    return (phase for phase in phases.values() if phase.begin <= seen.time < phase.end)


def _seen(guest: Guest, within: _Within) -> Iterator[Seen]:
    for shown in pictures(guest.picture):
        height, width = shown.luma.shape
        time = (shown.time - within.origins[guest.name][1]) & 0xFFFFFFFF
        number = number_shown(shown.luma[: height // 2, width // 2 :])
        yield Seen(time, number, (height, width), shown.keyframe, _psnr_db(shown, within.painted.get(time)))


def _psnr_db(shown: Shown, canvas: Luma | None) -> float | None:
    if canvas is None or canvas.shape != shown.luma.shape:
        return None
    return float(10 * np.log10(255**2 / np.mean((shown.luma.astype(float) - canvas) ** 2)))
