"""A synthetic sender, a network and a decoder of known behaviour for tests of the playout buffer, on virtual time."""

import heapq
import struct
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from mcu.audio.playout import Played, Playout
from mcu.errors import CodecError
from mcu.media import SAMPLE_RATE_HZ, AudioCodec, AudioUnit, Samples

_PAYLOAD = struct.Struct("!qi")
TICK_US = PACKET_US = 20_000
Sound = Callable[[npt.NDArray[np.float64]], npt.NDArray[np.float64]]  # stream time in seconds -> amplitude


def tone(frequency_hz: float = 440.0, amplitude: float = 0.3) -> Sound:
    return lambda seconds: np.asarray(amplitude * np.sin(2 * np.pi * frequency_hz * seconds))


class KnownDecoder:
    """A packet says which stretch of the sound it stands for; concealment is silence, recovery is exact."""

    def __init__(self, sound: Sound, *, fec: bool) -> None:
        self._sound = sound
        self._fec = fec
        self.decoded = 0

    def _stretch(self, start: int, samples: int) -> Samples:
        seconds = np.arange(start, start + samples) / SAMPLE_RATE_HZ
        return np.asarray(self._sound(seconds), np.float32)[:, np.newaxis]

    def duration(self, data: bytes) -> int:
        if len(data) < _PAYLOAD.size:
            raise CodecError("too short")
        return int(_PAYLOAD.unpack_from(data)[1])

    def decode(self, data: bytes) -> Samples:
        self.decoded += 1
        return self._stretch(*_PAYLOAD.unpack_from(data))

    def conceal(self, samples: int) -> Samples:
        return np.zeros((samples, 1), np.float32)

    def recover(self, following: bytes, samples: int) -> Samples | None:
        start, _ = _PAYLOAD.unpack_from(following)
        return self._stretch(start - samples, samples) if self._fec else None


@dataclass
class Heard:
    """All that came out, block by block."""

    now_us: list[int] = field(default_factory=list)
    played: list[Played] = field(default_factory=list)
    delay_ms: list[float] = field(default_factory=list)  # from capture to playout, of live blocks; else NaN

    @property
    def sound(self) -> Samples:
        return np.concatenate([block.samples for block in self.played])[:, 0]

    def delay_between(self, start_s: float, end_s: float) -> npt.NDArray[np.float64]:
        now = np.array(self.now_us) / 1e6
        chosen = np.array(self.delay_ms)[(now >= start_s) & (now < end_s)]
        return np.asarray(chosen[~np.isnan(chosen)])


def packets(  # noqa: PLR0913 - what a sender may differ in
    seconds: float,
    *,
    packet_ms: int = 20,
    first_rtp: int = 1_000_000,
    first_sequence: int = 100,
    drift_ppm: float = 0.0,
    level_dbov: int | None = None,
) -> list[AudioUnit]:
    """What a sender sends, with the time of sending in the place of arrival and of capture (of the last sample)."""
    samples = SAMPLE_RATE_HZ * packet_ms // 1000
    units = []
    for index in range(int(seconds * 1000 / packet_ms)):
        captured_us = round(index * packet_ms * 1000 / (1 + drift_ppm * 1e-6))
        units.append(
            AudioUnit(
                AudioCodec.OPUS,
                _PAYLOAD.pack(index * samples, samples),
                first_sequence + index,
                first_rtp + index * samples,
                captured_us + packet_ms * 1000,
                captured_us,
                level_dbov,
            )
        )
    return units


def delayed(units: Sequence[AudioUnit], delay_ms: Callable[[int], float | None]) -> Iterator[AudioUnit]:
    """Send each through a network that holds packet number ``n`` for ``delay_ms(n)``, or loses it (None)."""
    for number, unit in enumerate(units):
        held_ms = delay_ms(number)
        if held_ms is not None:
            yield AudioUnit(
                unit.codec,
                unit.data,
                unit.sequence,
                unit.rtp_time,
                unit.arrival_us + round(held_ms * 1000),
                unit.capture_us,
                unit.level_dbov,
            )


def listen(  # noqa: PLR0913 - what a listener may differ in
    units: Iterator[AudioUnit] | Sequence[AudioUnit],
    seconds: float,
    *,
    sound: Sound | None = None,
    fec: bool = False,
    playout: Playout | None = None,
    phase_us: int = 7_000,
    decode: bool = True,
) -> tuple[Playout, Heard]:
    """Bring the packets at their arrival times and pull every 20 ms."""
    decoder = KnownDecoder(sound or tone(), fec=fec)
    buffer = playout or Playout(make=lambda _codec, _channels: decoder)
    queue = [(unit.arrival_us, number, unit) for number, unit in enumerate(units)]
    heapq.heapify(queue)
    heard = Heard()
    for tick in range(int(seconds * 50)):
        now_us = tick * TICK_US + phase_us
        while queue and queue[0][0] <= now_us:
            buffer.push(heapq.heappop(queue)[2])
        played = buffer.pull(now_us, decode=decode)
        heard.now_us.append(now_us)
        heard.played.append(played)
        heard.delay_ms.append(np.nan if played.capture_us is None else (now_us - played.capture_us) / 1000)
    return buffer, heard


def largest_step(sound: Samples) -> float:
    """How far the sound jumps beyond its own slope: the largest third difference, in which a tone is tiny."""
    return float(np.abs(np.diff(sound, 3)).max())
