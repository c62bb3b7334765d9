"""Pictures protected by GStreamer's RED and ULPFEC, of which packets get lost: every frame comes, and none is late."""

import shutil
import subprocess
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import pytest

from mcu.media import VideoUnit
from mcu.rtc import rtcp
from mcu.rtc.receive import Link, VideoReceiver
from mcu.rtc.rtp import RtpPacket, parse
from mcu.rtc.uplink import UplinkEstimate
from tests.unit.rtc.fakes import Loop, Wire, chromium_line

pytestmark = [pytest.mark.media, pytest.mark.beside]

FRAMES, FPS = 60, 30
VP8, RED, RTX_OF_RED, FEC = 96, 118, 119, 120  # as in Chromium's offer
PIPELINE = (
    f"videotestsrc num-buffers={FRAMES} pattern=smpte horizontal-speed=9 "
    f"! video/x-raw,width=320,height=180,framerate={FPS}/1 "
    "! vp8enc deadline=100000 threads=1 target-bitrate=600000 keyframe-max-dist=1000 "
    f"! rtpvp8pay pt={VP8} mtu=300 picture-id-mode=15-bit "
    f"! rtpulpfecenc pt={FEC} percentage=15 percentage-important=15 multipacket=true "
    f"! rtpredenc pt={RED} distance=0 allow-no-red-blocks=true "
    "! rtpstreampay ! filesink buffer-mode=unbuffered location="  # buffered, it leaves out a packet in 128 KiB
)


@pytest.fixture(scope="module")
def stream(tmp_path_factory: pytest.TempPathFactory) -> list[RtpPacket]:
    """All packets, as they are sent."""
    path = tmp_path_factory.mktemp("fec") / "packets"
    launch = shutil.which("gst-launch-1.0")
    assert launch is not None
    subprocess.run([launch, "-q", *(PIPELINE + str(path)).split()], check=True)
    return [parse(packet) for packet in _framed(path)]


def _framed(path: Path) -> Iterator[bytes]:
    """Packets, each with its length in front (RFC 4571)."""
    data, position = path.read_bytes(), 0
    while position < len(data):
        start = position + 2
        position = start + int.from_bytes(data[position:start])
        yield data[start:position]


def _is_fec(packet: RtpPacket) -> bool:
    return packet.payload[0] == FEC


def _groups(stream: Sequence[RtpPacket]) -> list[list[RtpPacket]]:
    """Packets of media, by those of FEC that protect them: each says where it begins, and by a bit each what it has."""
    media = {packet.sequence: packet for packet in stream if not _is_fec(packet)}
    groups = []
    for payload in (packet.payload[1:] for packet in stream if _is_fec(packet)):
        base, mask = int.from_bytes(payload[2:4]), f"{int.from_bytes(payload[12:14]):016b}"
        groups.append([media[base + place & 0xFFFF] for place, bit in enumerate(mask) if bit == "1"])
    return groups


@dataclass
class Outcome:
    frames: list[bytes]
    waited_us: list[int]  # from a frame's last packet to when it was whole
    asked: set[int]  # sequence numbers
    recovered: int
    drops: dict[str, int]


def _received(packets: Sequence[RtpPacket], answer: Callable[[int], RtpPacket | None] = lambda _: None) -> Outcome:
    """What becomes of the packets, a frame of them every 33 ms, over a line that answers within 50 ms or never."""
    loop, units = Loop(), list[VideoUnit]()
    wire = Wire(loop)
    link = Link(cast("Any", loop), loop.clock(), 1, wire.send_rtcp, UplinkEstimate(4e6), lambda: None)
    receiver = VideoReceiver(chromium_line("camera"), link)
    receiver.sink = cast("Any", type("Sink", (), {"push": staticmethod(units.append)}))
    asked = set[int]()

    def answer_all() -> None:
        for lost in {n for _, data in wire.rtcp for p in rtcp.parse(data) if isinstance(p, rtcp.Nack) for n in p.lost}:
            again = None if lost in asked else answer(lost)
            asked.add(lost)
            if again is not None:
                loop.call_later(0.05, lambda packet: receiver.rtp(packet, loop.now_us), again)

    time = packets[0].timestamp
    for packet in packets:
        if packet.timestamp != time:
            loop.run(1_000_000 // FPS)
            time = packet.timestamp
        answer_all()
        receiver.rtp(packet, loop.now_us)
    loop.run(1_000_000 // FPS)
    waits = [unit.whole_us - unit.arrival_us for unit in units if unit.whole_us is not None]
    return Outcome([unit.data for unit in units], waits, asked, receiver.fec_recovered, dict(receiver.all_drops()))


@pytest.fixture(scope="module")
def whole(stream: list[RtpPacket]) -> list[bytes]:
    """The frames, when nothing is lost."""
    outcome = _received(stream)
    assert len(outcome.frames) == FRAMES
    assert outcome.recovered == 0
    return outcome.frames


def _without(stream: Sequence[RtpPacket], lost: Sequence[RtpPacket]) -> list[RtpPacket]:
    gone = {packet.sequence for packet in lost}
    return [packet for packet in stream if packet.sequence not in gone]


@pytest.mark.parametrize("place", [0, 3, -1])
def test_one_packet_of_each_group_may_get_lost(stream: list[RtpPacket], whole: list[bytes], place: int) -> None:
    """Whichever it is; nothing has to be asked for again."""
    groups, lost = _groups(stream), list[RtpPacket]()
    for group in groups:
        candidate = [*lost, group[place]]
        if all(sum(packet in candidate for packet in other) <= 1 for other in groups):  # they may overlap
            lost = candidate
    assert len(lost) > FRAMES
    outcome = _received(_without(stream, lost))
    assert outcome.frames == whole
    assert outcome.recovered == len(lost)
    assert outcome.asked == set()
    assert max(outcome.waited_us) == 0


def test_who_loses_fec_alone_loses_no_time(stream: list[RtpPacket], whole: list[bytes]) -> None:
    """Its numbers are missing, and it is not asked for: the pictures' own numbers show that they are all there."""
    outcome = _received([packet for packet in stream if not _is_fec(packet)])
    assert outcome.frames == whole
    assert outcome.asked == set()
    assert max(outcome.waited_us) == 0


def test_what_does_not_follow_is_asked_for_and_comes_wrapped(stream: list[RtpPacket], whole: list[bytes]) -> None:
    """Two of a group, which one sum cannot make up for."""
    groups = [group for group in _groups(stream) if len(group) > 2][5:30:5]
    lost = {packet.sequence: packet for group in groups for packet in group[:2]}

    def again(sequence: int) -> RtpPacket | None:
        packet = lost.get(sequence)
        if packet is None:
            return None
        payload = sequence.to_bytes(2) + packet.payload
        return RtpPacket(RTX_OF_RED, packet.marker, 1, packet.timestamp, 8, payload)

    outcome = _received(_without(stream, list(lost.values())), again)
    assert outcome.frames == whole
    assert outcome.asked == set(lost)
    assert outcome.drops.get("fec", 0) == 0
