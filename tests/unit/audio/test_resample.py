import numpy as np
import pytest

from mcu.audio.resample import TAPS, Downsampler, Upsampler
from mcu.media import Samples

pytestmark = pytest.mark.unit


def _tone(rate_hz: int, frequency_hz: float) -> Samples:
    return np.asarray(np.sin(2 * np.pi * frequency_hz * np.arange(rate_hz) / rate_hz), np.float32)


@pytest.mark.parametrize("rate_hz", [8_000, 16_000])
def test_there_and_back_is_the_same_tone_later(rate_hz: int) -> None:
    up, down = Upsampler(rate_hz), Downsampler(rate_hz)
    tone = _tone(rate_hz, 1_000)
    block = rate_hz // 50
    back = np.concatenate([down.process(up.process(tone[n : n + block])) for n in range(0, rate_hz, block)])
    delay = TAPS - 1  # samples of the lower rate: half a filter each way
    assert np.abs(back[200:] - np.sin(2 * np.pi * 1_000 * (np.arange(200, rate_hz) - delay) / rate_hz)).max() < 0.03


@pytest.mark.parametrize("blocks", [[960] * 10, [480, 1440, 960, 6 * 100, 6 * 1, 6 * 999]])
def test_any_cutting_into_blocks_gives_the_same(blocks: list[int]) -> None:
    tone = _tone(48_000, 440)
    whole = Downsampler(8_000).process(tone[: sum(blocks)])
    parts, pieces, position = Downsampler(8_000), [], 0
    for size in blocks:
        pieces.append(parts.process(tone[position : position + size]))
        position += size
    assert np.allclose(np.concatenate(pieces), whole, atol=1e-6)


@pytest.mark.parametrize("rate_hz", [8_000, 16_000])
def test_what_does_not_fit_the_lower_rate_does_not_fold_back(rate_hz: int) -> None:
    folded = Downsampler(rate_hz).process(_tone(48_000, rate_hz * 0.7))
    assert np.abs(folded[200:]).max() < 0.01


@pytest.mark.parametrize("rate_hz", [8_000, 16_000])
def test_upsampling_adds_no_images(rate_hz: int) -> None:
    wide = Upsampler(rate_hz).process(_tone(rate_hz, 1_000))[4_800:43_200]
    spectrum = np.abs(np.fft.rfft(wide * np.hanning(len(wide))))
    hertz = np.fft.rfftfreq(len(wide), 1 / 48_000)
    assert spectrum[hertz > rate_hz / 2 + 600].max() < spectrum.max() / 300
