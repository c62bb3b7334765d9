"""Peers that change from one rung to another: what goes over the wire, on virtual time."""

from collections import Counter
from itertools import count, pairwise
from typing import Any, cast

import pytest

from mcu.hub import PacketHub
from mcu.media import EncodedFrame, Rung, VideoCodec
from mcu.rtc import rtcp, rtp
from mcu.rtc.send import Offer, VideoFanout
from mcu.rtc.sender import PADDING_BYTES, VideoSender
from tests.unit.rtc.fakes import Loop, Wire, chromium_line

pytestmark = pytest.mark.unit

MS, SECOND = 1000, 1_000_000
FULL, HALF, QUARTER = Rung
BITRATES = {FULL: 2_000_000, HALF: 700_000, QUARTER: 180_000}
FRAME_BYTES = {FULL: 8_000, HALF: 2_900, QUARTER: 750}
H264, H264_RTX = 108, 109
_numbers = count()


class _Encoder:
    """Publishes 30 frames a second while its hub is in use; the next is a keyframe when one was asked for."""

    def __init__(self, rung: Rung) -> None:
        self.hub = PacketHub(self._ask)
        self.rung = rung
        self.keyframes = 0
        self._wanted = False

    def _ask(self) -> None:
        self._wanted = True

    def publish(self, tick: int) -> None:
        if not self.hub.in_use:
            return
        key, self._wanted = self._wanted, False
        self.keyframes += key
        size = FRAME_BYTES[self.rung] * (6 if key else 1)
        data = b"\x00\x00\x00\x01" + bytes([0x65 if key else 0x41]) + bytes([0xA0 + self.rung]) * size
        self.hub.publish(EncodedFrame(VideoCodec.H264, data, tick * 3000, 3000, 90_000, key))


class _Peer:
    def __init__(self, loop: Loop) -> None:
        self.wire = Wire(loop)
        self.video_sender = VideoSender(chromium_line("camera"), cast("Any", self.wire), loop.clock())
        self.asks: Any = None
        self.participant_id = f"p{next(_numbers)}"

    def on_keyframe_asked(self, call: Any) -> None:
        self.asks = call


class _World:
    def __init__(self, peers: int) -> None:
        self.loop = Loop()
        self.encoders = [_Encoder(rung) for rung in Rung]
        offers = {e.rung: Offer(e.hub, BITRATES[e.rung]) for e in self.encoders}
        self.fanout = VideoFanout(VideoCodec.H264, offers, cast("Any", self.loop), self.loop.clock())
        self.peers = [_Peer(self.loop) for _ in range(peers)]
        for peer in self.peers:
            self.fanout.add(cast("Any", peer))
        self.tick = 0
        self.reported: dict[int, tuple[int, int]] = {}  # highest sequence number and lost packets, by peer

    def run(self, seconds: float) -> None:
        for _ in range(round(seconds * 30)):
            self.tick += 1
            self.loop.run(33_333)
            for encoder in self.encoders:
                encoder.publish(self.tick)
        self.loop.run()

    def report(self, peer: int, lost: float) -> None:
        sender = self.peers[peer].video_sender
        highest = sender._sequence - 1
        before, missed = self.reported.get(peer, (highest, 0))
        self.reported[peer] = (highest, missed + int(lost * (highest - before)))
        block = rtcp.ReportBlock(sender.ssrc, int(lost * 256), self.reported[peer][1], highest, 0, 0, 0)
        sender.reported(block, self.loop.now_us)

    def suffer(self, peer: int) -> None:
        """Two reports, the second of heavy loss."""
        self.report(peer, 0.0)
        self.run(1)
        self.report(peer, 0.5)

    @property
    def in_use(self) -> list[Rung]:
        return [encoder.rung for encoder in self.encoders if encoder.hub.in_use]

    def media(self, peer: int) -> list[rtp.RtpPacket]:
        packets = [rtp.parse(data) for _, data in self.peers[peer].wire.rtp]
        return [packet for packet in packets if packet.payload_type == H264]


def _rung_of(packet: rtp.RtpPacket) -> Rung:
    return Rung(packet.payload[-1] - 0xA0)


def _frames(packets: list[rtp.RtpPacket]) -> list[list[rtp.RtpPacket]]:
    frames: list[list[rtp.RtpPacket]] = [[]]
    for packet in packets:
        frames[-1].append(packet)
        if packet.marker:
            frames.append([])
    return frames[:-1]


def _is_whole(frame: list[rtp.RtpPacket]) -> bool:
    kinds = [packet.payload[0] & 0x1F for packet in frame]
    if kinds in ([1], [5]):
        return True
    begins, ends = frame[0].payload[1] & 0x80, frame[-1].payload[1] & 0x40
    return set(kinds) == {28} and bool(begins) and bool(ends) and len({p.timestamp for p in frame}) == 1


def _is_keyframe(frame: list[rtp.RtpPacket]) -> bool:
    first = frame[0].payload
    return (first[0] if first[0] & 0x1F != 28 else first[1]) & 0x1F == 5


def test_while_this_process_is_late_nobody_is_moved_to_a_lower_rung() -> None:
    world = _World(peers=0)
    late_us = 150_000
    world.fanout.late_us = lambda: late_us
    world.peers.append(_Peer(world.loop))
    world.fanout.add(cast("Any", world.peers[0]))
    world.run(2)
    world.suffer(0)
    world.run(1)
    assert world.in_use == [FULL]
    late_us = 10_000
    world.suffer(0)
    world.run(1)
    assert world.in_use != [FULL]


def test_everybody_begins_at_the_full_size_and_the_other_encoders_rest() -> None:
    world = _World(peers=3)
    world.run(2)
    assert world.in_use == [FULL]
    assert world.fanout.metrics()["tutti_send_h264_peers_full"] == 3


def test_a_share_of_the_few_newest_packets_takes_no_rung() -> None:
    """Chromium also reports with every request for lost packets: half of two, of hundreds since the report before."""
    world = _World(1)
    sender = world.peers[0].video_sender
    for lost in range(10):
        world.run(1)
        block = rtcp.ReportBlock(sender.ssrc, 128, lost, sender._sequence - 1, 0, 0, 0)
        sender.reported(block, world.loop.now_us)
    assert sender.target is FULL


def test_a_change_of_rung_is_one_unbroken_stream_of_whole_pictures() -> None:
    world = _World(peers=2)
    world.run(2)
    world.suffer(0)
    world.run(3)
    assert world.in_use == [FULL, HALF]
    packets = world.media(0)
    for before, after in pairwise(packets):
        assert after.sequence == before.sequence + 1 & 0xFFFF
        assert (after.timestamp - before.timestamp) & 0xFFFFFFFF < 10 * 3000
    frames = _frames(packets)
    assert all(_is_whole(frame) for frame in frames)
    times = [frame[0].timestamp for frame in frames]
    assert len(set(times)) == len(times)  # two encoders paint the same instant, and yet
    rungs = [_rung_of(frame[0]) for frame in frames]
    assert sorted(rungs) == rungs  # once, not to and fro
    assert set(rungs) == {FULL, HALF}
    assert _is_keyframe(frames[rungs.index(HALF)])
    assert {_rung_of(packet) for packet in world.media(1)} == {FULL}


def test_no_picture_is_left_out_while_changing() -> None:
    world = _World(peers=1)
    world.run(2)
    world.suffer(0)
    world.run(3)
    times = sorted({frame[0].timestamp for frame in _frames(world.media(0))})
    assert max(b - a for a, b in pairwise(times)) <= 3001


def test_who_leaves_the_others_costs_them_no_keyframe() -> None:
    world = _World(peers=2)
    world.run(2)
    before = world.encoders[FULL].keyframes
    world.suffer(0)
    world.run(3)
    assert world.encoders[FULL].keyframes == before


def test_who_leaves_in_the_middle_of_a_change_leaves_nothing_behind() -> None:
    world = _World(peers=2)
    world.run(2)
    world.suffer(0)
    world.fanout.remove(cast("Any", world.peers[0]))
    assert world.in_use == [FULL]
    world.fanout.remove(cast("Any", world.peers[1]))
    assert world.in_use == []


def test_padding_brings_the_line_to_what_is_tried_out_and_the_peer_goes_up() -> None:
    world = _World(peers=1)
    world.run(2)
    world.suffer(0)
    world.run(2)
    sender = world.peers[0].video_sender
    assert sender.rung is HALF
    for _ in range(10):
        world.run(1)
        world.report(0, 0.0)
        assert sender.chooser is not None
        if sender.chooser.probe_bps(world.loop.now_us) > 2_200_000:
            break
    wire = world.peers[0].wire
    wire.rtp.clear()
    world.run(1)
    padding = [data for _, data in wire.rtp if data[1] & 0x7F == H264_RTX]
    assert all(data[0] & 0x20 and data[-1] == PADDING_BYTES for data in padding)
    assert all(rtp.parse(data).payload == b"" for data in padding)
    octets = sum(len(p.payload) for p in world.media(0)) + len(padding) * PADDING_BYTES
    assert octets * 8 == pytest.approx(2_300_000, rel=0.06)
    world.report(0, 0.0)
    world.run(1)
    assert sender.rung is FULL
    assert world.in_use == [FULL]
    wire.rtp.clear()
    world.run(1)
    assert len(wire.rtp) == len(world.media(0))  # no padding any more


def test_who_begs_for_keyframes_goes_down_and_the_others_get_few() -> None:
    world = _World(peers=2)
    world.run(2)
    before = world.encoders[FULL].keyframes
    for _ in range(100):
        world.peers[0].asks()
        world.run(0.1)
    assert world.peers[0].video_sender.rung is not FULL
    assert world.peers[1].video_sender.rung is FULL
    assert world.encoders[FULL].keyframes - before <= 3


def test_the_room_may_offer_less_to_all() -> None:
    world = _World(peers=2)
    world.run(1)
    world.fanout.offer_from(QUARTER)
    world.run(1)
    assert world.in_use == [QUARTER]
    late = _Peer(world.loop)
    world.fanout.add(cast("Any", late))
    world.run(1)
    assert world.in_use == [QUARTER]
    world.fanout.offer_from(FULL)
    world.run(1)
    assert world.in_use == [FULL]


def test_it_is_told_when_a_frame_begins_to_go_out_and_to_whom() -> None:
    told: list[tuple[str, Rung, int, int]] = []
    world = _World(0)
    world.fanout.on_begun = lambda who, frame: told.append(
        (who, Rung(frame.data[5] - 0xA0), frame.pts, world.loop.now_us)
    )
    world.peers = peers = [_Peer(world.loop) for _ in range(2)]
    for peer in peers:
        world.fanout.add(cast("Any", peer))
    world.run(3)
    times = Counter((who, pts) for who, _, pts, _ in told)
    assert set(times.values()) == {1}
    assert {who for who, _ in times} == {peer.participant_id for peer in peers}
    for peer in peers:
        media = [rtp.parse(data) for _, data in peer.wire.rtp]
        begun = dict.fromkeys(packet.timestamp for packet in media)
        assert len([who for who, *_ in told if who == peer.participant_id]) == len(begun)
        first_us = peer.wire.rtp[0][0]
        assert min(at_us for who, _, _, at_us in told if who == peer.participant_id) == first_us
    world.suffer(0)
    told.clear()
    world.run(3)
    rungs = {who: [rung for each, rung, _, _ in told if each == who] for who in (p.participant_id for p in peers)}
    assert rungs[peers[0].participant_id][-1] is HALF
    assert set(rungs[peers[1].participant_id]) == {FULL}


def test_who_has_gone_is_told_of_no_more() -> None:
    told: list[str] = []
    world = _World(0)
    world.fanout.on_begun = lambda who, _: told.append(who)
    peer = _Peer(world.loop)
    world.fanout.add(cast("Any", peer))
    world.run(1)
    world.fanout.remove(cast("Any", peer))
    told.clear()
    world.run(1)
    assert told == []
