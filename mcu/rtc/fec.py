"""Forward error correction of pictures that come in: RED (RFC 2198) and ULPFEC (RFC 5109, level 0). Pure.

A browser that is told of losses sends, beside its packets of media, others that hold the exclusive-or of several of
them. When one of these is lost, it follows from the rest, sooner than it could come when asked for again. Both kinds
are wrapped in RED, which says which is which, and count in one run of sequence numbers.
"""

import struct
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from mcu.rtc import rtp
from mcu.rtc.rtp import RtpPacket

MAX_MEDIA = 128  # packets of media kept; one packet of FEC protects 48 in a row at most
MAX_WAITING = 16  # packets of FEC kept that more than one packet is missing of

_RTP_HEADER = struct.Struct("!BBHII")
_FEC_HEADER = struct.Struct("!BBHIHH")  # and the length of what the only level protects
_FOLLOWS = 0x80  # in RED: another block
_EXTENDED, _LONG_MASK = 0x80, 0x40  # in the FEC header; the one is for what nobody has defined yet
_PADDED = 0x20
_FLAGS = 0x3F  # of the RTP header's first byte, all but the version
_VERSION_2 = 0x80


@dataclass(slots=True, frozen=True)
class Protection:
    """What was agreed on: payload type of FEC, and id of the send time, which is written after FEC is worked out."""

    ulpfec_type: int | None
    send_time_id: int | None


@dataclass(slots=True, eq=False)
class _Sum:
    """The exclusive-or over the packets of media with these unwrapped sequence numbers (RFC 5109, section 8)."""

    covered: tuple[int, ...]
    missing: set[int]  # of those
    flags: int
    type_and_marker: int
    timestamp: int
    length: int
    body: bytes


class FecDecoder:
    """What is known of one stream's packets, and which lost ones follow from it.

    Drop policy: *drop-oldest*, for packets of media and of FEC alike.

    Args:
        ssrc: the stream.
        protection: what was agreed on.
        place: gives the unwrapped sequence number for one on the wire.
    """

    def __init__(self, ssrc: int, protection: Protection, place: Callable[[int], int]) -> None:
        self._ssrc = ssrc
        self._protection = protection
        self._place = place
        self._media: dict[int, RtpPacket] = {}  # as they were before they were wrapped, by unwrapped sequence number
        self._newest = 0
        self._waiting: deque[_Sum] = deque(maxlen=MAX_WAITING)

    def unwrap(self, packet: RtpPacket) -> RtpPacket:
        """The packet that is wrapped in RED. One of FEC becomes an empty one, for its number is none that is missing.

        Raises:
            ValueError: it is no RED of one block, as browsers send it.
        """
        payload = packet.payload
        if not payload or payload[0] & _FOLLOWS:
            raise ValueError("no RED payload of one block")
        type_ = payload[0]
        content = b"" if type_ == self._protection.ulpfec_type else payload[1:]
        return RtpPacket(
            type_,
            packet.marker,
            packet.sequence,
            packet.timestamp,
            packet.ssrc,
            content,
            packet.extension_profile,
            packet.extension_block,
            packet.raw,
        )

    def recovered(self, sequence: int, wrapped: RtpPacket, packet: RtpPacket) -> Iterator[tuple[int, RtpPacket]]:
        """Lost packets that follow, with their numbers, now that ``packet`` has come as ``wrapped``.

        Raises:
            ValueError: what came as FEC makes no sense.
        """
        if packet.payload_type == self._protection.ulpfec_type:
            self._waiting.append(self._sum(wrapped.payload[1:]))
        else:
            self._keep(sequence, packet)
        while (sum_ := self._solvable()) is not None:
            self._waiting.remove(sum_)
            (missing,) = sum_.missing
            solved = self._solved(sum_, missing)
            self._keep(missing, solved)
            yield missing, solved

    def _keep(self, sequence: int, packet: RtpPacket) -> None:
        if not packet.raw:  # it was sent again, under another header
            return
        self._media[sequence] = packet
        self._newest = max(self._newest, sequence)
        if len(self._media) > MAX_MEDIA:
            del self._media[next(iter(self._media))]
        for sum_ in self._waiting:
            sum_.missing.discard(sequence)

    def _solvable(self) -> _Sum | None:
        """One that lacks a single packet. Those that lack none, or are long over, are dropped."""
        if not self._waiting:
            return None
        oldest = self._newest - MAX_MEDIA
        useful = (sum_ for sum_ in self._waiting if sum_.missing and sum_.covered[0] > oldest)
        self._waiting = deque(useful, MAX_WAITING)
        return next((sum_ for sum_ in self._waiting if len(sum_.missing) == 1), None)

    def _sum(self, payload: bytes) -> _Sum:
        if len(payload) < _FEC_HEADER.size:
            raise ValueError("cut off in the FEC header")
        first, second, base, timestamp, length, protected = _FEC_HEADER.unpack_from(payload)
        start = _FEC_HEADER.size + (6 if first & _LONG_MASK else 2)
        body = payload[start : start + protected]
        if first & _EXTENDED or len(body) < protected:
            raise ValueError("FEC of an unknown kind, or cut off")
        mask = payload[_FEC_HEADER.size : start]
        bits = (bit for bit in range(8 * len(mask)) if mask[bit // 8] << bit % 8 & 0x80)
        covered = tuple(self._place(base) + bit for bit in bits)
        missing = {sequence for sequence in covered if sequence not in self._media}
        return _Sum(covered, missing, first & _FLAGS, second, timestamp, length, body)

    def _solved(self, sum_: _Sum, sequence: int) -> RtpPacket:
        flags, type_and_marker, timestamp, length = sum_.flags, sum_.type_and_marker, sum_.timestamp, sum_.length
        body = int.from_bytes(sum_.body, "little")
        for packet in (self._media.get(covered) for covered in sum_.covered if covered != sequence):
            if packet is None:
                raise ValueError("FEC that comes when it is long over")
            protected = self._protected(packet)
            flags ^= packet.raw[0] & _FLAGS
            type_and_marker ^= packet.marker << 7 | packet.payload_type
            timestamp ^= packet.timestamp
            length ^= len(protected)
            body ^= int.from_bytes(protected, "little")
        if length > len(sum_.body):
            raise ValueError("FEC of a part of the packet only")
        header = _RTP_HEADER.pack(_VERSION_2 | flags, type_and_marker, sequence & 0xFFFF, timestamp, self._ssrc)
        return rtp.parse(header + (body % (1 << 8 * length)).to_bytes(length, "little"))

    def _protected(self, packet: RtpPacket) -> bytes:
        """What follows the fixed header, as it was when FEC was worked out: not wrapped, the send time not written."""
        raw = packet.raw
        header = bytearray(raw[: packet.header_size])
        span = packet.extension_span(self._protection.send_time_id)
        if span is not None:
            header[slice(*span)] = bytes(span[1] - span[0])
        padding = raw[len(raw) - raw[-1] :] if raw[0] & _PADDED else b""
        return bytes(header[_RTP_HEADER.size :]) + packet.payload + padding
