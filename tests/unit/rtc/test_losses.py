"""What share of a stream is lost, by reports of any interval."""

import pytest

from mcu.rtc.losses import LossShare, expected_since, lost_since

pytestmark = pytest.mark.unit


def test_the_share_is_of_enough_packets() -> None:
    losses = LossShare(100)
    reports = [(50, 0), (53, 1), (149, 4), (150, 5), (250, 5), (260, 7)]
    assert [losses.reported(highest, lost) for highest, lost in reports] == [None, None, None, 0.05, 0.0, None]


def test_totals_wrap_around() -> None:
    assert expected_since(5, 0xFFFFFFFB) == 10
    assert lost_since(-(1 << 23) + 1, (1 << 23) - 1) == 2


def test_late_packets_are_no_negative_loss() -> None:
    losses = LossShare(10)
    losses.reported(0, 20)
    assert losses.reported(100, 15) == 0.0


def test_numbers_that_go_back_begin_anew() -> None:
    losses = LossShare(10)
    losses.reported(1_000, 0)
    assert losses.reported(10, 0) is None
    assert losses.reported(110, 10) == 0.1
