"""Our loudness measure against FFmpeg's ebur128 filter."""

from fractions import Fraction

import av
import numpy as np
import pytest

from mcu.audio.loudness import LoudnessGain, LoudnessMeter
from mcu.media import Samples
from tests.unit.audio.speech import speech

pytestmark = [pytest.mark.media, pytest.mark.beside]

_AT = np.arange(6 * 48_000) / 48_000
_NOISE = np.random.default_rng(1).standard_normal((6 * 48_000, 2))


def ebur128(sound: Samples) -> float:
    """Integrated loudness by FFmpeg, of shape (samples, channels)."""
    layout = "mono" if sound.shape[1] == 1 else "stereo"
    graph = av.filter.Graph()
    source = graph.add_abuffer(sample_rate=48_000, format="flt", layout=layout, time_base=Fraction(1, 48_000))
    measure = graph.add("ebur128", "metadata=1")
    sink = graph.add("abuffersink")
    source.link_to(measure)
    measure.link_to(sink)
    graph.configure()
    loudness = float("nan")
    for start in range(0, len(sound) // 4_800 * 4_800, 4_800):
        packed = np.ascontiguousarray(sound[start : start + 4_800].reshape(1, -1), np.float32)
        frame = av.AudioFrame.from_ndarray(packed, "flt", layout)
        frame.sample_rate, frame.pts, frame.time_base = 48_000, start, Fraction(1, 48_000)
        source.push(frame)
        while True:
            try:
                loudness = float(sink.pull().metadata["lavfi.r128.I"])
            except av.BlockingIOError:
                break
    return loudness


@pytest.mark.parametrize(
    "sound",
    [
        0.1 * np.sin(2 * np.pi * 50 * _AT)[:, np.newaxis],
        0.1 * np.sin(2 * np.pi * 997 * _AT)[:, np.newaxis],
        0.1 * np.sin(2 * np.pi * 8_000 * _AT)[:, np.newaxis],
        0.05 * _NOISE[:, :1],
        0.05 * _NOISE,
        np.concatenate([0.05 * _NOISE, 0.0005 * _NOISE, 0.02 * _NOISE]),
    ],
    ids=["50 Hz", "997 Hz", "8 kHz", "noise", "stereo noise", "loud, soft, middle"],
)
def test_loudness_is_what_ffmpeg_measures(sound: Samples) -> None:
    meter = LoudnessMeter()
    for start in range(0, len(sound), 960):
        meter.add(np.asarray(sound[start : start + 960], np.float32))
    assert meter.loudness_lufs == pytest.approx(ebur128(sound), abs=0.1)


def test_the_loudness_of_speech_is_what_ffmpeg_measures() -> None:
    sound, meter = speech()[:, np.newaxis], LoudnessMeter()
    for start in range(0, len(sound), 960):
        meter.add(sound[start : start + 960])
    assert meter.loudness_lufs == pytest.approx(ebur128(sound), abs=0.1)


@pytest.mark.parametrize("voice", ["en-us", "en-us+f3"])
@pytest.mark.parametrize("rms_dbfs", [-34.0, -26.0, -16.0])
def test_speech_comes_to_the_target_as_ffmpeg_measures_it(voice: str, rms_dbfs: float) -> None:
    sound = np.tile(speech(voice=voice, rms_dbfs=rms_dbfs), 2)[:, np.newaxis]
    control = LoudnessGain()
    gain = [control.update(sound[start : start + 960]) for start in range(0, len(sound), 960)]
    evened = sound * np.repeat(10 ** (np.array(gain) / 20), 960)[:, np.newaxis].astype(np.float32)
    assert ebur128(evened[len(evened) // 2 :]) == pytest.approx(-23, abs=1)
