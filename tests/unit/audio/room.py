"""People around one mixer on virtual time, with G.711 at both ends: pure numpy, nearly transparent."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from mcu.audio import g711
from mcu.audio.codecs import NarrowDecoder
from mcu.audio.mixer import AudioMixer, MixedBlock, Speaking
from mcu.clock import MediaClock
from mcu.media import AudioCodec, AudioUnit, Samples
from mcu.sync import LipSync

Sound = Callable[[float], float]  # second -> amplitude of a voice


@dataclass
class Person:
    """Sends a tone whose amplitude changes over time and hears what the mixer gives him."""

    frequency_hz: float
    amplitude: Sound
    levels: bool = True  # whether the level extension is sent
    claims: int | None = None  # a level in place of the true one
    packets: list[bytes] = field(default_factory=list)

    def packet(self, number: int) -> tuple[bytes, int]:
        seconds = (number * 160 + np.arange(160)) / 8_000
        amplitude = np.array([self.amplitude(second) for second in seconds])
        sound = (amplitude * np.sin(2 * np.pi * self.frequency_hz * seconds)).astype(np.float32)
        power = float(np.mean(sound.astype(np.float64) ** 2))
        level = 127 if power == 0 else min(127, round(-10 * np.log10(power)))
        return g711.encode(AudioCodec.PCMU, sound), level if self.claims is None else self.claims

    def heard(self) -> Samples:
        decoder = NarrowDecoder(AudioCodec.PCMU, 1)
        return np.concatenate([decoder.decode(packet) for packet in self.packets])[:, 0]


class Room:
    """People around one mixer."""

    max_talkers = 6

    def __init__(self, **people: Person) -> None:
        self.now_us = 0
        self.people = people
        self.blocks: list[MixedBlock] = []
        self.told: list[tuple[float, Speaking]] = []
        self.mixer = AudioMixer(MediaClock(0, 0, lambda: self.now_us * 1000), self, max_talkers=self.max_talkers)
        self.mixer.on_speaking = lambda speaking: self.told.append((self.now_us / 1e6, speaking))
        self.inputs = {who: self.mixer.add(who, LipSync(), codec_out=AudioCodec.PCMU) for who in people}
        self._tick = 0

    def write(self, block: MixedBlock) -> None:
        self.blocks.append(block)
        for who, person in self.people.items():
            if who in self.inputs:
                person.packets.append(block.own.get(who) or block.shared[AudioCodec.PCMU])

    def run(self, seconds: float) -> None:
        for _ in range(round(seconds * 50)):
            self._tick += 1
            for who, person in self.people.items():
                if who in self.inputs:
                    data, level = person.packet(self._tick - 1)
                    self.inputs[who].push(
                        AudioUnit(
                            AudioCodec.PCMU,
                            data,
                            self._tick,
                            self._tick * 160,
                            self._tick * 20_000 + 4_000,
                            self._tick * 20_000,
                            level if person.levels else None,
                        )
                    )
            self.now_us = self._tick * 20_000 + 6_000
            self.mixer.tick(self._tick)


def strength(sound: Samples, frequency_hz: float) -> float:
    """Amplitude of a tone in ``sound``, by the power around its frequency."""
    window = np.hanning(len(sound))
    power = np.abs(np.fft.rfft(sound * window)) ** 2
    hertz = np.fft.rfftfreq(len(sound), 1 / 48_000)
    return float(np.sqrt(4 * power[np.abs(hertz - frequency_hz) < 20].sum() / len(sound) / (window**2).sum()))


def steady(amplitude: float) -> Sound:
    return lambda _: amplitude
