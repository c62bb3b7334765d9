"""RTCP, packed and parsed: reports, feedback (RFC 4585, 5104) and REMB.

The packets themselves are aiortc's; what is here gives them our words and keeps their exceptions from everybody else.
"""

import struct
from collections.abc import Iterable, Sequence

from aiortc import rtp
from aiortc.rtp import AnyRtcpPacket, RtcpPacket

ReportBlock = rtp.RtcpReceiverInfo
SenderReport = rtp.RtcpSrPacket
ReceiverReport = rtp.RtcpRrPacket
Feedback = rtp.RtcpPsfbPacket
Bye = rtp.RtcpByePacket
Nack = rtp.RtcpRtpfbPacket

MAX_BLOCKS = 31  # report blocks in one packet
_CNAME = 1


def parse(data: bytes) -> Sequence[AnyRtcpPacket]:
    """The packets of a compound packet.

    Raises:
        ValueError: it is no RTCP.
    """
    try:
        return RtcpPacket.parse(data)
    except (struct.error, IndexError) as error:
        raise ValueError(f"malformed RTCP: {error}") from error


def remb_bitrate(packet: Feedback) -> int | None:
    """The bitrate that a REMB message names, in bits per second; None for any other feedback."""
    if packet.fmt != rtp.RTCP_PSFB_APP:
        return None
    try:
        return int(rtp.unpack_remb_fci(packet.fci)[0])
    except (ValueError, struct.error):
        return None


def asks_for_keyframe(packet: Feedback, ssrc: int) -> bool:
    """Whether this is a PLI or FIR for the stream ``ssrc``."""
    if packet.fmt == rtp.RTCP_PSFB_PLI:
        return packet.media_ssrc == ssrc
    if packet.fmt == rtp.RTCP_PSFB_FIR:  # the stream is named in the entries (RFC 5104, section 4.3.1)
        return any(packet.fci[at : at + 4] == struct.pack("!I", ssrc) for at in range(0, len(packet.fci), 8))
    return False


def pli(own_ssrc: int, media_ssrc: int) -> bytes:
    """A picture loss indication."""
    return bytes(Feedback(fmt=rtp.RTCP_PSFB_PLI, ssrc=own_ssrc, media_ssrc=media_ssrc))


def nack(own_ssrc: int, media_ssrc: int, sequences: Iterable[int]) -> bytes:
    """A request for packets, by unwrapped sequence numbers in order."""
    entries: list[tuple[int, int]] = []
    for sequence in sequences:
        distance = sequence - entries[-1][0] - 1 if entries else -1
        if 0 <= distance < 16:  # noqa: PLR2004 - bits of the mask
            entries[-1] = (entries[-1][0], entries[-1][1] | 1 << distance)
        else:
            entries.append((sequence, 0))
    fci = b"".join(struct.pack("!HH", first & 0xFFFF, mask) for first, mask in entries)
    head = struct.pack("!BBHII", 0x80 | rtp.RTCP_RTPFB_NACK, rtp.RTCP_RTPFB, 2 + len(entries), own_ssrc, media_ssrc)
    return head + fci


def remb(own_ssrc: int, bitrate_bps: int, ssrcs: list[int]) -> bytes:
    """A receiver estimated maximum bitrate for the streams ``ssrcs`` together."""
    fci = rtp.pack_remb_fci(bitrate_bps, ssrcs)
    return bytes(Feedback(fmt=rtp.RTCP_PSFB_APP, ssrc=own_ssrc, media_ssrc=0, fci=fci))


def receiver_report(own_ssrc: int, blocks: Sequence[ReportBlock], cname: str) -> bytes:
    """A receiver report with its source description."""
    return bytes(ReceiverReport(ssrc=own_ssrc, reports=list(blocks[:MAX_BLOCKS]))) + _description(own_ssrc, cname)


def sender_report(  # noqa: PLR0913, PLR0917 - the fields of the packet
    own_ssrc: int, ntp: int, timestamp: int, packets: int, octets: int, blocks: Sequence[ReportBlock], cname: str
) -> bytes:
    """A sender report with its source description; ``ntp`` and ``timestamp`` name the same instant."""
    info = rtp.RtcpSenderInfo(
        ntp_timestamp=ntp,
        rtp_timestamp=timestamp & 0xFFFFFFFF,
        packet_count=packets & 0xFFFFFFFF,
        octet_count=octets & 0xFFFFFFFF,
    )
    report = SenderReport(ssrc=own_ssrc, sender_info=info, reports=list(blocks[:MAX_BLOCKS]))
    return bytes(report) + _description(own_ssrc, cname)


def bye(ssrcs: Sequence[int]) -> bytes:
    """The end of streams."""
    return bytes(Bye(sources=list(ssrcs)))


def _description(ssrc: int, cname: str) -> bytes:
    items = [(_CNAME, cname.encode())]
    return bytes(rtp.RtcpSdesPacket(chunks=[rtp.RtcpSourceInfo(ssrc=ssrc, items=items)]))
