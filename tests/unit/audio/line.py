"""Real Opus through a network and the mixer, on virtual time: what does a listener hear?"""

import heapq
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import numpy as np

from mcu.audio.mixer import AudioMixer, MixedBlock
from mcu.audio.mixing import level_dbfs
from mcu.audio.opus import OpusDecoder, OpusEncoder
from mcu.clock import MediaClock
from mcu.media import AudioCodec, AudioUnit, Samples
from mcu.sync import LipSync

Network = Callable[[int], float | None]  # number of the packet -> how long it takes in ms, None when it is lost
NETWORK_MS = 20.0


def clean(_number: int) -> float:
    return NETWORK_MS


def random_loss(share: float, seed: int = 7) -> Network:
    rng = np.random.default_rng(seed)
    lost = rng.random(100_000) < share
    return lambda n: None if lost[n] else NETWORK_MS


def bursts(share: float, length: float, seed: int = 7) -> Network:
    """Gilbert's model: the mean loss and the mean length of a burst in packets."""
    rng = np.random.default_rng(seed)
    ends, begins = 1 / length, share / (1 - share) / length
    lost, states = False, []
    for draw in rng.random(100_000):
        lost = draw >= ends if lost else draw < begins
        states.append(lost)
    return lambda n: None if states[n] else NETWORK_MS


def spoken_packets(  # noqa: PLR0913 - what a sender and its network may differ in
    sound: Samples,
    network: Network = clean,
    *,
    drift_ppm: float = 0.0,
    loss_percent: int = 10,
    start_us: int = 0,
    levels: bool = True,
    dtx: int | None = None,
) -> Iterable[AudioUnit]:
    """What arrives of ``sound``, shape (samples,) or (samples, channels), sent as a browser does: Opus with FEC.

    Of each run of empty DTX packets the first ``dtx`` are sent (WebRTC: one); None switches DTX off.
    """
    frames = sound.reshape(len(sound), -1)
    channels = frames.shape[1]
    encoder = OpusEncoder(
        channels=channels,
        loss_percent=loss_percent,
        complexity=9,
        bitrate_bps=32_000 * channels,
        dtx=dtx is not None,
    )
    sequence, paused = -1, 0
    for n in range(len(frames) // 960):
        block = frames[n * 960 : (n + 1) * 960]
        data = encoder.encode(block)
        held_ms = network(n)
        pausing = len(data) <= 2
        if pausing and dtx is not None and paused >= dtx:
            continue
        paused = paused + 1 if pausing else 0
        sequence += 1
        if held_ms is None:
            continue
        captured_us = start_us + round(n * 20_000 / (1 + drift_ppm * 1e-6))
        arrival_us = captured_us + 20_000 + round(held_ms * 1000)
        level = min(127, round(-level_dbfs(block))) if levels else None
        yield AudioUnit(AudioCodec.OPUS, data, sequence, n * 960, arrival_us, captured_us, level)


@dataclass
class Listener:
    """A mixer with senders and one who only listens; ``line`` tells which blocks of the mix do not reach him."""

    channels: int = 1
    even_loudness: bool = True
    line: Network = clean
    blocks: list[MixedBlock] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.now_us = 0
        self.mixer = AudioMixer(
            MediaClock(0, 0, lambda: self.now_us * 1000),
            self,
            channels=self.channels,
            even_loudness=self.even_loudness,
        )
        self.mixer.add("listener", LipSync(), codec_out=AudioCodec.OPUS)
        self._queue: list[tuple[int, int, str, AudioUnit]] = []
        self._inputs: dict[str, Callable[[AudioUnit], None]] = {}
        self._tick = 0
        self._sent: list[bytes] = []

    def write(self, block: MixedBlock) -> None:
        self._sent.append(block.shared[AudioCodec.OPUS])

    def send(self, who: str, units: Iterable[AudioUnit], sync: LipSync | None = None) -> None:
        """These packets of ``who`` will arrive; who is new joins."""
        if who not in self._inputs:
            self._inputs[who] = self.mixer.add(who, sync or LipSync(), codec_out=None).push
        for unit in units:
            heapq.heappush(self._queue, (unit.arrival_us, len(self._queue), who, unit))

    def leave(self, who: str) -> None:
        self.mixer.remove(who)
        del self._inputs[who]

    def run(self, until_s: float, each: Callable[[int], None] = lambda _now_us: None) -> None:
        """Tick on, and call ``each`` after every tick."""
        while self.now_us < until_s * 1e6:
            self._tick += 1
            self.now_us = self._tick * 20_000
            while self._queue and self._queue[0][0] <= self.now_us:
                _, _, who, unit = heapq.heappop(self._queue)
                if who in self._inputs:
                    self._inputs[who](unit)
            self.mixer.tick(self._tick)
            each(self.now_us)

    @property
    def heard(self) -> Samples:
        """All that came out, by media time: sample 0 is media time 0. What is lost comes from FEC, or is made up."""
        heard = [np.zeros((960, self.channels), np.float32)]  # tick 0 does not happen
        decoder = OpusDecoder(self.channels)
        for number, packet in enumerate(self._sent):
            if self.line(number) is not None:
                heard.append(decoder.decode(packet))
                continue
            told_again = None
            if number + 1 < len(self._sent) and self.line(number + 1) is not None:
                told_again = decoder.recover(self._sent[number + 1], 960)
            heard.append(decoder.conceal(960) if told_again is None else told_again)
        return np.concatenate(heard)
