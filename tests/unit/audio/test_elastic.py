import numpy as np
import pytest

from mcu.audio.elastic import ElasticSound
from mcu.audio.stretch import MAX_TRIM

pytestmark = pytest.mark.unit


def test_with_too_little_in_hand_for_a_splice_it_is_played_faster() -> None:
    sound = ElasticSound(1)
    sound.append(np.sin(np.arange(1_912) / 40).astype(np.float32)[:, np.newaxis])
    assert len(sound.take(800, lambda _count: None)) == 960
    assert len(sound) == 1_912 - 960 - MAX_TRIM
