from fractions import Fraction
from itertools import pairwise

import av
import numpy as np
import pytest

from mcu.audio.aac import AacEncoder
from mcu.media import AudioCodec, EncodedFrame, Samples

pytestmark = [pytest.mark.media, pytest.mark.beside]


def _encode(sound: Samples, first_pts: int, *, without: range = range(0)) -> list[EncodedFrame]:
    encoder = AacEncoder(sound.shape[1])
    units: list[EncodedFrame] = []
    for n in range(len(sound) // 960):
        if n not in without:
            units += encoder.encode(first_pts + n * 960, sound[n * 960 : (n + 1) * 960])
    return units


def _decode(units: list[EncodedFrame], channels: int) -> Samples:
    """All samples by FFmpeg's decoder; the first one is at the first unit's pts."""
    decoder = av.CodecContext.create("aac", "r")
    decoder.extradata = units[0].config
    decoder.sample_rate = 48_000
    decoder.layout = "mono" if channels == 1 else "stereo"
    parts = []
    for unit in units:
        packet = av.Packet(unit.data)
        packet.pts, packet.time_base = unit.pts, Fraction(1, 48_000)
        parts += [frame.to_ndarray().T for frame in decoder.decode(packet)]
    return np.concatenate(parts).astype(np.float32)


def _click_at(sample: int, samples: int, channels: int = 1) -> Samples:
    """Silence with a short burst of a tone that begins at ``sample``."""
    sound = np.zeros((samples, channels), np.float32)
    length = 480
    sound[sample : sample + length] = 0.5 * np.sin(2 * np.pi * 3_000 * np.arange(length) / 48_000)[:, np.newaxis]
    return sound


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("first_pts", [960, 960 * 12_345])
def test_sound_stands_where_its_pts_says(channels: int, first_pts: int) -> None:
    units = _encode(_click_at(30_000, 96_000, channels), first_pts)
    sound = np.abs(_decode(units, channels)).max(axis=1)
    begins = units[0].pts + int(np.flatnonzero(sound > 0.2)[0])
    assert begins == pytest.approx(first_pts + 30_000, abs=24)  # half a millisecond


def test_access_units_follow_each_other_without_a_gap() -> None:
    units = _encode(_click_at(0, 96_000), 4_800)
    assert units[0].pts == 4_800 - 1_024  # the encoder's priming comes before the first sample
    assert {b.pts - a.pts for a, b in pairwise(units)} == {1_024}
    assert {(u.codec, u.clock_rate_hz, u.duration, u.keyframe) for u in units} == {
        (AudioCodec.AAC, 48_000, 1_024, True)
    }


def test_skipped_ticks_are_silence_not_a_shift() -> None:
    units = _encode(_click_at(60_000, 96_000), 0, without=range(10, 30))
    sound = np.abs(_decode(units, 1)[:, 0])
    assert units[0].pts + int(np.flatnonzero(sound > 0.2)[0]) == pytest.approx(60_000, abs=24)


def test_a_tone_stays_a_tone() -> None:
    wave = (0.3 * np.sin(2 * np.pi * 440 * np.arange(96_000) / 48_000)).astype(np.float32)[:, np.newaxis]
    sound = _decode(_encode(wave, 0), 1)[9_600:86_400, 0]
    power = np.abs(np.fft.rfft(sound * np.hanning(len(sound)))) ** 2
    hertz = np.fft.rfftfreq(len(sound), 1 / 48_000)
    near = np.abs(hertz - 440) < 10
    assert 10 * np.log10(power[near].sum() / power[~near].sum()) > 30


@pytest.mark.parametrize(("channels", "config_start"), [(1, 0x1188), (2, 0x1190)])
def test_the_configuration_is_raw_aac_lc(channels: int, config_start: int) -> None:
    units = _encode(_click_at(0, 9_600, channels), 0)
    # ISO/IEC 14496-3 1.6.2.1: object type 2 (LC), frequency index 3 (48 kHz), channel configuration
    assert int.from_bytes(units[0].config[:2]) == config_start
    assert not any(unit.data.startswith(b"\xff\xf1") for unit in units)  # no ADTS header
