import numpy as np
import pytest

from mcu.media import Picture
from mcu.video.pictures import PictureQueue

pytestmark = pytest.mark.unit


def _picture(due_us: int, side: int = 4) -> Picture:
    chroma = np.zeros((side // 2, side // 2), np.uint8)
    return Picture(np.zeros((side, side), np.uint8), chroma, chroma, due_us)


def test_a_picture_is_shown_when_it_is_due_and_not_before() -> None:
    queue = PictureQueue()
    picture = _picture(40_000)
    queue.push(picture)
    assert queue.take(39_999) is None
    assert queue.take(40_000) is picture
    assert queue.take(80_000) is None


def test_of_several_due_pictures_the_newest_is_shown_and_the_others_are_counted() -> None:
    queue = PictureQueue()
    pictures = [_picture(due) for due in (10, 20, 30, 99)]
    for picture in pictures:
        queue.push(picture)
    assert queue.take(30) is pictures[2]
    assert queue.overtaken == 2
    assert queue.take(98) is None
    assert queue.take(99) is pictures[3]


def test_a_full_queue_shows_its_oldest_picture_early_so_that_fast_sources_keep_moving() -> None:
    queue = PictureQueue(bound=3)
    pictures = [_picture(1_000_000 + n) for n in range(5)]
    for picture in pictures:
        queue.push(picture)
    assert len(queue) == 3
    assert queue.overflowed == 2
    assert queue.take(0) is pictures[1]
    assert queue.take(0) is None


def test_large_pictures_are_bounded_by_their_bytes_but_one_is_always_held() -> None:
    queue = PictureQueue(bound=16, max_bytes=4 * 150)
    for n in range(10):
        queue.push(_picture(n, side=10))  # 150 bytes each
    assert len(queue) == 4
    huge = PictureQueue(max_bytes=10)
    huge.push(_picture(5, side=100))
    assert huge.take(5) is not None


def test_cleared_it_shows_nothing() -> None:
    queue = PictureQueue(bound=1)
    queue.push(_picture(0))
    queue.push(_picture(0))
    queue.clear()
    assert queue.take(1_000) is None
