"""What the tests of ``mcu.rtc`` stand on: a stock aiortc client, a hub that publishes, sinks that collect."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, Generic, TypeVar

import av
import numpy as np
from aiortc import MediaStreamTrack, RTCBundlePolicy, RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import MediaStreamError

from mcu.clock import MediaClock
from mcu.hub import PacketHub
from mcu.media import AudioCodec, AudioUnit, EncodedFrame, Rung, VideoCodec, VideoUnit
from mcu.messages import IceServer
from mcu.rightofway import RightOfWay
from mcu.rtc.peer import Peer
from mcu.rtc.send import Offer, VideoFanout
from mcu.rtc.send_audio import AudioFanout
from mcu.traces import SoundTrace

Unit = TypeVar("Unit")
FPS = 20
WIDTH, HEIGHT = 320, 240
ENCODERS = {VideoCodec.H264: "libx264", VideoCodec.VP8: "libvpx"}


@dataclass
class Events:
    """Records what a peer tells."""

    is_connected: asyncio.Event = field(default_factory=asyncio.Event)
    is_closed: asyncio.Event = field(default_factory=asyncio.Event)
    reasons: list[str] = field(default_factory=list)

    def connected(self) -> None:
        self.is_connected.set()

    def closed(self, reason: str) -> None:
        self.reasons.append(reason)
        self.is_closed.set()


@dataclass
class Sink(Generic[Unit]):
    """Collects received units."""

    units: list[Unit] = field(default_factory=list)

    def push(self, unit: Unit) -> None:
        self.units.append(unit)


class Source:
    """A hub and the encoder that feeds it: a flat picture, ``FPS`` times a second."""

    def __init__(self, codec: VideoCodec, clock: MediaClock, luma: int = 180) -> None:
        self.codec = codec
        self.clock = clock
        self.asked = 0  # keyframes asked for
        self.luma = luma
        self._force = True
        self.hub = PacketHub(self._ask)
        encoder: Any = av.CodecContext.create(ENCODERS[codec], "w")  # PyAV types it as of any kind
        self._encoder = encoder
        encoder.width, self._encoder.height, self._encoder.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        encoder.time_base, self._encoder.framerate = Fraction(1, 90_000), Fraction(FPS)
        encoder.bit_rate = 500_000
        encoder.thread_count = 1
        encoder.options = (
            {"preset": "superfast", "tune": "zerolatency", "profile": "baseline", "forced-idr": "1"}
            if codec is VideoCodec.H264
            else {"deadline": "realtime", "cpu-used": "12", "lag-in-frames": "0"}
        )
        self._random = np.random.default_rng(1)

    def _ask(self) -> None:
        self.asked += 1
        self._force = True

    def publish(self) -> None:
        """Encode one picture for now, and publish it."""
        picture = av.VideoFrame(WIDTH, HEIGHT, "yuv420p")
        noise = self._random.integers(-8, 8, (HEIGHT, WIDTH))
        for index, plane in enumerate(picture.planes):
            full = np.full((plane.height, plane.line_size), 128, np.uint8)
            if index == 0:
                full[:, : plane.width] = self.luma + noise
            plane.update(full.tobytes())
        picture.pts = self.clock.now_us() * 9 // 100
        picture.time_base = Fraction(1, 90_000)
        if self._force:
            picture.pict_type = av.video.frame.PictureType.I
            self._force = False
        for packet in self._encoder.encode(picture):
            assert packet.pts is not None
            self.hub.publish(
                EncodedFrame(self.codec, bytes(packet), packet.pts, 90_000 // FPS, 90_000, packet.is_keyframe)
            )


@dataclass(frozen=True)
class Block:
    """A block of sound as the audio mixer makes it."""

    pts: int
    shared: dict[AudioCodec, bytes]
    own: dict[str, bytes]
    trace: SoundTrace | None = None


class PatternTrack(MediaStreamTrack):
    """A client's camera: a flat picture of one brightness."""

    kind = "video"

    def __init__(self, luma: int = 90) -> None:
        super().__init__()
        self._luma = luma
        self._pts = 0

    async def recv(self) -> av.VideoFrame:
        await asyncio.sleep(1 / FPS)
        self._pts += 90_000 // FPS
        values = np.full((HEIGHT * 3 // 2, WIDTH), self._luma, np.uint8)
        frame = av.VideoFrame.from_ndarray(values, format="yuv420p")
        frame.pts, frame.time_base = self._pts, Fraction(1, 90_000)
        return frame


class ToneTrack(MediaStreamTrack):
    """A client's microphone: 440 Hz."""

    kind = "audio"

    def __init__(self) -> None:
        super().__init__()
        self._pts = 0

    async def recv(self) -> av.AudioFrame:
        await asyncio.sleep(0.02)
        t = (self._pts + np.arange(960)) / 48_000
        samples = (8000 * np.sin(2 * np.pi * 440 * t)).astype(np.int16)
        frame = av.AudioFrame.from_ndarray(samples[None], format="s16", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = 48_000, self._pts, Fraction(1, 48_000)
        self._pts += 960
        return frame


class Client:
    """A stock aiortc peer connection that keeps what it receives."""

    def __init__(self) -> None:
        configuration = RTCConfiguration(iceServers=[], bundlePolicy=RTCBundlePolicy.MAX_BUNDLE)
        self.pc = RTCPeerConnection(configuration)
        self.frames: dict[str, list[Any]] = {"audio": [], "video": []}
        self.tracks: list[MediaStreamTrack] = []
        self._tasks: list[asyncio.Task[None]] = []
        self.pc.on("track", self._track)

    def _track(self, track: MediaStreamTrack) -> None:
        self.tracks.append(track)
        self._tasks.append(asyncio.create_task(self._collect(track)))

    async def _collect(self, track: MediaStreamTrack) -> None:
        with suppress(MediaStreamError):
            while True:
                self.frames[track.kind].append(await track.recv())

    async def offer(self) -> str:
        await self.pc.setLocalDescription(await self.pc.createOffer())
        return self.pc.localDescription.sdp

    async def accept(self, answer: str) -> None:
        await self.pc.setRemoteDescription(RTCSessionDescription(answer, "answer"))

    async def close(self) -> None:
        await self.pc.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


@dataclass
class Call:
    """A client in a call with a peer of ours, fed by hubs."""

    client: Client
    peer: Peer
    events: Events
    clock: MediaClock
    answer: str
    camera: Sink[VideoUnit] = field(default_factory=Sink)
    screen: Sink[VideoUnit] = field(default_factory=Sink)
    audio: Sink[AudioUnit] = field(default_factory=Sink)
    sources: dict[VideoCodec, Source] = field(default_factory=dict)
    fanouts: dict[VideoCodec, VideoFanout] = field(default_factory=dict)
    audio_out: AudioFanout | None = None


@asynccontextmanager
async def call(client: Client, *, timeout_s: float = 10, ice_servers: Sequence[IceServer] = ()) -> AsyncIterator[Call]:
    """Connect the client with a peer, and send both kinds of media until the end."""
    clock, events = MediaClock(), Events()
    peer = Peer("alice", clock, ice_servers, events, connect_timeout_s=timeout_s)
    answer = await peer.answer(await client.offer())
    await client.accept(answer)
    made = Call(client, peer, events, clock, answer)
    peer.feed(audio=made.audio, camera=made.camera, screen=made.screen)
    loop = asyncio.get_running_loop()
    for codec in VideoCodec:
        made.sources[codec] = Source(codec, clock)
        made.fanouts[codec] = VideoFanout(codec, {Rung.FULL: Offer(made.sources[codec].hub, 500_000)}, loop, clock)
    made.audio_out = AudioFanout(loop, RightOfWay(clock), clock)
    pumps = [asyncio.create_task(_pump_video(made)), asyncio.create_task(_pump_audio(made))]
    try:
        async with asyncio.timeout(timeout_s):
            await events.is_connected.wait()
        if peer.negotiated.video_out is not None:
            made.fanouts[peer.negotiated.video_out].add(peer)
        made.audio_out.add(peer)
        yield made
    finally:
        for pump in pumps:
            pump.cancel()
        for fanout in made.fanouts.values():
            fanout.remove(peer)
        made.audio_out.remove(peer)
        await peer.close()
        await client.close()


async def _pump_video(made: Call) -> None:
    while True:
        await asyncio.sleep(1 / FPS)
        for source in made.sources.values():
            if source.hub.in_use:
                source.publish()


async def _pump_audio(made: Call) -> None:
    assert made.audio_out is not None
    encoders = {codec: _audio_encoder(codec) for codec in (AudioCodec.OPUS, AudioCodec.PCMU)}
    pts = 0
    while True:
        await asyncio.sleep(0.02)
        pts = max(pts + 960, made.clock.now_us() * 48 // 1000)
        shared = {codec: encode(pts) for codec, encode in encoders.items()}
        made.audio_out.write(Block(pts, shared, {}))


def _audio_encoder(codec: AudioCodec) -> Any:
    name, rate = {AudioCodec.OPUS: ("libopus", 48_000), AudioCodec.PCMU: ("pcm_mulaw", 8_000)}[codec]
    encoder: Any = av.CodecContext.create(name, "w")
    encoder.sample_rate, encoder.format, encoder.layout = rate, "s16", "mono"

    def encode(pts: int) -> bytes:
        t = (pts / 48_000) + np.arange(rate // 50) / rate
        samples = (8000 * np.sin(2 * np.pi * 440 * t)).astype(np.int16)
        frame = av.AudioFrame.from_ndarray(samples[None], format="s16", layout="mono")
        frame.sample_rate = rate
        return b"".join(bytes(packet) for packet in encoder.encode(frame))

    return encode


async def until(condition: Any, timeout_s: float = 10) -> None:
    """Wait until ``condition()`` holds."""
    async with asyncio.timeout(timeout_s):
        while not condition():  # noqa: ASYNC110 - what is waited for has no event
            await asyncio.sleep(0.02)
