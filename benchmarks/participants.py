"""Lean participants: stock aiortc for ICE and DTLS, pre-encoded media out, what comes in is counted and discarded.

They run in a process of their own, so that the room's cost can be read off its process alone. One of them, the probe,
decodes the mix and reads the frame number of its own tile: the delay from sending a frame to its return in the mix.
"""

import asyncio
import time
from collections import deque
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import av
import numpy as np
from aiortc import MediaStreamTrack, RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.codecs import depayload
from aiortc.rtcconfiguration import RTCBundlePolicy
from aiortc.rtp import RtpPacket

from benchmarks.clips import FPS, FRAMES, read_code


@dataclass
class Clip:
    """What one participant sends, and when each frame last left."""

    video: list[bytes]
    audio: list[bytes]
    sent_at: list[float] = field(default_factory=lambda: [0.0] * FRAMES)


class VideoTrack(MediaStreamTrack):
    """The pre-encoded clip in a loop, 30 frames a second; it starts over when a keyframe is asked for."""

    kind = "video"

    def __init__(self, clip: Clip, offset_s: float) -> None:
        super().__init__()
        self._clip, self._n, self._index = clip, 0, 0
        self._t0 = time.monotonic() + offset_s

    async def recv(self) -> Any:
        await asyncio.sleep(max(0.0, self._t0 + self._n / FPS - time.monotonic()))
        index = self._index
        packet = av.Packet(self._clip.video[index])
        packet.pts, packet.time_base = self._n * 90_000 // FPS, Fraction(1, 90_000)
        self._clip.sent_at[index] = time.monotonic()
        self._n += 1
        self._index = (index + 1) % FRAMES
        return packet

    def start_over(self) -> None:
        """The next frame is a keyframe."""
        self._index = 0


class AudioTrack(MediaStreamTrack):
    """The pre-encoded tone in a loop, 50 packets a second."""

    kind = "audio"

    def __init__(self, clip: Clip) -> None:
        super().__init__()
        self._clip, self._n, self._t0 = clip, 0, time.monotonic()

    async def recv(self) -> Any:
        await asyncio.sleep(max(0.0, self._t0 + self._n * 0.02 - time.monotonic()))
        packet = av.Packet(self._clip.audio[self._n % len(self._clip.audio)])
        packet.pts, packet.time_base = self._n * 960, Fraction(1, 48_000)
        self._n += 1
        return packet


class Participant:
    """One peer connection. ``tile`` is (x, y, scale) of its tile in the mix; only the probe has one."""

    def __init__(self, clip: Clip, offset_s: float, tile: tuple[float, float, float] | None = None) -> None:
        self.frames = 0
        self.delays_ms: list[float] = []
        self._clip, self._tile = clip, tile
        self._parts: deque[bytes] = deque(maxlen=2000)
        self._decoder = av.CodecContext.create("h264", "r") if tile else None
        self._decoding: asyncio.Queue[tuple[bytes, float]] = asyncio.Queue(maxsize=60)
        self._pc = RTCPeerConnection(RTCConfiguration(iceServers=[], bundlePolicy=RTCBundlePolicy.MAX_BUNDLE))
        self._pc.addTrack(AudioTrack(clip))
        film = VideoTrack(clip, offset_s)
        sender: Any = self._pc.addTrack(film)
        sender._send_keyframe = film.start_over  # noqa: SLF001  # stock aiortc loses PLI for pre-encoded media
        self._task = asyncio.get_running_loop().create_task(self._decode()) if tile else None

    async def offer(self) -> str:
        await self._pc.setLocalDescription(await self._pc.createOffer())
        return str(self._pc.localDescription.sdp)

    async def accept(self, answer: str) -> None:
        for transceiver in self._pc.getTransceivers():
            self._take_over(transceiver.receiver, transceiver.kind)
        await self._pc.setRemoteDescription(RTCSessionDescription(answer, "answer"))

    def _take_over(self, receiver: Any, kind: str) -> None:
        async def received(packet: RtpPacket, arrival_time_ms: int) -> None:  # noqa: ARG001  # called by name
            if kind == "video":
                self._video_packet(receiver, packet)

        receiver._handle_rtp_packet = received  # noqa: SLF001  # nothing is decoded: the machine is the room's

    def _video_packet(self, receiver: Any, packet: RtpPacket) -> None:
        codec = receiver._RTCRtpReceiver__codecs.get(packet.payload_type)  # noqa: SLF001  # as above
        if codec is None or codec.name.lower() == "rtx":
            return
        if self._decoder is not None and packet.payload:
            self._parts.append(depayload(codec, packet.payload))
        if packet.marker:
            self.frames += 1
            if self._decoder is not None:
                whole = b"".join(self._parts)
                self._parts.clear()
                if not self._decoding.full():
                    self._decoding.put_nowait((whole, time.monotonic()))

    async def _decode(self) -> None:
        while True:
            data, arrived = await self._decoding.get()
            self.delays_ms += await asyncio.to_thread(self._read, data, arrived)

    def _read(self, data: bytes, arrived: float) -> list[float]:
        assert self._tile is not None
        assert isinstance(self._decoder, av.VideoCodecContext)
        delays: list[float] = []
        try:
            pictures = self._decoder.decode(av.Packet(data))
        except av.FFmpegError:
            return delays
        for picture in pictures:
            index = read_code(picture.to_ndarray()[: picture.height].astype(np.uint8, copy=False), *self._tile)
            if index < FRAMES and self._clip.sent_at[index]:
                delay = (arrived - self._clip.sent_at[index]) * 1000
                if 0 < delay < 2000:
                    delays.append(delay)
        return delays

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
        await self._pc.close()
