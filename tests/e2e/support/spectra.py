"""What a piece of sound is made of."""

import numpy as np
import numpy.typing as npt

SAMPLE_RATE_HZ = 48_000
_HALF_WIDTH_HZ = 4.0  # the main lobe of a Blackman window over half a second or more


def tone_dbfs(samples: npt.NDArray[np.float32], hz: float) -> float:
    """How loud the tone ``hz`` is in 48 kHz mono ``samples``: 0 dB is a sine at full scale."""
    window = np.blackman(len(samples))
    spectrum = np.abs(np.fft.rfft(samples * window)) * 2 / window.sum()
    frequencies = np.fft.rfftfreq(len(samples), 1 / SAMPLE_RATE_HZ)
    near = np.abs(frequencies - hz) <= _HALF_WIDTH_HZ
    return float(20 * np.log10(spectrum[near].max() + 1e-9))


def rms_dbfs(samples: npt.NDArray[np.float32]) -> float:
    """How loud ``samples`` are as a whole."""
    return float(10 * np.log10(np.mean(np.square(samples, dtype=np.float64)) + 1e-12))
