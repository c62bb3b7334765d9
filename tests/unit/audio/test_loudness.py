"""The slow gain of each voice: what it evens, and what it leaves alone."""

from collections.abc import Iterator

import numpy as np
import pytest

from mcu.audio.loudness import LoudnessGain, LoudnessMeter
from mcu.media import Samples

pytestmark = pytest.mark.unit


def blocks(sound: Samples) -> Iterator[Samples]:
    for start in range(0, len(sound) // 960 * 960, 960):
        yield sound[start : start + 960, np.newaxis]


def tone(hertz: float, amplitude: float, seconds: float) -> Samples:
    return np.asarray(amplitude * np.sin(2 * np.pi * hertz * np.arange(round(seconds * 48_000)) / 48_000), np.float32)


def noise(rms: float, seconds: float) -> Samples:
    return np.asarray(rms * np.random.default_rng(3).standard_normal(round(seconds * 48_000)), np.float32)


def voice(rms: float, seconds: float) -> Samples:
    """Hiss that swells from nothing four times a second, as syllables do."""
    at = np.arange(round(seconds * 48_000)) / 48_000
    return np.asarray(noise(rms, seconds) * (0.5 - 0.5 * np.cos(2 * np.pi * 4 * at)) ** 2 * 1.9, np.float32)


def gains(control: LoudnessGain, sound: Samples) -> list[float]:
    return [control.update(block) for block in blocks(sound)]


def loudness(sound: Samples, gain_db: float = 0.0) -> float:
    meter = LoudnessMeter()
    for block in blocks(sound):
        meter.add(block)
    return meter.loudness_lufs + gain_db


def test_the_reference_tone_has_its_nominal_loudness() -> None:
    """BS.1770-4: a sine of 997 Hz at full scale in one channel reads -3.01."""
    assert loudness(tone(997, 1.0, 3)) == pytest.approx(-3.01, abs=0.05)


SHELF = (1.53512485958697, -2.69169618940638, 1.19839281085285), (-1.69065929318241, 0.73248077421585)
HIGH_PASS = (1.0, -2.0, 1.0), (-1.99004745483398, 0.99007225036621)


def filtered(sound: Samples, forward: tuple[float, float, float], back: tuple[float, float]) -> Samples:
    """By one of the two filters of BS.1770-4, sample by sample."""
    out: list[float] = [0.0, 0.0]
    before = [0.0, 0.0, *sound.tolist()]
    for last, middle, new in zip(before, before[1:], before[2:], strict=False):
        out.append(forward[0] * new + forward[1] * middle + forward[2] * last - back[0] * out[-1] - back[1] * out[-2])
    return np.asarray(out[2:], np.float32)


@pytest.mark.parametrize("hertz", [60.0, 120.0, 3_000.0])
def test_sound_is_weighted_as_by_the_filters(hertz: float) -> None:
    sound = voice(0.05, 3) + tone(hertz, 0.05, 3)
    power = float(np.mean(filtered(filtered(sound, *SHELF), *HIGH_PASS) ** 2))
    assert loudness(sound) == pytest.approx(-0.691 + 10 * np.log10(power), abs=0.1)


@pytest.mark.parametrize("rms", [0.02, 0.03, 0.1, 0.2])
def test_voices_come_to_one_loudness(rms: float) -> None:
    sound = voice(rms, 12)
    last = gains(LoudnessGain(), sound)[-1]
    assert loudness(sound, last) == pytest.approx(-23, abs=1)


def test_the_gain_is_bounded() -> None:
    assert gains(LoudnessGain(), voice(0.006, 20))[-1] == pytest.approx(10, abs=0.2)
    assert gains(LoudnessGain(), voice(0.9, 20))[-1] == pytest.approx(-12, abs=0.2)


def test_the_gain_moves_slowly() -> None:
    moving = gains(LoudnessGain(), voice(0.01, 8))
    assert max(abs(step) for step in np.diff(moving)) <= 3 / 50 + 1e-9
    assert not any(moving[:40])  # the first words say too little


@pytest.mark.parametrize(
    "sound",
    [
        tone(440, 0.01, 20),
        tone(440, 0.9, 20),
        noise(0.01, 20),
        noise(0.3, 20),
        np.concatenate([np.concatenate([tone(1000, 0.02, 0.3), np.zeros(28_800, np.float32)]) for _ in range(20)]),
        np.zeros(480_000, np.float32),
    ],
    ids=["soft tone", "loud tone", "hiss", "loud noise", "beeps", "silence"],
)
def test_what_is_no_voice_is_left_alone(sound: Samples) -> None:
    assert max(abs(gain) for gain in gains(LoudnessGain(), sound)) < 0.1


def test_pauses_pump_nothing_up() -> None:
    control = LoudnessGain()
    evened = gains(control, voice(0.05, 12))[-1]
    assert gains(control, noise(0.0008, 60))[-1] == pytest.approx(evened, abs=0.5)


def test_a_fan_after_speech_goes_back_to_its_own_level() -> None:
    control = LoudnessGain()
    assert gains(control, voice(0.015, 12))[-1] > 6
    fan = gains(control, noise(0.02, 15))
    assert max(fan) < fan[0] + 0.5
    assert fan[-1] < 0.5


def test_stereo_is_measured_as_one_sound() -> None:
    mono, stereo = LoudnessMeter(), LoudnessMeter()
    for block in blocks(tone(997, 0.5, 2)):
        mono.add(block)
        stereo.add(np.repeat(block, 2, axis=1))
    assert stereo.loudness_lufs - mono.loudness_lufs == pytest.approx(3.01, abs=0.01)
