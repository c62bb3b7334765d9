"""What the guests of a room receive: every packet is kept, and decoded when all is over."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import av
import numpy as np
import numpy.typing as npt
from aiortc import RTCRtpReceiver
from aiortc.codecs import depayload, is_rtx
from aiortc.rtp import RtpPacket, unwrap_rtx

from mcu.audio.codecs import make_decoder
from mcu.media import AudioCodec, Samples

Luma = npt.NDArray[np.uint8]
PARAMETERS = 24  # an aggregate of parameter sets (RFC 6184, section 5.7.1)
TOO_OLD_S = 1.0  # to be asked for again


@dataclass(frozen=True)
class Shown:
    """A decoded picture."""

    time: int  # RTP, unwrapped
    luma: Luma
    keyframe: bool


@dataclass
class Stream:
    """All packets of one stream, whichever way they came."""

    receiver: RTCRtpReceiver
    codec: Any = None
    ssrc: int = 0
    packets: dict[int, tuple[RtpPacket, float]] = field(default_factory=dict)  # by unwrapped number, with arrival
    _newest: int = -1

    def watch(self) -> None:
        """Take note of what the receiver gets."""
        handle, codecs = self.receiver._handle_rtp_packet, self.receiver._RTCRtpReceiver__codecs  # type: ignore[attr-defined] # contract

        async def note(packet: RtpPacket, arrival_time_ms: int) -> None:
            codec = codecs.get(packet.payload_type)
            if codec is not None:
                self._note(packet, codec, codecs)
            await handle(packet, arrival_time_ms=arrival_time_ms)

        self.receiver._handle_rtp_packet = note  # type: ignore[method-assign]  # that is the point

    def _note(self, packet: RtpPacket, codec: Any, codecs: dict[int, Any]) -> None:
        if is_rtx(codec):
            if len(packet.payload) <= 2:
                return  # padding
            codec = codecs[codec.parameters["apt"]]
            packet = unwrap_rtx(packet, payload_type=codec.payloadType, ssrc=self.ssrc)
        else:
            self.ssrc = packet.ssrc
        self.codec = codec
        number = packet.sequence_number
        if self._newest >= 0:
            number = self._newest + ((number - self._newest + 0x8000) & 0xFFFF) - 0x8000
        self._newest = max(self._newest, number)
        self.packets.setdefault(number, (packet, time.monotonic()))

    def missing(self) -> list[int]:
        """What to ask for again."""
        numbers = range(max(min(self.packets, default=0), self._newest - 200), self._newest)
        since = time.monotonic() - TOO_OLD_S
        lost = []
        for number in reversed(numbers):
            if number not in self.packets:
                lost.append(number & 0xFFFF)
            elif self.packets[number][1] < since:
                break
        return sorted(lost)

    @property
    def newest_time(self) -> int:
        """RTP time of the newest packet."""
        return self.packets[self._newest][0].timestamp if self.packets else -1

    def units(self) -> Iterator[tuple[int, float, bytes, bool]]:
        """Frames that are whole: RTP time, arrival of the first packet, data, and whether nothing is missing before."""
        data, began, whole, unbroken = b"", 0.0, True, True
        last, fresh = None, True
        for number in sorted(self.packets):
            packet, arrival = self.packets[number]
            if last is not None and number != last + 1:
                unbroken, fresh = False, True
                # a keyframe's first packet brings the parameters along; others may be the rest of a frame
                whole = self.codec.name != "H264" or packet.payload[0] & 0x1F == PARAMETERS
            if fresh:
                data, began, fresh = b"", arrival, False
            data += depayload(self.codec, packet.payload)
            last = number
            if packet.marker or self.codec.name != "H264":
                if whole:
                    yield packet.timestamp, began, data, unbroken
                    unbroken = True
                whole, fresh = True, True


def pictures(stream: Stream) -> Iterator[Shown]:
    """What a decoder shows that goes on at a keyframe after a hole."""
    decoder: Any = av.CodecContext.create("h264", "r")
    waiting = True
    for rtp_time, _, data, unbroken in stream.units():
        keyframe = b"\x00\x00\x01\x65" in data or b"\x00\x00\x01\x25" in data or b"\x00\x00\x01\x45" in data
        waiting = (waiting or not unbroken) and not keyframe
        if waiting:
            continue
        for frame in decoder.decode(av.Packet(data)):
            plane = np.frombuffer(frame.planes[0], np.uint8).reshape(frame.height, -1)
            yield Shown(rtp_time, plane[:, : frame.width].copy(), bool(frame.key_frame))


def heard_from(stream: Stream, origin: int, from_s: float) -> Samples:
    """The sound on media time, from ``from_s`` on."""
    decoder = make_decoder(AudioCodec.OPUS)
    units = [((time - origin) & 0xFFFFFFFF, data) for time, _, data, _ in stream.units()]
    first = round(from_s * 48_000)
    heard = np.zeros(units[-1][0] + 960 - first, np.float32)
    for at, data in units:
        block = decoder.decode(data)[:, 0]
        if at >= first:
            heard[at - first : at - first + 960] = block[: len(heard) - (at - first)]
    return heard
