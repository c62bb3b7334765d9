"""A source on virtual time: the pool is a list of jobs, the decoder a stand-in that fails on demand."""

from collections.abc import Callable

import pytest

from mcu.clock import MediaClock
from mcu.errors import CodecError
from mcu.media import Picture, VideoCodec, VideoUnit
from mcu.traces import PictureTrace
from mcu.video import source as source_module
from mcu.video.source import LIVE_US, MAX_UNITS, VideoSource
from tests.unit.video.reference import flat

pytestmark = pytest.mark.unit

TICK_US = 33_333
Jobs = list[Callable[[], None]]


class FakeDecoder:
    """Decodes a byte into a picture of that brightness; ``!`` is broken, ``?`` hostile, ``-`` not to be shown."""

    opened = 0

    def __init__(self, codec: VideoCodec) -> None:
        self.codec = codec
        FakeDecoder.opened += 1

    def decode(self, data: bytes) -> Picture | None:
        if data == b"!":
            raise CodecError("broken")
        if data == b"?":
            raise RuntimeError("nobody thought of this")
        return None if data == b"-" else flat(data[0], 128, 128)


class FixedSync:
    def __init__(self, delay_us: int = 0) -> None:
        self.delay_us = delay_us

    def due_us(self, capture_us: int | None, arrival_us: int) -> int:  # noqa: ARG002 - the protocol's
        return arrival_us + self.delay_us


class Bench:
    """A source, its jobs, and the keyframes it asked for."""

    def __init__(self, delay_us: int = 0) -> None:
        self.jobs: Jobs = []
        self.asked = 0
        self.source = VideoSource(FixedSync(delay_us), self._ask, self.jobs.append)
        self.source.set_stage(on=True, now_us=0)

    def _ask(self) -> None:
        self.asked += 1

    def push(self, data: bytes, arrival_us: int, *, keyframe: bool = False, codec: VideoCodec = VideoCodec.VP8) -> None:
        self.source.push(VideoUnit(codec, data, 0, arrival_us, None, keyframe))

    def work(self) -> None:
        while self.jobs:
            self.jobs.pop(0)()

    def shown(self, now_us: int) -> int | None:
        picture = self.source.take(now_us)
        return None if picture is None else int(picture.y[0, 0])


@pytest.fixture(autouse=True)
def fake_decoder(monkeypatch: pytest.MonkeyPatch) -> None:
    FakeDecoder.opened = 0
    monkeypatch.setattr(source_module, "Decoder", FakeDecoder)


def test_a_picture_carries_when_its_packets_came_and_when_it_was_decoded() -> None:
    now_us = [0]
    jobs: Jobs = []
    clock = MediaClock(0, 0, lambda: now_us[0] * 1000)
    source = VideoSource(FixedSync(), lambda: None, jobs.append, clock=clock)
    source.set_stage(on=True, now_us=0)
    source.push(VideoUnit(VideoCodec.VP8, b"a", 0, 14, None, keyframe=True, first_us=10, whole_us=15))
    source.push(VideoUnit(VideoCodec.VP8, b"b", 0, 40, None, keyframe=False))
    for now_us[0] in (20, 50):
        jobs.pop(0)()
    shown = [source.take(at_us) for at_us in (30, 60)]
    assert [picture and picture.trace for picture in shown] == [
        PictureTrace(first_us=10, last_us=14, whole_us=15, decoded_us=20),
        PictureTrace(first_us=40, last_us=40, whole_us=40, decoded_us=50),
    ]


def test_it_is_known_how_long_pictures_wait_for_their_decoder() -> None:
    now_us = [0]
    jobs: Jobs = []
    source = VideoSource(FixedSync(), lambda: None, jobs.append, clock=MediaClock(0, 0, lambda: now_us[0] * 1000))
    source.set_stage(on=True, now_us=0)
    assert source.waited_us(0) is None
    source.push(VideoUnit(VideoCodec.VP8, b"a", 0, 10_000, None, keyframe=True, whole_us=15_000))
    source.push(VideoUnit(VideoCodec.VP8, b"b", 0, 40_000, None, keyframe=False))
    for now_us[0], waited_us in ((20_000, 5_000), (900_000, 860_000)):
        jobs.pop(0)()
        assert source.waited_us(now_us[0]) == waited_us
    assert source.waited_us(1_899_999) == 860_000
    assert source.waited_us(1_900_000) is None


def test_coming_on_stage_asks_for_a_keyframe_and_shows_from_there() -> None:
    bench = Bench()
    assert bench.asked == 1
    bench.push(b"a", 10)
    bench.push(b"b", 20, keyframe=True)
    bench.push(b"c", 30)
    bench.work()
    assert bench.shown(20) == ord("b")
    assert bench.shown(30) == ord("c")
    assert bench.source.all_drops() == {"no_keyframe": 1}


def test_off_stage_nothing_is_decoded_and_the_decoder_is_given_back() -> None:
    bench = Bench()
    bench.push(b"a", 10, keyframe=True)
    bench.work()
    bench.source.set_stage(on=False, now_us=20)
    assert not bench.source.decoding
    bench.push(b"b", 30, keyframe=True)
    assert bench.jobs == []
    assert bench.shown(40) is None
    assert bench.source.state(40).live
    assert bench.source.all_drops() == {"off_stage": 1}


def test_back_on_stage_it_waits_for_the_keyframe_it_asks_for() -> None:
    bench = Bench()
    bench.source.set_stage(on=False, now_us=0)
    bench.source.set_stage(on=True, now_us=10)
    assert bench.asked == 2
    bench.push(b"x", 20)
    bench.work()
    assert bench.shown(20) is None


def test_a_keyframe_that_does_not_come_is_asked_for_again_once_a_second() -> None:
    bench = Bench()
    for n in range(91):
        bench.push(b"x", n * TICK_US)
    assert bench.asked == 1 + 3 - 1  # on coming, after one second, after two


def test_a_source_has_one_job_at_a_time_so_its_pictures_stay_in_order() -> None:
    bench = Bench()
    bench.push(b"a", 0, keyframe=True)
    bench.push(b"b", 1)
    bench.push(b"c", 2)
    assert len(bench.jobs) == 1
    order = []
    for now_us in range(3):
        bench.jobs.pop(0)()
        order.append(bench.shown(now_us))
    assert order == [ord("a"), ord("b"), ord("c")]


def test_a_pool_that_cannot_keep_up_drops_to_the_next_keyframe() -> None:
    bench = Bench()
    bench.push(b"k", 0, keyframe=True)
    for n in range(MAX_UNITS):
        bench.push(b"x", n)
    bench.push(b"y", 40)
    bench.push(b"K", 50, keyframe=True)
    bench.work()
    assert bench.source.decoded == 1
    assert bench.shown(50) == ord("K")
    assert bench.source.all_drops() == {"overflow": MAX_UNITS, "no_keyframe": 2}


@pytest.mark.parametrize("poison", [b"!", b"?"])
def test_what_cannot_be_decoded_costs_a_keyframe_and_a_fresh_decoder(
    poison: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    bench = Bench()
    bench.push(b"a", 2_000_000, keyframe=True)
    bench.push(poison, 2_000_001)
    bench.push(b"b", 2_000_002)
    bench.work()
    assert bench.asked == 2
    assert bench.shown(2_000_010) == ord("a")  # the last good picture stays
    bench.push(b"c", 2_000_020, keyframe=True)
    bench.work()
    assert bench.shown(2_000_020) == ord("c")
    assert FakeDecoder.opened == 2
    assert bench.source.all_drops() == {"undecodable": 1, "no_keyframe": 1}


def test_a_sender_that_breaks_its_decoder_all_the_time_fills_no_log(caplog: pytest.LogCaptureFixture) -> None:
    bench = Bench()
    for n in range(1000):
        bench.push(b"?", n, keyframe=True)
        bench.work()
    assert bench.source.all_drops()["undecodable"] == 1000
    assert len(caplog.records) == 10  # the 1st, 2nd, 4th … 512th


def test_after_an_error_it_goes_on_at_a_keyframe_that_is_here_already() -> None:
    bench = Bench()
    for n, data in enumerate((b"a", b"!", b"x")):
        bench.push(data, n, keyframe=n == 0)
    bench.push(b"k", 4, keyframe=True)
    bench.push(b"l", 5)
    bench.work()
    assert bench.asked == 1
    assert bench.shown(5) == ord("l")


def test_a_request_that_fails_hurts_nobody(caplog: pytest.LogCaptureFixture) -> None:
    def gone() -> None:
        raise ConnectionError("the peer is gone")

    jobs: Jobs = []
    source = VideoSource(FixedSync(), gone, jobs.append)
    source.set_stage(on=True, now_us=0)
    assert source.keyframe_requests == 1
    assert "the peer is gone" in caplog.text


def test_pictures_wait_for_their_sound_but_never_half_a_second() -> None:
    bench = Bench(delay_us=200_000)
    bench.push(b"a", 0, keyframe=True)
    bench.work()
    assert bench.shown(199_999) is None
    assert bench.shown(200_000) == ord("a")
    forever = Bench(delay_us=10**12)
    forever.push(b"a", 0, keyframe=True)
    forever.work()
    assert forever.shown(500_000) == ord("a")


def test_a_source_that_falls_silent_is_not_live_and_its_picture_goes() -> None:
    bench = Bench()
    assert not bench.source.state(0).live
    bench.push(b"a", 1_000, keyframe=True)
    bench.work()
    assert bench.shown(1_000 + LIVE_US) == ord("a")
    assert bench.source.state(1_000 + LIVE_US).live
    assert bench.shown(1_001 + LIVE_US) is None
    assert not bench.source.state(1_001 + LIVE_US).live


def test_the_shape_is_known_from_pictures_and_off_stage_from_vp8_keyframes() -> None:
    bench = Bench()
    assert bench.source.state(0).aspect == pytest.approx(16 / 9)
    bench.source.set_stage(on=False, now_us=0)
    portrait = b"\x00\x00\x00\x9d\x01\x2a" + (360).to_bytes(2, "little") + (640).to_bytes(2, "little")
    bench.push(portrait, 1, keyframe=True)
    assert bench.source.state(1).aspect == pytest.approx(9 / 16)


def test_a_change_of_codec_changes_the_decoder() -> None:
    bench = Bench()
    bench.push(b"a", 0, keyframe=True)
    bench.push(b"b", 1, keyframe=True, codec=VideoCodec.H264)
    bench.work()
    assert FakeDecoder.opened == 2
    assert bench.shown(1) == ord("b")


def test_empty_units_and_units_after_the_end_are_dropped() -> None:
    bench = Bench()
    bench.push(b"", 0, keyframe=True)
    bench.push(b"a", 1, keyframe=True)
    bench.source.close()
    bench.work()
    bench.push(b"b", 2, keyframe=True)
    assert bench.jobs == []
    assert bench.shown(2) is None
    assert not bench.source.decoding
    assert bench.source.all_drops() == {"empty": 1, "closed": 1}


# --- what decoding may cost -------------------------------------------------------------------------------------------


class Costly(Bench):
    """A source whose every picture takes so much of a core."""

    def __init__(self, cost_us: int) -> None:
        super().__init__()
        self._cpu_us = 0
        self._cost_us = cost_us
        self.source = VideoSource(FixedSync(), self._ask, self.jobs.append, cpu_us=self._cpu)
        self.source.set_stage(on=True, now_us=0)
        self.asked = 0

    def _cpu(self) -> int:
        self._cpu_us += self._cost_us  # looked at before and after each picture
        return self._cpu_us

    def film(self, seconds: int, keyframe_every: int) -> None:
        for n in range(seconds * 30):
            self.push(bytes([100 + n % 100]), n * TICK_US, keyframe=n % keyframe_every == 0)
            self.work()
            self.shown(n * TICK_US)


def test_a_sender_whose_pictures_cost_too_much_is_decoded_less_often_from_keyframe_to_keyframe() -> None:
    bench = Costly(100_000)
    bench.film(20, keyframe_every=15)
    spent_us = bench.source.decoded * 100_000
    assert 0.3 * 20_000_000 < spent_us < 0.43 * 20_000_000
    drops = bench.source.all_drops()
    assert drops["over_budget"] > 200
    assert bench.source.decoded + drops["over_budget"] + drops["no_keyframe"] == 600
    state = bench.source.state(20_000_000)
    assert state.live
    assert state.costly
    assert bench.asked <= 20
    assert not bench.source.state(60_000_000).costly


def test_a_sender_whose_pictures_are_cheap_loses_none() -> None:
    bench = Costly(2_000)
    bench.film(20, keyframe_every=300)
    assert bench.source.decoded == 600
    assert not bench.source.all_drops()["over_budget"]


def test_pictures_that_piled_up_are_not_worked_off_beyond_the_budget() -> None:
    bench = Costly(100_000)
    for n in range(30):
        bench.push(b"k", n, keyframe=True)
    bench.work()
    assert bench.source.decoded <= 4
    assert bench.source.all_drops()["over_budget"] >= 26


def test_bytes_that_wait_are_bounded_too() -> None:
    bench = Bench()
    for n in range(10):
        bench.push(b"k" * 1_400_000, n, keyframe=True)
    assert bench.source.all_drops() == {"overflow": 6}
    bench.work()
    assert bench.source.decoded == 4
