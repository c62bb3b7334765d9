"""Participants of a room in this process: stock aiortc, known pictures and sounds, and all that comes in is kept.

Nothing is decoded before the end: what a test measures is not disturbed by what it takes to measure it.
"""

import asyncio
import gc
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription

from mcu.media import EncodedFrame
from mcu.messages import Event, RoomConfig, VideoConfig
from mcu.priority import prefer_this_process
from mcu.room import Room
from mcu.video.encode import ENCODERS
from mcu.video.i420 import Canvas
from mcu.video.overload import Relief
from tests.e2e.support.impairment import ImpairedLine
from tests.e2e.support.loops import Unbroken
from tests.media.guest_shows import FPS, film, song
from tests.media.guest_streams import Luma, Stream
from tests.media.rtc_world import until

ASK_AGAIN_S = 0.05
KEEP_EVERY = 5  # pictures of the canvas

CANVAS = VideoConfig(
    width=640, height=360, bitrate_bps=1_000_000, half_bitrate_bps=300_000, quarter_bitrate_bps=100_000
)


class Guest:
    """One participant."""

    def __init__(self, name: str, *, seed: int, sings: bool = False, films: bool = True) -> None:
        self.name = name
        self.begun_s = 0.0  # monotonic time of its first picture and sound
        self._seed, self._sings, self._films = seed, sings, films
        self._pc = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self._line: ImpairedLine | None = None
        self._asking: asyncio.Task[None] | None = None
        self._begging = False

    async def join(self, room: Room, line: ImpairedLine | None = None) -> None:
        """Come in, over the line."""
        begun = self.begun_s = time.monotonic()
        self._pc.addTrack(Unbroken("audio", begun, song(silent=not self._sings), 50, 48_000))
        if self._films:
            self._pc.addTrack(Unbroken("video", begun, film(self._seed), FPS, 90_000))
        else:
            self._pc.addTransceiver("video", direction="recvonly")
        self.sound, self.picture = (
            Stream(next(t.receiver for t in self._pc.getTransceivers() if t.kind == kind))
            for kind in ("audio", "video")
        )
        await self._pc.setLocalDescription(await self._pc.createOffer())
        offer = self._pc.localDescription.sdp
        if line is not None:
            await line.open()
            offer = line.without_candidates(offer)
        else:  # aiortc's estimator takes a busy machine for a narrow line
            self.picture.receiver._RTCRtpReceiver__remote_bitrate_estimator = None  # type: ignore[attr-defined]  # private
        answer = await room.join(self.name, self.name, offer)
        for stream in (self.sound, self.picture):
            stream.watch()
        await self._pc.setRemoteDescription(
            RTCSessionDescription(answer if line is None else line.lead_through(answer), "answer")
        )
        self._line = line
        self._asking = asyncio.create_task(self._ask())
        await until(lambda: self._pc.connectionState == "connected" and self.picture.packets)

    def beg(self) -> None:
        """From now on, ask for a keyframe all the time."""
        self._begging = True

    async def _ask(self) -> None:
        receiver: Any = self.picture.receiver
        while True:
            await asyncio.sleep(ASK_AGAIN_S)
            if self._pc.connectionState != "connected":
                continue
            lost = self.picture.missing()
            if lost:
                await receiver._send_rtcp_nack(self.picture.ssrc, lost)
            if self._begging:
                await receiver._send_rtcp_pli(self.picture.ssrc)

    async def leave(self) -> None:
        """Go, and tell it."""
        if self._asking is not None:
            self._asking.cancel()
            await asyncio.gather(self._asking, return_exceptions=True)
        await self._pc.close()
        if self._line is not None:
            await self._line.close()


class House:
    """A room, and what was seen of it from within."""

    def __init__(self, config: VideoConfig) -> None:
        self.events: list[Event] = []
        self.painted: dict[int, Luma] = {}  # brightness of some pictures, by media time in 90 kHz
        self.room = Room(RoomConfig(name="r", video=config), "i", self.events.append)

    def metric(self, name: str) -> float:
        return self.room.state(None).metrics[name]

    def origins(self, guest: Guest) -> tuple[int, int]:
        """RTP times of media time 0, of sound and picture."""
        peer = self.room._participants[guest.name].peer
        assert peer.audio_sender is not None
        assert peer.video_sender is not None
        return peer.audio_sender._origin, peer.video_sender._origin

    def rung(self, guest: Guest) -> int:
        sender = self.room._participants[guest.name].peer.video_sender
        assert sender is not None
        return sender.rung


def _keep_canvases(house: House, patch: pytest.MonkeyPatch, size: tuple[int, int]) -> None:
    def keeping(make: Any) -> Any:
        class Keeping(make):  # type: ignore[misc]  # whichever it is
            def encode(self, canvas: Canvas, pts: int, duration: int, *, keyframe: bool) -> EncodedFrame | None:
                if canvas.y.shape == size and pts * FPS // 90_000 % KEEP_EVERY == 0:
                    house.painted[pts] = canvas.y.copy()
                return super().encode(canvas, pts, duration, keyframe=keyframe)  # type: ignore[no-any-return]

        return Keeping

    for codec, make in dict(ENCODERS).items():
        patch.setitem(ENCODERS, codec, keeping(make))


def _undecoded(loop: asyncio.AbstractEventLoop, units: Any, frames: Any, _error: Any) -> None:
    """In the place of aiortc's decoder."""
    while units.get() is not None:
        pass
    asyncio.run_coroutine_threadsafe(frames.put(None), loop)


@contextmanager
def _first_in_line() -> Iterator[None]:
    """As in a room's process, while the room is in this one."""
    prefer_this_process()
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()
        with suppress(OSError):
            Path("/proc/self/autogroup").write_text("0")


@asynccontextmanager
async def open_house(config: VideoConfig = CANVAS) -> AsyncIterator[House]:
    """A room that runs, on its own threads and on this loop.

    It gives nothing up under overload: it shares its interpreter with everybody who is in it, which no service does.
    """
    with _first_in_line(), pytest.MonkeyPatch.context() as patch:
        patch.setattr("aiortc.rtcrtpreceiver.decoder_worker", _undecoded)
        patch.setattr("mcu.video.overload.RELIEFS", (Relief(),))
        house = House(config)
        _keep_canvases(house, patch, (config.height, config.width))
        house.room.start()
        try:
            yield house
        finally:
            await house.room.close()
