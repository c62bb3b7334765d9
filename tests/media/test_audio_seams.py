"""Whoever turns from listener to talker and back hears one Opus decoder fed by two encoders in turn: no click."""

import numpy as np
import pytest

from mcu.audio.codecs import make_decoder
from mcu.audio.outputs import Listener, Outputs
from mcu.media import AudioCodec, Samples

pytestmark = [pytest.mark.media, pytest.mark.beside]

_SECONDS = 4


def _chord(channels: int) -> Samples:
    """In stereo, a little to the left."""
    seconds = np.arange(_SECONDS * 48_000) / 48_000
    wave = 0.2 * np.sin(2 * np.pi * 440 * seconds) + 0.1 * np.sin(2 * np.pi * 1_330 * seconds + 1)
    return np.asarray(wave[:, np.newaxis] * [1.0, 0.5][:channels], np.float32)


def _hear(sound: Samples, *, switch_every_blocks: int | None, loss_percent: int) -> Samples:
    """What a listener hears who changes between the shared mix and a mix-minus that sounds the same."""
    channels = sound.shape[1]
    outputs, decoder, heard = Outputs(channels), make_decoder(AudioCodec.OPUS, channels), []
    listeners = {who: Listener(AudioCodec.OPUS, loss_percent) for who in ("turning", "listening")}
    for n in range(len(sound) // 960):
        block = sound[n * 960 : (n + 1) * 960]
        talks = switch_every_blocks is not None and (n // switch_every_blocks) % 2 == 1
        shared, own = outputs.encode(block, {"turning": block} if talks else {}, listeners)
        heard.append(decoder.decode(own["turning"] if talks else shared[AudioCodec.OPUS]))
    return np.concatenate(heard)[24_000:, -1]


def _outside_db(heard: Samples) -> float:
    """The loudest 20 ms of all that is neither of the two tones, against the tones."""
    size = 960
    frames = heard[: len(heard) // size * size].reshape(-1, size) * np.hanning(size)
    power = np.abs(np.fft.rfft(frames, axis=1)) ** 2
    hertz = np.fft.rfftfreq(size, 1 / 48_000)
    outside = (np.abs(hertz - 440) > 200) & (np.abs(hertz - 1_330) > 200)
    return float(10 * np.log10(power[:, outside].sum(axis=1).max() / power.sum(axis=1).mean()))


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("loss_percent", [0, 2, 10])  # CELT; hybrid with in-band FEC
def test_the_seam_is_no_louder_than_the_codecs_own_noise(loss_percent: int, channels: int) -> None:
    sound = _chord(channels)
    unbroken = _hear(sound, switch_every_blocks=None, loss_percent=loss_percent)
    switched = _hear(sound, switch_every_blocks=10, loss_percent=loss_percent)
    assert _outside_db(switched) < _outside_db(unbroken) + 3
    assert np.abs(np.diff(switched)).max() < 1.1 * np.abs(np.diff(sound[:, -1])).max()
    level = 20 * np.log10(switched.std() / unbroken.std())
    assert abs(level) < 0.5
