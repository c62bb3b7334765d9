"""A room in a process of its own, as every room is, that also tells what only shows within.

In the process of those who are in it each would wait for the others' interpreter, and no line for who is on it.
"""

import asyncio
import gc
import multiprocessing
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

import pytest

from mcu.media import EncodedFrame
from mcu.messages import RoomConfig, VideoConfig
from mcu.priority import prefer_this_process
from mcu.room import Room
from mcu.video.encode import ENCODERS
from mcu.video.i420 import Canvas
from mcu.video.overload import Relief
from tests.media.guest_shows import FPS
from tests.media.guest_streams import Luma

KEEP_EVERY = 5  # pictures of the canvas
CANVAS = VideoConfig(
    width=640, height=360, bitrate_bps=1_000_000, half_bitrate_bps=300_000, quarter_bitrate_bps=100_000
)


@dataclass(frozen=True)
class Moment:
    """Where the room is."""

    time: int  # of its media, in 90 kHz
    skipped: int  # pictures, since it began


class House:
    """The room, from outside."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._turn = asyncio.Lock()

    async def join(self, name: str, offer: str) -> str:
        """The answer."""
        return str(await self._ask("join", name, offer))

    async def moment(self) -> Moment:
        moment: Moment = await self._ask("moment")
        return moment

    async def began_s(self) -> float:
        """Monotonic time of media time 0."""
        return float(await self._ask("began_s"))

    async def origins(self, name: str) -> tuple[int, int]:
        """RTP times of media time 0, of somebody's sound and picture."""
        sound, picture = await self._ask("origins", name)
        return sound, picture

    async def painted(self) -> dict[int, Luma]:
        """Brightness of some pictures of the canvas, by media time in 90 kHz."""
        return dict(await self._ask("painted"))

    async def close(self) -> None:
        await self._ask("close")

    async def _ask(self, what: str, *arguments: object) -> Any:
        async with self._turn:
            answer = await asyncio.to_thread(self._exchange, (what, *arguments))
        if isinstance(answer, Exception):
            raise answer
        return answer

    def _exchange(self, question: tuple[object, ...]) -> Any:
        self._connection.send(question)
        return self._connection.recv()


@asynccontextmanager
async def open_house() -> AsyncIterator[House]:
    """A room that runs. It gives nothing up under overload, whatever the machine: pictures are compared."""
    here, there = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=_keep_house, args=(there,))
    process.start()
    there.close()
    house = House(here)
    try:
        yield house
        await house.close()
    finally:
        here.close()
        await asyncio.to_thread(process.join, 10)
        process.kill()


class _Keeper:
    """The same, from within: a method for each question."""

    def __init__(self) -> None:
        self.open = True
        self._painted: dict[int, Luma] = {}
        self._room = Room(RoomConfig(name="r", video=CANVAS), "i", lambda _event: None)
        self._room.start()

    async def join(self, name: str, offer: str) -> str:
        return await self._room.join(name, name, offer)

    async def moment(self) -> Moment:
        skipped = self._room.state(None).metrics["tutti_video_ticks_skipped_total"]
        return Moment(self._room.clock.now_us() * 9 // 100, int(skipped))

    async def began_s(self) -> float:
        return self._room.clock.start_monotonic_ns / 1e9

    async def origins(self, name: str) -> tuple[int, int]:
        peer = self._room._participants[name].peer
        assert peer.audio_sender is not None
        assert peer.video_sender is not None
        return peer.audio_sender._origin, peer.video_sender._origin

    async def painted(self) -> dict[int, Luma]:
        return self._painted

    async def close(self) -> None:
        self.open = False
        await self._room.close()

    def keep(self, canvas: Canvas, pts: int) -> None:
        """Keep what is about to be encoded."""
        if canvas.y.shape == (CANVAS.height, CANVAS.width) and pts * FPS // 90_000 % KEEP_EVERY == 0:
            self._painted[pts] = canvas.y.copy()


def _keep_house(connection: Connection) -> None:
    os.setsid()  # a group of its own, as the service's rooms have
    prefer_this_process()
    gc.disable()
    asyncio.run(_answer(connection))


async def _answer(connection: Connection) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("mcu.video.overload.RELIEFS", (Relief(),))
        keeper = _Keeper()
        for codec, make in dict(ENCODERS).items():
            patch.setitem(ENCODERS, codec, _keeping(make, keeper))
        while keeper.open:
            what, *arguments = await asyncio.to_thread(connection.recv)
            try:
                answer = await getattr(keeper, what)(*arguments)
            except Exception as error:  # noqa: BLE001 - who asked is told
                answer = error
            await asyncio.to_thread(connection.send, answer)


def _keeping(make: Any, keeper: _Keeper) -> Any:
    class Keeping(make):  # type: ignore[misc]  # whichever it is
        def encode(self, canvas: Canvas, pts: int, duration: int, *, keyframe: bool) -> EncodedFrame | None:
            keeper.keep(canvas, pts)
            return super().encode(canvas, pts, duration, keyframe=keyframe)  # type: ignore[no-any-return]

    return Keeping
