"""A real room process with two honest members, watched while somebody does them harm."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from benchmarks.roomproc import RoomProcess
from mcu.messages import RoomConfig, RoomState, TileBox, VideoConfig
from tests.media.hostile_peers import CLOCK_HZ, Honest
from tests.media.rtc_world import until

CANVAS = VideoConfig(width=640, height=360, fps=30, bitrate_bps=600_000, rungs=1)
MAX_GAP_MS = 200
_QUIET_CORES = 0.2  # that others may take on a machine that is called quiet
_BLOCK = 2400  # 50 ms at 48 kHz


@dataclass
class Watch:
    """What became of the honest while somebody was hostile."""

    before: RoomState
    memory_before_mb: float
    cpu_before: tuple[float, float]  # seconds since some time, and seconds of processor that others took since then
    since: dict[str, dict[str, int]]  # units heard before, by member and kind
    during: RoomState  # at the end of the attack
    after: RoomState
    memory_during_mb: float = 0.0
    media_s: float = 0.0  # heard until the end

    def grown(self, name: str) -> float:
        """By how much a metric has grown."""
        return self.after.metrics.get(name, 0) - self.before.metrics.get(name, 0)

    def stats_of(self, id_: str) -> dict[str, float]:
        """What the room told of a participant at the end of the attack."""
        return next(person.stats for person in self.during.participants if person.id == id_)


class Scene:
    """The room and its honest members."""

    def __init__(self, room: RoomProcess, members: list[Honest]) -> None:
        self.room = room
        self.members = members

    async def watch(self) -> Watch:
        since = {m.id: {kind: len(heard.times) for kind, heard in m.heard.items()} for m in self.members}
        for member in self.members:
            member.begin()
        state = await self.room.state()
        return Watch(state, self.room.memory_mb(), self._others(), since, during=state, after=state)

    async def end(self, watch: Watch) -> None:
        """The attack is over, and the honest have got some more."""
        watch.after = await self.room.state()
        heard = self.members[0].heard["audio"].times
        watch.media_s = (heard[-1] - heard[watch.since[self.members[0].id]["audio"] - 1]) / CLOCK_HZ["audio"]

    def _others(self) -> tuple[float, float]:
        busy = psutil.cpu_times()
        own = psutil.Process().cpu_times()
        total = sum(busy) - busy.idle - getattr(busy, "iowait", 0.0) - getattr(busy, "guest", 0.0)
        return time.monotonic(), total - self.room.cpu_s() - own.user - own.system

    def tolerated_ms(self, watch: Watch) -> float:
        """The longest gap that is no fault of the room's: 200 ms, longer when other programs take the processors."""
        elapsed_s, taken_s = (now - then for now, then in zip(self._others(), watch.cpu_before, strict=True))
        return MAX_GAP_MS * (1 + max(0.0, taken_s / elapsed_s - _QUIET_CORES))

    async def goes_on(self) -> None:
        """Everybody honest gets more media, from now on."""
        counts = [(heard, len(heard.times)) for m in self.members for heard in m.heard.values()]
        await until(lambda: all(len(heard.times) >= count + 12 for heard, count in counts))

    def longest_gap_ms(self, watch: Watch) -> float:
        return max(
            heard.longest_gap_ms(watch.since[member.id][kind], CLOCK_HZ[kind])
            for member in self.members
            for kind, heard in member.heard.items()
        )

    async def boxes(self) -> dict[str, TileBox]:
        """Where the honest are on the canvas."""
        tiles = (await self.room.state()).tiles
        assert tiles is not None
        return {tile.id: tile.end for tile in tiles.tiles if tile.id in {member.id for member in self.members}}

    async def pictures_are_right(self) -> None:
        """Each honest colour is in its tile, as everybody sees it."""
        boxes = await self.boxes()
        for viewer in self.members:
            picture = viewer.picture()
            for member in self.members:
                box = boxes[member.id]
                x, y = int((box.x + box.width / 2) * CANVAS.width), int((box.y + box.height / 2) * CANVAS.height)
                luma = picture[y - 8 : y + 8, x - 8 : x + 8].mean()
                assert abs(luma - member.colour[0]) < 6, f"{viewer.id} sees {luma} where {member.id} should be"

    def tones_are_right(self, watch: Watch) -> None:
        """Each hears the other's tone all the time, save for pauses that nobody minds."""
        for listener in self.members:
            sound = listener.sound()
            for member in self.members:
                if member is not listener:
                    silent_ms = silence_ms(sound, member.tone_hz)
                    assert silent_ms <= self.tolerated_ms(watch) + 1000 * member.late_s, (
                        f"{listener.id} misses {member.id}"
                    )


def silence_ms(sound: np.ndarray[Any, Any], tone_hz: float) -> float:
    """The longest time for which the tone is more than 14 dB below what it mostly is, or below what is beside it."""
    blocks = sound[: len(sound) // _BLOCK * _BLOCK].reshape(-1, _BLOCK) * np.hanning(_BLOCK)
    power = np.abs(np.fft.rfft(blocks, axis=1)) ** 2
    away = abs(np.fft.rfftfreq(_BLOCK, 1 / 48_000) - tone_hz)
    tone, beside = power[:, away < 40].max(axis=1), power[:, (away > 100) & (away < 200)].mean(axis=1)
    gone = (tone < np.median(tone) / 25) | (tone < 4 * beside)
    longest = run = 0
    for one in gone:
        run = run + 1 if one else 0
        longest = max(longest, run)
    return longest * _BLOCK / 48


@asynccontextmanager
async def scene(directory: Path) -> AsyncIterator[Scene]:
    """A room process with its honest members connected."""
    async with RoomProcess(RoomConfig(name="r", video=CANVAS), directory) as room:
        members = [Honest("alice", (180, 100, 150), 440), Honest("bob", (90, 160, 100), 1000)]
        for member in members:
            await member.join(room)
        made = Scene(room, members)
        try:
            await made.goes_on()
            yield made
        finally:
            for member in members:
                await member.leave(room)
