"""What a subscriber of the hub gets, and what it loses."""

import pytest

from mcu.hub import PacketHub
from mcu.media import EncodedFrame, VideoCodec

pytestmark = pytest.mark.unit


def frame(number: int, *, key: bool = False) -> EncodedFrame:
    return EncodedFrame(VideoCodec.H264, b"%d" % number, number * 3000, 3000, 90_000, key)


def numbers(frames: list[EncodedFrame]) -> list[int]:
    return [f.pts // 3000 for f in frames]


def test_a_subscriber_starts_at_a_keyframe_and_has_asked_for_it() -> None:
    asked: list[int] = []
    hub = PacketHub(lambda: asked.append(1))
    subscription = hub.subscribe(bound=10)
    for n in range(3):
        hub.publish(frame(n))
    hub.publish(frame(3, key=True))
    hub.publish(frame(4))
    assert numbers(subscription.drain()) == [3, 4]
    assert len(asked) == 1
    assert hub.dropped == 0  # what came before the start was not owed


def test_a_full_queue_loses_what_it_holds_and_goes_on_at_the_next_keyframe() -> None:
    asked: list[int] = []
    hub = PacketHub(lambda: asked.append(1))
    slow = hub.subscribe(bound=3)
    quick = hub.subscribe(bound=3)
    seen: list[int] = []
    for n in range(8):
        hub.publish(frame(n, key=n in {0, 6}))
        seen += numbers(quick.drain())
    assert numbers(slow.drain()) == [6, 7]
    assert seen == list(range(8))  # nobody else notices
    assert slow.stats.dropped == 6
    assert hub.dropped == 6
    assert len(asked) == 3  # two at the start, one for the overflow


def test_a_keyframe_that_meets_a_full_queue_replaces_it() -> None:
    hub = PacketHub()
    subscription = hub.subscribe(bound=2)
    for n in range(2):
        hub.publish(frame(n, key=n == 0))
    hub.publish(frame(2, key=True))
    assert numbers(subscription.drain()) == [2]
    assert subscription.stats.dropped == 2


def test_it_wakes_once_per_filled_queue() -> None:
    woken: list[int] = []
    hub = PacketHub()
    subscription = hub.subscribe(bound=10, wake=lambda: woken.append(1))
    hub.publish(frame(0, key=True))
    hub.publish(frame(1))
    assert len(woken) == 1
    subscription.drain()
    hub.publish(frame(2))
    assert len(woken) == 2


def test_an_encoder_is_wanted_exactly_while_somebody_listens() -> None:
    hub = PacketHub()
    assert not hub.in_use
    viewer = hub.subscribe(bound=1)
    recorder = hub.subscribe(bound=1, every_frame=True)
    assert hub.in_use
    assert hub.wants_every_frame
    hub.unsubscribe(recorder)
    assert not hub.wants_every_frame
    hub.unsubscribe(viewer)
    hub.unsubscribe(viewer)
    assert not hub.in_use


def test_losses_of_those_who_left_are_still_counted() -> None:
    hub = PacketHub()
    subscription = hub.subscribe(bound=1)
    hub.publish(frame(0, key=True))
    hub.publish(frame(1))
    hub.unsubscribe(subscription)
    hub.publish(frame(2))
    assert hub.dropped == 2
