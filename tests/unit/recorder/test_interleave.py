import pytest

from mcu.media import AudioCodec, EncodedFrame, VideoCodec
from recorder.interleave import Interleaver

pytestmark = pytest.mark.unit


def picture(tick: int, *, keyframe: bool = False) -> EncodedFrame:
    return EncodedFrame(VideoCodec.H264, b"v%d" % tick, tick * 3000, 3000, 90_000, keyframe)


def sound(number: int) -> EncodedFrame:
    return EncodedFrame(AudioCodec.AAC, b"a%d" % number, number * 1024, 1024, 48_000, keyframe=True, config=b"\x11\x88")


def names(frames: list[EncodedFrame]) -> list[str]:
    return [frame.data.decode() for frame in frames]


def test_nothing_comes_out_before_a_keyframe() -> None:
    order = Interleaver()
    order.push(picture(29))
    order.push(sound(50))
    assert order.take(everything=True) == []
    assert not order.started


def test_it_begins_with_the_sound_of_the_first_picture_and_one_frame_to_prime_the_decoder() -> None:
    order = Interleaver()
    for number in range(40, 50):  # frame 46 spans 0.9813 to 1.0027 s
        order.push(sound(number))
    order.push(picture(30, keyframe=True))  # 1.0 s
    assert names(order.take(everything=True)) == ["a45", "a46", "v30", "a47", "a48", "a49"]


def test_sound_that_comes_late_but_is_too_early_is_left_out() -> None:
    order = Interleaver()
    order.push(picture(30, keyframe=True))
    for number in range(43, 48):
        order.push(sound(number))
    assert names(order.take(everything=True)) == ["a45", "a46", "v30", "a47"]


def test_frames_wait_for_the_other_stream_to_catch_up() -> None:
    order = Interleaver()
    order.push(picture(30, keyframe=True))
    order.push(picture(31))
    order.push(sound(46))
    assert names(order.take()) == ["a46"]
    order.push(sound(47))  # at 1.0027 s: the picture at 1.0 s is certain now, the one at 1.0333 s is not
    assert names(order.take()) == ["v30", "a47"]


def test_a_silent_room_does_not_hold_the_pictures_back_for_long() -> None:
    order = Interleaver()
    order.push(picture(30, keyframe=True))
    for tick in range(31, 45):
        order.push(picture(tick))
    ready = order.take()
    assert names(ready)[0] == "v30"
    newest_held_back_us = picture(44).time_us - ready[-1].time_us
    assert newest_held_back_us <= 334_000


def test_after_a_hole_it_begins_anew() -> None:
    order = Interleaver()
    order.push(picture(30, keyframe=True))
    order.push(sound(47))
    order.restart()
    order.push(sound(92))
    order.push(sound(93))  # spans 1.984 to 2.005 s
    order.push(picture(59))
    order.push(picture(60, keyframe=True))
    assert names(order.take(everything=True)) == ["a92", "a93", "v60"]
