"""The mixer's tiles on their way, tick by tick, on virtual time."""

from itertools import pairwise

import pytest

from layouts.geometry import Rect, Size
from layouts.model import Layout, Tile
from mcu.clock import MediaClock
from mcu.messages import VideoConfig
from mcu.video.compositor import BACKGROUND, EMPTY_TILE
from mcu.video.mixer import VideoMixer
from mcu.video.moves import TileMoves
from mcu.video.scene import Scene
from mcu.video.style import CanvasStyle, Clock

pytestmark = pytest.mark.unit

CANVAS = Size(320, 180)
LEFT, RIGHT = Rect(0, 40, 160, 90), Rect(160, 40, 160, 90)


def _scene(*tiles: tuple[str, Rect], motion_us: int = 250_000) -> Scene:
    return Scene(Layout(CANVAS, tuple(Tile(id_, rect) for id_, rect in tiles)), motion_us=motion_us)


class Room:
    """A mixer whose ticks are made by hand."""

    def __init__(self) -> None:
        self.mixer = VideoMixer(VideoConfig(width=320, height=180, fps=30, bitrate_bps=500_000), MediaClock(0, 0))
        self.told = [TileMoves()]
        self.mixer.on_tiles = self.told.append
        self.tick = 0
        self.told.clear()

    def work(self) -> list[int]:
        """One tick; the columns of the canvas's middle row that a tile covers."""
        self.mixer.work(self.tick)
        self.tick += 1
        row = self.mixer.canvas.y[84]
        assert set(row.tolist()) <= {BACKGROUND.y, EMPTY_TILE.y}  # never black, never half a tile
        return [column for column, value in enumerate(row.tolist()) if value == EMPTY_TILE.y]


def test_a_tile_glides_for_a_quarter_of_a_second_and_is_then_at_rest() -> None:
    room = Room()
    room.mixer.show(_scene(("a", LEFT), motion_us=0))
    assert room.work() == list(range(160))
    room.mixer.show(_scene(("a", RIGHT)))
    lefts = []
    for _ in range(9):
        covered = room.work()
        assert covered == list(range(covered[0], covered[0] + 160))
        lefts.append(covered[0])
    assert lefts[0] == 0
    assert lefts[8] == 160  # 8 ticks of 33 ms later
    assert lefts == sorted(lefts)
    assert 60 < lefts[4] < 100
    assert max(b - a for a, b in pairwise(lefts)) <= 32  # nobody jumps
    before = room.mixer.canvas.y.copy()
    room.work()
    assert (room.mixer.canvas.y == before).all()


def test_the_room_is_told_at_the_tick_at_which_a_change_begins() -> None:
    room = Room()
    room.mixer.show(_scene(("a", LEFT), motion_us=0))
    room.work()
    room.mixer.show(_scene(("a", RIGHT), ("b", LEFT)))
    assert len(room.told) == 1
    tick = room.tick
    room.work()
    room.work()
    assert len(room.told) == 2
    assert room.told[1].begin_us == tick * 1_000_000 // 30
    assert [move.source_id for move in room.told[1].tiles] == ["a", "b"]
    assert room.mixer.tiles() == room.told[1]
    room.mixer.show(_scene(("a", RIGHT), ("b", LEFT)))
    room.work()
    assert len(room.told) == 2


def test_who_leaves_is_gone_at_once_and_who_comes_appears() -> None:
    room = Room()
    room.mixer.show(_scene(("a", LEFT), motion_us=0))
    room.work()
    room.mixer.show(_scene(("b", RIGHT)))
    covered = room.work()
    assert min(covered) >= 160
    assert 60 <= len(covered) < 160
    for _ in range(8):
        covered = room.work()
    assert covered == list(range(160, 320))


def test_a_jump_takes_one_tick() -> None:
    room = Room()
    room.mixer.show(_scene(("a", LEFT), motion_us=0))
    room.work()
    room.mixer.show(_scene(("a", RIGHT), motion_us=0))
    assert room.work() == list(range(160, 320))


def test_the_clock_of_the_canvas_follows_the_wall_clock_of_the_room() -> None:
    room = Room()
    room.mixer.show(Scene(Layout(CANVAS), style=CanvasStyle(clock=Clock())))
    room.mixer.work(0)
    room.mixer.pool.start()
    room.mixer.pool.stop()  # all drawings handed in are finished
    room.mixer.work(1)
    assert room.mixer.canvas.y.max() > 200
