"""Which encoders exist for whom, and what sizes they get."""

from itertools import pairwise

import numpy as np
import pytest

from layouts.geometry import Rect, Size
from mcu.media import EncodedFrame, Rung, VideoCodec
from mcu.messages import VideoConfig
from mcu.video import output as output_module
from mcu.video.i420 import Canvas, Colour
from mcu.video.outputs import VideoOutputs

pytestmark = pytest.mark.unit

CONFIG = VideoConfig(width=320, height=180, fps=30)
H264, VP8 = VideoCodec.H264, VideoCodec.VP8


class Encoder:
    """Stands in for a real one; tells the size of what it gets, and the mean luma of the left half, as its data."""

    def __init__(self, config: VideoConfig) -> None:
        self._size = Size(config.width, config.height)

    def follow(self, bitrate_bps: int) -> bool:
        return bitrate_bps > 0

    def encode(self, canvas: Canvas, pts: int, duration: int, *, keyframe: bool) -> EncodedFrame:
        assert canvas.size == self._size
        left = canvas.y[:, : self._size.width // 2]
        data = f"{self._size.width}x{self._size.height} {round(float(np.mean(left)))}".encode()
        return EncodedFrame(H264, data, pts, duration, 90_000, keyframe)


class Bench:
    def __init__(self) -> None:
        self.canvas = Canvas(Size(CONFIG.width, CONFIG.height))
        self.canvas.fill(Rect(0, 0, 320, 180), Colour(100, 128, 128))
        self.outputs = VideoOutputs(CONFIG, lambda: None)
        self.hubs = self.outputs.hubs()
        self.tick = 0

    def run(self, ticks: int = 1, *, changed: bool = True) -> int:
        """How many encoders there are after so many ticks."""
        for _ in range(ticks):
            self.outputs.work(self.canvas, self.tick, self.tick * 1_000_000 // CONFIG.fps, changed=changed)
            self.tick += 1
        return sum(output.running for output in self.outputs)


@pytest.fixture(autouse=True)
def fake_encoders(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(output_module, "ENCODERS", dict.fromkeys(VideoCodec, Encoder))


def test_there_is_an_encoder_for_each_codec_and_rung_in_use_and_no_other() -> None:
    bench = Bench()
    assert bench.run() == 0
    assert not bench.outputs.in_use
    taken = [(codec, rung, bench.hubs[codec][rung].subscribe(bound=9)) for codec in VideoCodec for rung in Rung]
    assert bench.run() == 6
    bench.hubs[H264][Rung.FULL].subscribe(bound=9)  # somebody more on a rung costs nothing
    assert bench.run() == 6
    for codec, rung, subscription in taken:
        bench.hubs[codec][rung].unsubscribe(subscription)
    assert bench.run() == 1


def test_each_rung_has_half_the_width_and_height_of_the_one_above() -> None:
    bench = Bench()
    viewers = {rung: bench.hubs[VP8][rung].subscribe(bound=9) for rung in Rung}
    bench.run()
    assert [v.drain()[0].data for v in viewers.values()] == [b"320x180 100", b"160x90 100", b"80x44 100"]


def test_a_rung_shows_what_the_canvas_shows_now() -> None:
    bench = Bench()
    viewer = bench.hubs[H264][Rung.HALF].subscribe(bound=99)
    bench.run()
    bench.canvas.fill(Rect(0, 0, 160, 180), Colour(200, 128, 128))
    bench.run()
    assert [frame.data for frame in viewer.drain()] == [b"160x90 100", b"160x90 200"]
    # While nobody is there the canvas changes; the next viewer comes when it stands still again.
    bench.hubs[H264][Rung.HALF].unsubscribe(viewer)
    bench.canvas.fill(Rect(0, 0, 160, 180), Colour(50, 128, 128))
    bench.run()
    viewer = bench.hubs[H264][Rung.HALF].subscribe(bound=99)
    bench.run(changed=False)
    assert [frame.data for frame in viewer.drain()] == [b"160x90 50"]


@pytest.mark.parametrize(("width", "height"), [(1280, 720), (854, 480), (160, 90), (3840, 2160)])
def test_every_rung_can_be_encoded_and_costs_less_than_the_one_above(width: int, height: int) -> None:
    config = VideoConfig(width=width, height=height, bitrate_bps=300_000)
    rungs = [config.at(rung) for rung in Rung]
    assert rungs[0] == config
    for above, below in pairwise(rungs):
        assert below.width % 2 == below.height % 2 == 0
        assert abs(below.width - above.width / 2) <= 2
        assert abs(below.height - above.height / 2) <= 2
        assert below.bitrate_bps <= above.bitrate_bps / 2
    assert VideoConfig().at(Rung.QUARTER).bitrate_bps == 180_000
