import itertools
from collections.abc import Iterable
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcu.media import VideoCodec
from mcu.rtc.reassembly import DEADLINE_US, MAX_PACKETS, Frame, FrameAssembler, VideoPacket

pytestmark = pytest.mark.unit

MS = 1000
PERIOD = 3000  # of a 30 fps stream in ticks of 90 kHz


def _frame(sequence: int, number: int, packets: int = 3, *, key: bool = False) -> list[VideoPacket]:
    """A VP8 frame of so many packets, the first of which has that sequence number."""
    head = b"\x10\x00" if key else b"\x11\x01"
    return [
        VideoPacket(
            sequence=sequence + index,
            time=number * PERIOD,
            marker=index == packets - 1,
            codec=VideoCodec.VP8,
            payload=(b"\x10" + head if index == 0 else b"\x00") + bytes([number % 256, index % 256]),
            arrival_us=0,
        )
        for index in range(packets)
    ]


def _stream(frames: int, *, keys: Iterable[int] = (0,), packets: int = 3) -> list[list[VideoPacket]]:
    return [_frame(n * packets, n, packets, key=n in set(keys)) for n in range(frames)]


def _push(assembler: FrameAssembler, packets: Iterable[VideoPacket], now_us: int = 0) -> list[int]:
    """Numbers of the frames that the packets set free."""
    return [
        frame.time // PERIOD
        for packet in packets
        for frame in assembler.push(replace(packet, arrival_us=now_us), now_us)
    ]


def test_a_frame_is_released_with_its_last_packet() -> None:
    assembler = FrameAssembler()
    assert assembler.keyframe_wanted
    first, second = _frame(10, 0, key=True), _frame(13, 1)
    assert _push(assembler, first[:2], 5) == []
    (frame,) = assembler.push(replace(first[2], arrival_us=7), 7)
    assert frame == Frame(VideoCodec.VP8, b"\x10\x00\x00\x00" + b"\x00\x01\x00\x02", 0, 5, 7, keyframe=True)
    assert not assembler.keyframe_wanted
    assert _push(assembler, second) == [1]


def test_nothing_is_released_before_a_keyframe() -> None:
    assembler = FrameAssembler()
    frames = _stream(6, keys=[3])
    assert _push(assembler, [p for f in frames for p in f]) == [3, 4, 5]


def test_a_keyframe_missed_at_the_start_still_wants_one() -> None:
    assembler = FrameAssembler()
    frames = _stream(4, keys=[0])
    assert _push(assembler, [*frames[0][1:], *frames[1], *frames[2]]) == []
    assert assembler.keyframe_wanted
    assert _push(assembler, frames[0][:1]) == [0, 1, 2]  # it was only late


def test_reordering_across_frames_is_undone() -> None:
    assembler = FrameAssembler()
    packets = [p for f in _stream(4) for p in f]
    shuffled = [packets[i] for i in (1, 0, 2, 5, 4, 3, 6, 9, 8, 7, 11, 10)]
    assert _push(assembler, shuffled) == [0, 1, 2, 3]


def test_duplicates_and_stragglers_are_dropped_and_counted() -> None:
    assembler = FrameAssembler()
    frames = _stream(2)
    assert _push(assembler, [*frames[0], *frames[0], frames[1][0], frames[1][0]]) == [0]
    assert assembler.late == 4
    assert _push(assembler, frames[1][1:]) == [1]


def test_a_hole_holds_back_until_it_is_mended() -> None:
    assembler = FrameAssembler()
    frames = _stream(4)
    _push(assembler, frames[0])
    assert _push(assembler, [frames[1][0], frames[1][2], *frames[2]], now_us=10 * MS) == []
    assert assembler.oldest_wanted == frames[1][1].sequence
    assert assembler.expires_us() == 10 * MS + DEADLINE_US
    assert assembler.expire(10 * MS + DEADLINE_US - 1) == []
    assert _push(assembler, [frames[1][1]], now_us=300 * MS) == [1, 2]
    assert assembler.expires_us() is None


def test_a_hole_past_its_deadline_is_given_up_until_a_keyframe() -> None:
    assembler = FrameAssembler()
    frames = _stream(6, keys=[0, 4])
    _push(assembler, frames[0])
    _push(assembler, [*frames[1][:2], *frames[2]])
    assert assembler.expire(DEADLINE_US) == []
    assert assembler.keyframe_wanted
    assert assembler.given_up == 5
    assert _push(assembler, [*frames[3], *frames[4], *frames[5]]) == [4, 5]


def test_a_complete_keyframe_behind_a_hole_is_jumped_to() -> None:
    assembler = FrameAssembler()
    frames = _stream(5, keys=[0, 3])
    _push(assembler, frames[0])
    assert _push(assembler, [*frames[1][1:], *frames[2], *frames[3]]) == [3]
    assert _push(assembler, [frames[1][0]]) == []  # too late
    assert _push(assembler, frames[4]) == [4]


def test_an_incomplete_keyframe_behind_a_hole_gets_its_own_deadline() -> None:
    assembler = FrameAssembler()
    frames = _stream(4, keys=[0, 2])
    _push(assembler, frames[0])
    _push(assembler, [*frames[1][1:], frames[2][0], frames[2][2]])
    assert assembler.expire(DEADLINE_US) == []
    assert not assembler.keyframe_wanted
    assert assembler.oldest_wanted == frames[2][1].sequence
    assert _push(assembler, [frames[2][1]], DEADLINE_US + 50 * MS) == [2]


def test_a_frame_without_marker_ends_where_the_next_begins() -> None:
    assembler = FrameAssembler()
    frames = _stream(3)
    frames[1][2] = replace(frames[1][2], marker=False)
    assert _push(assembler, [p for f in frames for p in f]) == [0, 1, 2]


def test_padding_between_frames_is_skipped() -> None:
    assembler = FrameAssembler()
    first, second = _frame(0, 0, key=True), _frame(5, 1)
    padding = [replace(first[2], sequence=3 + i, marker=False, payload=b"") for i in range(2)]
    assert _push(assembler, [*first, *padding, *second]) == [0, 1]


def _numbered(packets: list[VideoPacket], picture: bytes) -> list[VideoPacket]:
    """The frame's packets with a VP8 picture id, of 7 bits or, with the top one set, of 15."""
    return [replace(p, payload=bytes([0x80 | p.payload[0], 0x80]) + picture + p.payload[1:]) for p in packets]


def _protection(sequence: int, number: int) -> VideoPacket:
    """What stands where a packet of error correction was, after that frame."""
    return replace(_frame(sequence, number)[0], marker=False, payload=b"")


@pytest.mark.parametrize(
    ("before", "after"),
    [(b"\x05", b"\x06"), (b"\x7f", b"\x00"), (b"\x80\xff", b"\x81\x00"), (b"\xff\xff", b"\x80\x00")],
)
def test_what_is_missing_between_consecutive_pictures_is_none_of_them(before: bytes, after: bytes) -> None:
    assembler = FrameAssembler()
    first, second = _numbered(_frame(0, 0, key=True), before), _numbered(_frame(5, 1), after)
    assert _push(assembler, first) == [0]
    assert _push(assembler, [_protection(4, 0)]) == []  # the one before it is lost
    assert assembler.expires_us() is None  # nothing waits for it, whenever the next picture comes
    assert _push(assembler, second) == [1]
    assert assembler.expires_us() is None
    assert assembler.oldest_wanted == 8
    assert (assembler.late, assembler.given_up) == (0, 0)


@pytest.mark.parametrize("after", [b"\x07", b"\x05", b"\x80\x06"])
def test_what_is_missing_between_other_pictures_may_be_one(after: bytes) -> None:
    assembler = FrameAssembler()
    first, second = _numbered(_frame(0, 0, key=True), b"\x05"), _numbered(_frame(4, 2), after)
    assert _push(assembler, [*first, *second]) == [0]
    assert assembler.expires_us() == DEADLINE_US
    assert _push(assembler, [_protection(3, 0)]) == [2]


def test_a_picture_is_not_begun_before_its_first_packet_is_there() -> None:
    assembler = FrameAssembler()
    first, second = _numbered(_frame(0, 0, key=True), b"\x05"), _numbered(_frame(4, 1), b"\x06")
    assert _push(assembler, [*first, *second[1:]]) == [0]
    assert _push(assembler, second[:1]) == [1]  # though packet 3 never came


def test_a_frame_that_makes_no_sense_is_counted_and_a_keyframe_wanted() -> None:
    assembler = FrameAssembler()
    frames = _stream(4, keys=[0, 3])
    frames[1][0] = replace(frames[1][0], payload=b"\x00broken")
    assert _push(assembler, [*frames[0], *frames[1]]) == [0]
    assert assembler.broken == 1
    assert assembler.keyframe_wanted
    assert _push(assembler, [*frames[2], *frames[3]]) == [3]


def test_the_store_is_bounded() -> None:
    assembler = FrameAssembler()
    _push(assembler, _frame(0, 0, key=True))
    _push(assembler, (p for f in range(1, 3000) for p in _frame(4 + f, f, 1)))
    assert assembler.given_up >= MAX_PACKETS
    assert assembler.keyframe_wanted
    assert len(assembler._packets) <= MAX_PACKETS
    assert _push(assembler, _frame(9000, 4000, key=True)) == [4000]


def test_a_keyframe_larger_than_the_store_does_no_harm() -> None:
    assembler = FrameAssembler()
    _push(assembler, _frame(0, 0, 1, key=True))
    _push(assembler, _frame(2, 1, MAX_PACKETS * 2, key=True))
    assert len(assembler._packets) <= MAX_PACKETS


def test_a_sender_that_counts_anew_is_followed() -> None:
    assembler = FrameAssembler()
    _push(assembler, _frame(30_000, 0, key=True))
    again = [p for n in range(100) for p in _frame(n, 50 + n, 1, key=n % 30 == 0)]
    released = _push(assembler, again)
    assert assembler.restarts == 1
    assert released[-1] == 149


def test_h264_without_parameter_sets_starts_where_the_frame_before_ended() -> None:
    def packet(sequence: int, number: int, kind: int) -> VideoPacket:
        return VideoPacket(sequence, number * PERIOD, True, VideoCodec.H264, bytes([0x60 | kind, 1, 2]), 0)

    assembler = FrameAssembler()
    assert _push(assembler, [packet(1, 1, 1), packet(2, 2, 5), packet(3, 3, 1)]) == [2, 3]


@settings(max_examples=60)
@given(st.data())
def test_whatever_the_network_does_frames_come_in_order_and_whole(data: st.DataObject) -> None:
    """Loss, doubling and reordering; everything missing is sent again once, except what is lost for good."""
    keys = data.draw(st.sampled_from([set(range(0, 40, 7)), {0}]))
    frames = _stream(40, keys=keys)
    packets = [p for f in frames for p in f]
    lost_for_good = data.draw(st.sets(st.sampled_from(packets).map(lambda p: p.sequence), max_size=10))
    delays = data.draw(st.lists(st.integers(0, 60), min_size=len(packets), max_size=len(packets)))
    arrivals = sorted(
        (p.sequence // 3 * 33 + delay, p.sequence, p)
        for p, delay in zip(packets, delays, strict=True)
        if p.sequence not in lost_for_good
    )
    assembler = FrameAssembler()
    released: list[Frame] = []
    for now_ms, _, packet in arrivals:
        released += assembler.expire(now_ms * MS)
        released += assembler.push(packet, now_ms * MS)
    released += assembler.expire(10_000 * MS)
    numbers = [frame.time // PERIOD for frame in released]
    assert numbers == sorted(set(numbers))
    for before, after in itertools.pairwise(numbers):
        assert after == before + 1 or after in keys
    if numbers:
        assert numbers[0] in keys
    if not lost_for_good and keys == {0}:  # else a frame may be passed over for the sake of a keyframe that is there
        assert numbers == list(range(40))
