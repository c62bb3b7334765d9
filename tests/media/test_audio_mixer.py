"""The mixer as it runs: its own thread, Opus at both ends, and the recording's AAC."""

import threading
import time
from itertools import pairwise

import numpy as np
import pytest

from mcu.audio.codecs import make_decoder, make_encoder
from mcu.audio.mixer import AudioMixer, MixedBlock
from mcu.clock import MediaClock
from mcu.media import AudioCodec, AudioUnit, Samples
from mcu.sync import LipSync

pytestmark = pytest.mark.media

TONES_HZ = {"a": 440.0, "b": 660.0, "c": 880.0}


class Collector:
    """Keeps what everybody is sent."""

    def __init__(self) -> None:
        self.blocks: list[MixedBlock] = []

    def write(self, block: MixedBlock) -> None:
        self.blocks.append(block)

    def heard(self, who: str) -> Samples:
        decoder = make_decoder(AudioCodec.OPUS)
        packets = [block.own.get(who) or block.shared[AudioCodec.OPUS] for block in self.blocks]
        return np.concatenate([decoder.decode(packet) for packet in packets])[:, 0]


def _send(mixer: AudioMixer, clock: MediaClock, seconds: float) -> None:
    """Everybody sends his tone in real time."""
    inputs = {who: mixer.add(who, LipSync(), codec_out=AudioCodec.OPUS) for who in TONES_HZ}
    encoders = {who: make_encoder(AudioCodec.OPUS) for who in TONES_HZ}
    began_us = clock.now_us()
    for n in range(round(seconds * 50)):
        at = (n * 960 + np.arange(960)) / 48_000
        for who, frequency_hz in TONES_HZ.items():
            block = (0.14 * np.sin(2 * np.pi * frequency_hz * at)).astype(np.float32)[:, np.newaxis]
            unit = AudioUnit(
                AudioCodec.OPUS, encoders[who].encode(block), n, n * 960, clock.now_us(), began_us + n * 20_000, 20
            )
            inputs[who].push(unit)
        time.sleep(max(0.0, (began_us + (n + 1) * 20_000 - clock.now_us()) / 1e6))


def _strength_db(sound: Samples, frequency_hz: float) -> float:
    power = np.abs(np.fft.rfft(sound * np.hanning(len(sound)))) ** 2
    hertz = np.fft.rfftfreq(len(sound), 1 / 48_000)
    return float(10 * np.log10(power[np.abs(hertz - frequency_hz) < 20].sum() + 1e-9))


def test_three_people_hear_each_other_and_not_themselves() -> None:
    clock, output = MediaClock(), Collector()
    mixer = AudioMixer(clock, output)
    recording = mixer.aac.subscribe(bound=500)
    mixer.start()
    try:
        _send(mixer, clock, 3)
    finally:
        mixer.stop()
    due = clock.now_us() / 20_000  # ticks; a loaded machine makes the three seconds longer
    for who, own_hz in TONES_HZ.items():
        sound = output.heard(who)[-48_000:]
        others = min(_strength_db(sound, hertz) for hertz in TONES_HZ.values() if hertz != own_hz)
        assert _strength_db(sound, own_hz) < others - 30
    numbers = mixer.metrics()
    assert numbers["tutti_audio_encoders"] == 3
    assert numbers["tutti_audio_tick_failures_total"] == 0
    assert numbers["tutti_audio_ticks_total"] + numbers["tutti_audio_ticks_skipped_total"] == pytest.approx(due, abs=4)
    units = recording.drain()
    assert len(units) == pytest.approx(due * 960 / 1_024, abs=5)
    assert all(b.pts - a.pts == 1_024 for a, b in pairwise(units))


def test_the_aac_encoder_runs_only_while_somebody_records() -> None:
    mixer = AudioMixer(MediaClock(), Collector())
    mixer.start()
    try:
        time.sleep(0.2)
        assert mixer.metrics()["tutti_audio_aac_encodes_total"] == 0
        subscription = mixer.aac.subscribe(bound=100)
        time.sleep(0.3)
        mixer.aac.unsubscribe(subscription)
        time.sleep(0.05)
        encoded = mixer.metrics()["tutti_audio_aac_encodes_total"]
        assert encoded > 5
        time.sleep(0.1)
        assert mixer.metrics()["tutti_audio_aac_encodes_total"] == encoded
    finally:
        mixer.stop()


def test_an_empty_room_sleeps_and_wakes() -> None:
    output = Collector()
    mixer = AudioMixer(MediaClock(), output)
    mixer.start()
    try:
        time.sleep(0.3)
        assert mixer.metrics()["tutti_audio_ticks_total"] <= 1
        mixer.add("a", LipSync(), codec_out=AudioCodec.OPUS)
        time.sleep(0.3)
        assert len(output.blocks) >= 10
        assert mixer.metrics()["tutti_audio_ticks_skipped_total"] < 5  # those slept through are not counted
        mixer.remove("a")
        time.sleep(0.1)
        asleep = len(output.blocks)
        time.sleep(0.2)
        assert len(output.blocks) == asleep
    finally:
        mixer.stop()


def test_stop_ends_the_thread_and_may_come_twice() -> None:
    mixer = AudioMixer(MediaClock(), Collector())
    mixer.stop()
    mixer = AudioMixer(MediaClock(), Collector())
    mixer.start()
    mixer.stop()
    mixer.stop()
    assert not any(thread.name == "audio-mixer" for thread in threading.enumerate())
