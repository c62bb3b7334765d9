import gc
import sys
import weakref
from collections.abc import Iterator

import numpy as np
import psutil
import pytest

from mcu.memory import settle, tidy

pytestmark = pytest.mark.unit


class Cycle:
    """Keeps itself alive, as a closed connection does."""

    def __init__(self) -> None:
        self.itself = self


@pytest.fixture
def _settled() -> Iterator[None]:
    settle()
    yield
    gc.enable()
    gc.unfreeze()


@pytest.mark.usefixtures("_settled")
def test_nothing_is_collected_before_it_is_time_to_tidy_up() -> None:
    gone = weakref.ref(Cycle())
    made = [[n] for n in range(100_000)]  # a hundred times what would have Python look
    assert gone() is not None
    assert len(made) == 100_000
    tidy()
    assert gone() is None


@pytest.mark.skipif(sys.platform != "linux", reason="others have no glibc")
def test_what_lies_free_between_pieces_in_use_is_given_back() -> None:
    pieces = [np.ones(100_000, np.uint8) for _ in range(1000)]
    kept = pieces[::2]  # every other one stays, so none of the free ones touches another
    before = psutil.Process().memory_info().rss
    del pieces
    tidy()
    assert psutil.Process().memory_info().rss < before - 40_000_000
    assert all(piece[0] == 1 for piece in kept)
