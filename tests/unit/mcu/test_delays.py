"""Delays by stage, on virtual time: what is told of somebody lately, and of the room since its start."""

import pytest

from mcu.clock import MediaClock
from mcu.delays import RECENT_US, DelayBook
from mcu.media import EncodedFrame, VideoCodec
from mcu.traces import MixTrace, PictureTrace, Shown, SoundTrace

pytestmark = pytest.mark.unit

MS = 1000
STAGES = ("receive", "decode", "hold", "wait", "compose", "encode", "total")
# packets from 0 to 4, handed on at 5, decoded at 8, due at 20, taken at 33, painted at 35, encoded at 41, sent at 42
EXPECTED_MS = {"receive": 5, "decode": 3, "hold": 12, "wait": 13, "compose": 2, "encode": 6, "total": 38, "send": 1}


class Bench:
    """A book whose clock stands where it is put."""

    def __init__(self) -> None:
        self.now_us = 0
        self.book = DelayBook(MediaClock(0, 0, lambda: self.now_us * 1000))

    def send_picture(self, *viewers: str, of: str = "a", at_us: int = 0) -> None:
        times = [at_us + ms * MS for ms in (0, 4, 5, 8)]
        shown = Shown(PictureTrace(*times), at_us + 20 * MS, at_us + 33 * MS)
        mix = MixTrace({of: shown}, at_us + 35 * MS)
        frame = EncodedFrame(VideoCodec.H264, b"", 0, 3000, 90_000, False, encoded_us=at_us + 41 * MS, mix=mix)
        for number, viewer in enumerate(viewers, 1):
            self.now_us = at_us + (41 + number) * MS
            self.book.picture_sent(viewer, frame)

    def medians(self, who: str, media: str = "picture") -> dict[str, float]:
        return {stage: told.p50_ms for stage, told in self.book.recent(who).get(media, {}).items()}


def test_each_stage_of_a_picture_is_told_apart() -> None:
    bench = Bench()
    bench.book.join("a")
    bench.send_picture("a")
    assert bench.medians("a") == EXPECTED_MS
    assert bench.medians("a", "screen") == bench.medians("a", "sound") == {}


def test_a_picture_counts_once_and_its_sending_for_each_who_gets_it() -> None:
    bench = Bench()
    for who in ("a", "b", "c"):
        bench.book.join(who)
    bench.send_picture("c", "b", "a")
    told = {who: bench.book.recent(who)["picture"] for who in ("a", "b", "c")}
    assert {who: set(stages) for who, stages in told.items()} == {"a": {*STAGES, "send"}, "b": {"send"}, "c": {"send"}}
    assert {stage.count for stages in told.values() for stage in stages.values()} == {1}
    assert (told["a"]["total"].p50_ms, told["a"]["send"].p50_ms) == (38, 3)  # to the first who got it; to oneself
    since_start = bench.book.histograms()["picture"]
    assert (sum(since_start["total"].counts), sum(since_start["send"].counts)) == (1, 3)
    assert since_start["send"].sum_s == pytest.approx(0.006)


def test_a_screen_is_told_apart_from_its_owners_camera() -> None:
    bench = Bench()
    bench.book.join("a")
    bench.send_picture("b", of="a:screen")
    assert set(bench.medians("a", "screen")) == set(STAGES)
    assert bench.medians("a") == {}


def test_a_picture_that_left_before_its_time_was_not_held() -> None:
    bench = Bench()
    bench.book.join("a")
    shown = Shown(PictureTrace(0, 0, 0, 10 * MS), due_us=90 * MS, taken_us=12 * MS)
    frame = EncodedFrame(VideoCodec.H264, b"", 0, 1, 1, False, encoded_us=12 * MS, mix=MixTrace({"a": shown}, 12 * MS))
    bench.now_us = 12 * MS
    bench.book.picture_sent("a", frame)
    assert (bench.medians("a")["hold"], bench.medians("a")["wait"]) == (2, 0)


def test_sound_is_told_from_its_packets_arrival() -> None:
    bench = Bench()
    for who in ("a", "b"):
        bench.book.join(who)
    trace = SoundTrace({"a": 10 * MS}, 40 * MS, 43 * MS)
    bench.book.sound_sent(["b", "a"], trace, 45 * MS)
    assert bench.medians("a", "sound") == {"wait": 30, "mix": 3, "total": 35, "send": 2}
    assert bench.medians("b", "sound") == {"send": 2}


def test_only_the_last_seconds_of_somebody_are_told_and_all_of_the_room() -> None:
    bench = Bench()
    bench.book.join("a")
    for number in range(100):
        bench.send_picture("a", at_us=number * 200 * MS)
    assert bench.book.recent("a")["picture"]["total"].count == RECENT_US // (200 * MS) + 1
    bench.now_us += RECENT_US + 1
    assert bench.book.recent("a") == {}
    assert sum(bench.book.histograms()["picture"]["total"].counts) == 100


@pytest.mark.parametrize(("fast", "most_ms"), [(299, 900), (300, 5), (700, 5)])
def test_of_more_than_is_kept_the_oldest_are_forgotten(fast: int, most_ms: int) -> None:
    bench = Bench()
    bench.book.join("a")
    for number, delay_ms in enumerate([900] * 20 + [5] * fast):
        bench.now_us = (1000 + number) * MS
        bench.book.sound_sent(["a"], SoundTrace({}, 0, bench.now_us - delay_ms * MS), bench.now_us)
    told = bench.book._recent["a"]["sound", "out"].since(0)
    assert (len(told), max(told)) == (300, (most_ms * MS,))


def test_p95_is_of_the_slowest_few() -> None:
    bench = Bench()
    bench.book.join("a")
    for slow in [10] * 94 + [70] * 6:
        bench.now_us = slow * MS
        bench.book.sound_sent(["a"], SoundTrace({}, 0, 0), bench.now_us)
    told = bench.book.recent("a")["sound"]["send"]
    assert (told.count, told.p50_ms, told.p95_ms) == (100, 10, 70)


def test_a_delay_is_counted_up_to_the_bound_that_it_does_not_exceed() -> None:
    bench = Bench()
    bench.book.join("a")
    for delay_us in (0, 1000, 1001, 1_000_000, 1_000_001):
        bench.now_us = delay_us
        bench.book.sound_sent(["a"], SoundTrace({}, 0, 0), bench.now_us)
    histogram = bench.book.histograms()["sound"]["send"]
    within = dict(zip(histogram.bounds_s, histogram.counts, strict=False))
    assert (within[0.001], within[0.002], within[1.0], histogram.counts[-1]) == (2, 1, 1, 1)


def test_nothing_is_kept_of_who_has_left() -> None:
    bench = Bench()
    bench.book.join("a")
    bench.book.leave("a")
    bench.book.leave("nobody")
    bench.send_picture("a")
    assert (bench.book.recent("a"), bench.book.histograms()) == ({}, {})
