import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from mcu.audio.mixing import KNEE, Limiter, crossfade, level_dbfs, mix, ramp, soft_clip
from mcu.media import Samples

pytestmark = pytest.mark.unit

ROUNDING = np.finfo(np.float32).eps  # of a value near 1: numpy's tanh is off by as much where it is flat

blocks = arrays.arrays(np.float32, (960, 1), elements=st.floats(-4, 4, width=32))
quiet_blocks = arrays.arrays(np.float32, (960, 1), elements=st.floats(-0.25, 0.25, width=32))


def _tone(frequency_hz: float, amplitude: float = 0.3, samples: int = 48_000) -> Samples:
    wave = amplitude * np.sin(2 * np.pi * frequency_hz * np.arange(samples) / 48_000)
    return np.asarray(wave, np.float32)[:, np.newaxis]


@given(st.lists(blocks, min_size=1, max_size=4))
def test_nothing_ever_clips_or_wraps(sequence: list[Samples]) -> None:
    limiter = Limiter()
    for block in sequence:
        full, minus = limiter.limit(block, {"a": -block / np.float32(2)})
        for out in (full, minus["a"]):
            assert np.abs(out).max() <= 1
            assert (np.sign(out) * np.sign(block if out is full else -block) >= 0).all()


@given(quiet_blocks, quiet_blocks, quiet_blocks)
def test_below_the_knee_the_limiter_is_not_there(a: Samples, b: Samples, c: Samples) -> None:
    full, minus, peak = mix({"a": a, "b": b, "c": c}, 1)
    assert peak == max(np.abs(block).max() for block in (full, *minus.values()))
    limited, limited_minus = Limiter().limit(full, minus, peak)
    assert np.array_equal(limited, full)
    assert all(np.array_equal(limited_minus[who], minus[who]) for who in "abc")


@given(blocks)
def test_the_curve_keeps_order(block: Samples) -> None:
    flat = np.sort(block[:, 0])[:, np.newaxis]
    assert (np.diff(soft_clip(flat)[:, 0]) >= -ROUNDING).all()


def test_a_loud_mix_is_turned_down_without_distortion() -> None:
    limiter = Limiter()
    loud = _tone(440, 2.0)
    out = np.concatenate([limiter.limit(loud[n : n + 960], {})[0] for n in range(0, 48_000, 960)])
    steady = out[9_600:, 0]
    spectrum = np.abs(np.fft.rfft(steady * np.hanning(len(steady))))
    hertz = np.fft.rfftfreq(len(steady), 1 / 48_000)
    fundamental = spectrum[np.abs(hertz - 440) < 20].max()
    assert spectrum[np.abs(hertz - 440) > 20].max() < fundamental / 1000
    assert np.abs(steady).max() == pytest.approx(KNEE, rel=0.02)


def test_the_gain_comes_back_slowly() -> None:
    limiter = Limiter()
    limiter.limit(_tone(440, 3.0, 960), {})
    quiet = _tone(440, 0.1)
    gains = []
    for n in range(0, 48_000, 960):
        limiter.limit(quiet[n : n + 960], {})
        gains.append(limiter.gain)
    steps_db = np.diff(20 * np.log10(gains))
    assert steps_db.max() < 1.1
    assert gains[-1] == 1.0


def test_one_gain_serves_the_mix_and_every_mix_minus() -> None:
    a, b = _tone(440, 0.9, 960), _tone(660, 0.9, 960)
    full, minus, peak = mix({"a": a, "b": b}, 1)
    limiter = Limiter()
    for _ in range(3):  # until the gain stands
        limited, limited_minus = limiter.limit(full, minus, peak)
    assert limiter.gain < 1
    assert np.allclose(limited, full * limiter.gain, atol=1e-6)
    assert np.allclose(limited_minus["a"], b * limiter.gain, atol=1e-6)


def test_a_mix_minus_never_holds_its_owner() -> None:
    tones = {"a": _tone(440), "b": _tone(660), "c": _tone(880)}
    blocks_of = {who: tone.reshape(50, 960, 1) for who, tone in tones.items()}
    mixes = [mix({who: blocks_of[who][n] for who in "abc"}, 1)[1] for n in range(50)]
    for own in "abc":
        block = np.concatenate([minus[own] for minus in mixes])
        for who, frequency_hz in (("a", 440), ("b", 660), ("c", 880)):
            strength = np.abs(np.fft.rfft(block[:, 0]))[frequency_hz] / 24_000
            assert strength == pytest.approx(0.0 if who == own else 0.3, abs=1e-5)


def test_the_full_mix_of_nobody_is_silence() -> None:
    full, minus, peak = mix({}, 2)
    assert full.shape == (960, 2)
    assert not full.any()
    assert minus == {}
    assert peak == 0


def test_ramps_join_without_a_step() -> None:
    ones = np.ones((960, 1), np.float32)
    up, on, down = ramp(ones, 0, 1), ramp(ones, 1, 1), ramp(ones, 1, 0)
    joined = np.concatenate([np.zeros((1, 1), np.float32), up, on, down])
    assert np.abs(np.diff(joined[:, 0])).max() < 0.002
    assert (joined[0, 0], joined[-1, 0]) == (0, 0)


def test_levels_are_those_of_rfc_6464() -> None:
    assert level_dbfs(np.ones((960, 1), np.float32)) == 0
    assert level_dbfs(_tone(1000, 1.0, 960)) == pytest.approx(-3.01, abs=0.01)
    assert level_dbfs(np.zeros((960, 1), np.float32)) == -127
    assert level_dbfs(_tone(1000, 0.1, 960)) == pytest.approx(-23.01, abs=0.01)


def test_crossfade_of_equal_sounds_changes_nothing() -> None:
    sound = _tone(440, 0.5, 240)
    assert np.allclose(crossfade(sound, sound), sound)
