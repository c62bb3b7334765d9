import math
from collections.abc import Callable

import numpy as np
import pytest

from mcu.audio import stretch
from mcu.audio.mixing import Limiter, level_dbfs, mix, ramp
from mcu.audio.samples import energy, joined, peak, piecewise, silence
from mcu.media import Samples
from tests.unit.audio.interpreter import rival

pytestmark = pytest.mark.unit


def noise(samples: int, channels: int, seed: int = 1) -> Samples:
    return np.random.default_rng(seed).normal(0, 1, (samples, channels)).astype(np.float32)


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("samples", [0, 1, 479, 480, 481, 960, 5_760])
def test_pieces_make_up_the_whole(samples: int, channels: int) -> None:
    block, line = noise(samples, channels), noise(samples, 1, seed=2)
    assert np.array_equal(piecewise(np.multiply, block, line), block * line)
    assert np.array_equal(joined(block, block[: samples // 3]), np.concatenate([block, block[: samples // 3]]))
    assert energy(block) == pytest.approx(float((block.astype(float) ** 2).sum()), rel=1e-5)
    assert peak(block) == float(np.abs(block).max(initial=0))
    assert np.array_equal(silence(channels, samples), np.zeros((samples, channels)))


def test_backwards_is_joined_backwards() -> None:
    block = noise(960, 2)
    assert np.array_equal(joined(block[::-1], block), np.concatenate([block[::-1], block]))


def test_energy_tells_of_numbers_that_are_none() -> None:
    block = noise(960, 1)
    block[700] = np.nan
    assert not math.isfinite(energy(block))


WORK: dict[str, Callable[[Samples], object]] = {
    "ramp": lambda block: ramp(block, 0.2, 0.9),
    "gain": lambda block: ramp(block, 0.5, 0.5),
    "level": level_dbfs,
    "joined": lambda block: joined(block, block),
    "silence": lambda block: silence(block.shape[1]),
    "mix": lambda block: mix(dict.fromkeys("abc", block), block.shape[1]),
    "limiter": lambda block: Limiter().limit(block, {"a": block}),
    "resampling": lambda block: stretch.resample(block, joined(block, block), 3),
    "cut": lambda block: stretch.cut(joined(block, block), 700),
}


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("name", WORK)
def test_work_on_blocks_keeps_the_interpreter(name: str, channels: int) -> None:
    block, work = noise(960, channels), WORK[name]
    work(block)  # tables are made
    with rival() as other:
        turns = other.turns
        for _ in range(500):
            work(block)
        assert other.turns == turns


def test_large_operations_do_not() -> None:
    """Else the test above could not fail."""
    block = noise(960, 1)
    with rival() as other:
        turns = other.turns
        while other.turns == turns:  # which may take long where others want the processor, too
            np.multiply(block, 0.5)
