from dataclasses import replace
from typing import Any, cast

import pytest

from mcu.media import AudioUnit
from mcu.rtc import rtcp
from mcu.rtc.receive import Link
from mcu.rtc.receive_audio import MAX_MISSING, AudioReceiver
from mcu.rtc.rtp import RtpPacket
from mcu.rtc.uplink import UplinkEstimate
from tests.unit.rtc.fakes import Loop, Wire, chromium_line

pytestmark = pytest.mark.unit

MS = 1000
OPUS = 111


class _World:
    """A receiver on virtual time; packet ``n`` of the sender has the sequence number ``n``, modulo 2^16."""

    def __init__(self, *, nack: bool = True) -> None:
        self.loop = Loop()
        self.wire = Wire(self.loop)
        line = chromium_line("audio")
        if nack:
            line = replace(line, codecs=tuple(replace(c, feedback=frozenset({"nack"})) for c in line.codecs))
        self.link = Link(
            cast("Any", self.loop), self.loop.clock(), 1, self.wire.send_rtcp, UplinkEstimate(4e6), lambda: None
        )
        self.receiver = AudioReceiver(line, self.link)
        self.receiver.sink = self
        self.units: list[AudioUnit] = []

    def push(self, unit: AudioUnit) -> None:
        self.units.append(unit)

    def take(self, *numbers: int, ssrc: int = 5) -> None:
        for n in numbers:
            packet = RtpPacket(OPUS, False, n & 0xFFFF, n * 960 & 0xFFFFFFFF, ssrc, b"opus")
            self.receiver.rtp(packet, self.loop.now_us)

    def asked(self) -> list[tuple[int, list[int]]]:
        """When, in ms, and for what."""
        return [
            (now_us // MS, packet.lost)
            for now_us, data in self.wire.rtcp
            for packet in rtcp.parse(data)
            if isinstance(packet, rtcp.Nack)
        ]

    def heard(self) -> list[tuple[int, bool]]:
        return [(unit.sequence, unit.repaired) for unit in self.units]


def test_a_burst_is_asked_for_at_once_and_comes_as_repairs() -> None:
    world = _World()
    world.take(65_534, 65_535)
    world.loop.run(60 * MS)
    world.take(65_538)
    world.loop.run(40 * MS)
    assert world.asked() == [(70, [0, 1])]
    world.take(65_536, 65_537)
    assert world.heard() == [(65_534, False), (65_535, False), (65_538, False), (65_536, True), (65_537, True)]
    assert [unit.rtp_time for unit in world.units] == [unit.sequence * 960 for unit in world.units]
    world.take(65_539)
    world.loop.run(1000 * MS)
    assert len(world.asked()) == 1


def test_our_reports_tell_what_the_line_lost() -> None:
    world = _World()
    world.take(1, 2, 5, 6, 7, 8, 9, 10)
    world.loop.run(40 * MS)
    world.take(3, 4)
    (reception,) = world.receiver.receptions()
    report = reception.report(world.loop.now_us)
    assert (report.packets_lost, report.fraction_lost) == (2, 2 * 256 // 10)
    assert report.jitter < 48_000  # of a second: the repairs' delay is not in it


def test_without_nack_nothing_is_asked_for_and_late_packets_are_ordinary() -> None:
    world = _World(nack=False)
    world.take(1, 2, 5)
    world.loop.run(200 * MS)
    world.take(3)
    assert world.asked() == []
    assert world.heard()[-1] == (3, False)


def test_mere_reordering_is_none_of_it() -> None:
    world = _World()
    world.take(1, 3)
    world.loop.run(5 * MS)
    world.take(2, 4)
    world.loop.run(500 * MS)
    assert world.asked() == []
    assert world.heard() == [(1, False), (3, False), (2, False), (4, False)]


def test_a_premature_request_teaches_patience() -> None:
    """Reordered by 20 ms, for which nobody asks any more once the answer has shown it."""
    world = _World()
    world.take(1)
    for n in range(3, 300, 2):
        world.take(n)
        world.loop.run(20 * MS)
        world.take(n - 1)
        world.loop.run(20 * MS)
        if world.asked() and world.asked()[-1][1] == [n - 1]:
            world.take(n - 1)  # the answer
    assert world.asked() == [(10, [2])]
    assert sum(repaired for _, repaired in world.heard()) == 2  # it and its double
    assert next(world.receiver.receptions()).lost == 0


@pytest.mark.parametrize(("late_ms", "lost", "repaired"), [(105, 0, False), (115, 1, True)])
def test_what_comes_sooner_than_an_answer_could_is_none(late_ms: int, lost: int, repaired: bool) -> None:
    world = _World()
    world.link.rtt_us = 200 * MS  # the request goes out after 10 ms
    world.take(1, 3)
    world.loop.run(late_ms * MS)
    assert len(world.asked()) == 1
    world.take(2)
    assert world.heard()[-1] == (2, repaired)
    assert next(world.receiver.receptions()).lost == lost


def test_the_answer_to_what_came_by_itself_is_counted_as_nothing() -> None:
    world = _World()
    world.link.rtt_us = 200 * MS
    world.take(1, 3)
    world.loop.run(50 * MS)
    world.take(2)
    world.loop.run(160 * MS)
    world.take(2)
    assert world.heard()[-2:] == [(2, False), (2, True)]
    assert next(world.receiver.receptions()).lost == 0


def test_nobody_asks_again_before_an_answer_can_be_there() -> None:
    world = _World()
    world.link.rtt_us = 160 * MS
    world.take(1, 3)
    world.loop.run(205 * MS)
    assert [now_ms for now_ms, _ in world.asked()] == [10]
    world.receiver.close()


def test_what_is_late_is_not_reported_lost_because_it_was_asked_for() -> None:
    """Late by more than there is ever patience for: every tenth packet is asked for, and comes twice."""
    world = _World()
    world.take(0)
    for n in range(10, 300, 10):
        world.take(*range(n - 9, n - 1), n)
        world.loop.run(90 * MS)
        world.take(n - 1)
        world.loop.run(110 * MS)
        world.take(n - 1)  # the answer
    assert len(world.asked()) == 29
    (reception,) = world.receiver.receptions()
    assert reception.report(world.loop.now_us).packets_lost == 0


def test_an_answer_that_comes_twice_is_counted_as_neither() -> None:
    world = _World()
    world.take(1, 3)
    world.loop.run(150 * MS)  # asked for twice
    assert len(world.asked()) > 1
    world.take(2, 2)
    assert next(world.receiver.receptions()).lost == 1


def test_an_answer_after_all_patience_is_still_no_ordinary_packet() -> None:
    world = _World()
    world.take(1, 3)
    world.loop.run(300 * MS)
    world.take(2)
    assert world.heard()[-1] == (2, True)


def test_an_outage_is_not_mended() -> None:
    world = _World()
    world.take(1, MAX_MISSING + 3)
    world.loop.run(1000 * MS)
    assert world.asked() == []


def test_it_is_given_up_when_nobody_would_wait() -> None:
    world = _World()
    world.take(1, 3)
    world.loop.run(5000 * MS)
    assert [now_ms for now_ms, _ in world.asked()] == [10, 135]
    world.receiver.close()


def test_another_stream_begins_with_nothing_missing() -> None:
    world = _World()
    world.take(1, 3)
    world.take(5000, 5001, ssrc=6)
    world.loop.run(1000 * MS)
    assert world.asked() == []
    assert [sequence for sequence, _ in world.heard()] == [1, 3, 4, 5]
