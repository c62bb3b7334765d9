"""Datagrams that share a system call: which of them may."""

import errno

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcu.rtc import segments
from mcu.rtc.srtp import MAX_PACKET_BYTES

pytestmark = pytest.mark.unit


@given(st.lists(st.sampled_from([20, 600, 1200]), max_size=200))
def test_runs_keep_order_and_are_what_the_kernel_can_cut(sizes: list[int]) -> None:
    packets = [bytes([index % 256]) * size for index, size in enumerate(sizes)]
    runs = list(segments.runs(packets))
    assert [packet for run in runs for packet in run] == packets
    for run in runs:
        *others, last = run
        assert len({len(packet) for packet in others}) <= 1
        assert not others or 0 < len(last) <= len(others[0])
        assert len(run) <= 64
        assert sum(map(len, run)) < 65_507


def test_a_frame_is_one_run() -> None:
    frame = [b"x" * 1190] * 6 + [b"x" * 1184]
    assert len(list(segments.runs(frame))) == 1


def test_the_longest_packets_are_no_more_than_a_call_takes() -> None:
    runs = list(segments.runs([bytes(MAX_PACKET_BYTES)] * 200))
    assert all(sum(len(packet) + 16 for packet in run) <= 65_507 for run in runs)  # with AES-GCM's tags


def test_only_what_is_about_segmentation_ends_it() -> None:
    assert segments.is_refusal(OSError(errno.EIO, "no checksum offload on the way out"))
    assert not segments.is_refusal(OSError(errno.ECONNREFUSED, "the peer is gone"))
    assert not segments.is_refusal(OSError(errno.ENETUNREACH, "no way there"))
