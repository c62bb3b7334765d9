"""What is told of pictures drawn here."""

import numpy as np
import pytest

from mcu.media import Plane
from mcu.video.novelty import Novelty

pytestmark = pytest.mark.unit

HEIGHT, WIDTH = 360, 640


def texture(seed: int, contrast: float = 20.0) -> Plane:
    """Squares of 8 pixels, each of another brightness."""
    squares = np.random.default_rng(seed).normal(120, contrast, (HEIGHT // 8, WIDTH // 8))
    return np.asarray(np.clip(np.kron(squares, np.ones((8, 8))), 0, 255), np.uint8)


def test_the_first_picture_is_all_new_and_the_same_again_is_not_at_all() -> None:
    novelty = Novelty()
    assert novelty.look(texture(1)).novelty == 1.0
    assert [novelty.look(texture(1)).novelty for _ in range(3)] == [0.0, 0.0, 0.0]


def test_another_scene_is_nearly_all_new() -> None:
    novelty = Novelty()
    for _ in range(3):
        novelty.look(texture(1))
    assert novelty.look(texture(2)).novelty > 0.9
    assert novelty.look(texture(2)).novelty == 0.0


@pytest.mark.parametrize("share", [0.25, 0.5])
def test_a_part_that_changes_is_new_as_a_part(share: float) -> None:
    novelty = Novelty()
    for _ in range(3):
        novelty.look(texture(1))
    mixed = texture(1)
    columns = round(WIDTH * share)
    mixed[:, :columns] = texture(2)[:, :columns]
    assert novelty.look(mixed).novelty == pytest.approx(share, abs=0.05)


def test_what_moves_as_it_did_before_is_foretold() -> None:
    novelty = Novelty()
    looks = [novelty.look(np.roll(texture(1), 4 * step, axis=1)) for step in range(10)]
    assert [look.novelty for look in looks[2:]] == [0.0] * 8


def test_detail_is_the_contrast_between_neighbours() -> None:
    assert Novelty().look(texture(1, contrast=40)).detail == pytest.approx(
        2 * Novelty().look(texture(1, contrast=20)).detail, rel=0.1
    )


@pytest.mark.parametrize("size", [(22, 40), (90, 160), (2160, 3840)])
@pytest.mark.parametrize("brightness", [0, 255])
def test_even_pictures_of_any_size_have_a_little_detail(size: tuple[int, int], brightness: int) -> None:
    novelty = Novelty()
    for _ in range(2):
        look = novelty.look(np.full(size, brightness, np.uint8))
        assert 0 < look.detail < 1
    assert look.novelty == 0.0
    assert 0 <= novelty.look(np.full(size, 255 - brightness, np.uint8)).novelty <= 1
