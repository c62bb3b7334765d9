"""A live room's canvas and ``render_picture`` are the same, byte by byte."""

import time

import cv2
import numpy as np
import pytest

from layouts import Options, Size, Source, resolve
from mcu.clock import MediaClock
from mcu.messages import VideoConfig
from mcu.offline import RgbImage, TileInfo, render_picture
from mcu.video.emptyroom import dressed
from mcu.video.mixer import VideoMixer
from mcu.video.scene import Scene
from mcu.video.style import NO_STYLE, CanvasStyle, Logo, artwork_from
from tests.golden.cards import logo

pytestmark = [pytest.mark.media, pytest.mark.beside]

CANVAS = Size(480, 270)
PEOPLE = [TileInfo("Ada", speaking=True), TileInfo("Боб", muted=True), TileInfo("Eve", network_trouble=True)]
BRAND = CanvasStyle(
    background="#203040",
    border="#ff8800",
    title="Standup",
    banner="Next: retro",
    logo=Logo(artwork_from(logo(), "logo")),
)


def live(scene: Scene, expected: RgbImage) -> RgbImage:
    """What a mixer shows once its labels are drawn; it has two seconds for that."""
    mixer = VideoMixer(VideoConfig(width=CANVAS.width, height=CANVAS.height), MediaClock())
    mixer.pool.start()
    try:
        mixer.show(scene)
        for tick in range(200):
            mixer.work(tick)
            shown = np.asarray(cv2.cvtColor(mixer.canvas.packed(), cv2.COLOR_YUV2RGB_I420), np.uint8)
            if tick > 10 and (shown == expected).all():
                break
            time.sleep(0.01)
        return shown
    finally:
        mixer.pool.stop()
        mixer.stop()


@pytest.mark.parametrize("style", [NO_STYLE, BRAND], ids=["plain", "brand"])
@pytest.mark.parametrize(
    ("layout", "options"),
    [
        ("grid", Options()),
        ("grid", Options(gap=8, padding=12, corner_radius=20, background="#446622")),
        ("speaker", Options(side=None, corner_radius=6, gap=4)),
        ("pip", Options(corner_radius=10)),
    ],
)
def test_people(layout: str, options: Options, style: CanvasStyle) -> None:
    offline = render_picture(layout, CANVAS, [None] * 3, options=options, names=PEOPLE, style=style)
    sources = [Source(str(number), info.name, has_video=False) for number, info in enumerate(PEOPLE)]
    info = {str(number): info for number, info in enumerate(PEOPLE)}
    scene = Scene(resolve(layout, CANVAS, sources, options), info, style, motion_us=0)
    assert (live(scene, offline) == offline).all()


@pytest.mark.parametrize("shown", ["", "waiting", "bars", "logo"])
def test_an_empty_room(shown: str) -> None:
    options = Options(empty_picture=shown)
    offline = render_picture("grid", CANVAS, [], options=options, style=BRAND)
    layout = resolve("grid", CANVAS, [], options)
    assert (live(Scene(layout, style=dressed(BRAND, layout)), offline) == offline).all()
