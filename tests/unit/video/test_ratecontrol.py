"""On a stand-in for an encoder, whose bits follow another law than the one that is assumed of them."""

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcu.video.novelty import Look
from mcu.video.ratecontrol import COARSEST, FINEST, RateControl

pytestmark = pytest.mark.unit

MACROBLOCKS = 3600
FPS = 30


@dataclass
class Scene:
    """What is shown: how rich it is, and how much of it moves otherwise than can be foretold."""

    detail: float = 20.0
    unforeseen: float = 0.3


@dataclass
class Encoder:
    """Bits fall by half with each seven quantisers, and by no more below a hundred bytes."""

    bitrate_bps: int = 2_000_000
    sizes: list[int] = field(default_factory=list)
    quantisers: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.rate = RateControl(self.bitrate_bps, MACROBLOCKS)

    def picture(self, scene: Scene, *, keyframe: bool = False, new: float = 0.0, seconds: float = 1 / FPS) -> None:
        first = not self.sizes
        look = Look(scene.detail, 1.0 if first else new)
        quantiser = self.rate.quantiser(look, seconds, keyframe=keyframe or first)
        share = 1.0 if keyframe or first else min(1.0, scene.unforeseen + new)
        bits = 800 + round(share * 10 * MACROBLOCKS * scene.detail * 2 ** ((18 - quantiser) / 7))
        self.rate.spent(bits)
        self.sizes.append(bits)
        self.quantisers.append(quantiser)

    def run(self, seconds: float, scene: Scene, keyframe: Callable[[int], bool] = lambda _: False) -> list[int]:
        """The sizes of so many seconds' pictures."""
        begin = len(self.sizes)
        for n in range(round(seconds * FPS)):
            self.picture(scene, keyframe=keyframe(n))
        return self.sizes[begin:]


@pytest.mark.parametrize("bitrate_bps", [180_000, 700_000, 2_000_000, 8_000_000])
@pytest.mark.parametrize("unforeseen", [0.02, 0.1, 0.5])
def test_the_bitrate_is_kept(bitrate_bps: int, unforeseen: float) -> None:
    encoder = Encoder(bitrate_bps)
    encoder.run(3, Scene(unforeseen=unforeseen))
    spent = sum(encoder.run(10, Scene(unforeseen=unforeseen))) / 10
    coarse, fine = max(encoder.quantisers[-300:]), min(encoder.quantisers[-300:])
    if coarse < COARSEST and fine > FINEST:
        assert spent == pytest.approx(bitrate_bps, rel=0.03)
        assert coarse - fine <= 4  # and nothing pumps
    elif fine == FINEST:
        assert spent < bitrate_bps * 1.03
    else:  # more than the coarsest can do
        assert fine == coarse == COARSEST


def test_keyframes_every_four_seconds_do_not_break_it() -> None:
    encoder = Encoder()
    encoder.run(4, Scene())
    sizes = encoder.run(20, Scene(), keyframe=lambda n: n % 120 == 0)
    assert sum(sizes) / 20 == pytest.approx(2_000_000, rel=0.05)
    assert max(sizes) <= 2_000_000 / 3  # no keyframe takes more than a third of a second
    assert max(sizes) >= 2_000_000 / 8  # nor next to nothing: everybody would see it


def test_what_stands_still_gets_finer_to_the_end_and_takes_next_to_nothing() -> None:
    encoder = Encoder()
    encoder.run(3, Scene(unforeseen=0.3))
    assert encoder.quantisers[-1] > FINEST + 5
    sizes = encoder.run(2, Scene(unforeseen=0.0))
    assert encoder.quantisers[-1] == FINEST
    assert sum(sizes[-30:]) < 2_000_000 / 20
    assert sum(encoder.run(1, Scene())) < 2_000_000 * 1.5  # and what moves then does not burst


@pytest.mark.parametrize("new", [0.1, 0.3, 1.0])
def test_a_cut_takes_what_is_buffered_and_no_more(new: float) -> None:
    encoder = Encoder()
    encoder.run(4, Scene())
    encoder.picture(Scene(), new=new)
    cut = encoder.sizes[-1]
    assert cut <= 2_000_000 / 3
    assert cut >= 2_000_000 / FPS  # no less than any other picture
    assert cut + sum(encoder.run(0.5, Scene())) < 2_000_000 * 0.85
    assert sum(encoder.run(5, Scene())) / 5 == pytest.approx(2_000_000, rel=0.05)


def test_another_bitrate_is_followed_within_a_second() -> None:
    encoder = Encoder()
    encoder.run(4, Scene())
    for bitrate_bps in (500_000, 2_000_000, 300_000):
        encoder.rate.follow(bitrate_bps)
        encoder.run(1, Scene())
        assert sum(encoder.run(2, Scene())) / 2 == pytest.approx(bitrate_bps, rel=0.1)


@pytest.mark.parametrize("fps", [5, 15, 60])
def test_pictures_that_come_less_often_get_more(fps: int) -> None:
    encoder = Encoder()
    for _ in range(fps * 10):
        encoder.picture(Scene(unforeseen=1.0), seconds=1 / fps)
    assert sum(encoder.sizes[fps * 5 :]) / 5 == pytest.approx(2_000_000, rel=0.05)


@given(
    st.lists(
        st.tuples(
            st.floats(0.1, 255),
            st.floats(0, 1),
            st.floats(0.0001, 3600),
            st.booleans(),
            st.integers(8, 100_000_000),
            st.integers(30_000, 20_000_000),
        ),
        max_size=30,
    )
)
def test_whatever_comes_a_quantiser_is_chosen(
    pictures: list[tuple[float, float, float, bool, int, int]],
) -> None:
    rate = RateControl(2_000_000, MACROBLOCKS)
    for detail, new, seconds, keyframe, bits, bitrate_bps in pictures:
        assert FINEST <= rate.quantiser(Look(detail, new), seconds, keyframe=keyframe) <= COARSEST
        rate.spent(bits)
        rate.follow(bitrate_bps)
