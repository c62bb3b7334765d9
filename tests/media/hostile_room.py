"""A real room process with two honest members, watched while somebody does them harm."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.roomproc import RoomProcess
from mcu.messages import RoomConfig, RoomState, VideoConfig
from tests.media.hostile_peers import CLOCK_HZ, Honest
from tests.media.rtc_world import until

CANVAS = VideoConfig(width=640, height=360, fps=30, bitrate_bps=600_000, rungs=1)
MAX_GAP_MS = 200
_BLOCK = 2400  # 50 ms at 48 kHz


@dataclass
class Watch:
    """What became of the honest while somebody was hostile."""

    before: RoomState
    memory_before_mb: float
    since: dict[str, dict[str, int]]  # units heard before, by member and kind
    memory_during_mb: float = 0.0
    metrics: dict[str, float] = field(default_factory=dict)  # at the end of the attack
    mallory: dict[str, float] = field(default_factory=dict)  # what the room then told of who did it


class Scene:
    """The room and its honest members."""

    def __init__(self, room: RoomProcess, members: list[Honest]) -> None:
        self.room = room
        self.members = members

    async def watch(self) -> Watch:
        since = {m.id: {kind: len(heard.times) for kind, heard in m.heard.items()} for m in self.members}
        for member in self.members:
            member.begin()
        return Watch(await self.room.state(), self.room.memory_mb(), since)

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

    async def pictures_are_right(self) -> None:
        """Each honest colour is in its tile, as everybody sees it."""
        tiles = (await self.room.state()).tiles
        assert tiles is not None
        boxes = {tile.id: tile.end for tile in tiles.tiles}
        for viewer in self.members:
            picture = viewer.picture()
            for member in self.members:
                box = boxes[member.id]
                x, y = int((box.x + box.width / 2) * CANVAS.width), int((box.y + box.height / 2) * CANVAS.height)
                luma = picture[y - 8 : y + 8, x - 8 : x + 8].mean()
                assert abs(luma - member.colour[0]) < 6, f"{viewer.id} sees {luma} where {member.id} should be"

    def tones_are_right(self) -> None:
        """Each hears the other's tone all the time, save for pauses that nobody minds."""
        for listener in self.members:
            sound = listener.sound()
            for member in self.members:
                if member is not listener:
                    silent_ms = silence_ms(sound, member.tone_hz)
                    assert silent_ms <= MAX_GAP_MS + 1000 * member.late_s, f"{listener.id} misses {member.id}"


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


def growth(before: RoomState, after: RoomState) -> Callable[[str], float]:
    """How much each metric grew."""
    return lambda name: after.metrics.get(name, 0) - before.metrics.get(name, 0)
