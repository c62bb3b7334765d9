import pytest

from mcu.video.shape import CHANGES, WINDOW_US, Shape

pytestmark = pytest.mark.unit

PERIOD_US = 33_333


def test_a_phone_that_is_turned_is_followed_at_once() -> None:
    shape = Shape()
    for n, size in enumerate([(640, 360), (360, 640), (640, 360)]):
        shape.note(*size, n * PERIOD_US)
        assert shape.aspect == pytest.approx(size[0] / size[1])


def test_other_sizes_of_one_shape_are_no_change() -> None:
    shape = Shape()
    for n, size in enumerate([(1280, 720), (426, 240), (320, 180), (214, 120)] * 10):
        shape.note(*size, n * PERIOD_US)
    assert shape.aspect == pytest.approx(16 / 9)
    assert shape.refused == 0


def test_a_sender_that_changes_with_every_picture_is_followed_a_few_times() -> None:
    shape = Shape()
    told: list[float] = []
    for n in range(60 * 30):
        shape.note(*((1280, 160), (160, 1280))[n % 2], n * PERIOD_US)
        if not told or told[-1] != shape.aspect:
            told.append(shape.aspect)
    assert len(told) <= CHANGES * (1 + 60_000_000 // WINDOW_US)
    assert shape.refused > 800


def test_one_that_creeps_is_held_to_as_many_changes() -> None:
    shape = Shape()
    told = {shape.aspect}
    for n in range(300):  # ten seconds, one per cent narrower with each picture
        shape.note(round(4000 * 0.99 ** (n % 150)), 1000, n * PERIOD_US)
        told.add(shape.aspect)
    assert len(told) <= 2 * CHANGES


def test_what_it_comes_to_is_followed_in_the_end() -> None:
    shape = Shape()
    for n in range(30):
        shape.note(*((640, 360), (360, 640))[n % 2], n * PERIOD_US)
    for n in range(30, 400):
        shape.note(500, 500, n * PERIOD_US)
    assert shape.aspect == 1


def test_shapes_stay_within_what_a_layout_can_use() -> None:
    shape = Shape()
    shape.note(16_000, 2, 0)
    assert shape.aspect == 8
    shape.note(2, 16_000, 1)
    assert shape.aspect == 1 / 8
