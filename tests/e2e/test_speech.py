"""Speech, with the processing that browsers do by default: echo canceller, noise suppression, gain control."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from tests.e2e.support.chromium import Chromium
from tests.e2e.support.media import SAMPLE_RATE_HZ, speech_wav
from tests.e2e.support.server import Server
from tests.e2e.support.spectra import rms_dbfs
from tests.e2e.support.waiting import wait_for

pytestmark = pytest.mark.e2e


def test_speech_arrives_with_the_browsers_own_processing(
    server: Server, red: Chromium, room: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    text = "The quick brown fox jumps over the lazy dog. Pack my box with five dozen liquor jugs."
    spoken = speech_wav(tmp_path_factory.mktemp("speech") / "speech.wav", text)
    speaker = Chromium(audio=spoken)
    try:
        for peer in (speaker, red):
            peer.open(f"{server.url}/healthz")
        speaker.join(room, "Speaker", processing=True)
        red.join(room, "Listener", processing=True)

        wait_for(lambda: rms_dbfs(red.listen(1)) > -40, timeout_s=30, what="speech to be heard")
        assert _likeness(red.listen(4), _samples(spoken)) > 0.7
        assert _likeness(speaker.listen(4), _samples(spoken)) < 0.6
    finally:
        red.leave()
        red.open("about:blank")
        speaker.close()


def _samples(wav: Path) -> npt.NDArray[np.float32]:
    return np.asarray(np.fromfile(wav, "<i2", offset=44) / 32768, np.float32)


def _envelope(samples: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    step = SAMPLE_RATE_HZ // 50
    blocks = samples[: len(samples) // step * step].reshape(-1, step).astype(np.float64)
    return np.asarray(np.sqrt(np.mean(np.square(blocks), axis=1)), np.float64)


def _likeness(heard: npt.NDArray[np.float32], spoken: npt.NDArray[np.float32]) -> float:
    """How well pieces of 0.8 s of what was heard match some place of what is spoken over and over; 1 is perfectly.

    Piece by piece, because a busy machine's fake microphone stutters.
    """
    length = 40
    places = np.lib.stride_tricks.sliding_window_view(np.tile(_envelope(spoken), 2), length)
    pieces = np.lib.stride_tricks.sliding_window_view(_envelope(heard), length)[:: length // 2]
    correlations = _normalised(pieces) @ _normalised(places).T
    return float(np.median(correlations.max(axis=1)))


def _normalised(rows: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    centred = rows - rows.mean(axis=1, keepdims=True)
    return np.asarray(centred / (np.linalg.norm(centred, axis=1, keepdims=True) + 1e-9), np.float64)
