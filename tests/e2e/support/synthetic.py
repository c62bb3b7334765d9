"""A participant on stock aiortc: an independent WebRTC stack, with content that is known to the sample.

Once a second the picture flashes white and a beep sounds, both for a fifth of a second and from the same instant of one
clock; in between the picture is of one colour and there is silence.
"""

import asyncio
import time
from collections.abc import Callable
from fractions import Fraction
from typing import Literal

import httpx
import numpy as np
import numpy.typing as npt
from aiortc import MediaStreamTrack, RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import MediaStreamError
from av import AudioCodecContext, AudioFrame, CodecContext, VideoCodecContext, VideoFrame

from tests.e2e.support.loops import Unbroken
from tests.e2e.support.media import BLUE, SAMPLE_RATE_HZ, Rgb, yuv601
from tests.e2e.support.waiting import LoopThread, wait_for

FPS = 30
BEEP_HZ = 3000  # far from the tones of the browsers, and from their harmonics
FLASH_S = 0.2
_AUDIO_SAMPLES = SAMPLE_RATE_HZ // 50
_WHITE = (235, 128, 128)
_WIDTH, _HEIGHT = 640, 360


def _plain(colour: tuple[int, int, int]) -> npt.NDArray[np.uint8]:
    planes = [np.full(_WIDTH * _HEIGHT, colour[0]), np.full(_WIDTH * _HEIGHT // 2, 0)]
    planes[1][: _WIDTH * _HEIGHT // 4] = colour[1]
    planes[1][_WIDTH * _HEIGHT // 4 :] = colour[2]
    return np.concatenate(planes).astype(np.uint8).reshape(_HEIGHT * 3 // 2, _WIDTH)


def _flashing(colour: Rgb) -> list[bytes]:
    """One second of VP8 that begins with a keyframe and a flash."""
    encoder = CodecContext.create("libvpx", "w")
    assert isinstance(encoder, VideoCodecContext)
    encoder.width, encoder.height, encoder.pix_fmt = _WIDTH, _HEIGHT, "yuv420p"
    encoder.time_base, encoder.bit_rate = Fraction(1, FPS), 500_000
    encoder.options = {"deadline": "realtime", "cpu-used": "8", "lag-in-frames": "0"}
    packets: list[bytes] = []
    for n in range(FPS):
        lit = n < FLASH_S * FPS
        frame = VideoFrame.from_ndarray(_plain(_WHITE if lit else yuv601(colour)), format="yuv420p")
        frame.pts = n
        packets += map(bytes, encoder.encode(frame))
    assert len(packets) == FPS
    return packets


def _beeping() -> list[bytes]:
    """One second of Opus that begins with a beep."""
    encoder = CodecContext.create("libopus", "w")
    assert isinstance(encoder, AudioCodecContext)
    encoder.sample_rate, encoder.layout, encoder.format = SAMPLE_RATE_HZ, "mono", "s16"
    encoder.bit_rate = 64_000
    t = np.arange(SAMPLE_RATE_HZ) / SAMPLE_RATE_HZ
    beep = np.where(t < FLASH_S, 0.5 * np.sin(2 * np.pi * BEEP_HZ * t), 0)
    second = (beep * 32767).astype(np.int16).reshape(50, 1, _AUDIO_SAMPLES)
    packets: list[bytes] = []
    for n in range(150):
        frame = AudioFrame.from_ndarray(np.ascontiguousarray(second[n % 50]), format="s16", layout="mono")
        frame.sample_rate, frame.pts = SAMPLE_RATE_HZ, n * _AUDIO_SAMPLES
        packets += map(bytes, encoder.encode(frame))
    return packets[50:100]  # not the first, so that the last joins on to it


def _first_video_codec(sdp: str) -> str:
    video = sdp[sdp.index("m=video") :]
    payload_type = video.split(maxsplit=4)[3]
    return video.partition(f"a=rtpmap:{payload_type} ")[2].partition("/")[0]


class Synthetic:
    """One participant; its methods may be called from any test.

    Args:
        base_url: of the service.
        sends: whether it sends flashes and beeps; else it only watches.
        watches: whether it takes the mix, which is decoded in the process of the tests.
        asks_for_keyframes: whether it sends PLI, as any decent viewer does.
        colour: of the picture between flashes.
    """

    def __init__(
        self,
        base_url: str,
        *,
        sends: bool = True,
        watches: bool = True,
        asks_for_keyframes: bool = True,
        colour: Rgb = BLUE,
    ) -> None:
        self._base_url = base_url
        self._sends = sends
        self._direction: Literal["sendrecv", "sendonly"] = "sendrecv" if watches else "sendonly"
        self._asks = asks_for_keyframes
        self._colour = colour
        self._thread = LoopThread("synthetic", real_time=True)
        self._connection: RTCPeerConnection | None = None
        self._location = ""
        self._drains: list[asyncio.Task[None]] = []
        self.pictures = 0  # received so far

    def join(self, room: str, name: str) -> str:
        """Take part; the participant's Location."""
        self._location = self._thread.run(self._join(room, name))
        self.wait(lambda: self._state == "connected", "to be connected")
        return self._location

    def see(self, more: int = 1) -> None:
        """Wait for ``more`` further pictures."""
        until = self.pictures + more
        self.wait(lambda: self.pictures >= until, f"{more} pictures")

    def wait(self, condition: Callable[[], bool], what: str) -> None:
        """Wait for ``condition``."""
        wait_for(condition, timeout_s=20, what=f"the synthetic participant {what}")

    def leave(self) -> None:
        """Leave the room, if in one."""
        self._thread.run(self._leave())

    def close(self) -> None:
        """Leave, and end the thread."""
        self.leave()
        self._thread.close()

    @property
    def _state(self) -> str:
        return str(self._connection.connectionState) if self._connection else "none"

    async def _join(self, room: str, name: str) -> str:
        connection = self._connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        connection.on("track", self._received)
        if self._sends:
            start = time.monotonic()
            sound = Unbroken("audio", start, _beeping(), 50, SAMPLE_RATE_HZ)
            picture = Unbroken("video", start, _flashing(self._colour), FPS, 90_000)
            connection.addTransceiver(sound, direction=self._direction)
            connection.addTransceiver(picture, direction=self._direction)
        else:
            connection.addTransceiver("audio", direction="recvonly")
            connection.addTransceiver("video", direction="recvonly")
        if not self._asks:
            self._gag()
        await connection.setLocalDescription(await connection.createOffer())
        async with httpx.AsyncClient(base_url=self._base_url, timeout=20) as http:
            response = await http.post(
                f"/v1/rooms/{room}/participants",
                params={"name": name},
                headers={"Content-Type": "application/sdp"},
                content=connection.localDescription.sdp,
            )
        response.raise_for_status()
        assert not self._sends or _first_video_codec(response.text) == "VP8", "it can send nothing else"
        await connection.setRemoteDescription(RTCSessionDescription(response.text, "answer"))
        return response.headers["Location"]

    def _gag(self) -> None:
        async def say_nothing(_ssrc: int) -> None:
            pass

        assert self._connection is not None
        for transceiver in self._connection.getTransceivers():
            transceiver.receiver._send_rtcp_pli = say_nothing  # type: ignore[method-assign, assignment]  # that is the point

    def _received(self, track: MediaStreamTrack) -> None:
        self._drains.append(asyncio.ensure_future(self._drain(track)))

    async def _drain(self, track: MediaStreamTrack) -> None:
        while True:
            try:
                await track.recv()
            except MediaStreamError:
                return
            if track.kind == "video":
                self.pictures += 1

    async def _leave(self) -> None:
        connection, self._connection = self._connection, None
        if connection is None:
            return
        await connection.close()
        for drain in self._drains:
            await drain
        self._drains.clear()
