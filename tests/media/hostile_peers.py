"""Participants of rooms under attack: honest ones, whose media is known, and one who makes each packet by hand."""

import asyncio
import struct
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import av
import numpy as np
import pylibsrtp
from aiortc import MediaStreamTrack, RTCBundlePolicy, RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.codecs import depayload
from aiortc.rtp import RtpPacket

from benchmarks.roomproc import RoomProcess
from mcu.messages import Join, Joined, Leave
from tests.media.rtc_world import until

FPS, CLIP_FRAMES = 30, 60
CLOCK_HZ = {"audio": 48_000, "video": 90_000}


# --- clips ------------------------------------------------------------------------------------------------------------


def encoded(
    codec: str,
    pictures: Iterable[np.ndarray[Any, Any]],
    size: tuple[int, int],
    bitrate_bps: int = 1_000_000,
    x264_params: str = "",
) -> list[bytes]:
    """I420 pictures (height * 3 / 2, width) as VP8 or H.264 frames, the first a keyframe."""
    encoder: Any = av.CodecContext.create({"vp8": "libvpx", "h264": "libx264"}[codec], "w")
    encoder.width, encoder.height, encoder.pix_fmt = *size, "yuv420p"
    encoder.time_base, encoder.framerate, encoder.bit_rate = Fraction(1, FPS), Fraction(FPS), bitrate_bps
    encoder.gop_size, encoder.thread_count = CLIP_FRAMES, 1
    encoder.options = (
        {"deadline": "realtime", "cpu-used": "12", "lag-in-frames": "0", "error-resilient": "1"}
        if codec == "vp8"
        else {"preset": "ultrafast", "tune": "zerolatency", "profile": "baseline", "x264-params": x264_params}
    )
    frames: list[bytes] = []
    for n, picture in enumerate(pictures):
        frame = av.VideoFrame.from_ndarray(picture, format="yuv420p")
        frame.pts = n
        frames += (bytes(packet) for packet in encoder.encode(frame))
    return frames


def flat(size: tuple[int, int], colour: tuple[int, int, int]) -> np.ndarray[Any, Any]:
    """One colour as a packed I420 picture."""
    width, height = size
    picture = np.empty((height * 3 // 2, width), np.uint8)
    luma, u, v = colour
    picture[:height] = luma
    chroma = picture[height:].reshape(-1)
    chroma[: chroma.size // 2], chroma[chroma.size // 2 :] = u, v
    return picture


def _honest_pictures(colour: tuple[int, int, int]) -> Iterator[np.ndarray[Any, Any]]:
    """One colour, and a bar that moves along its lower edge, so that the canvas changes at every tick."""
    for n in range(CLIP_FRAMES):
        picture = flat((160, 96), colour)
        picture[88:96, 2 * n : 2 * n + 16] = 235
        yield picture


def tone_packets(frequency_hz: float, *, seconds: int = 1, channels: int = 1) -> list[bytes]:
    """Opus packets of 20 ms."""
    encoder: Any = av.CodecContext.create("libopus", "w")
    encoder.sample_rate, encoder.format, encoder.layout = 48_000, "s16", "mono" if channels == 1 else "stereo"
    t = np.arange(48_000 * seconds) / 48_000
    samples = np.repeat((6000 * np.sin(2 * np.pi * frequency_hz * t)).astype(np.int16), channels)
    packets: list[bytes] = []
    for n in range(50 * seconds):
        frame = av.AudioFrame.from_ndarray(samples[None, n * 960 * channels : (n + 1) * 960 * channels], "s16",
                                           layout="mono" if channels == 1 else "stereo")  # fmt: skip
        frame.sample_rate = 48_000
        packets += (bytes(packet) for packet in encoder.encode(frame))
    return packets


# --- connections ------------------------------------------------------------------------------------------------------


class _Packets(MediaStreamTrack):
    """Pre-encoded media, one packet each period for ever."""

    def __init__(self, kind: str, packets: list[bytes], period_s: float) -> None:
        super().__init__()
        self.kind = kind
        self._packets, self._period_s = packets, period_s
        self._n, self._index = 0, 0
        self._began = asyncio.get_running_loop().time()
        self.late_s = 0.0  # at worst: this process is busy too

    async def recv(self) -> Any:
        left_s = self._began + self._n * self._period_s - asyncio.get_running_loop().time()
        self.late_s = max(self.late_s, -left_s)
        await asyncio.sleep(left_s)
        packet = av.Packet(self._packets[self._index])
        clock_hz = CLOCK_HZ[self.kind]
        packet.pts, packet.time_base = round(self._n * self._period_s * clock_hz), Fraction(1, clock_hz)
        self._n += 1
        self._index = (self._index + 1) % len(self._packets)
        return packet

    def start_over(self) -> None:
        """The next one is a keyframe."""
        self._index = 0


class _Silent(MediaStreamTrack):
    """A track that never yields: packets are sent by hand."""

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.kind = kind

    async def recv(self) -> Any:
        await asyncio.Event().wait()


@dataclass(slots=True)
class Heard:
    """What a member received of one kind: unwrapped RTP times, and payloads by frame."""

    times: list[int] = field(default_factory=list)
    frames: list[bytes] = field(default_factory=list)
    parts: list[bytes] = field(default_factory=list)

    def note(self, timestamp: int) -> None:
        newest = self.times[-1] if self.times else timestamp
        self.times.append(newest + (timestamp - newest + 2**31) % 2**32 - 2**31)

    def longest_gap_ms(self, since: int, clock_hz: int) -> float:
        """Between units received from number ``since`` on, by media time."""
        times = sorted(self.times[max(0, since - 1) :])
        return max(np.diff(times), default=0) * 1000 / clock_hz


class _Connection:
    """An aiortc peer connection in the room."""

    def __init__(self, id_: str, audio: MediaStreamTrack, video: MediaStreamTrack) -> None:
        self.id = id_
        self.pc = RTCPeerConnection(RTCConfiguration(iceServers=[], bundlePolicy=RTCBundlePolicy.MAX_BUNDLE))
        self.pc.addTrack(audio)
        self.video_sender: Any = self.pc.addTrack(video)
        self.heard = {"audio": Heard(), "video": Heard()}
        self.answer = ""

    async def join(self, room: RoomProcess) -> None:
        await self.pc.setLocalDescription(await self.pc.createOffer())
        reply = await room.call(Join(participant_id=self.id, name=self.id, sdp=self.pc.localDescription.sdp))
        assert isinstance(reply, Joined), reply
        self.answer = reply.sdp
        for transceiver in self.pc.getTransceivers():
            self._take_over(transceiver.receiver, transceiver.kind)
        await self.pc.setRemoteDescription(RTCSessionDescription(reply.sdp, "answer"))
        await until(lambda: self.pc.connectionState == "connected")

    def _take_over(self, receiver: Any, kind: str) -> None:
        """Keep what comes; aiortc's own receivers would decode it."""
        heard = self.heard[kind]

        async def received(packet: RtpPacket, arrival_time_ms: int) -> None:
            codec = receiver._RTCRtpReceiver__codecs.get(packet.payload_type)
            if codec is None or codec.name.lower() == "rtx" or not packet.payload:
                return
            heard.parts.append(depayload(codec, packet.payload) if kind == "video" else packet.payload)
            if packet.marker or kind == "audio":
                heard.note(packet.timestamp)
                heard.frames.append(b"".join(heard.parts))
                heard.parts.clear()

        receiver._handle_rtp_packet = received

    async def leave(self, room: RoomProcess) -> None:
        await room.call(Leave(participant_id=self.id))
        await self.pc.close()


class Honest(_Connection):
    """Somebody with a camera of one colour and a microphone with one tone."""

    def __init__(self, id_: str, colour: tuple[int, int, int], tone_hz: float) -> None:
        self.colour, self.tone_hz = colour, tone_hz
        film = _Packets("video", encoded("vp8", _honest_pictures(colour), (160, 96)), 1 / FPS)
        self._tone = _Packets("audio", tone_packets(tone_hz), 0.02)
        super().__init__(id_, self._tone, film)
        self.video_sender._send_keyframe = film.start_over
        self._picture: Any = av.CodecContext.create("h264", "r")
        self._sound: Any = av.CodecContext.create("opus", "r")
        self._decoded = {"audio": 0, "video": 0}

    @property
    def late_s(self) -> float:
        """How late its sound was sent at worst."""
        return self._tone.late_s

    def begin(self) -> None:
        """Judge from here on."""
        self._new("audio")
        self._tone.late_s = 0.0

    def _new(self, kind: str) -> list[bytes]:
        start, frames = self._decoded[kind], self.heard[kind].frames
        self._decoded[kind] = len(frames)
        return frames[start:]

    def picture(self) -> np.ndarray[Any, Any]:
        """The last picture received, packed I420."""
        last = None
        for data in self._new("video"):
            for frame in self._picture.decode(av.Packet(data)):
                last = frame
        assert last is not None, "no picture came"
        return np.asarray(last.to_ndarray())

    def sound(self) -> np.ndarray[Any, Any]:
        """What was heard since the last call, mono."""
        blocks = [
            frame.to_ndarray().mean(axis=0)
            for data in self._new("audio")
            for frame in self._sound.decode(av.Packet(data))
        ]
        return np.concatenate(blocks)


class Hostile(_Connection):
    """Somebody whose every packet is made by hand."""

    def __init__(self, id_: str = "mallory") -> None:
        super().__init__(id_, _Silent("audio"), _Silent("video"))
        self.sequences: dict[int, int] = {}
        self.origin = 0x7000_0000

    def payload_type(self, codec: str) -> int:
        line = next(line for line in self.answer.splitlines() if f" {codec}/" in line)
        return int(line.split(":")[1].split()[0])

    def ssrc(self, kind: str) -> int:
        return int(next(s for s in self.pc.getSenders() if s.kind == kind)._ssrc)

    def ssrc_of_mix(self, kind: str) -> int:
        """The stream that we receive."""
        section = self.answer.split(f"m={kind}")[1].split("m=")[0]
        return int(next(line for line in section.splitlines() if line.startswith("a=ssrc:")).split(":")[1].split()[0])

    @property
    def dtls(self) -> Any:
        return self.pc.getSenders()[0].transport

    async def send(self, packet: bytes) -> None:
        """Through the encryption, as it is."""
        with suppress(pylibsrtp.Error):  # what the library itself will not send
            await self.dtls._send_rtp(packet)

    def plain(self, datagram: bytes) -> None:
        """Past the encryption, from the socket of the connection."""
        pair = self.dtls.transport._connection._nominated[1]
        pair.protocol.transport.get_extra_info("socket")._sock.sendto(datagram, pair.remote_addr)

    async def rtp(
        self, kind: str, codec: str, payload: bytes, time: int, *, marker: bool = True, **changes: int
    ) -> None:
        """A packet in order, save for ``changes``: ``ssrc``, ``sequence``."""
        ssrc = changes.get("ssrc", self.ssrc(kind))
        sequence = changes.get("sequence", self.sequences.get(ssrc, 100) + 1) & 0xFFFF
        self.sequences[ssrc] = sequence
        first = marker << 7 | self.payload_type(codec)
        header = struct.pack("!BBHII", 0x80, first, sequence, (self.origin + time) & 0xFFFFFFFF, ssrc)
        await self.send(header + payload)

    async def picture(self, codec: str, data: bytes, time: int, **changes: int) -> None:
        """A whole encoded frame."""
        payloads = vp8_payloads(data) if codec == "VP8" else h264_payloads(data)
        for n, payload in enumerate(payloads):
            await self.rtp("video", codec, payload, time, marker=n == len(payloads) - 1, **changes)
            if n % 32 == 31:
                await asyncio.sleep(0)

    async def sound(self, data: bytes, time: int, **changes: int) -> None:
        await self.rtp("audio", "opus", data, time, marker=False, **changes)


def vp8_payloads(data: bytes) -> list[bytes]:
    """RFC 7741, the shortest descriptor."""
    return [bytes([0x10 if at == 0 else 0]) + data[at : at + 1200] for at in range(0, max(1, len(data)), 1200)]


def h264_payloads(data: bytes) -> list[bytes]:
    """RFC 6184: single units, and FU-A for larger ones. ``data`` is Annex B; without a start code it is one unit."""
    units = [unit for unit in data.replace(b"\0\0\0\1", b"\0\0\1").split(b"\0\0\1") if len(unit) > 1] or [b"\x65\0"]
    payloads: list[bytes] = []
    for unit in units:
        if len(unit) <= 1200:
            payloads.append(unit)
            continue
        parts = [unit[at : at + 1200] for at in range(1, len(unit), 1200)]
        head = unit[0] & 0xE0 | 28
        for n, part in enumerate(parts):
            flags = (n == 0) << 7 | (n == len(parts) - 1) << 6
            payloads.append(bytes([head, flags | unit[0] & 0x1F]) + part)
    return payloads
