"""Lost packets worked out of others: RED and ULPFEC, by the examples of RFC 5109 and packets made here."""

import contextlib
import struct
from collections.abc import Iterable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcu.rtc.fec import MAX_MEDIA, FecDecoder, Protection
from mcu.rtc.rtp import RtpPacket, parse

pytestmark = pytest.mark.unit

RED, VP8, FEC = 118, 96, 120
SSRC = 2
SEND_TIME_ID = 3
TYPES = (11, 18, 11, 18)  # of the example in RFC 5109, section 10.1, as are the other numbers of it
LENGTHS = (200, 140, 100, 340)
EXAMPLE_FEC = bytes([0, 0, 0, 8, 0, 0, 0, 8]) + struct.pack("!HHH", 372, 340, 61440)


def _media(sequence: int, timestamp: int, payload: bytes, type_: int = VP8, *, marker: bool = False) -> bytes:
    return struct.pack("!BBHII", 0x80, marker << 7 | type_, sequence, timestamp, SSRC) + payload


def _timed(packet: bytes, time: bytes) -> bytes:
    """With a header extension that holds the send time."""
    return bytes([packet[0] | 0x10]) + packet[1:12] + b"\xbe\xde\x00\x01\x32" + time + packet[12:]


def _red(packet: bytes) -> RtpPacket:
    """The packet as it is sent."""
    header = parse(packet).header_size
    wrapper = bytes([packet[1] & 0x7F])
    return parse(packet[:1] + bytes([packet[1] & 0x80 | RED]) + packet[2:header] + wrapper + packet[header:])


def _xor(parts: Sequence[bytes]) -> bytes:
    longest = max(map(len, parts))
    total = bytearray(longest)
    for part in parts:
        for index, byte in enumerate(part):
            total[index] ^= byte
    return bytes(total)


def _fec(sequence: int, packets: Sequence[bytes], base: int, mask: bytes) -> RtpPacket:
    """FEC over the packets, bit by bit as section 10 of RFC 5109 has it."""
    header = _xor([p[:2] + p[4:8] + struct.pack("!H", len(p) - 12) for p in packets])
    body = _xor([p[12:] for p in packets])
    long_mask = 0x40 if len(mask) == 6 else 0
    level = struct.pack("!H", len(body)) + mask + body
    first = header[0] & 0x3F | long_mask
    payload = bytes([first, header[1]]) + struct.pack("!H", base) + header[2:] + level
    return _red(_media(sequence, 0, payload, FEC))


def _decoder() -> FecDecoder:
    return FecDecoder(SSRC, Protection(FEC, SEND_TIME_ID), lambda sequence: sequence)


def _given(decoder: FecDecoder, packets: Iterable[RtpPacket]) -> list[RtpPacket]:
    """What follows from the packets, one after the other."""
    return [lost for packet in packets for lost in _follows(decoder, packet)]


def _follows(decoder: FecDecoder, packet: RtpPacket) -> list[RtpPacket]:
    return [lost for _, lost in decoder.recovered(packet.sequence, packet, decoder.unwrap(packet))]


def _example() -> list[bytes]:
    payloads = [bytes([number]) * length for number, length in enumerate(LENGTHS, start=65)]
    return [_media(8 + n, 3 + 2 * n, payload, TYPES[n]) for n, payload in enumerate(payloads)]


@pytest.mark.parametrize("lost", range(4))
def test_the_example_of_the_rfc(lost: int) -> None:
    """Its header is written out there; which packet of the four is lost makes no difference."""
    packets = _example()
    sum_ = EXAMPLE_FEC + _xor([p[12:] for p in packets])
    assert len(sum_) == 14 + 340
    wrapped = [_red(packet) for packet in packets]
    fec = _red(_media(12, 9, sum_, FEC))
    (found,) = _given(_decoder(), [*wrapped[:lost], *wrapped[lost + 1 :], fec])
    assert found == parse(packets[lost])


def test_what_is_lost_follows_whatever_comes_last() -> None:
    first, lost, third = (_media(n, 90 * n, bytes([n] * 20 * n), marker=n == 2) for n in (1, 2, 3))
    decoder = _decoder()
    assert _given(decoder, [_fec(4, [first, lost, third], 1, b"\xe0\x00"), _red(third)]) == []
    (found,) = _given(decoder, [_red(first)])
    assert found == parse(lost)


def test_two_of_four_follow_from_two_sums() -> None:
    """The one that the second sum lacks alone is what the first one then lacks no more."""
    packets = [_media(n, n, bytes([n, n + 1] * (30 - n))) for n in range(1, 5)]
    over_all = _fec(5, packets, 1, b"\xf0\x00")
    over_last = _fec(6, packets[2:], 3, b"\xc0\x00")
    found = _given(_decoder(), [_red(packets[0]), _red(packets[3]), over_all, over_last])
    assert found == [parse(packets[2]), parse(packets[1])]


def test_a_long_mask_reaches_over_48_packets() -> None:
    packets = [_media(n, n, bytes([n] * 5)) for n in range(10, 58)]
    fec = _fec(58, [packets[0], packets[30], packets[47]], 10, (1 << 47 | 1 << 17 | 1).to_bytes(6))
    (found,) = _given(_decoder(), [*map(_red, packets[:47]), fec])
    assert found == parse(packets[47])


def test_the_send_time_is_written_after_the_sum() -> None:
    """So it is zero in what the sum is over, and only the extension of the found packet says nothing."""
    plain = [_media(n, n, bytes([7 * n] * 40)) for n in (1, 2)]
    summed = [_timed(packet, bytes(3)) for packet in plain]
    sent = [_timed(packet, bytes([n, 200 + n, n])) for n, packet in enumerate(plain, start=1)]
    (found,) = _given(_decoder(), [_red(sent[0]), _fec(3, summed, 1, b"\xc0\x00")])
    assert (found.payload, found.timestamp, found.extension(SEND_TIME_ID)) == (bytes([14] * 40), 2, bytes(3))


def test_padding_and_contributing_sources_are_part_of_the_sum() -> None:
    padded = bytes([0xA1]) + _media(1, 5, b"")[1:] + b"\x00\x00\x00\x09" + b"abc" + b"\x00\x02"
    lost = _media(2, 6, bytes(range(50)))
    (found,) = _given(_decoder(), [_red(padded), _fec(3, [padded, lost], 1, b"\xc0\x00")])
    assert found == parse(lost)


def test_fec_leaves_an_empty_packet_in_its_place() -> None:
    """For its number is in the same run as those of media."""
    decoder, fec = _decoder(), _fec(2, [_media(1, 1, b"lost")], 1, b"\x80\x00")
    part = decoder.unwrap(fec)
    assert (part.sequence, part.payload, part.marker) == (2, b"", False)
    assert [packet.payload for packet in _follows(decoder, fec)] == [b"lost"]


def test_what_is_long_over_is_forgotten() -> None:
    decoder = _decoder()
    packets = [_media(n, n, bytes([n % 256] * 9)) for n in range(MAX_MEDIA + 3)]
    assert _given(decoder, [_fec(900, packets[:3], 0, b"\xe0\x00")]) == []
    assert _given(decoder, map(_red, packets[3:])) == []
    assert _given(decoder, map(_red, packets[:2])) == []


def test_a_sum_of_packets_that_are_kept_no_more_is_refused() -> None:
    """However a sender counts."""
    decoder = _decoder()
    packets = [_media(n, n, bytes([n % 256] * 9)) for n in range(498, 501)]
    older = [_red(_media(n, n, b"older")) for n in range(400 - MAX_MEDIA, 400)]
    assert _given(decoder, [_red(packets[2]), _fec(501, packets, 498, b"\xe0\x00"), *older]) == []
    with pytest.raises(ValueError, match="FEC"):
        _follows(decoder, _red(packets[1]))
    assert _follows(decoder, _red(_media(502, 1, b"next"))) == []


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        bytes([0x80 | VP8, 0, 0, 0, VP8, 1]),  # two blocks
        bytes([FEC]),
        bytes([FEC]) + bytes(11),
        bytes([FEC]) + b"\x00\x00\x00\x01" + bytes(6) + b"\x00\x04\x80\x00abc",  # a body cut off
        bytes([FEC]) + b"\x80\x00\x00\x01" + bytes(6) + b"\x00\x03\x80\x00abc",  # an extension nobody has defined
        bytes([FEC]) + b"\x00\x00\x00\x01" + bytes(4) + b"\x00\x04\x00\x03\x80\x00abc",  # longer than what is protected
    ],
)
def test_what_makes_no_sense_is_refused_once(payload: bytes) -> None:
    decoder = _decoder()
    with pytest.raises(ValueError, match=r"RED|FEC"):
        _follows(decoder, parse(_media(5, 1, payload, RED)))
    assert _given(decoder, [_red(_media(6, 2, b"next"))]) == []


@given(st.lists(st.tuples(st.integers(0, 20), st.booleans(), st.binary(max_size=40)), max_size=30))
def test_no_payload_does_harm(payloads: list[tuple[int, bool, bytes]]) -> None:
    decoder = _decoder()
    for sequence, is_fec, payload in payloads:
        packet = parse(_media(sequence, 1, bytes([FEC if is_fec else VP8]) + payload, RED))
        part = decoder.unwrap(packet)
        assert part.payload == (b"" if is_fec else payload)
        with contextlib.suppress(ValueError):
            _follows(decoder, packet)
