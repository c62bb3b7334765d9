import itertools
from collections.abc import Callable
from typing import Any, cast

import pytest

from mcu.media import AudioCodec, AudioUnit, VideoCodec, VideoUnit
from mcu.rtc import rtcp
from mcu.rtc.packetize import packetize_vp8
from mcu.rtc.receive import Link, VideoReceiver
from mcu.rtc.receive_audio import AudioReceiver
from mcu.rtc.rtp import ABS_SEND_TIME_URI, RtpPacket, abs_send_time
from mcu.rtc.uplink import UplinkEstimate
from tests.unit.rtc.fakes import Loop, Wire, chromium_line

pytestmark = pytest.mark.unit

MS = 1000
VP8, RTX, OPUS = 96, 97, 111


class _Sink:
    def __init__(self) -> None:
        self.units: list[Any] = []

    def push(self, unit: Any) -> None:
        self.units.append(unit)


def _link(loop: Loop, wire: Wire, uplink_fell: Callable[[], None] = lambda: None) -> Link:
    return Link(cast("Any", loop), loop.clock(), 1, wire.send_rtcp, UplinkEstimate(4e6), uplink_fell)


class _Video:
    """A receiver on virtual time, and a sender of frames of two packets."""

    def __init__(self) -> None:
        self.loop = Loop()
        self.wire = Wire(self.loop)
        self.fell = 0  # the estimate of the line
        link = _link(self.loop, self.wire, self._uplink_fell)
        self.receiver = VideoReceiver(chromium_line("camera"), link)
        self.sink = _Sink()
        self.receiver.sink = self.sink
        self._packetize = packetize_vp8

    def _uplink_fell(self) -> None:
        self.fell += 1

    def packets(self, number: int, *, key: bool = False, ssrc: int = 7) -> list[RtpPacket]:
        payloads = self._packetize((b"\x10" if key else b"\x11") + bytes(1500))
        return [
            RtpPacket(VP8, index == 1, number * 2 + index & 0xFFFF, number * 3000 & 0xFFFFFFFF, ssrc, payload)
            for index, payload in enumerate(payloads)
        ]

    def take(self, *packets: RtpPacket) -> None:
        for packet in packets:
            self.receiver.rtp(packet, self.loop.now_us)

    def sent(self) -> list[object]:
        return [packet for _, data in self.wire.rtcp for packet in rtcp.parse(data)]


def _again(packet: RtpPacket, sequence: int = 0) -> RtpPacket:
    """The packet as a retransmission (RFC 4588)."""
    payload = packet.sequence.to_bytes(2) + packet.payload
    return RtpPacket(RTX, packet.marker, sequence, packet.timestamp, 8, payload)


def test_frames_come_out_with_arrival_and_capture_times() -> None:
    video = _Video()
    video.take(*video.packets(0, key=True))
    (reception,) = video.receiver.receptions()
    reception.sender_report(ntp=100 << 32, timestamp=3000, now_us=0)
    video.loop.run(33 * MS)
    video.take(*video.packets(1))
    first, second = video.sink.units
    assert isinstance(first, VideoUnit)
    assert (first.codec, first.keyframe, first.capture_us, first.arrival_us) == (VideoCodec.VP8, True, None, 0)
    assert (second.rtp_time, second.capture_us, second.arrival_us) == (3000, 100_000_000, 33 * MS)
    assert len(first.data) == 1501
    assert video.sent() == []


def test_a_frame_tells_when_its_packets_came_and_when_it_was_whole() -> None:
    video = _Video()
    video.take(*video.packets(0, key=True))
    (first, second), later = video.packets(1), video.packets(2)
    video.loop.run(10 * MS)
    video.take(first)
    video.loop.run(2 * MS)
    video.take(*later)
    video.loop.run(3 * MS)
    video.take(second)
    _, held_up, behind = video.sink.units
    assert (held_up.first_us, held_up.arrival_us, held_up.whole_us) == (10 * MS, 15 * MS, 15 * MS)
    assert (behind.first_us, behind.arrival_us, behind.whole_us) == (12 * MS, 12 * MS, 15 * MS)


def test_a_lost_packet_is_asked_for_and_its_retransmission_fits_in() -> None:
    video = _Video()
    video.take(*video.packets(0, key=True))
    lost, rest = video.packets(1)
    video.take(rest, *video.packets(2))
    video.loop.run(9 * MS)
    assert video.sent() == []
    video.loop.run(2 * MS)
    (nack,) = video.sent()
    assert isinstance(nack, rtcp.Nack)
    assert (nack.media_ssrc, nack.lost) == (7, [2])
    video.loop.run(130 * MS)
    assert len(video.sent()) == 2  # asked again, since nothing came
    video.take(_again(lost))
    assert [unit.rtp_time for unit in video.sink.units] == [0, 3000, 6000]
    video.loop.run(1000 * MS)
    assert len(video.sent()) == 2
    assert video.receiver.nacks == 2


def test_what_never_comes_is_given_up_for_a_keyframe() -> None:
    video = _Video()
    video.take(*video.packets(0, key=True))
    video.take(video.packets(1)[1], *video.packets(2))
    video.loop.run(450 * MS)
    plis = [packet for packet in video.sent() if isinstance(packet, rtcp.Feedback)]
    assert len(plis) == 1
    assert plis[0].media_ssrc == 7
    video.take(*video.packets(3), *video.packets(4, key=True), *video.packets(5))
    assert [unit.rtp_time // 3000 for unit in video.sink.units] == [0, 4, 5]


def test_keyframes_are_asked_for_at_growing_intervals_while_none_comes() -> None:
    video = _Video()
    for number in range(1, 300):  # ten seconds without a keyframe
        video.take(*video.packets(number))
        video.loop.run(33_333)
    times = [now_us for now_us, _ in video.wire.rtcp]
    intervals_s = [(after - before) / 1e6 for before, after in itertools.pairwise(times)]
    assert intervals_s == pytest.approx([0.5, 1, 2, 4], abs=0.05)


def test_a_keyframe_wanted_by_the_mixer_is_asked_for_until_it_comes() -> None:
    video = _Video()
    video.take(*video.packets(0, key=True))
    video.receiver.keyframe_wanted()
    video.receiver.keyframe_wanted()
    assert video.receiver.plis == 1
    for number in range(1, 20):
        video.loop.run(33_333)
        video.take(*video.packets(number))
    assert video.receiver.plis == 2
    video.take(*video.packets(20, key=True))
    for number in range(21, 60):
        video.loop.run(33_333)
        video.take(*video.packets(number))
    assert video.receiver.plis == 2


def test_before_the_first_packet_the_announced_stream_is_asked() -> None:
    video = _Video()
    video.receiver.keyframe_wanted()
    (pli,) = video.sent()
    assert isinstance(pli, rtcp.Feedback)
    assert pli.media_ssrc == chromium_line("camera").offered.ssrcs[0]


def test_another_ssrc_begins_another_stream() -> None:
    video = _Video()
    video.take(*video.packets(0, key=True))
    video.take(*video.packets(9000, key=True, ssrc=99))
    assert len(video.sink.units) == 2
    assert [reception.ssrc for reception in video.receiver.receptions()] == [99]


def test_an_outage_is_mended_by_one_keyframe_not_by_hundreds_of_packets() -> None:
    video = _Video()
    video.take(*video.packets(0, key=True))
    video.loop.run(10_000 * MS)
    video.take(*video.packets(300))
    video.loop.run(100 * MS)
    assert [type(packet) for packet in video.sent()] == [rtcp.Feedback]
    video.take(*video.packets(301, key=True))
    assert len(video.sink.units) == 2


def test_probing_padding_and_unknown_payload_types_are_dropped_and_counted() -> None:
    video = _Video()
    video.take(*video.packets(0, key=True))
    video.take(RtpPacket(RTX, False, 1, 0, 8, b""), RtpPacket(77, False, 1, 0, 7, b"x"))
    assert video.receiver.all_drops()["rtx"] == 1
    assert video.receiver.all_drops()["payload_type"] == 1


def test_what_is_wrapped_badly_is_dropped_and_counted() -> None:
    video = _Video()
    video.take(*video.packets(0, key=True))
    red, fec = 118, bytes([120])
    for sequence, payload in enumerate([b"", b"\xe0two blocks", fec + b"cut off", bytes([77]) + b"of nothing here"]):
        video.take(RtpPacket(red, False, 2 + sequence, 3000, 7, payload))
    drops = video.receiver.all_drops()
    assert (drops["fec"], drops["payload_type"]) == (3, 1)
    assert video.receiver.fec_recovered == 0


def test_a_queue_on_the_line_is_told_at_once() -> None:
    video = _Video()
    send_time_id = chromium_line("camera").extensions[ABS_SEND_TIME_URI]
    for number in range(150):  # each leaves 7 ms after the one before, and arrives 10 ms after it
        video.loop.run(10 * MS)
        extension = bytes([send_time_id << 4 | 2]) + abs_send_time(number * 7 * MS).to_bytes(3)
        video.take(RtpPacket(VP8, True, number, number * 3000, 7, bytes(1000), 0xBEDE, extension))
    assert video.fell == 1


def test_closing_stops_the_timer() -> None:
    video = _Video()
    video.take(*video.packets(0, key=True))
    video.take(video.packets(1)[1])
    video.receiver.close()
    video.loop.run(1000 * MS)
    assert video.sent() == []


# --- sound ------------------------------------------------------------------------------------------------------------


def _audio() -> tuple[AudioReceiver, _Sink]:
    loop = Loop()
    receiver, sink = AudioReceiver(chromium_line("audio"), _link(loop, Wire(loop))), _Sink()
    receiver.sink = sink
    return receiver, sink


def _sound(sequence: int, timestamp: int, ssrc: int = 5, level: int | None = None) -> RtpPacket:
    block = b"" if level is None else bytes([0x10, 0x80 | level, 0, 0])
    return RtpPacket(OPUS, False, sequence, timestamp, ssrc, b"opus", 0xBEDE if block else 0, block)


def test_every_packet_becomes_a_unit_at_once() -> None:
    receiver, sink = _audio()
    for sequence, timestamp in [(65_535, 4_294_966_336), (1, 960), (0, 0), (0, 0)]:
        receiver.rtp(_sound(sequence, timestamp, level=40), 5)
    assert [unit.sequence for unit in sink.units] == [65_535, 65_537, 65_536, 65_536]
    assert [unit.rtp_time for unit in sink.units] == [
        4_294_966_336,
        4_294_967_296 + 960,
        4_294_967_296,
        4_294_967_296,
    ]
    assert sink.units[0] == AudioUnit(AudioCodec.OPUS, b"opus", 65_535, 4_294_966_336, 5, None, 40)


def test_sound_without_a_level_or_a_sink() -> None:
    receiver, sink = _audio()
    receiver.rtp(_sound(1, 0), 0)
    assert sink.units[0].level_dbov is None
    receiver.sink = None
    receiver.rtp(_sound(2, 0), 0)
    receiver.rtp(RtpPacket(13, False, 3, 0, 5, b"cn"), 0)
    assert receiver.drops["payload_type"] == 1


def test_a_new_stream_continues_the_count() -> None:
    receiver, sink = _audio()
    receiver.rtp(_sound(1000, 960_000), 0)
    receiver.rtp(_sound(7, 50, ssrc=6), 100 * MS)
    receiver.rtp(_sound(8, 50 + 960, ssrc=6), 120 * MS)
    assert [(unit.sequence, unit.rtp_time) for unit in sink.units] == [
        (1000, 960_000),
        (1001, 960_000 + 4800),
        (1002, 960_000 + 5760),
    ]
