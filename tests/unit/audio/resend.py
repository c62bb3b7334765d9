"""A sender that sends lost packets again, a line with a round-trip time, and our receiver, on virtual time."""

import dataclasses
from typing import Any, cast

from mcu.media import AudioUnit, Samples
from mcu.rtc import rtcp
from mcu.rtc.receive import Link
from mcu.rtc.receive_audio import AudioReceiver
from mcu.rtc.rtp import RtpPacket
from mcu.rtc.uplink import UplinkEstimate
from tests.unit.audio.line import Network, clean, spoken_packets
from tests.unit.rtc.fakes import Loop, chromium_line

OPUS, SSRC = 111, 5


class ResendingLine:
    """Carries ``sound``; every packet on the line, sent again or not, has its own fate by ``network``.

    Args:
        network: of what the sender sends.
        back: of our requests.
        nack: whether lost packets are asked for.
    """

    def __init__(self, network: Network, *, back: Network = clean, nack: bool = True) -> None:
        self.loop = Loop()
        line = chromium_line("audio")
        if nack:
            (opus,) = line.codecs
            line = dataclasses.replace(line, codecs=(dataclasses.replace(opus, feedback=frozenset({"nack"})),))
        link = Link(cast("Any", self.loop), self.loop.clock(), 1, self._asked, UplinkEstimate(4e6), lambda: None)
        self.receiver = AudioReceiver(line, link)
        self.receiver.sink = self
        self.units: list[AudioUnit] = []
        self.resent = 0
        self._network, self._back = network, back
        self._sent: dict[int, RtpPacket] = {}
        self._carried = self._requests = 0

    def push(self, unit: AudioUnit) -> None:
        self.units.append(unit)

    def carry(self, sound: Samples, *, loss_percent: int = 10) -> list[AudioUnit]:
        """What comes out of the receiver."""
        for unit in spoken_packets(sound, lambda _n: 0.0, loss_percent=loss_percent):
            assert unit.level_dbov is not None
            block = bytes([0x10, 0x80 | unit.level_dbov, 0, 0])
            packet = RtpPacket(OPUS, False, unit.sequence & 0xFFFF, unit.rtp_time, SSRC, unit.data, 0xBEDE, block)
            self.loop.call_later(unit.arrival_us / 1e6, self._send, packet)
        self.loop.run(round(len(sound) / 48_000 * 1e6) + 1_000_000)
        self.receiver.close()
        return self.units

    def _send(self, packet: RtpPacket) -> None:
        self._sent[packet.sequence] = packet
        held_ms = self._network(self._carried)
        self._carried += 1
        if held_ms is not None:
            self.loop.call_later(held_ms / 1000, lambda: self.receiver.rtp(packet, self.loop.now_us))

    def _asked(self, data: bytes) -> None:
        held_ms = self._back(self._requests)
        self._requests += 1
        if held_ms is not None:
            self.loop.call_later(held_ms / 1000, self._resend, data)

    def _resend(self, data: bytes) -> None:
        for packet in rtcp.parse(data):
            assert isinstance(packet, rtcp.Nack)
            for sequence in packet.lost:
                self.resent += 1
                self._send(self._sent[sequence])
