"""Participants of a room: stock aiortc, known pictures and sounds, and all that comes in is kept.

Nothing is decoded before the end: what a test measures is not disturbed by what it takes to measure it.
"""

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription

from tests.e2e.support.impairment import ImpairedLine
from tests.e2e.support.loops import Unbroken
from tests.media.guest_shows import FPS, film, song
from tests.media.guest_streams import Stream
from tests.media.room_house import House
from tests.media.rtc_world import until

ASK_AGAIN_S = 0.05


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

    async def join(self, house: House, line: ImpairedLine | None = None) -> None:
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
        answer = await house.join(self.name, offer)
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


def _undecoded(loop: asyncio.AbstractEventLoop, units: Any, frames: Any, _error: Any) -> None:
    """In the place of aiortc's decoder."""
    while units.get() is not None:
        pass
    asyncio.run_coroutine_threadsafe(frames.put(None), loop)


@contextmanager
def undecoding() -> Iterator[None]:
    """In here aiortc does not decode what guests receive."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("aiortc.rtcrtpreceiver.decoder_worker", _undecoded)
        yield
