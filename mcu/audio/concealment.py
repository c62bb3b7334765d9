"""What to make up for sound that is missing: the decoder's own concealment, trusted for a while, then faded away."""

from mcu.audio.codecs import Decoder
from mcu.audio.mixing import level_dbfs, ms, ramp
from mcu.audio.samples import joined, silence
from mcu.media import SAMPLE_RATE_HZ, Samples

_FADE_AFTER, _FADE_LENGTH = ms(60), ms(100)  # concealment is trusted for 60 ms, then it fades away
_FADE_AFTER_IN_DTX = ms(1000)  # a DTX sender refreshes its comfort noise every 400 ms
_FADE_IN = ms(5)
_LONG_SILENT = 10 * SAMPLE_RATE_HZ  # made up for so long that the next sound fades in
_SOFT_DBFS = -45.0  # background noise, not speech


class Concealment:
    """How long sound has been made up, and how loud what stands for it may be.

    Args:
        channels: of the sound.
    """

    def __init__(self, channels: int) -> None:
        self.made_up = _LONG_SILENT  # samples in a row
        self.in_dtx = False  # the packet decoded last said so
        self.pauses = False  # the sender has left out packets before, so a hole after soft sound is none
        self._channels = channels
        self._soft = False  # so was the packet decoded last

    def run_out(self) -> None:
        """The next sound comes after a long silence."""
        self.made_up = _LONG_SILENT

    def conceal(self, decoder: Decoder | None, samples: int) -> Samples:
        """Make up ``samples`` samples, by ``decoder`` if there is one."""
        start, end = self._gain(self.made_up), self._gain(self.made_up + samples)
        self.made_up += samples
        if decoder is None or start == 0:
            return silence(self._channels, samples)
        return ramp(decoder.conceal(samples), start, end)

    def heard(self, piece: Samples) -> None:
        """Note a decoded packet."""
        self._soft = level_dbfs(piece) < _SOFT_DBFS

    def resume(self, piece: Samples) -> Samples:
        """Go over from what was made up to ``piece``: it fades in as far as that had faded."""
        gain = self._gain(self.made_up)
        self.made_up = 0
        return piece if gain == 1 else fade_in(piece, gain)

    def _gain(self, made_up: int) -> float:
        """After so many samples in a row."""
        after = _FADE_AFTER_IN_DTX if self.in_dtx or (self.pauses and self._soft) else _FADE_AFTER
        return min(1.0, max(0.0, 1 - (made_up - after) / _FADE_LENGTH))


def fade_in(piece: Samples, gain: float = 0.0) -> Samples:
    """``piece``, whose first 5 ms begin at ``gain``."""
    return joined(ramp(piece[:_FADE_IN], gain, 1), piece[_FADE_IN:])
