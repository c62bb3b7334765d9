"""``render_movie`` seen from the MP4 it writes."""

import subprocess
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from layouts.errors import LayoutError
from layouts.model import Options
from mcu.errors import UnreadableMediaError
from mcu.messages import VideoConfig
from mcu.offline import render_movie
from tests.media.offline_clips import BLUE, GREEN, GREY, RED, ClipPlan, Movie, near, read_movie, write_clip

pytestmark = [pytest.mark.media, pytest.mark.beside]

VIDEO = VideoConfig(width=640, height=360, fps=30, bitrate_bps=1_500_000)
BACKGROUND = (17, 19, 24)


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("clips")
    return [
        write_clip(folder / "a.mp4", ClipPlan(RED, 440, 1.0)),
        write_clip(folder / "b.mp4", ClipPlan(GREEN, 660, 2.0, width=320, height=240, fps=15)),
        write_clip(folder / "c.webm", ClipPlan(BLUE, 880, 1.5)),
    ]


@pytest.fixture(scope="module")
def mix(clips: list[Path]) -> Path:
    out = clips[0].with_name("mix.mp4")
    render_movie("grid", clips, out, video=VIDEO)
    return out


@pytest.fixture(scope="module")
def movie(mix: Path) -> Movie:
    return read_movie(mix)


def render(out: Path, *inputs: Path, layout: str = "grid", labels: bool = False) -> Movie:
    render_movie(layout, inputs, out, video=VIDEO, labels=labels)
    return read_movie(out)


def test_it_ends_with_the_longest_and_its_pictures_are_evenly_spaced(movie: Movie) -> None:
    assert movie.times_s == pytest.approx([number / 30 for number in range(60)])
    assert len(movie.sound) == pytest.approx(2.0 * 48_000, abs=1024)
    assert movie.keyframes[0]


def test_every_tile_shows_its_clip_and_keeps_the_last_picture(movie: Movie) -> None:
    # two columns of 320x180 (the 4:3 clip does not make tiles any taller), the third in the middle of the second row
    for at_s in (0.0, 0.9, 1.96):
        assert near(movie.colour(at_s, 160, 90), RED), at_s
        assert near(movie.colour(at_s, 480, 90), GREEN), at_s
        assert near(movie.colour(at_s, 320, 270), BLUE), at_s
        assert near(movie.colour(at_s, 40, 270), BACKGROUND), at_s


def test_everybody_is_heard_as_long_as_they_last(movie: Movie) -> None:
    whole = {hz: movie.tone_db(hz, 0.2, 0.9) for hz in (440, 660, 880)}
    assert whole == {hz: pytest.approx(-14, abs=0.5) for hz in (440, 660, 880)}  # 0.2 of full scale each
    assert movie.tone_db(1320, 0.2, 0.9) < -60, "distorted"
    assert movie.tone_db(440, 1.1, 1.4) < -60
    assert movie.tone_db(880, 1.1, 1.4) == pytest.approx(-14, abs=0.5)
    assert movie.tone_db(660, 1.6, 1.9) == pytest.approx(-14, abs=0.5)


def test_the_same_input_makes_the_same_bytes(clips: list[Path], mix: Path, tmp_path: Path) -> None:
    render_movie("grid", clips, tmp_path / "again.mp4", video=VIDEO)
    assert (tmp_path / "again.mp4").read_bytes() == mix.read_bytes()


def test_the_file_starts_fast_and_tells_no_date(mix: Path) -> None:
    data = mix.read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")
    mvhd = data.index(b"mvhd")
    assert data[mvhd + 8 : mvhd + 16] == bytes(8), "creation and modification time"


def test_ffprobe_agrees(mix: Path) -> None:
    entries = "stream=codec_name,profile,pix_fmt,color_range,color_space,sample_rate,start_time,duration,channels"
    command = ["ffprobe", "-v", "error", "-show_entries", entries, "-of", "default=nw=1", str(mix)]
    shown = subprocess.run(command, check=True, capture_output=True, text=True)
    assert shown.stderr == ""
    told = set(shown.stdout.split())
    assert {"codec_name=h264", "codec_name=aac", "profile=LC", "sample_rate=48000", "pix_fmt=yuv420p"} <= told
    assert {"color_range=tv", "color_space=smpte170m"} <= told
    starts = {line for line in told if line.startswith("start_time")}
    assert starts == {"start_time=0.000000"}
    assert {line for line in told if line.startswith("duration")} == {"duration=2.000000"}


def test_a_flash_and_its_beep_stay_together(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "flash.mp4", ClipPlan(GREY, 1000, 1.6, fps=30, flash_s=1.2))
    movie = render(tmp_path / "out.mp4", clip, layout="single-speaker")
    bright = next(t for t, rgb in zip(movie.times_s, movie.pictures, strict=True) if rgb[180, 320].min() > 200)
    loud = int(np.argmax(np.abs(movie.sound) > 0.05)) / 48_000
    assert bright == pytest.approx(1.2, abs=0.001)
    assert loud == pytest.approx(1.2, abs=0.005)


def test_sound_that_starts_later_in_a_clip_starts_later_in_the_mix(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "late.webm", ClipPlan(GREY, 1000, 1.5, sound_from_s=0.6))
    movie = render(tmp_path / "out.mp4", clip)
    loud = int(np.argmax(np.abs(movie.sound) > 0.05)) / 48_000
    assert loud == pytest.approx(0.6, abs=0.03)


def test_sound_alone_gets_a_tile_and_is_heard(tmp_path: Path) -> None:
    voice = write_clip(tmp_path / "voice.wav", ClipPlan(None, 500, 1.0))
    clip = write_clip(tmp_path / "mute.mp4", ClipPlan(RED, None, 0.5))
    movie = render(tmp_path / "out.mp4", clip, voice, labels=True)
    assert len(movie.times_s) == 30
    assert movie.tone_db(500, 0.2, 0.8) == pytest.approx(-14, abs=0.5)
    assert near(movie.colour(0.3, 160, 180), RED)
    # the tile's ground, a disc with initials on it, and a name below: all in the right half
    assert len({movie.colour(0.3, x, y) for x in range(330, 630, 10) for y in range(95, 265, 10)}) > 3


def test_the_loudest_comes_to_the_front(tmp_path: Path) -> None:
    quiet = write_clip(tmp_path / "quiet.mp4", ClipPlan(RED, 440, 2.0, amplitude=0.02))
    loud = write_clip(tmp_path / "loud.webm", ClipPlan(BLUE, 880, 2.0, amplitude=0.3))
    movie = render(tmp_path / "out.mp4", quiet, loud, layout="single-speaker")
    assert near(movie.colour(1.9, 320, 180), BLUE)


def test_pictures_alone_make_five_seconds_with_silence(tmp_path: Path) -> None:
    Image.new("RGB", (321, 99), RED).save(tmp_path / "still.png")
    movie = render(tmp_path / "out.mp4", tmp_path / "still.png")
    assert len(movie.times_s) == 150
    assert [t for t, key in zip(movie.times_s, movie.keyframes, strict=True) if key] == [0.0, 4.0]
    assert not np.abs(movie.sound).max() > 1e-4


@pytest.mark.parametrize(("width", "height"), [(2, 2), (33, 57), (1920, 1080)])
def test_clips_of_any_size(tmp_path: Path, width: int, height: int) -> None:
    clip = write_clip(tmp_path / "clip.mp4", ClipPlan(GREEN, None, 0.2, width=width, height=height))
    movie = render(tmp_path / "out.mp4", clip)
    assert len(movie.times_s) == 6
    assert near(movie.colour(0.1, 320, 180), GREEN)


def test_a_clip_filmed_upright_stands_upright(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "phone.mp4", ClipPlan(GREEN, None, 0.2, rotation=90))
    movie = render(tmp_path / "out.mp4", clip)
    assert near(movie.colour(0.1, 320, 180), GREEN)
    assert near(movie.colour(0.1, 200, 180), BACKGROUND), "a 9:16 tile is 202 wide in the middle of 640"


def test_a_damaged_clip_is_named(tmp_path: Path) -> None:
    whole = write_clip(tmp_path / "whole.mp4").read_bytes()
    bad = tmp_path / "bad.mp4"
    bad.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(UnreadableMediaError, match=r"bad\.mp4"):
        render_movie("grid", [bad], tmp_path / "out.mp4", video=VIDEO)


def test_an_unknown_layout_is_refused_before_anything_is_written(clips: list[Path], tmp_path: Path) -> None:
    with pytest.raises(LayoutError, match="unknown layout"):
        render_movie("gird", clips, tmp_path / "out.mp4", video=VIDEO)
    assert not (tmp_path / "out.mp4").exists()


def test_progress_goes_up_to_one(clips: list[Path], tmp_path: Path) -> None:
    parts: list[float] = []
    render_movie("grid", clips[:1], tmp_path / "o.mp4", video=VIDEO, options=Options(gap=8), on_progress=parts.append)
    assert parts == sorted(parts)
    assert parts[0] > 0
    assert parts[-1] == 1.0
