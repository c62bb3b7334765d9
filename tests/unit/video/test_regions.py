import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from layouts.geometry import Rect
from mcu.video.regions import disjoint, overlap

pytestmark = pytest.mark.unit

RECTS = st.builds(Rect, st.integers(0, 20), st.integers(0, 20), st.integers(1, 12), st.integers(1, 12))


@given(st.lists(RECTS, max_size=8))
def test_the_pieces_cover_the_same_pixels_each_once(rects: list[Rect]) -> None:
    times, wanted = np.zeros((40, 40), int), np.zeros((40, 40), int)
    for rect in disjoint(rects):
        times[rect.y : rect.bottom, rect.x : rect.right] += 1
    for rect in rects:
        wanted[rect.y : rect.bottom, rect.x : rect.right] = 1
    assert (times == wanted).all()


def test_neighbours_do_not_overlap() -> None:
    assert not overlap(Rect(0, 0, 10, 10), Rect(10, 0, 10, 10))
    assert not overlap(Rect(0, 0, 10, 10), Rect(0, 10, 10, 10))
    assert overlap(Rect(0, 0, 10, 10), Rect(9, 9, 10, 10))
