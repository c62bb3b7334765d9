import pytest

from layouts.geometry import Rect, Size
from layouts.model import Layout, Tile
from mcu.video.moves import Box, Steering

pytestmark = pytest.mark.unit

CANVAS = Size(320, 180)
LEFT, RIGHT, ALL = Rect(0, 0, 160, 180), Rect(160, 0, 160, 180), Rect(0, 0, 320, 180)


def _layout(*tiles: tuple[str, Rect], waiting: int = 0) -> Layout:
    return Layout(CANVAS, tuple(Tile(id_, rect) for id_, rect in tiles), waiting=waiting)


def _steering() -> Steering:
    steering = Steering(CANVAS)
    steering.turn(_layout(("a", ALL)), 0, 0)
    return steering


def test_who_stays_glides_and_the_moves_say_where_from_where_to_and_when() -> None:
    steering = _steering()
    assert steering.places(0) is None
    assert steering.turn(_layout(("a", LEFT), ("b", RIGHT)), 1_000_000, 250_000)
    moves = steering.moves
    assert (moves.begin_us, moves.duration_us) == (1_000_000, 250_000)
    assert moves.tiles[0].source_id == "a"
    assert moves.tiles[0].start == Box(0, 0, 1, 1)
    assert moves.tiles[0].end == Box(0, 0, 0.5, 1)
    assert moves.tiles[1].end == Box(0.5, 0, 0.5, 1)
    places = steering.places(1_125_000)
    assert places is not None
    assert places[0] == Rect(0, 0, 240, 180)
    assert steering.places(1_250_000) is None


def test_tiles_are_where_the_formula_of_the_moves_puts_them() -> None:
    steering = _steering()
    steering.turn(_layout(("a", Rect(100, 60, 64, 36))), 0, 200_000)
    move = steering.moves.tiles[0]
    for now_us in range(0, 200_000, 13_000):
        part = now_us / 200_000
        eased = part * part * (3 - 2 * part)
        places = steering.places(now_us)
        assert places is not None
        left = (move.start.x + (move.end.x - move.start.x) * eased) * CANVAS.width
        right_start, right_end = move.start.x + move.start.width, move.end.x + move.end.width
        right = (right_start + (right_end - right_start) * eased) * CANVAS.width
        assert abs(places[0].x - left) <= 1.0
        assert abs(places[0].right - right) <= 1.0


def test_the_same_tiles_once_more_are_no_change_even_in_the_middle_of_a_motion() -> None:
    steering = _steering()
    steering.turn(_layout(("a", LEFT)), 0, 250_000)
    halfway = steering.places(125_000)
    assert not steering.turn(_layout(("a", LEFT), waiting=3), 125_000, 250_000)
    assert steering.places(125_000) == halfway
    assert steering.places(250_000) is None


def test_no_motion_time_is_a_jump() -> None:
    steering = _steering()
    assert steering.turn(_layout(("a", RIGHT)), 5, 0)
    assert steering.places(5) is None
    assert steering.moves.duration_us == 0
    assert steering.moves.tiles[0].start == steering.moves.tiles[0].end


def test_a_turn_in_mid_motion_starts_where_the_tiles_are() -> None:
    steering = _steering()
    steering.turn(_layout(("a", LEFT)), 0, 250_000)
    here = steering.places(125_000)
    assert here is not None
    steering.turn(_layout(("a", RIGHT)), 125_000, 250_000)
    assert steering.places(125_000) == here
