from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

import pytest

from mcu.hub import PacketHub
from mcu.media import AudioCodec, EncodedFrame, Rung, VideoCodec
from mcu.rightofway import RightOfWay
from mcu.rtc import rtcp, rtp
from mcu.rtc.send import Offer, VideoFanout
from mcu.rtc.send_audio import TOLD_EVERY_BLOCKS, AudioFanout
from mcu.rtc.sender import (
    AUDIO_HISTORY_PACKETS,
    AUDIO_RESEND_BURST,
    HISTORY_PACKETS,
    KEYFRAME_BURST,
    KEYFRAME_INTERVAL_US,
    RESEND_BURST,
    AudioSender,
    OutPacket,
    VideoSender,
    ntp_from_unix_us,
)
from mcu.traces import SoundTrace
from tests.media.rtc_world import Block
from tests.unit.rtc.fakes import Loop, Wire, chromium_line

if TYPE_CHECKING:
    from mcu.clock import MediaClock
    from mcu.rtc.peer import Peer

pytestmark = pytest.mark.unit

MS = 1000
SECOND = 1_000_000
H264, H264_RTX, OPUS = 108, 109, 111


def _video_sender(loop: Loop) -> tuple[VideoSender, Wire]:
    wire = Wire(loop)
    return VideoSender(chromium_line("camera"), cast("Any", wire), loop.clock()), wire


def _audio_sender(loop: Loop) -> tuple[AudioSender, Wire]:
    wire = Wire(loop)
    return AudioSender(chromium_line("audio"), cast("Any", wire), loop.clock()), wire


def _packets(wire: Wire) -> list[rtp.RtpPacket]:
    return [rtp.parse(data) for _, data in wire.rtp]


def _frame(time: int, count: int = 2, *, key: bool = False) -> list[OutPacket]:
    return [OutPacket(bytes([i % 256]) * 50, time, i == count - 1, i == 0, key) for i in range(count)]


# --- one peer's stream ------------------------------------------------------------------------------------------------


def test_sending_begins_at_a_keyframe() -> None:
    sender, wire = _video_sender(Loop())
    sender.send(_frame(0), 0)
    assert wire.rtp == []
    sender.send(_frame(3000, key=True), 0)
    sender.send(_frame(6000), 0)
    packets = _packets(wire)
    assert [p.marker for p in packets] == [False, True, False, True]
    assert {p.payload_type for p in packets} == {H264}
    assert {p.ssrc for p in packets} == {sender.ssrc}
    assert [p.sequence - packets[0].sequence for p in packets] == [0, 1, 2, 3]
    assert (packets[2].timestamp - packets[0].timestamp) & 0xFFFFFFFF == 3000
    assert packets[0].extension(4) == b"1"  # the mid
    assert sender.dropped == 0


def test_the_send_time_is_that_of_sending() -> None:
    sender, wire = _video_sender(Loop())
    sender.send(_frame(0, key=True), 2 * SECOND)
    assert _packets(wire)[0].extension(2) == (2 << 18).to_bytes(3)


def test_a_full_socket_drops_to_the_next_keyframe() -> None:
    sender, wire = _video_sender(Loop())
    sender.send(_frame(0, key=True), 0)
    wire.congested = True
    assert sender.send(_frame(1), 0) is False  # it now needs a keyframe
    assert sender.send(_frame(2, key=True), 0) is True  # still full: it would be lost as well
    wire.congested = False
    sender.send(_frame(3), 0)
    assert len(wire.rtp) == 2
    assert sender.dropped == 6
    sender.send(_frame(4, key=True), 0)
    assert len(wire.rtp) == 4
    assert sender.dropped == 6


def test_lost_packets_are_sent_again_on_the_retransmission_stream() -> None:
    sender, wire = _video_sender(Loop())
    sender.send(_frame(9000, 4, key=True), 0)
    originals = _packets(wire)
    wire.rtp.clear()
    sender.resend([originals[1].sequence, originals[3].sequence], 0)
    again = _packets(wire)
    assert [p.payload_type for p in again] == [H264_RTX, H264_RTX]
    assert {p.ssrc for p in again} == {sender.rtx_ssrc}
    assert again[0].payload == originals[1].sequence.to_bytes(2) + originals[1].payload
    assert again[1].marker
    assert again[1].timestamp == originals[3].timestamp
    assert again[1].sequence == again[0].sequence + 1
    assert sender.resent == 2


def test_without_a_retransmission_stream_the_packet_itself_goes_again() -> None:
    line, loop = chromium_line("camera"), Loop()
    line.codecs = tuple(codec for codec in line.codecs if codec.name != "rtx")
    wire = Wire(loop)
    sender = VideoSender(line, cast("Any", wire), loop.clock())
    sender.send(_frame(0, key=True), 0)
    sender.resend([_packets(wire)[0].sequence], 0)
    assert wire.rtp[2] == wire.rtp[0]
    assert sender.rtx_ssrc is None


def test_retransmission_is_bounded_in_memory_and_rate() -> None:
    sender, wire = _video_sender(Loop())
    sender.send(_frame(0, 1, key=True), 0)
    first = _packets(wire)[0].sequence
    for number in range(HISTORY_PACKETS):
        sender.send(_frame(number, 1), 0)
    wire.rtp.clear()
    sender.resend([first, first - 1 & 0xFFFF], 0)
    assert wire.rtp == []
    assert sender.unknown == 2
    for _ in range(10):
        sender.resend([(first + i) & 0xFFFF for i in range(1, HISTORY_PACKETS)], 0)
    assert len(wire.rtp) == RESEND_BURST
    assert sender.resends.refused > 0


def test_reports_tie_sound_and_picture_to_one_clock() -> None:
    loop = Loop()
    (video, video_wire), (audio, audio_wire) = _video_sender(loop), _audio_sender(loop)
    # The same instant of the mix, 5 s of media time, sent at different times.
    video.send(_frame(5 * 90_000, key=True), 7 * SECOND)
    audio.send(5 * 48_000, b"opus")
    for sender, wire, rate in [(video, video_wire, 90_000), (audio, audio_wire, 48_000)]:
        (report, _) = rtcp.parse(sender.report(6 * SECOND, [], "c"))
        assert isinstance(report, rtcp.SenderReport)
        info = report.sender_info
        assert info.ntp_timestamp == ntp_from_unix_us(1_000_000_000_000 + 6 * SECOND)
        assert (info.rtp_timestamp - _packets(wire)[0].timestamp) & 0xFFFFFFFF == rate  # one second later
        assert info.packet_count == sender.packets


def test_ntp_counts_from_1900_in_parts_of_a_second() -> None:
    assert ntp_from_unix_us(0) == 2_208_988_800 << 32
    assert ntp_from_unix_us(500_000) & 0xFFFFFFFF == 1 << 31


def test_round_trip_time_comes_from_the_peers_reports() -> None:
    sender, _ = _audio_sender(Loop())
    sent = ntp_from_unix_us(1_000_000_000_000) >> 16 & 0xFFFFFFFF
    sender.reported(rtcp.ReportBlock(sender.ssrc, 64, 0, 0, 0, lsr=sent, dlsr=65536 // 4), 300 * MS)
    assert sender.rtt_us == pytest.approx(50 * MS, abs=50)
    assert sender.fraction_lost == 0.25
    sender.reported(rtcp.ReportBlock(sender.ssrc, 0, 0, 0, 0, lsr=sent, dlsr=1 << 31), 300 * MS)
    assert sender.rtt_us == pytest.approx(50 * MS, abs=50)


def test_sound_is_numbered_at_its_codecs_rate_and_marked_once() -> None:
    sender, wire = _audio_sender(Loop())
    for number in range(3):
        sender.send(number * 960, b"x")
    packets = _packets(wire)
    assert [(p.timestamp - packets[0].timestamp) & 0xFFFFFFFF for p in packets] == [0, 960, 1920]
    assert [p.marker for p in packets] == [True, False, False]


def _resending_audio_sender(loop: Loop) -> tuple[AudioSender, Wire]:
    wire, line = Wire(loop), chromium_line("audio")
    assert line.send_codec is not None
    line = replace(line, send_codec=replace(line.send_codec, feedback=frozenset({"nack"})))
    return AudioSender(line, cast("Any", wire), loop.clock()), wire


def test_lost_sound_is_sent_again_as_it_was() -> None:
    sender, wire = _resending_audio_sender(Loop())
    for number in range(100):
        sender.send(number * 960, b"%d" % number)
    before = [data for _, data in wire.rtp]
    sequences = [rtp.parse(data).sequence for data in before]
    sender.resend([sequences[50], sequences[99], sequences[99 - AUDIO_HISTORY_PACKETS], sequences[99] + 1], 0)
    assert [data for _, data in wire.rtp[100:]] == [before[50], before[99]]
    assert (sender.resent, sender.unknown, sender.packets) == (2, 2, 100)


def test_sound_is_not_sent_again_without_end() -> None:
    sender, wire = _resending_audio_sender(Loop())
    sender.send(0, b"x")
    (sequence,) = [packet.sequence for packet in _packets(wire)]
    sender.resend([sequence] * 1000, 0)
    assert sender.resent == AUDIO_RESEND_BURST
    assert sender.resends.refused == 1000 - AUDIO_RESEND_BURST


def test_sound_that_is_asked_for_again_counts_as_lost() -> None:
    """Chromium reports no loss of what came when it asked again, though it may have come too late."""
    sender, wire = _resending_audio_sender(Loop())
    told: list[float] = []
    sender.on_loss = told.append

    def report(lost: int) -> None:
        highest = max(packet.sequence for packet in _packets(wire))
        sender.reported(rtcp.ReportBlock(sender.ssrc, 0, lost, highest, 0, 0, 0), 0)

    for number in range(201):
        sender.send(number * 960, b"x")
        if number == 50:
            sequences = [packet.sequence for packet in _packets(wire)]
            sender.resend([sequences[10], sequences[11], sequences[10]], 0)
        if number % 50 == 0:
            report(lost=0 if number < 200 else 5)
    assert told == pytest.approx([100 * 2 / 51, 0.0, 0.0, 10.0], abs=0.1)


def test_sound_is_kept_only_for_who_asks_for_it() -> None:
    sender, wire = _audio_sender(Loop())
    sender.send(0, b"x")
    sender.resend([packet.sequence for packet in _packets(wire)], 0)
    assert len(wire.rtp) == 1


# --- fan-out ----------------------------------------------------------------------------------------------------------


class _Peer:
    """As much of a peer as a fan-out sees."""

    def __init__(self, loop: Loop, name: str = "p") -> None:
        self.participant_id = name
        self.video_sender, self.wire = _video_sender(loop)
        self.audio_sender, self.audio_wire = _audio_sender(loop)
        self.asks: Any = None

    def on_keyframe_asked(self, call: Any) -> None:
        self.asks = call


class _World:
    def __init__(self, peers: int) -> None:
        self.loop = Loop()
        self.loop.now_us = SECOND
        self.asked = 0
        self.hub = PacketHub(self._ask)
        clock: MediaClock = self.loop.clock()
        self.fanout = VideoFanout(
            VideoCodec.H264, {Rung.FULL: Offer(self.hub, 2_000_000)}, cast("Any", self.loop), clock
        )
        self.peers = [_Peer(self.loop, f"p{i}") for i in range(peers)]
        for peer in self.peers:
            self.fanout.add(cast("Peer", peer))

    def _ask(self) -> None:
        self.asked += 1

    def publish(self, time: int, size: int = 1000, *, key: bool = False) -> None:
        data = b"\x00\x00\x00\x01" + bytes([0x65 if key else 0x41]) + b"\xab" * size
        self.hub.publish(EncodedFrame(VideoCodec.H264, data, time, 3000, 90_000, key))


def test_one_frame_wakes_the_loop_once_for_all() -> None:
    world = _World(peers=5)
    world.publish(0, key=True)
    world.publish(3000)
    assert world.loop.wakes == 1  # the second found it awake
    world.loop.run()
    for peer in world.peers:
        assert [p.payload for p in _packets(peer.wire)] == [p.payload for p in _packets(world.peers[0].wire)]
        assert len(peer.wire.rtp) == 2


def test_the_hub_is_used_only_while_there_are_peers() -> None:
    world = _World(peers=2)
    assert world.hub.in_use
    assert world.asked == 2  # one for each that joins
    world.fanout.remove(cast("Peer", world.peers[0]))
    world.fanout.remove(cast("Peer", world.peers[0]))
    assert world.hub.in_use
    world.fanout.remove(cast("Peer", world.peers[1]))
    assert not world.hub.in_use
    assert world.peers[1].asks is None
    world.publish(0, key=True)
    world.loop.run(SECOND)
    assert world.peers[1].wire.rtp == []


@pytest.mark.parametrize("key", [True, False])
def test_a_large_picture_is_spread_and_order_is_kept(*, key: bool) -> None:
    """A keyframe, or all that changes at once."""
    world = _World(peers=2)
    world.publish(-3000, key=True)
    world.loop.run()
    for peer in world.peers:
        peer.wire.rtp.clear()
    world.publish(0, size=48_000, key=key)
    world.loop.run()
    wire = world.peers[0].wire
    assert len(wire.rtp) <= 3  # no burst
    world.loop.run(50 * MS)
    world.publish(3000)  # has to wait for the keyframe
    world.loop.run(200 * MS)
    packets = _packets(wire)
    assert [p.sequence - packets[0].sequence for p in packets] == list(range(len(packets)))
    assert [p.marker for p in packets] == [False] * 40 + [True, True]
    took_us = wire.rtp[-2][0] - wire.rtp[0][0]
    assert 90 * MS <= took_us <= 150 * MS
    per_step = [sum(1 for now, _ in wire.rtp if now == t) for t in sorted({now for now, _ in wire.rtp})]
    assert max(per_step) <= 3
    sent = len(wire.rtp)
    world.publish(6000)  # nothing waits any more: at once
    world.loop.run()
    assert len(wire.rtp) == sent + 1


def test_keyframes_in_a_row_do_not_pile_up() -> None:
    world = _World(peers=1)
    for number in range(20):
        world.publish(number * 3000, size=48_000, key=True)
        world.loop.run(33 * MS)
    world.loop.run(150 * MS)
    assert len([p for p in _packets(world.peers[0].wire) if p.marker]) == 20


def test_who_is_alone_on_a_rung_may_ask_for_some_keyframes_at_once() -> None:
    world = _World(peers=1)
    world.asked = 0
    for _ in range(100):
        world.peers[0].asks()
    assert world.asked == KEYFRAME_BURST
    world.loop.run(KEYFRAME_INTERVAL_US)
    for _ in range(100):
        world.peers[0].asks()
    assert world.asked == KEYFRAME_BURST + 1


def test_keyframe_requests_are_budgeted_per_peer() -> None:
    world = _World(peers=2)
    world.asked = 0
    for _ in range(100):
        world.peers[0].asks()
    assert world.asked == 1
    world.peers[1].asks()
    assert world.asked == 2  # the other one's budget is its own
    world.loop.run(KEYFRAME_INTERVAL_US)
    for _ in range(100):
        world.peers[0].asks()
    assert world.asked == 3
    metrics = world.fanout.metrics()
    assert metrics["tutti_send_h264_keyframes_asked_total"] == 201
    assert metrics["tutti_send_h264_keyframes_refused_total"] == 201 - 3


def test_who_waits_for_a_first_keyframe_is_not_forgotten() -> None:
    world = _World(peers=1)
    world.asked = 0  # the encoder passed over the request
    for number in range(45):
        world.publish(number * 3000, key=False)
        world.loop.run(33 * MS)
    assert world.asked == 0  # the subscription itself waits for a keyframe, nothing is drained
    world.publish(0, key=True)
    world.loop.run()
    late = _Peer(world.loop, "late")
    world.fanout.add(cast("Peer", late))
    world.asked = 0
    for number in range(45):
        world.publish(number * 3000)
        world.loop.run(33 * MS)
    assert world.asked == 1


def test_a_slow_peer_costs_only_itself() -> None:
    world = _World(peers=2)
    world.publish(0, key=True)
    world.loop.run()
    world.peers[0].wire.congested = True
    world.asked = 0
    for number in range(10):
        world.publish(3000 * number)
        world.loop.run(33 * MS)
    assert len(world.peers[0].wire.rtp) == 1
    assert len(world.peers[1].wire.rtp) == 11
    assert world.asked == 1
    assert world.fanout.metrics()["tutti_send_h264_dropped_total"] == 10


def _audio_fanout(loop: Loop) -> AudioFanout:
    return AudioFanout(cast("Any", loop), RightOfWay(loop.clock()), loop.clock())


def test_everybody_hears_the_mix_or_their_own_without_waiting_for_the_loop() -> None:
    loop = Loop()
    fanout = _audio_fanout(loop)
    alice, bob = _Peer(loop, "alice"), _Peer(loop, "bob")
    for peer in (alice, bob):
        fanout.add(cast("Peer", peer))
    fanout.write(Block(0, {AudioCodec.OPUS: b"all"}, {"bob": b"without bob"}))
    fanout.write(Block(960, {AudioCodec.PCMU: b"not for them"}, {}))
    assert [p.payload for p in _packets(alice.audio_wire)] == [b"all"]
    assert [p.payload for p in _packets(bob.audio_wire)] == [b"without bob"]
    fanout.remove(cast("Peer", bob))
    fanout.write(Block(1920, {AudioCodec.OPUS: b"all"}, {}))
    assert [p.payload for p in _packets(alice.audio_wire)] == [b"all", b"all"]
    assert len(bob.audio_wire.rtp) == 1
    assert loop.wakes == 0


def test_a_loop_that_hangs_has_one_note_of_what_was_sent_waiting() -> None:
    loop = Loop()
    fanout, peer = _audio_fanout(loop), _Peer(loop)
    told: list[tuple[list[str], SoundTrace, int]] = []
    fanout.on_sent = lambda whom, trace, sent_us: told.append((list(whom), trace, sent_us))
    fanout.add(cast("Peer", peer))
    traces = [SoundTrace({}, 0, number) for number in range(3 * TOLD_EVERY_BLOCKS)]
    for number, trace in enumerate(traces):
        loop.now_us = (number + 1) * 20 * MS
        fanout.write(Block(number * 960, {AudioCodec.OPUS: b"x"}, {}, trace))
    assert loop.wakes == 1
    loop.run()
    assert told == [(["p"], traces[TOLD_EVERY_BLOCKS - 1], TOLD_EVERY_BLOCKS * 20 * MS)]
    fanout.write(Block(0, {AudioCodec.OPUS: b"x"}, {}, traces[0]))
    assert loop.wakes == 1
    assert len(peer.audio_wire.rtp) == len(traces) + 1


class _Way:
    """Notes what was sent when a tick was through."""

    def __init__(self, wire: Wire) -> None:
        self.wire = wire
        self.noted: list[tuple[int, int]] = []

    def next_at(self, due_us: int) -> None:
        self.noted.append((due_us, len(self.wire.rtp)))


def test_others_have_their_way_once_everybodys_sound_is_out() -> None:
    loop = Loop()
    peer = _Peer(loop)
    way = _Way(peer.audio_wire)
    fanout = AudioFanout(cast("Any", loop), cast("RightOfWay", way), loop.clock())
    fanout.add(cast("Peer", peer))
    fanout.write(Block(960, {AudioCodec.OPUS: b"x"}, {}))
    assert way.noted == [(40 * MS, 1)]
