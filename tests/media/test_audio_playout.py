"""The playout buffer with the real Opus: what loss, jitter and drift sound like."""

from collections.abc import Iterator

import numpy as np
import pytest

from mcu.audio.codecs import make_encoder
from mcu.audio.opus import OpusDecoder, has_fec
from mcu.audio.playout import Playout
from mcu.media import AudioCodec, AudioUnit, Samples
from tests.unit.audio.stream import delayed, largest_step, listen, packets

pytestmark = [pytest.mark.media, pytest.mark.beside]


def _vowel(seconds: float) -> Samples:
    """A pitch with its harmonics that swells four times a second."""
    at = np.arange(round(seconds * 48_000)) / 48_000
    wave = sum(0.2 / k * np.sin(2 * np.pi * k * 150 * at + k) for k in range(1, 8))
    return np.asarray(wave * (0.6 + 0.4 * np.sin(2 * np.pi * 4 * at)), np.float32)[:, np.newaxis]


def _sent(seconds: float, *, fec: bool, drift_ppm: float = 0) -> Iterator[AudioUnit]:
    encoder = make_encoder(AudioCodec.OPUS)
    encoder.expect_loss(15 if fec else 0)
    sound = _vowel(seconds)
    for n, unit in enumerate(packets(seconds, drift_ppm=drift_ppm)):
        data = encoder.encode(sound[n * 960 : (n + 1) * 960])
        yield AudioUnit(unit.codec, data, unit.sequence, unit.rtp_time, unit.arrival_us, unit.capture_us)


def _envelope(sound: Samples) -> Samples:
    blocks = sound[: len(sound) // 480 * 480].reshape(-1, 480)
    return np.asarray(np.sqrt((blocks**2).mean(axis=1)), np.float32)


def _decoder_alone(sent: list[AudioUnit], lost: set[int], *, fec: bool) -> Samples:
    """What libopus makes of the same loss when nothing else is in the way."""
    decoder, parts = OpusDecoder(), []
    for n, unit in enumerate(sent):
        recovered = None
        if n in lost and fec and n + 1 not in lost and n + 1 < len(sent):
            recovered = decoder.recover(sent[n + 1].data, 960)
        if recovered is not None:
            parts.append(recovered)
        else:
            parts.append(decoder.conceal(960) if n in lost else decoder.decode(unit.data))
    return np.concatenate(parts)[:, 0]


@pytest.mark.parametrize("fec", [False, True])
def test_five_percent_of_loss_sounds_as_good_as_libopus_makes_it(*, fec: bool) -> None:
    rng = np.random.default_rng(2)
    lost = {n for n in range(50, 1000) if rng.random() < 0.05}
    sent = list(_sent(20, fec=fec))
    line = delayed(sent, lambda n: None if n in lost else 5 + 10 * rng.random())
    buffer, heard = listen(line, 20, playout=Playout())
    alone, sound = _decoder_alone(sent, lost, fec=fec)[48_000:], heard.sound[48_000:]
    assert _envelope(sound).min() > 0.5 * _envelope(alone).min()
    assert _envelope(sound).mean() == pytest.approx(_envelope(alone).mean(), rel=0.05)
    assert largest_step(sound) < 2 * largest_step(alone)
    assert buffer.stats.lost + buffer.stats.fec_recovered == pytest.approx(len(lost), abs=2)
    copies = [n for n in lost if n + 1 not in lost and has_fec(sent[n + 1].data)]
    assert bool(copies) == fec
    assert buffer.stats.fec_recovered >= len(copies) - 1  # the buffer makes room for the next packet at the first loss


def test_jitter_and_drift_leave_the_sound_whole() -> None:
    rng = np.random.default_rng(4)
    sent = list(_sent(15, fec=False, drift_ppm=200))
    buffer, heard = listen(delayed(sent, lambda _: rng.uniform(0, 60)), 15, playout=Playout())
    clean = listen(list(_sent(15, fec=False)), 15, playout=Playout())[1].sound[96_000:]
    sound = heard.sound[96_000:]
    assert largest_step(sound) < 3 * largest_step(clean)
    assert _envelope(sound).min() > 0.25 * _envelope(clean).min()
    assert buffer.stats.late < 0.03 * buffer.stats.received


def test_a_long_hole_fades_to_silence_and_comes_back_softly() -> None:
    sent = list(_sent(6, fec=False))
    _, heard = listen(delayed(sent, lambda n: None if 150 <= n < 200 else 5), 6, playout=Playout())
    clean = listen(sent, 6, playout=Playout())[1].sound[48_000:]
    sound = heard.sound
    assert np.abs(sound[int(3.4 * 48_000) : int(3.9 * 48_000)]).max() == 0
    assert largest_step(sound[48_000:]) < 3 * largest_step(clean)
    assert _envelope(sound[int(4.3 * 48_000) :]).min() > 0.02


def test_a_silent_microphone_is_known_to_its_decoder_when_it_speaks() -> None:
    """Who was not decoded before comes in as if he always had been."""
    sent = list(_sent(3, fec=False))
    buffer = Playout()
    _, always = listen(sent, 3, playout=Playout())
    queue = list(sent)
    blocks = []
    for tick in range(150):
        now_us = tick * 20_000 + 7_000
        while queue and queue[0].arrival_us <= now_us:
            buffer.push(queue.pop(0))
        blocks.append(buffer.pull(now_us, decode=tick >= 100).samples)
    late = np.concatenate(blocks)[:, 0]
    assert not late[: 100 * 960].any()
    head = slice(101 * 960, 103 * 960)  # the first block is under the mixer's ramp
    assert _envelope(late[head]) == pytest.approx(_envelope(always.sound[head]), rel=0.35)
    assert largest_step(late[101 * 960 :]) < 3 * largest_step(always.sound[101 * 960 :])
