import asyncio
import math
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcu.rtc import rtcp
from mcu.rtc.negotiate import negotiate
from mcu.rtc.packetize import packetize_vp8
from mcu.rtc.routes import MAX_STREAMS
from mcu.rtc.rtp import ABS_SEND_TIME_URI, HeaderWriter, abs_send_time
from mcu.rtc.sdp import parse_offer
from mcu.rtc.sender import HISTORY_PACKETS, OutPacket
from mcu.rtc.session import MAX_BPS, MediaSession
from tests.unit.rtc.fakes import Loop, Wire
from tests.unit.rtc.test_sdp import CHROMIUM

pytestmark = pytest.mark.unit

MID_ID = 4  # in Chromium's offer
VP8, VP8_RTX, OPUS = 96, 97, 111
SECOND = 1_000_000


class _World:
    """The media of one Chromium; must be made on a running loop."""

    def __init__(self, offer: str = CHROMIUM) -> None:
        self.loop = Loop()
        self.wire = Wire(self.loop)
        self.agreement = negotiate(parse_offer(offer))
        self.session = MediaSession(self.agreement, cast("Any", self.wire), self.loop.clock(), "cname")
        self.sinks: dict[str, list[Any]] = {"camera": [], "screen": []}
        for kind, receiver in self.session.videos.items():
            receiver.sink = cast("Any", type("Sink", (), {"push": staticmethod(self.sinks[kind].append)}))

    def packet(self, ssrc: int, mid: str | None, payload_type: int = VP8, sequence: int = 0) -> bytes:
        header = HeaderWriter(ssrc, None if mid is None else (MID_ID, mid))
        (payload,) = packetize_vp8(b"\x10 a small keyframe")
        return header.header(payload_type | 0x80, sequence, sequence * 3000, 0) + payload

    def reports(self) -> list[object]:
        self.wire.rtcp.clear()
        self.session.report()
        return [packet for _, data in self.wire.rtcp for packet in rtcp.parse(data)]


def _without_ssrcs() -> str:
    return "\r\n".join(line for line in CHROMIUM.split("\r\n") if not line.startswith("a=ssrc"))


async def test_announced_streams_find_their_line() -> None:
    world = _World()
    for line, kind in zip(world.agreement.lines[1:], ("camera", "screen"), strict=True):
        world.session.rtp_received(world.packet(line.offered.ssrcs[0], None))
        assert len(world.sinks[kind]) == 1


async def test_unannounced_streams_find_their_line_by_mid() -> None:
    world = _World(_without_ssrcs())
    world.session.rtp_received(world.packet(1, "1"))
    world.session.rtp_received(world.packet(2, "2"))
    world.session.rtp_received(world.packet(2, None, sequence=1))  # known by now
    world.session.rtp_received(world.packet(3, None))  # one of two video lines, but which?
    assert (len(world.sinks["camera"]), len(world.sinks["screen"])) == (1, 2)
    assert world.session.stats()["packets_unrouted"] == 1


async def test_a_payload_type_of_one_line_only_is_enough() -> None:
    world = _World(_without_ssrcs())
    world.session.rtp_received(world.packet(9, None, payload_type=OPUS))
    assert world.session.stats()["packets_in"] == 1


async def test_endless_new_streams_are_bounded() -> None:
    world = _World(_without_ssrcs())
    for ssrc in range(1, 1000):
        world.session.rtp_received(world.packet(ssrc, "1"))
    assert len(world.sinks["camera"]) == MAX_STREAMS
    assert world.session.stats()["packets_unrouted"] == 999 - MAX_STREAMS


async def test_garbage_is_counted() -> None:
    world = _World()
    world.session.rtp_received(b"\x80")
    world.session.rtcp_received(b"\x80\xc8\x00\x05")
    assert world.session.stats()["packets_unrouted"] == 2


async def test_all_that_is_dropped_is_told_by_reason() -> None:
    world = _World()
    audio = world.agreement.lines[0].offered.ssrcs[0]
    assert world.session.audio is not None
    world.session.audio.sink = cast("Any", world.session.videos["camera"].sink)
    world.session.rtp_received(b"\x80")
    world.session.rtp_received(HeaderWriter(audio).header(OPUS, 0, 0, 0))
    world.session.rtp_received(world.packet(audio, None, payload_type=VP8))
    for sequence in (0, 0):
        world.session.rtp_received(world.packet(world.agreement.lines[1].offered.ssrcs[0], None, sequence=sequence))
    drops = {key: count for key, count in world.session.drops().items() if count}
    assert drops == {
        ("packets", "unrouted"): 1,
        ("audio", "empty"): 1,
        ("audio", "payload_type"): 1,
        ("camera", "late"): 1,
    }


async def test_a_request_for_everything_costs_no_more_than_one_for_what_is_kept() -> None:
    world = _World()
    sender = world.session.video_sender
    assert sender is not None
    world.session.rtcp_received(rtcp.nack(1, sender.ssrc, range(6000)))
    assert sender.unknown == HISTORY_PACKETS


@given(st.lists(st.tuples(st.integers(0, 7), st.binary(max_size=200), st.integers(0, 40)), max_size=20))
def test_any_packets_are_taken_or_counted(packets: list[tuple[int, bytes, int]]) -> None:
    """Valid packets of all kinds with bytes overwritten, over time: nothing is raised, and no receiver piles up."""

    async def receive() -> None:
        world = _World()
        session = world.session
        assert session.video_sender is not None
        camera = world.agreement.lines[1].offered.ssrcs[0]
        whole = [
            world.packet(camera, None),
            world.packet(camera, "1", VP8_RTX),
            world.packet(1, "1", 97),
            rtcp.nack(1, session.video_sender.ssrc, range(40)),
            rtcp.pli(1, session.video_sender.ssrc),
            rtcp.remb(1, 2**40, [session.video_sender.ssrc]),
            rtcp.sender_report(camera, 2**64 - 1, 2**32 - 1, 1, 1, [], "x"),
            rtcp.bye([camera]) + rtcp.receiver_report(camera, [], "x" * 200),
        ]
        for kind, garbage, at in packets:
            data = whole[kind][:at] + garbage + whole[kind][at + len(garbage) :]
            (session.rtp_received if kind < 3 else session.rtcp_received)(data)
            world.loop.run(5_000)
        session.report()
        assert all(math.isfinite(value) for value in session.stats().values())
        session.close()

    asyncio.run(receive())


async def test_only_what_comes_in_is_given_bandwidth() -> None:
    world = _World()
    camera, screen = (line.offered.ssrcs[0] for line in world.agreement.lines[1:])

    def limits() -> list[int | None]:
        return [rtcp.remb_bitrate(p) for p in world.reports() if isinstance(p, rtcp.Feedback)]

    assert limits() == []
    world.session.rtp_received(world.packet(camera, None))
    assert limits() == [MAX_BPS["camera"]]
    world.session.rtp_received(world.packet(camera, None, sequence=1))
    world.session.rtp_received(world.packet(screen, None))
    assert limits() == pytest.approx([MAX_BPS["camera"] + MAX_BPS["screen"]], rel=0.01)  # REMB rounds
    assert limits() == []  # both stopped


async def test_a_camera_is_told_its_limit_and_a_screen_keeps_its_own() -> None:
    world = _World()
    camera, screen = (line.offered.ssrcs[0] for line in world.agreement.lines[1:])

    def told() -> list[int | None]:
        packets = [packet for _, data in world.wire.rtcp for packet in rtcp.parse(data)]
        world.wire.rtcp.clear()
        return [rtcp.remb_bitrate(p) for p in packets if isinstance(p, rtcp.Feedback)]

    world.session.rtp_received(world.packet(camera, None))
    world.session.limit_camera(100_000)
    assert told() == []  # it may wait for the next report
    world.session.report()
    assert told() == [100_000]
    world.session.rtp_received(world.packet(camera, None, sequence=1))
    world.session.limit_camera(800_000)
    assert told() == [800_000]  # at once: somebody comes on stage
    world.session.limit_camera(100_000)
    world.session.rtp_received(world.packet(camera, None, sequence=2))
    world.session.rtp_received(world.packet(screen, None))
    world.session.report()
    assert told() == pytest.approx([100_000 + MAX_BPS["screen"]], rel=0.01)


async def test_reports_tell_what_was_received_and_sent() -> None:
    world = _World()
    camera = world.agreement.lines[1].offered.ssrcs[0]
    world.session.rtp_received(world.packet(camera, None))
    world.session.rtcp_received(rtcp.sender_report(camera, 5 << 32, 0, 1, 1, [], "peer"))
    (report, description) = (p for p in world.reports() if not isinstance(p, rtcp.Feedback))
    assert isinstance(report, rtcp.ReceiverReport)  # nothing sent yet
    assert [(b.ssrc, b.lsr) for b in report.reports] == [(camera, 5 << 16)]
    assert world.session.video_sender is not None
    world.session.video_sender.send([OutPacket(b"x", 0, True, True, True)], 0)
    (report, *_) = world.reports()
    assert isinstance(report, rtcp.SenderReport)
    assert report.ssrc == world.session.video_sender.ssrc
    assert [block.ssrc for block in report.reports] == [camera]
    assert description is not None


async def test_feedback_reaches_the_picture_it_is_about() -> None:
    world = _World()
    sender = world.session.video_sender
    assert sender is not None
    asked: list[bool] = []
    world.session.on_keyframe_asked = lambda: asked.append(True)
    sender.send([OutPacket(b"x", 0, True, True, True)], 0)
    sequence = int.from_bytes(world.wire.rtp[0][1][2:4])
    world.session.rtcp_received(
        rtcp.pli(5, sender.ssrc)
        + rtcp.pli(5, sender.ssrc ^ 1)
        + rtcp.remb(5, 640_000, [sender.ssrc])
        + rtcp.nack(5, sender.ssrc, [sequence])
        + rtcp.nack(5, sender.ssrc ^ 1, [sequence])
    )
    assert asked == [True]
    assert sender.remb_bps == 640_000
    assert sender.resent == 1


async def test_the_end_is_told() -> None:
    world = _World()
    world.session.close()
    (goodbye,) = rtcp.parse(world.wire.rtcp[-1][1])
    assert isinstance(goodbye, rtcp.Bye)
    assert len(goodbye.sources) == 2


async def test_a_line_may_be_left_room_beyond_its_cameras_limit() -> None:
    world = _World()
    camera, screen = (line.offered.ssrcs[0] for line in world.agreement.lines[1:])
    world.session.limit_camera(100_000, least_bps=2_500_000)
    told = []
    for sequence, ssrcs in enumerate([[camera], [camera, screen]]):
        for ssrc in ssrcs:
            world.session.rtp_received(world.packet(ssrc, None, sequence=sequence))
        told += [rtcp.remb_bitrate(p) for p in world.reports() if isinstance(p, rtcp.Feedback)]
    assert told == pytest.approx([2_500_000, 100_000 + MAX_BPS["screen"]], rel=0.01)


async def test_lost_sound_that_the_peer_asks_for_is_sent_again() -> None:
    offer = CHROMIUM.replace("a=rtcp-fb:111 transport-cc", "a=rtcp-fb:111 nack")
    world = _World(offer)
    sender = world.session.audio_sender
    assert sender is not None
    sender.send(0, b"sound")
    ((_, sent),) = world.wire.rtp
    world.session.rtcp_received(rtcp.nack(1, sender.ssrc, [int.from_bytes(sent[2:4])]))
    assert [data for _, data in world.wire.rtp] == [sent, sent]
    assert world.session.stats()["audio_resent"] == 1


async def test_the_sound_hears_of_what_the_picture_loses() -> None:
    """Its packets are many, so they tell sooner."""
    world = _World()
    picture, sound = world.session.video_sender, world.session.audio_sender
    assert picture is not None
    assert sound is not None
    told: list[float] = []
    sound.on_loss = told.append
    for highest, lost in [(1000, 0), (1010, 5), (1200, 25), (1290, 25)]:
        blocks = [rtcp.ReportBlock(ssrc, 0, lost, highest, 0, 0, 0) for ssrc in (picture.ssrc, picture.ssrc ^ 1)]
        world.session.rtcp_received(rtcp.receiver_report(5, blocks, "cname"))
    assert told == [12.5]


async def test_nobody_is_told_more_than_the_line_bears() -> None:
    world = _World()
    camera = world.agreement.lines[1].offered.ssrcs[0]
    told = []
    for sequence, bears in enumerate([None, 300_000, 9_000_000]):
        world.session.uplink.bps = bears
        world.session.rtp_received(world.packet(camera, None, sequence=sequence))
        told += [rtcp.remb_bitrate(p) for p in world.reports() if isinstance(p, rtcp.Feedback)]
    assert told == pytest.approx([MAX_BPS["camera"], 300_000, MAX_BPS["camera"]], rel=0.01)


async def test_a_queue_on_the_line_is_told_of_without_waiting_for_the_next_report() -> None:
    world = _World()
    camera = world.agreement.lines[1].offered.ssrcs[0]
    header = HeaderWriter(camera, None, world.agreement.lines[1].extensions[ABS_SEND_TIME_URI])
    world.session.rtp_received(world.packet(camera, None))
    world.session.report()
    world.wire.rtcp.clear()
    for sequence in range(1, 151):  # 1000 bytes leave every 7 ms and arrive every 10 ms, which is 800 kbit/s
        world.loop.run(10_000)
        head = header.header(VP8, sequence, sequence * 3000, abs_send_time(sequence * 7_000))
        world.session.rtp_received(head + bytes(1000))
    packets = [packet for _, data in world.wire.rtcp for packet in rtcp.parse(data)]
    told = [bps for p in packets if isinstance(p, rtcp.Feedback) and (bps := rtcp.remb_bitrate(p)) is not None]
    assert told == pytest.approx([0.85 * 800_000], rel=0.01)
    assert world.session.stats()["uplink_bps"] == pytest.approx(told[0], rel=0.01)


async def test_loss_in_two_reports_in_a_row_is_a_narrow_line() -> None:
    world = _World()
    camera, screen = (line.offered.ssrcs[0] for line in world.agreement.lines[1:])
    for second in range(4):
        for sequence in range(second * 100, second * 100 + 100):
            world.loop.run(10_000)
            if sequence % 4:
                world.session.rtp_received(world.packet(camera, None, sequence=sequence))
            world.session.rtp_received(world.packet(screen, None, sequence=sequence))
        world.session.report()
    assert world.session.uplink.bps is not None
