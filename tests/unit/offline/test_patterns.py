"""Generated pictures and tones."""

import itertools

import numpy as np
import pytest

from mcu.errors import UnreadableMediaError
from mcu.offline.patterns import parse_pattern

pytestmark = pytest.mark.unit


def luma(red: int, green: int, blue: int) -> float:
    return 16 + (0.299 * red + 0.587 * green + 0.114 * blue) * 219 / 255  # BT.601-7, 2.5


def test_bars_from_grey_to_blue() -> None:
    picture = parse_pattern("pattern:bars,size=700x100").first_picture
    assert picture is not None
    row = picture.y[50, 50::100].astype(int)
    bars = [(191, 191, 191), (191, 191, 0), (0, 191, 191), (0, 191, 0), (191, 0, 191), (191, 0, 0), (0, 0, 191)]
    assert row == pytest.approx(np.array([luma(*bar) for bar in bars]), abs=0.51)


def test_a_colour_and_its_name() -> None:
    source = parse_pattern("pattern:colour=#c62828,name=Ann")
    picture = source.picture(10**9)
    assert source.name == "Ann"
    assert picture is not None
    assert (picture.width, picture.height) == (640, 360)
    assert np.abs(picture.y - luma(0xC6, 0x28, 0x28)).max() <= 0.51


def test_a_tone_has_its_frequency_whatever_the_blocks() -> None:
    whole = parse_pattern("pattern:bars,tone=440").sound(48_000)[:, 0]
    pieces = parse_pattern("pattern:bars,tone=440")
    joined = np.concatenate([pieces.sound(count)[:, 0] for count in (1, 959, 40_000, 7040)])
    assert joined == pytest.approx(whole, abs=1e-6)
    assert int(np.argmax(np.abs(np.fft.rfft(whole)))) == 440
    assert not parse_pattern("pattern:bars").sound(960).any()


def test_flash_and_beep_come_together_once_a_second() -> None:
    source = parse_pattern("pattern:flash")
    bright = [picture.y[0, 0] > 200 for n in range(60) if (picture := source.picture(n * 1_000_000 // 30 + 1))]
    assert [n for n in range(60) if bright[n]] == [0, 1, 2, 30, 31, 32]
    loud = np.abs(source.sound(96_000)[:, 0]).reshape(-1, 4800).max(axis=1) > 0.1
    assert [n for n in range(20) if loud[n]] == [0, 10]


def test_what_moves_is_a_new_picture_30_times_a_second_and_what_does_not_is_the_same() -> None:
    moving, still = parse_pattern("pattern:moving"), parse_pattern("pattern:checker")
    times_us = [0, 10_000, 34_000, 60_000, 67_000]
    shown = [moving.picture(time_us) for time_us in times_us]
    assert [a is b for a, b in itertools.pairwise(shown)] == [True, False, True, False]
    assert shown[0] is not None
    assert shown[2] is not None
    assert (shown[0].y[:, 4:] == shown[2].y[:, :-4]).all(), "it slides to the left"
    assert len({id(still.picture(time_us)) for time_us in times_us}) == 1


def test_nobody_s_camera_may_have_a_voice() -> None:
    source = parse_pattern("pattern:none,tone=500,name=Voice")
    assert source.picture(0) is None
    assert source.first_picture is None
    assert source.sound(960).any()


@pytest.mark.parametrize("size", ["1x1", "3x2", "1x999", "641x361", "3840x2160"])
@pytest.mark.parametrize("kind", ["bars", "moving", "checker"])
def test_sizes(kind: str, size: str) -> None:
    picture = parse_pattern(f"pattern:{kind},size={size}").picture(123_456)
    assert picture is not None
    assert f"{picture.width}x{picture.height}" == size
    assert picture.u.shape == picture.v.shape == ((picture.height + 1) // 2, (picture.width + 1) // 2)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("pattern:", "'' is none of bars"),
        ("pattern:plasma", "'plasma' is none of bars, colour"),
        ("pattern:bars=3", "'bars=3' is none of bars"),
        ("pattern:colour=red", "colour: 'red' is no colour"),
        ("pattern:bars,tone=loud", "tone: 'loud' is no frequency"),
        ("pattern:bars,tone=5", "tone: 5 is not between 20 and 20000 Hz"),
        ("pattern:bars,tone=99999", "tone: 99999 is not between"),
        ("pattern:bars,size=0x10", "size: '0x10' is no size"),
        ("pattern:bars,size=9999x9999", "size: '9999x9999' is no size"),
        ("pattern:bars,speed=3", "'speed' is none of tone, size"),
        ("pattern:" + "x" * 10_000, "is none of bars"),
    ],
)
def test_what_is_no_pattern(text: str, said: str) -> None:
    with pytest.raises(UnreadableMediaError) as caught:
        parse_pattern(text)
    assert said in str(caught.value)
    assert len(str(caught.value)) < 300
