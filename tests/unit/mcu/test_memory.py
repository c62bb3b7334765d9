import sys

import numpy as np
import psutil
import pytest

from mcu.memory import give_back

pytestmark = pytest.mark.unit


@pytest.mark.skipif(sys.platform != "linux", reason="others have no glibc")
def test_what_lies_free_between_pieces_in_use_is_given_back() -> None:
    pieces = [np.ones(100_000, np.uint8) for _ in range(1000)]
    kept = pieces[::2]  # every other one stays, so none of the free ones touches another
    before = psutil.Process().memory_info().rss
    del pieces
    give_back()
    assert psutil.Process().memory_info().rss < before - 40_000_000
    assert all(piece[0] == 1 for piece in kept)
