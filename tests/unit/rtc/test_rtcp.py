import contextlib
import struct

import pytest
from aiortc.rtp import (
    RTCP_PSFB_FIR,
    RtcpByePacket,
    RtcpPacket,
    RtcpPsfbPacket,
    RtcpRrPacket,
    RtcpRtpfbPacket,
    RtcpSdesPacket,
    RtcpSrPacket,
    unpack_remb_fci,
)
from hypothesis import given
from hypothesis import strategies as st

from mcu.rtc import rtcp

pytestmark = pytest.mark.unit


@given(st.lists(st.integers(0, 200_000), min_size=1, max_size=100, unique=True).map(sorted))
def test_a_nack_names_exactly_what_is_lost(sequences: list[int]) -> None:
    (packet,) = RtcpPacket.parse(rtcp.nack(1, 2, sequences))
    assert isinstance(packet, RtcpRtpfbPacket)
    assert (packet.fmt, packet.ssrc, packet.media_ssrc) == (1, 1, 2)
    assert [s & 0xFFFF for s in packet.lost] == [s & 0xFFFF for s in sequences]


def test_a_nack_across_the_wrap_is_one_entry() -> None:
    assert rtcp.nack(1, 2, [65_535, 65_536, 65_551])[12:] == struct.pack("!HH", 65_535, 0x8001)


def test_reports_are_read_by_another_implementation() -> None:
    block = rtcp.ReportBlock(5, 1, 2, 3, 4, 5, 6)
    report, description = RtcpPacket.parse(rtcp.receiver_report(9, [block] * 40, "name"))
    assert isinstance(report, RtcpRrPacket)
    assert report.reports == [block] * 31
    assert isinstance(description, RtcpSdesPacket)
    assert description.chunks[0].items == [(1, b"name")]
    report, _ = RtcpPacket.parse(rtcp.sender_report(9, 1 << 63, 1 << 33 | 7, 1 << 32, 5, [block], "n"))
    assert isinstance(report, RtcpSrPacket)
    assert (report.sender_info.ntp_timestamp, report.sender_info.rtp_timestamp) == (1 << 63, 7)
    assert (report.sender_info.packet_count, report.sender_info.octet_count) == (0, 5)


def test_feedback_is_read_by_another_implementation() -> None:
    pli, remb, bye = (RtcpPacket.parse(p)[0] for p in (rtcp.pli(1, 2), rtcp.remb(1, 1_500_000, [2, 3]), rtcp.bye([4])))
    assert isinstance(pli, RtcpPsfbPacket)
    assert (pli.fmt, pli.media_ssrc) == (1, 2)
    assert isinstance(remb, RtcpPsfbPacket)
    assert unpack_remb_fci(remb.fci) == (1_500_000, [2, 3])
    assert rtcp.remb_bitrate(remb) == 1_500_000
    assert isinstance(bye, RtcpByePacket)
    assert bye.sources == [4]


def test_keyframes_are_asked_for_by_pli_and_fir() -> None:
    fir = RtcpPsfbPacket(fmt=RTCP_PSFB_FIR, ssrc=1, media_ssrc=0, fci=struct.pack("!IBxxxIBxxx", 8, 1, 9, 1))
    assert rtcp.asks_for_keyframe(fir, 9)
    assert not rtcp.asks_for_keyframe(fir, 7)
    (pli,) = RtcpPacket.parse(rtcp.pli(1, 2))
    assert isinstance(pli, RtcpPsfbPacket)
    assert rtcp.asks_for_keyframe(pli, 2)
    assert not rtcp.asks_for_keyframe(pli, 3)
    assert rtcp.remb_bitrate(pli) is None


@pytest.mark.parametrize("fci", [b"", b"REMB", b"REMB\x05\x00\x00\x00", b"XXXX\x00\x00\x00\x00"])
def test_broken_estimates_are_none(fci: bytes) -> None:
    broken = RtcpPsfbPacket(fmt=15, ssrc=1, media_ssrc=0, fci=fci)
    assert rtcp.remb_bitrate(broken) is None


def test_an_absurd_estimate_is_only_a_number() -> None:
    huge = RtcpPsfbPacket(fmt=15, ssrc=1, media_ssrc=0, fci=b"REMB\x00\xff\xff\xff")
    assert rtcp.remb_bitrate(huge) == 0x3FFFF << 63


@given(st.sampled_from([200, 201, 202, 203, 204, 205, 206]), st.integers(0, 31), st.binary(max_size=60))
def test_nothing_but_a_value_error_comes_of_garbage(kind: int, count: int, body: bytes) -> None:
    body = body[: len(body) // 4 * 4]
    with contextlib.suppress(ValueError):
        rtcp.parse(struct.pack("!BBH", 0x80 | count, kind, len(body) // 4) + body)
