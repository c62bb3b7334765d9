"""When a picture is shown: at the tick nearest to the time at which it is due, and told once with what shows it."""

import cv2
import numpy as np
import pytest

from layouts.geometry import Rect, Size
from layouts.model import Layout, Tile
from mcu.clock import MediaClock
from mcu.media import VideoCodec, VideoUnit
from mcu.messages import VideoConfig
from mcu.video.i420 import Colour
from mcu.video.mixer import VideoMixer
from mcu.video.scene import Scene, TileInfo
from tests.media.video_content import encoded_colour

pytestmark = [pytest.mark.media, pytest.mark.beside]

CANVAS = Size(320, 180)
GREEN = (40, 200, 60)
TICK_US = 1_000_000 // 30
DUE_TICK = 10


class Due:
    def __init__(self, due_us: int) -> None:
        self._due_us = due_us

    def due_us(self, capture_us: int | None, arrival_us: int) -> int:  # noqa: ARG002 - the protocol's
        return self._due_us


def _prepared(due_us: int) -> VideoMixer:
    """A mixer that has a picture due then, which is here well before."""
    mixer = VideoMixer(VideoConfig(width=CANVAS.width, height=CANVAS.height, fps=30), MediaClock())
    source = mixer.add("green", Due(due_us), lambda: None)
    mixer.show(Scene(Layout(CANVAS, (Tile("green", Rect(0, 0, 320, 180)),)), {"green": TileInfo("")}))
    mixer.work(0)
    data = encoded_colour(VideoCodec.VP8, Colour.from_rgb(*GREEN), CANVAS, count=1)[0]
    source.push(VideoUnit(VideoCodec.VP8, data, 0, due_us - 100_000, None, keyframe=True))
    mixer.pool.start()
    mixer.pool.stop()  # it finishes what was handed in: the picture is decoded
    return mixer


def first_shown(due_us: int) -> int:
    """The tick whose canvas shows it."""
    mixer = _prepared(due_us)
    try:
        return next(tick for tick in range(1, 2 * DUE_TICK) if _is_green(mixer, tick))
    finally:
        mixer.stop()


def _is_green(mixer: VideoMixer, tick: int) -> bool:
    mixer.work(tick)
    shown = cv2.cvtColor(mixer.canvas.packed(), cv2.COLOR_YUV2RGB_I420)
    return bool(np.abs(np.median(shown, axis=(0, 1)) - GREEN).max() < 10)


@pytest.mark.parametrize("off_us", [-16_000, -1000, 0, 1000, 16_000])
def test_it_is_shown_at_the_nearest_tick(off_us: int) -> None:
    assert first_shown(DUE_TICK * TICK_US + off_us) == DUE_TICK


@pytest.mark.parametrize("listened_from", [1, DUE_TICK + 3])
def test_the_first_encoded_picture_that_shows_it_says_so(listened_from: int) -> None:
    mixer = _prepared(DUE_TICK * TICK_US)
    hub = mixer.hubs[VideoCodec.H264]
    subscription = None
    for tick in range(1, DUE_TICK + 9):
        if tick == listened_from:
            subscription = hub.subscribe(bound=30)
        mixer.work(tick)
    mixer.stop()
    assert subscription is not None
    mixes = [(frame.pts // 3000, frame.mix) for frame in subscription.drain()]
    (first,) = [(tick, mix.shown["green"]) for tick, mix in mixes if mix is not None and mix.shown]
    assert first[0] == max(DUE_TICK, listened_from)
    assert first[1].due_us == DUE_TICK * TICK_US
    assert first[1].trace.last_us == DUE_TICK * TICK_US - 100_000
