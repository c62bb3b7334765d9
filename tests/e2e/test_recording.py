"""A recorded conference: the file, what is in it, and whether it plays."""

import hashlib
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.support import film
from tests.e2e.support.chromium import Chromium
from tests.e2e.support.firefox import Firefox
from tests.e2e.support.flasher import Flasher
from tests.e2e.support.media import BLUE, GREEN, RED, Rgb
from tests.e2e.support.server import Server
from tests.e2e.support.spectra import tone_dbfs
from tests.e2e.support.synthetic import BEEP_HZ
from tests.e2e.support.tiles import Box, box_of, is_near
from tests.e2e.support.waiting import wait_for

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]

ROOM = "recorded"
SECONDS = 12.0
YELLOW: Rgb = (170, 160, 40)
WHITE: Rgb = (255, 255, 255)
WIDTH, HEIGHT = 640, 360  # small: three browsers and the room share two processors, on some machines slow ones
TILES: dict[Rgb, Box] = {  # in the order of joining; four 16:9 pictures fill the canvas, here as if it were 1280 wide
    YELLOW: (0, 0, 640, 360),
    RED: (640, 0, 640, 360),
    GREEN: (0, 360, 640, 360),
    BLUE: (640, 360, 640, 360),
}


@dataclass
class Recorded:
    path: Path
    fields: dict[str, Any]
    left_out: float  # ticks, meanwhile


@pytest.fixture(scope="module")
def recorded(
    server: Server, red: Chromium, green: Chromium, firefox: Firefox, tmp_path_factory: pytest.TempPathFactory
) -> Recorded:
    """Twelve seconds of three browsers and somebody who flashes and beeps. One of them watches.

    All that the others would see has to be made, decoded and drawn by the same processors, and a machine that is too
    small for it shows pictures late, which is not what this is about.
    """
    browsers = (red, green, firefox)
    for browser in browsers:
        browser.open(f"{server.url}/healthz")
    flasher = Flasher(server.url, YELLOW)
    try:
        server.open_room(ROOM, video={"width": WIDTH, "height": HEIGHT})
        flasher.join(ROOM, "Flash")
        red.join(ROOM, "Rosa")
        green.join(ROOM, "Greta", watches=False)
        firefox.join(ROOM, "Beatrix", painted=(BLUE, 880), watches=False)
        wait_for(lambda: _all_in_place(red), timeout_s=30, what="four colours in four tiles")
        _let_settle(server)
        left_out = server.ticks_left_out()
        id_ = server.record(ROOM)
        time.sleep(SECONDS)
        fields = server.finish(id_)
        left_out = server.ticks_left_out() - left_out
    finally:
        flasher.close()
        for browser in browsers:
            browser.leave()
            browser.open("about:blank")
    return Recorded(server.download(id_, tmp_path_factory.mktemp("recording") / "conference.mp4"), fields, left_out)


def _let_settle(server: Server) -> None:
    """Wait for the browsers' start to be over; on a machine that is too small for all this, not for ever."""
    deadline = time.monotonic() + 20
    while server.metric("tutti_video_overload_level") and time.monotonic() < deadline:
        time.sleep(0.5)


def _all_in_place(viewer: Chromium) -> bool:
    picture = viewer.frame()
    return picture is not None and all(is_near(box_of(picture, colour), tile) for colour, tile in TILES.items())


def test_the_catalog_describes_the_file(recorded: Recorded) -> None:
    data, fields = recorded.path.read_bytes(), recorded.fields
    assert fields["size"] == len(data)
    assert fields["sha256"] == hashlib.sha256(data).hexdigest()
    assert fields["duration"] == pytest.approx(SECONDS, abs=1)
    assert fields["gaps"] == []
    assert fields["room"] == ROOM


def test_ffprobe_and_ffmpeg_find_no_fault(recorded: Recorded) -> None:
    told = film.probe(recorded.path)
    assert (told["video"]["codec_name"], told["audio"]["codec_name"]) == ("h264", "aac")
    assert (told["video"]["width"], told["video"]["height"]) == (WIDTH, HEIGHT)
    assert told["video"]["color_range"] == "tv"
    assert told["video"]["color_space"] == "smpte170m"
    assert told["audio"]["sample_rate"] == "48000"
    assert float(told["format"]["duration"]) == pytest.approx(recorded.fields["duration"], abs=0.05)
    assert film.decode_errors(recorded.path) == ""


def test_the_index_stands_before_the_media(recorded: Recorded) -> None:
    types = film.boxes(recorded.path)
    assert types.index("moov") < types.index("mdat")
    assert "moof" not in types


def test_pictures_are_evenly_spaced(recorded: Recorded) -> None:
    spacing = film.spacing(recorded.path, fps=30)
    assert spacing.all_whole, spacing.periods
    assert spacing.missing <= recorded.left_out  # what is missing was never made, and counted


def test_a_keyframe_comes_at_least_every_four_seconds(recorded: Recorded) -> None:
    packets = film.packets(recorded.path, "video")
    keyframes = [float(time) for time, is_keyframe in packets if is_keyframe]
    assert keyframes[0] == float(packets[0][0]) == pytest.approx(0, abs=0.001)
    ends = [*keyframes[1:], float(packets[-1][0])]
    assert max(end - start for start, end in zip(keyframes, ends, strict=True)) <= 4.05


@pytest.mark.parametrize("at_s", [0.0, SECONDS / 2, SECONDS - 1.5])
def test_everybody_is_in_their_tile(recorded: Recorded, at_s: float) -> None:
    picture = film.picture(recorded.path, at_s)
    for colour, tile in TILES.items():
        shades = (YELLOW, WHITE) if colour == YELLOW else (colour,)  # it may be caught flashing
        assert any(is_near(box_of(picture, shade), tile) for shade in shades), colour


def test_everybody_can_be_heard(recorded: Recorded) -> None:
    begins, samples = film.sound(recorded.path)
    assert begins == pytest.approx(0, abs=0.03)
    middle = samples[len(samples) // 3 : 2 * len(samples) // 3]
    assert {hz: tone_dbfs(middle, hz) > -35 for hz in (440, 660, 880)} == {440: True, 660: True, 880: True}
    assert tone_dbfs(middle, 550) < -60


def test_sound_and_picture_stay_together(recorded: Recorded) -> None:
    flashes = film.flashes(recorded.path, (0, 0, WIDTH // 2, HEIGHT // 2), fps=30)
    beeps = film.beeps(recorded.path, BEEP_HZ)
    offsets = film.offsets_ms(flashes, beeps)
    assert len(offsets) >= SECONDS - 2, (flashes, beeps)
    *others, largest = sorted(map(abs, offsets))
    assert others[-1] < 40, str(offsets)
    assert largest < 200, str(offsets)  # once, the machine may have stood still when somebody flashed


def test_a_browser_plays_it_and_seeks(recorded: Recorded, server: Server, red: Chromium) -> None:
    red.open(f"{server.url}/healthz")
    times = [9.0, 2.5, 6.1]
    played = red.play(f"/v1/recordings/{recorded.fields['id']}/download", times)
    assert (played["width"], played["height"]) == (WIDTH, HEIGHT)
    assert played["duration"] == pytest.approx(recorded.fields["duration"], abs=0.1)
    assert [seen["time"] for seen in played["seen"]] == pytest.approx(times, abs=0.01)
    for seen in played["seen"]:
        assert is_near(box_of(seen["pixels"], RED), TILES[RED])
