"""When the network sign goes on and off."""

import pytest

from mcu.trouble import TroubleMeter

pytestmark = pytest.mark.unit


def told(seconds: list[tuple[int, int]]) -> list[bool]:
    meter, packets, lost, signs = TroubleMeter(), 0, 0, []
    for received, gone in seconds:
        packets, lost = packets + received, lost + gone
        meter.update(packets, lost)
        signs.append(meter.trouble)
    return signs


def test_it_goes_on_at_five_percent_and_off_below_two() -> None:
    assert told([(100, 0), (95, 5), (97, 3), (99, 1)]) == [False, True, True, False]


def test_a_few_packets_say_nothing() -> None:
    assert told([(5, 5), (0, 10)]) == [False, False]


def test_retransmissions_that_arrive_later_are_no_trouble() -> None:
    assert told([(100, 4), (100, -4), (100, 4)]) == [False, False, False]


def test_it_says_when_it_changes() -> None:
    meter = TroubleMeter()
    assert [meter.update(*counters) for counters in ((90, 10), (180, 20), (280, 20))] == [True, False, True]
