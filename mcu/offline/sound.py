"""The mix of all actors, 20 ms at a time, and who speaks."""

from collections.abc import Sequence
from dataclasses import replace

from mcu.audio.aac import AacEncoder
from mcu.audio.mixer import CHANNELS
from mcu.audio.mixing import Limiter, level_dbfs, mix
from mcu.audio.samples import silence
from mcu.audio.speakers import Selection, SpeakerSelector
from mcu.media import SAMPLE_RATE_HZ, SAMPLES_PER_TICK, EncodedFrame
from mcu.offline.performer import Performer


class SoundMix:
    """Everybody is heard all the time; live, only those are who speak.

    Args:
        performers: whom to mix.
    """

    def __init__(self, performers: Sequence[Performer]) -> None:
        self.selection = Selection()
        self._performers = performers
        self._selector = SpeakerSelector(max_talkers=max(1, len(performers)))
        self._limiter = Limiter()
        self._encoder = AacEncoder(CHANNELS)
        self._mixed = 0  # samples

    def until(self, time_us: int) -> list[EncodedFrame]:
        """Mix on to ``time_us`` or a little further."""
        units: list[EncodedFrame] = []
        while self._mixed * 1_000_000 < time_us * SAMPLE_RATE_HZ:
            now_us = self._mixed * 1_000_000 // SAMPLE_RATE_HZ
            blocks = {p.actor.id: p.sound(self._mixed, SAMPLES_PER_TICK) for p in self._performers}
            levels = {
                p.actor.id: p.level_dbov(now_us, level_dbfs(blocks[p.actor.id]))
                for p in self._performers
                if p.since_us(now_us) is not None
            }
            self.selection = self._selector.update(now_us, levels)
            full, _ = self._limiter.limit(mix(blocks, CHANNELS)[0], {})
            units += self._encoder.encode(self._mixed, full)
            self._mixed += SAMPLES_PER_TICK
        return units

    def finish(self, time_us: int) -> list[EncodedFrame]:
        """The last access units, up to ``time_us`` exactly, which was the last time asked for."""
        end = time_us * SAMPLE_RATE_HZ // 1_000_000
        units: list[EncodedFrame] = []
        while not units or units[-1].pts + units[-1].duration < end:
            units += self._encoder.encode(self._mixed, silence(CHANNELS))
            self._mixed += SAMPLES_PER_TICK
        return [replace(unit, duration=min(unit.duration, end - unit.pts)) for unit in units if unit.pts < end]
