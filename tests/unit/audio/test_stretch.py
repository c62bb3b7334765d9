import numpy as np
import pytest

from mcu.audio import stretch
from mcu.media import Samples
from tests.unit.audio.stream import largest_step

pytestmark = pytest.mark.unit


def _voice(samples: int, pitch_hz: float = 140.0) -> Samples:
    """Something like a vowel: harmonics of a pitch."""
    seconds = np.arange(samples) / 48_000
    wave = sum(0.3 / k * np.sin(2 * np.pi * k * pitch_hz * seconds + k) for k in range(1, 6))
    return np.asarray(wave, np.float32)[:, np.newaxis]


def test_shortening_leaves_out_whole_pitch_periods() -> None:
    shorter, lag = stretch.shorten(_voice(4_800))
    assert len(shorter) == 4_800 - lag
    assert lag % (48_000 / 140) == pytest.approx(0, abs=2) or lag == pytest.approx(48_000 / 140 * 2, abs=2)
    assert largest_step(shorter[:, 0]) < 2 * largest_step(_voice(4_800)[:, 0])


def test_lengthening_repeats_whole_pitch_periods() -> None:
    voice = _voice(4_800)
    longer, lag = stretch.lengthen(voice[:1_440], voice[1_440:])
    assert len(longer) == 4_800 - 1_440 + lag
    joined = np.concatenate([voice[:1_440], longer])[:, 0]
    assert largest_step(joined) < 2 * largest_step(voice[:, 0])


@pytest.mark.parametrize("trim", [-8, -1, 1, 8])
@pytest.mark.parametrize("frequency_hz", [300, 1_000, 5_000])
def test_resampling_in_blocks_is_one_smooth_tone(trim: int, frequency_hz: int) -> None:
    sound = np.sin(2 * np.pi * frequency_hz * np.arange(48_000) / 48_000).astype(np.float32)[:, np.newaxis]
    position, blocks = 960, []
    for _ in range(40):
        blocks.append(stretch.resample(sound[:position], sound[position:], trim))
        position += 960 + trim
    out = np.concatenate(blocks)[:, 0]
    at = 960 + np.arange(len(out)) * (960 + trim) / 960
    true = np.sin(2 * np.pi * frequency_hz * at / 48_000)
    assert np.abs(out - true).max() < 0.003


def test_stereo_stays_stereo() -> None:
    left = _voice(4_800)
    both = np.concatenate([left, -left], axis=1)
    for out in (stretch.shorten(both)[0], stretch.lengthen(both[:1_440], both)[0], stretch.resample(both, both, 2)):
        assert np.allclose(out[:, 0], -out[:, 1], atol=1e-6)
