"""A sound whose quarter seconds can be told apart: which of them were heard, when, and in what order?"""

import itertools

import numpy as np
import numpy.typing as npt

from mcu.media import SAMPLE_RATE_HZ, Samples

SLOT_S = 0.25
_LENGTH = SAMPLE_RATE_HZ // 10
_ENDS_HZ = (400.0, 700.0, 1_100.0, 1_600.0, 2_300.0)
_CODES = tuple(itertools.permutations(_ENDS_HZ, 2))  # a chirp goes from the one to the other
_HEARD = 0.5  # of the correlation with the chirp itself
CLEARLY = 0.75  # well above what another chirp has in common with it, damaged or not
_APART = SAMPLE_RATE_HZ * 6 // 100  # of two chirps there is more silence in between


def _chirp(code: int) -> Samples:
    start_hz, end_hz = _CODES[code % len(_CODES)]
    at = np.arange(_LENGTH) / SAMPLE_RATE_HZ
    phase = 2 * np.pi * (start_hz * at + (end_hz - start_hz) * at**2 * SAMPLE_RATE_HZ / _LENGTH / 2)
    return np.asarray(0.15 * np.sin(phase) * np.hanning(_LENGTH), np.float32)


def chirps(seconds: float) -> Samples:
    """Chirp number n begins at n times ``SLOT_S``; shape (samples,)."""
    slot = np.zeros(round(SLOT_S * SAMPLE_RATE_HZ), np.float32)
    slots = []
    for number in range(round(seconds / SLOT_S)):
        slots.append(slot.copy())
        slots[-1][:_LENGTH] = _chirp(number)
    return np.concatenate(slots)


def found(heard: Samples, count: int, *, least: float = _HEARD) -> list[tuple[int, float]]:
    """The chirps found in ``heard``, shape (samples,), in the order of their beginnings: (number, second).

    Each of the first ``count`` chirps is looked for within two seconds of its time; who repeats, comes after 5 s. What
    is more like another chirp is that one: those resemble each other by up to 0.47, and a damaged one by more.
    """
    places = []
    for number in range(count):
        chirp = _chirp(number)
        due = round(number * SLOT_S * SAMPLE_RATE_HZ)
        window = heard[due : due + 2 * SAMPLE_RATE_HZ + _LENGTH]
        if len(window) <= _LENGTH:
            continue
        match = _correlate(window, chirp)
        best = int(np.argmax(match))
        if match[best] > least and _most_like(heard, due + best) == number % len(_CODES):
            places.append((number, (due + best) / SAMPLE_RATE_HZ))
    return sorted(places, key=lambda place: place[1])


def _most_like(heard: Samples, place: int) -> int:
    """The code of the chirp that is there."""
    around = heard[max(place - _APART, 0) : place + _APART + _LENGTH]
    return int(np.argmax([_correlate(around, _chirp(code)).max() for code in range(len(_CODES))]))


def _correlate(window: Samples, chirp: Samples) -> npt.NDArray[np.float64]:
    """Normalised by the louder of the window's stretch and the chirp, so that no residue in silence is a match."""
    size = len(window) + len(chirp)
    products = np.fft.irfft(np.fft.rfft(window, size) * np.conj(np.fft.rfft(chirp, size)), size)
    products = products[: len(window) - len(chirp)]
    energy = np.cumsum(np.concatenate([[0.0], window.astype(np.float64) ** 2]))
    stretch = energy[len(chirp) : -1] - energy[: -len(chirp) - 1]
    own = float(np.vdot(chirp, chirp))
    return np.asarray(products / np.sqrt(np.maximum(stretch, own) * own), np.float64)
