"""When the canvas is encoded, and when an encoder exists, on virtual time with a stand-in for the encoder."""

from itertools import pairwise

import pytest

from layouts.geometry import Size
from mcu.clock import MediaClock
from mcu.errors import CodecError
from mcu.media import EncodedFrame, VideoCodec
from mcu.messages import VideoConfig
from mcu.traces import MixTrace
from mcu.video import output as output_module
from mcu.video.i420 import Canvas
from mcu.video.output import VideoOutput

pytestmark = pytest.mark.unit

FPS = 30
CANVAS = Canvas(Size(160, 90))


class FakeEncoder:
    opened = 0
    broken = False
    adapts = True

    def __init__(self, config: VideoConfig) -> None:
        FakeEncoder.opened += 1
        self._bitrate_bps = config.bitrate_bps

    def follow(self, bitrate_bps: int) -> bool:
        if FakeEncoder.adapts:
            self._bitrate_bps = bitrate_bps
        return bitrate_bps == self._bitrate_bps

    def encode(
        self,
        canvas: Canvas,  # noqa: ARG002 - as the real one
        pts: int,
        duration: int,
        *,
        keyframe: bool,
    ) -> EncodedFrame:
        if FakeEncoder.broken:
            raise CodecError("out of order")
        return EncodedFrame(VideoCodec.H264, str(self._bitrate_bps).encode(), pts, duration, 90_000, keyframe)


class Bench:
    def __init__(self) -> None:
        self.wakes = 0
        self.output = VideoOutput(VideoCodec.H264, VideoConfig(width=160, height=90, fps=FPS), self._wake)

    def _wake(self) -> None:
        self.wakes += 1

    def run(self, ticks: range, *, changed: bool) -> None:
        for tick in ticks:
            self.output.work(CANVAS, tick, tick * 1_000_000 // FPS, changed=changed)


@pytest.fixture(autouse=True)
def fake_encoder(monkeypatch: pytest.MonkeyPatch) -> None:
    FakeEncoder.opened = 0
    FakeEncoder.broken = False
    FakeEncoder.adapts = True
    monkeypatch.setattr(output_module, "ENCODERS", {VideoCodec.H264: FakeEncoder})


def test_an_encoder_exists_exactly_while_somebody_listens() -> None:
    bench = Bench()
    bench.run(range(10), changed=True)
    assert FakeEncoder.opened == 0
    subscription = bench.output.hub.subscribe(bound=60)
    assert bench.wakes == 1
    bench.run(range(10, 20), changed=True)
    assert bench.output.running
    bench.output.hub.unsubscribe(subscription)
    bench.run(range(20, 21), changed=True)
    assert not bench.output.running
    assert FakeEncoder.opened == 1
    assert len(subscription.drain()) == 10


def test_the_first_frame_is_a_keyframe_and_time_is_the_tick_number() -> None:
    bench = Bench()
    subscription = bench.output.hub.subscribe(bound=60)
    bench.run(range(100, 103), changed=True)
    frames = subscription.drain()
    assert [frame.keyframe for frame in frames] == [True, False, False]
    assert [frame.pts for frame in frames] == [300_000, 303_000, 306_000]
    assert {frame.duration for frame in frames} == {3_000}


def test_a_frame_tells_when_it_was_encoded_and_what_it_shows() -> None:
    clock = MediaClock(0, 0, lambda: 77_000_000)
    output = VideoOutput(VideoCodec.H264, VideoConfig(width=160, height=90, fps=FPS), lambda: None, clock=clock)
    idle, mix = MixTrace({}, 0), MixTrace({}, 70_000)
    output.work(CANVAS, 1, 1, changed=True, mix=idle)
    subscription = output.hub.subscribe(bound=9)
    output.work(CANVAS, 2, 2, changed=True, mix=mix)
    (frame,) = subscription.drain()
    assert (frame.encoded_us, frame.mix) == (77_000, mix)
    assert (idle.encoded, mix.encoded) == (False, True)


def test_a_new_viewer_gets_a_keyframe_at_the_next_tick() -> None:
    bench = Bench()
    bench.output.hub.subscribe(bound=99)
    bench.run(range(60), changed=True)
    late = bench.output.hub.subscribe(bound=99)
    bench.run(range(60, 61), changed=False)
    assert [frame.keyframe for frame in late.drain()] == [True]
    assert bench.output.keyframes == 2


def test_an_unchanged_canvas_is_encoded_five_times_a_second() -> None:
    bench = Bench()
    bench.output.hub.subscribe(bound=999)
    bench.run(range(300), changed=False)
    assert 49 <= bench.output.frames <= 51


def test_a_recording_gets_every_frame_and_can_be_entered_every_four_seconds() -> None:
    bench = Bench()
    recording = bench.output.hub.subscribe(bound=999, every_frame=True)
    bench.run(range(600), changed=False)
    frames = recording.drain()
    assert len(frames) == 600
    keyframes = [frame.pts for frame in frames if frame.keyframe]
    assert max(b - a for a, b in pairwise(keyframes)) <= 4 * 90_000


def test_a_broken_encoder_is_replaced_after_a_second(caplog: pytest.LogCaptureFixture) -> None:
    bench = Bench()
    subscription = bench.output.hub.subscribe(bound=99)
    FakeEncoder.broken = True
    bench.run(range(10), changed=True)
    assert bench.output.faults == 1
    assert "out of order" in caplog.text
    FakeEncoder.broken = False
    bench.run(range(10, 40), changed=True)
    frames = subscription.drain()
    assert frames[0].keyframe
    assert frames[0].pts == 30 * 3_000


@pytest.mark.parametrize(("adapts", "keyframes", "opened"), [(True, 1, 1), (False, 2, 2)])
def test_another_bitrate_costs_a_keyframe_only_where_the_library_has_to_begin_anew(
    adapts: bool,
    keyframes: int,
    opened: int,
) -> None:
    FakeEncoder.adapts = adapts
    bench = Bench()
    subscription = bench.output.hub.subscribe(bound=60)
    bench.run(range(3), changed=True)
    bench.output.follow(VideoConfig(width=160, height=90, fps=FPS, bitrate_bps=300_000, ceiling_bps=2_000_000))
    bench.run(range(3, 6), changed=True)
    frames = subscription.drain()
    assert [frame.data for frame in frames] == [b"2000000"] * 3 + [b"300000"] * 3
    assert sum(frame.keyframe for frame in frames) == keyframes
    assert FakeEncoder.opened == opened
