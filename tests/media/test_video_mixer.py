"""The mixer as a room uses it: real codecs, its own threads, real time."""

import gc
import threading
import time
from collections.abc import Callable, Iterator
from itertools import pairwise

import av
import cv2
import numpy as np
import pytest

from layouts.errors import LayoutError
from layouts.geometry import Rect, Size
from layouts.model import Layout, Tile
from mcu.clock import MediaClock
from mcu.errors import CodecError
from mcu.media import EncodedFrame, Plane, VideoCodec, VideoUnit
from mcu.messages import VideoConfig
from mcu.video.compositor import EMPTY_TILE
from mcu.video.i420 import Colour
from mcu.video.mixer import VideoMixer
from mcu.video.moves import TileMoves
from mcu.video.scene import Scene, TileInfo
from tests.media.video_content import encoded_colour

pytestmark = pytest.mark.media

CANVAS = Size(640, 360)
COLOURS = {"red": (220, 40, 40), "green": (40, 200, 60), "blue": (40, 60, 220), "yellow": (220, 210, 50)}
RECTS = [Rect(0, 0, 320, 180), Rect(320, 0, 320, 180), Rect(0, 180, 320, 180), Rect(320, 180, 320, 180)]
PLACES = dict(zip(COLOURS, RECTS, strict=True))
CODECS = {"red": VideoCodec.VP8, "green": VideoCodec.H264, "blue": VideoCodec.VP8, "yellow": VideoCodec.H264}


class OnArrival:
    def due_us(self, capture_us: int | None, arrival_us: int) -> int:  # noqa: ARG002 - the protocol's
        return arrival_us


class Sender:
    """A camera of one colour that starts again at a keyframe when asked to."""

    def __init__(self, mixer: VideoMixer, clock: MediaClock, name: str) -> None:
        self.asked = 0
        self._codec = CODECS[name]
        self._clip = encoded_colour(self._codec, Colour.from_rgb(*COLOURS[name]), Size(160, 90), count=60)
        self._next = 0
        self._clock = clock
        self._input = mixer.add(name, OnArrival(), self._restart)

    def _restart(self) -> None:
        self.asked += 1
        self._next = 0

    def send(self) -> None:
        position = self._next % len(self._clip)
        self._next += 1
        unit = VideoUnit(self._codec, self._clip[position], 0, self._clock.now_us(), None, keyframe=position == 0)
        self._input.push(unit)

    def send_garbage(self) -> None:
        self._input.push(VideoUnit(self._codec, bytes(range(1, 200)), 0, self._clock.now_us(), None, keyframe=True))


class World:
    def __init__(self) -> None:
        self.clock = MediaClock()
        self.mixer = VideoMixer(VideoConfig(width=640, height=360, fps=30, bitrate_bps=1_000_000), self.clock)
        self.senders = {name: Sender(self.mixer, self.clock, name) for name in COLOURS}
        self.mixer.show(scene(*COLOURS))
        self.mixer.start()

    def run(self, seconds: float, until: Callable[[], bool] = lambda: False, *, silent: tuple[str, ...] = ()) -> None:
        """Everybody sends at 30 Hz until something holds or the time is over."""
        end = time.monotonic() + seconds
        while time.monotonic() < end and not until():
            for name, sender in self.senders.items():
                if name not in silent:
                    sender.send()
            time.sleep(1 / 30)

    def snapshot(self) -> Plane:
        jpeg = np.frombuffer(self.mixer.snapshot_jpeg(), np.uint8)
        return np.asarray(cv2.imdecode(jpeg, cv2.IMREAD_COLOR), np.uint8)

    def seen(self, name: str) -> bool:
        """Whether a source is in its tile, by the snapshot."""
        rect = PLACES[name]
        middle = self.snapshot()[rect.y + 60 : rect.bottom - 60, rect.x + 80 : rect.right - 80]
        return _near(np.median(middle, axis=(0, 1))[::-1], COLOURS[name])


def _near(rgb: np.ndarray[tuple[int, ...], np.dtype[np.float64]], wanted: tuple[int, int, int], by: int = 8) -> bool:
    return bool(np.abs(rgb - np.array(wanted)).max() <= by)


def scene(*names: str) -> Scene:
    return Scene(Layout(CANVAS, tuple(Tile(name, PLACES[name]) for name in names)), {n: TileInfo(n) for n in names})


@pytest.fixture
def world() -> Iterator[World]:
    before = threading.active_count()
    world = World()
    yield world
    world.mixer.stop()
    assert threading.active_count() == before
    gc.collect()


def decoded(frames: list[EncodedFrame]) -> list[Plane]:
    """A viewer's pictures, RGB."""
    context = av.CodecContext.create(str(frames[0].codec), "r")
    pictures = [f.to_ndarray(format="rgb24") for frame in frames for f in context.decode(av.Packet(frame.data))]  # type: ignore[attr-defined]  # the stubs do not know it is video
    return [np.asarray(picture, np.uint8) for picture in pictures]


@pytest.mark.parametrize("codec", list(VideoCodec))
def test_a_viewer_sees_every_camera_in_its_tile_in_its_colour(world: World, codec: VideoCodec) -> None:
    subscription = world.mixer.hubs[codec].subscribe(bound=300)
    world.run(1.2)
    frames = subscription.drain()
    assert frames[0].keyframe
    assert {(b.pts - a.pts) % 3_000 for a, b in pairwise(frames)} == {0}  # a busy machine skips ticks, in whole periods
    last = decoded(frames)[-1]
    for name, rect in PLACES.items():
        middle = last[rect.y + 40 : rect.bottom - 60, rect.x + 40 : rect.right - 40]
        assert _near(np.median(middle, axis=(0, 1)), COLOURS[name]), name
    assert world.mixer.metrics()["tutti_video_encoders"] == 1


def test_encoders_and_decoders_exist_exactly_while_somebody_watches(world: World) -> None:
    def count(what: str) -> float:
        return world.mixer.metrics()[f"tutti_video_{what}"]

    world.run(0.3)
    assert (count("encoders"), count("decoders"), count("decoded_total")) == (0, 0, 0)
    viewers = {codec: hub.subscribe(bound=300) for codec, hub in world.mixer.hubs.items()}
    world.run(2, lambda: count("decoders") == 4 and count("encoders") == 2)
    assert (count("encoders"), count("decoders")) == (2, 4)
    world.mixer.hubs[VideoCodec.VP8].unsubscribe(viewers[VideoCodec.VP8])
    world.run(2, lambda: count("encoders") == 1)
    assert (count("h264_encoders"), count("vp8_encoders")) == (1, 0)
    world.mixer.hubs[VideoCodec.H264].unsubscribe(viewers[VideoCodec.H264])
    world.run(2, lambda: count("encoders") == 0 and count("decoders") == 0)
    assert (count("encoders"), count("decoders")) == (0, 0)


def test_fifty_keyframe_requests_make_one_keyframe_and_a_late_viewer_starts_at_it(world: World) -> None:
    hub = world.mixer.hubs[VideoCodec.H264]
    first = hub.subscribe(bound=300)
    world.run(0.8)
    assert sum(frame.keyframe for frame in first.drain()) == 1
    for _ in range(50):
        hub.request_keyframe()
    late = hub.subscribe(bound=300)
    world.run(0.4)
    frames = late.drain()
    assert frames[0].keyframe
    assert sum(frame.keyframe for frame in first.drain()) == 1
    metrics = world.mixer.metrics()
    assert metrics["tutti_video_h264_keyframe_requests_total"] == 52
    assert metrics["tutti_video_h264_keyframes_total"] == 2


def test_a_camera_off_stage_is_not_decoded_and_comes_back_by_a_keyframe(world: World) -> None:
    world.mixer.hubs[VideoCodec.H264].subscribe(bound=9000)
    world.run(3, lambda: world.seen("red"))
    world.mixer.show(scene("green", "blue"))
    world.run(2, lambda: world.mixer.metrics()["tutti_video_decoders"] == 2)
    assert world.mixer.metrics()["tutti_video_decoders"] == 2
    assert world.mixer.sources()["red"].live  # it still sends, and may be chosen again
    asked = world.senders["red"].asked
    world.mixer.show(scene(*COLOURS))
    world.run(3, lambda: world.seen("red"))
    assert world.senders["red"].asked == asked + 1
    assert world.seen("red")


def test_a_camera_that_falls_silent_becomes_an_avatar_and_the_room_is_told(world: World) -> None:
    told: list[bool] = []
    world.mixer.on_sources_changed = lambda: told.append(world.mixer.sources()["blue"].live)
    world.mixer.hubs[VideoCodec.H264].subscribe(bound=9000)
    world.run(3, lambda: world.seen("blue") and told[-1:] == [True])
    world.run(4, lambda: told[-1] is False, silent=("blue",))
    assert told[-1] is False
    world.run(0.2, silent=("blue",))
    rect = PLACES["blue"]
    corner = world.snapshot()[rect.y + 8 : rect.y + 24, rect.x + 16 : rect.x + 60]
    lightness = 16 + np.median(corner) * 219 / 255
    assert abs(lightness - EMPTY_TILE.y) < 8
    assert world.seen("red")


def test_a_hostile_sender_costs_itself_alone(world: World) -> None:
    subscription = world.mixer.hubs[VideoCodec.H264].subscribe(bound=9000)
    world.run(3, lambda: all(world.seen(name) for name in COLOURS))
    subscription.drain()
    for _ in range(30):
        world.senders["green"].send_garbage()
        world.run(1 / 30, silent=("green",))
    frames = subscription.drain()
    assert max(b.pts - a.pts for a, b in pairwise(frames)) <= 18_000  # 200 ms
    for name in ("red", "blue", "yellow"):
        assert world.seen(name)
    metrics = world.mixer.metrics()
    assert metrics["tutti_video_dropped_undecodable_total"] >= 1
    assert metrics["tutti_video_faults_total"] == 0
    world.run(3, lambda: world.seen("green"))
    assert world.seen("green")


def test_a_tick_that_fails_does_not_end_the_mixer(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*args: object, **kwargs: object) -> bool:
        raise RuntimeError("the canvas is on fire")

    world.mixer.hubs[VideoCodec.H264].subscribe(bound=9000)
    with monkeypatch.context() as patch:
        patch.setattr(world.mixer.compositor, "paint", broken)
        world.run(2, lambda: world.mixer.faults > 3)
    assert world.mixer.faults > 3
    assert 1 <= caplog.text.count("the canvas is on fire") <= 2 * world.mixer.faults
    world.run(3, lambda: world.seen("red"))
    assert world.seen("red")


def test_an_unchanged_canvas_is_encoded_five_times_a_second(world: World) -> None:
    world.mixer.show(Scene(Layout(CANVAS)))
    subscription = world.mixer.hubs[VideoCodec.H264].subscribe(bound=300)
    world.run(0.5)
    subscription.drain()
    world.run(2)
    assert 8 <= len(subscription.drain()) <= 11


def test_a_layout_for_another_canvas_is_refused(world: World) -> None:
    with pytest.raises(LayoutError, match="canvas"):
        world.mixer.show(Scene(Layout(Size(1280, 720))))


def test_a_stopped_mixer_gives_no_snapshot_and_can_be_stopped_again(world: World) -> None:
    world.mixer.stop()
    world.mixer.stop()
    with pytest.raises(CodecError, match="stopped"):
        world.mixer.snapshot_jpeg()


def test_tiles_on_their_way_are_where_the_room_was_told(world: World) -> None:
    told = [TileMoves()]
    world.mixer.on_tiles = told.append
    subscription = world.mixer.hubs[VideoCodec.H264].subscribe(bound=300)
    world.run(3, lambda: world.seen("red"))
    world.run(0.7)
    told.clear()
    swapped = Layout(CANVAS, (Tile("red", RECTS[3]), Tile("green", RECTS[1])))
    world.mixer.show(Scene(swapped, motion_us=400_000))
    world.run(0.8)
    frames = subscription.drain()
    assert len(told) == 1
    move, begin_us = told[0].tiles[0], told[0].begin_us
    pictures = dict(zip((frame.time_us for frame in frames), decoded(frames), strict=False))
    on_the_way = {us: picture for us, picture in pictures.items() if begin_us <= us <= begin_us + 500_000}
    assert len(on_the_way) >= 6
    for time_us, picture in on_the_way.items():
        part = min(1.0, (time_us - begin_us) / told[0].duration_us)
        eased = part * part * (3 - 2 * part)
        x = (move.start.x + (move.end.x - move.start.x) * eased) * CANVAS.width
        y = (move.start.y + (move.end.y - move.start.y) * eased) * CANVAS.height
        middle = picture[int(y) + 60 : int(y) + 100, int(x) + 20 : int(x) + 140]
        assert _near(np.median(middle, axis=(0, 1)), COLOURS["red"], by=20), time_us - begin_us
    last = pictures[max(pictures)]
    assert last[40:300, 40:280].max() < 60  # nothing is left where it was
