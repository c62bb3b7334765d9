import numpy as np
import pytest

from mcu.audio import g711
from mcu.media import AudioCodec, Samples

pytestmark = pytest.mark.unit

CODECS = [AudioCodec.PCMU, AudioCodec.PCMA]


@pytest.mark.parametrize(
    ("codec", "code", "linear"),
    [  # values of ITU-T G.711 tables 1 and 2, in 16-bit terms
        (AudioCodec.PCMU, 0xFF, 0),
        (AudioCodec.PCMU, 0x80, 32124),
        (AudioCodec.PCMU, 0x00, -32124),
        (AudioCodec.PCMU, 0xEF, 132),
        (AudioCodec.PCMA, 0xD5, 8),
        (AudioCodec.PCMA, 0x55, -8),
        (AudioCodec.PCMA, 0xAA, 32256),
        (AudioCodec.PCMA, 0x2A, -32256),
    ],
)
def test_known_codes(codec: AudioCodec, code: int, linear: int) -> None:
    assert g711.decode(codec, bytes([code]))[0] * 32768 == linear


@pytest.mark.parametrize("codec", CODECS)
def test_every_code_survives_a_round_trip(codec: AudioCodec) -> None:
    every = bytes(range(256))
    again = g711.decode(codec, g711.encode(codec, g711.decode(codec, every)))
    assert np.array_equal(again, g711.decode(codec, every))


@pytest.mark.parametrize("codec", CODECS)
def test_the_error_is_that_of_the_standard(codec: AudioCodec) -> None:
    sound: Samples = (0.5 * np.sin(2 * np.pi * 1_020 * np.arange(8_000) / 8_000)).astype(np.float32)
    error = g711.decode(codec, g711.encode(codec, sound)) - sound
    assert 10 * np.log10(np.mean(sound**2) / np.mean(error**2)) > 36  # ITU-T G.712 asks 33 dB


@pytest.mark.parametrize("codec", CODECS)
def test_beyond_full_scale_is_clipped_not_wrapped(codec: AudioCodec) -> None:
    loud = g711.decode(codec, g711.encode(codec, np.array([3.0, -3.0], np.float32)))
    assert loud[0] > 0.97
    assert loud[1] < -0.97
