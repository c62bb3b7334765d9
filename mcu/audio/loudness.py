"""How loud a voice is to the ear (ITU-R BS.1770-4), and a slow gain that brings voices to one loudness.

Pure: blocks of 20 ms come as arguments. K-weighting is applied to the spectrum of each by itself. By the filters of the
recommendation speech comes out the same within 0.03 dB, its blocks within 0.8 (4 with overlapping windows, which are
late). Only below 40 Hz it is off, by 6 dB at 23 Hz: a block is too short to tell that from a constant.
"""

import functools
import math
from collections import deque

import numpy as np

from mcu.media import SAMPLES_PER_TICK, Samples

TARGET_LUFS = -23.0
MAX_BOOST_DB, MAX_CUT_DB = 10.0, 12.0
SLEW_DB_PER_BLOCK = 0.06  # 3 dB a second

_HALF = SAMPLES_PER_TICK // 2 + 1  # numbers in half a spectrum, which is as many complex ones in the whole
_OFFSET_LU = -0.691  # BS.1770: a sine of 997 Hz at full scale in one channel is -3.01 LUFS
_MOMENTARY_BLOCKS = 20  # 400 ms
_STEP_BLOCKS = 5  # 100 ms: gating blocks overlap by three quarters
_ABSOLUTE_GATE_LUFS = -70.0
_RELATIVE_GATE_LU = -10.0

_VOICE_GATE_LUFS = -50.0  # softer than this is nobody's voice
_VOICE_MEMORY_STEPS = 30  # 3 s of voice
_VOICE_SETTLED_STEPS = 10
_MODULATION_BLOCKS = 150
_MODULATION_DB = 10.0  # 20 ms levels of speech spread by 15 dB and more, those of tones, hum and hiss by less than 8
_SMOOTHING = 0.02  # of the distance that is left, each block


@functools.cache
def _weights() -> tuple[Samples, Samples]:
    """The squared response of the two filters of BS.1770-4 annex 1 (tables 1 and 2), scaled to give mean squares.

    In two halves, each small enough for numpy to keep the interpreter (``mcu.audio.samples``).
    """
    shelf = (1.53512485958697, -2.69169618940638, 1.19839281085285), (1.0, -1.69065929318241, 0.73248077421585)
    high_pass = (1.0, -2.0, 1.0), (1.0, -1.99004745483398, 0.99007225036621)
    frequencies = np.arange(SAMPLES_PER_TICK // 2 + 1) / SAMPLES_PER_TICK
    delays = np.exp(-2j * np.pi * np.outer(frequencies, np.arange(3)))
    weights = np.ones(len(frequencies))
    for above, below in (shelf, high_pass):
        weights *= np.abs(delays @ np.array(above)) ** 2 / np.abs(delays @ np.array(below)) ** 2
    weights[1:-1] *= 2  # a real sound's negative frequencies
    scaled = np.repeat(weights / SAMPLES_PER_TICK**2, 2).astype(np.float32)  # for the real and the imaginary part
    return scaled[:_HALF], scaled[_HALF:]


def lufs(power: float) -> float:
    """K-weighted mean square, summed over channels → loudness."""
    return _OFFSET_LU + 10 * math.log10(power) if power > 0 else -math.inf


def k_weighted_power(block: Samples) -> float:
    """The K-weighted mean square of 20 ms, shape (960, channels), summed over channels."""
    return sum(_power(block[:, channel]) for channel in range(block.shape[1]))


def _power(sound: Samples) -> float:
    spectrum = np.fft.rfft(sound).view(np.float32)
    lower, upper = spectrum[:_HALF], spectrum[_HALF:]
    of_lower, of_upper = _weights()
    return float((lower * of_lower) @ lower + (upper * of_upper) @ upper)


class LoudnessMeter:
    """Gated loudness of the last blocks that passed the gates.

    Args:
        gate_lufs: 400 ms softer than this do not count.
        memory_steps: how many gating blocks, 100 ms apart, are remembered; None for all (integrated loudness).
    """

    def __init__(self, gate_lufs: float = _ABSOLUTE_GATE_LUFS, memory_steps: int | None = None) -> None:
        self._gate = 10 ** ((gate_lufs - _OFFSET_LU) / 10)
        self._recent: deque[float] = deque(maxlen=_MOMENTARY_BLOCKS)
        self._until_step = _MOMENTARY_BLOCKS
        self._passed: deque[float] = deque(maxlen=memory_steps)
        self.power = 0.0  # K-weighted mean square of the last block

    def add(self, block: Samples) -> bool | None:
        """Measure 20 ms. When they complete a gating block: whether it is loud enough to count; else None."""
        self.power = k_weighted_power(block)
        self._recent.append(self.power)
        self._until_step -= 1
        if self._until_step > 0:
            return None
        self._until_step = _STEP_BLOCKS
        momentary = sum(self._recent) / len(self._recent)
        if momentary <= self._gate:
            return False
        self._passed.append(momentary)
        return True

    @property
    def steps(self) -> int:
        """Gating blocks in memory."""
        return len(self._passed)

    @property
    def loudness_lufs(self) -> float:
        """Loudness by both gates; minus infinity when nothing passed."""
        if not self._passed:
            return -math.inf
        relative = sum(self._passed) / len(self._passed) * 10 ** (_RELATIVE_GATE_LU / 10)
        loud = [power for power in self._passed if power > relative]
        return lufs(sum(loud) / len(loud))


class LoudnessGain:
    """The gain that brings one voice to ``target_lufs``, a few dB a second.

    It moves only while the source is as loud as a voice, so silence and the noise between words never pump it up. Only
    what is modulated like speech is evened: a steady tone, hum or hiss keeps (or goes back to) its own level.

    Args:
        target_lufs: where to.
    """

    def __init__(self, target_lufs: float = TARGET_LUFS) -> None:
        self.gain_db = 0.0
        self._target_lufs = target_lufs
        self._meter = LoudnessMeter(_VOICE_GATE_LUFS, _VOICE_MEMORY_STEPS)
        self._levels: deque[float] = deque(maxlen=_MODULATION_BLOCKS)  # K-weighted, of the last 20 ms blocks with sound
        self._wanted_db = 0.0
        self._moves = False  # the last 400 ms were as loud as a voice

    def update(self, block: Samples) -> float:
        """Take 20 ms of the source as it came; the gain in dB at their end."""
        loud = self._meter.add(block)
        level = lufs(self._meter.power)
        if level > _ABSOLUTE_GATE_LUFS:
            self._levels.append(level)
        if loud is not None:
            self._moves = loud and self._meter.steps >= _VOICE_SETTLED_STEPS
        if loud and self._moves:
            self._wanted_db = self._wanted()
        if self._moves:
            step = (self._wanted_db - self.gain_db) * _SMOOTHING
            self.gain_db += min(max(step, -SLEW_DB_PER_BLOCK), SLEW_DB_PER_BLOCK)
        return self.gain_db

    def _wanted(self) -> float:
        levels = sorted(self._levels)
        tenth = len(levels) // 10
        if not levels or levels[-1 - tenth] - levels[tenth] < _MODULATION_DB:
            return 0.0
        return min(max(self._target_lufs - self._meter.loudness_lufs, -MAX_CUT_DB), MAX_BOOST_DB)
