"""Scenarios seen from the movie: who is where, who is heard, and the same pixels in a single picture."""

import json
from pathlib import Path

import numpy as np
import numpy.typing as npt
import psutil
import pytest

from mcu.offline import read_scenario, render_moment, render_scenario
from tests.media.offline_clips import BLUE, GREEN, GREY, RED, ClipPlan, Movie, near, read_movie, write_clip

pytestmark = [pytest.mark.media, pytest.mark.beside]

GROUND = (17, 19, 24)
SPEAKING = (52, 199, 123)
SCENARIO = {
    "canvas": "320x180",
    "fps": 25,
    "bitrate": 1_500_000,
    "seconds": 5,
    "motion_ms": 0,
    "layout": "side-by-side",
    "people": [
        {"id": "red", "source": "pattern:colour=#c82828,tone=440", "here": [[0, 4]], "speaks": [[1, 2]]},
        {"id": "green", "source": "pattern:colour=#28a03c,tone=1000", "here": [[1, None]], "camera_off": [[2, 3]]},
        {"id": "deck", "source": "pattern:colour=#323cc8", "kind": "screen", "here": [[3, 4]]},
    ],
    "changes": [{"at": 3, "layout": "presentation"}, {"at": 4.5, "layout": "single-speaker"}],
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("scenario")
    (path / "scenario.json").write_text(json.dumps(SCENARIO))
    assert render_scenario(read_scenario(path / "scenario.json"), path / "out.mp4") == 5.0
    return path


@pytest.fixture(scope="module")
def movie(folder: Path) -> Movie:
    return read_movie(folder / "out.mp4")


def colours(picture: npt.NDArray[np.uint8], *points: tuple[int, int]) -> list[tuple[int, ...]]:
    return [tuple(int(part) for part in picture[y, x]) for x, y in points]


def test_people_come_and_go_at_their_times(movie: Movie) -> None:
    assert movie.times_s == pytest.approx([number / 25 for number in range(125)])
    assert near(movie.colour(0.96, 160, 90), RED), "alone: in the middle"
    assert near(movie.colour(1.0, 80, 90), RED)
    assert near(movie.colour(1.0, 240, 90), GREEN)
    assert near(movie.colour(4.2, 160, 60), GREEN), "the only one left"


def test_a_camera_that_is_off_leaves_the_tile(movie: Movie) -> None:
    assert near(movie.colour(1.96, 200, 60), GREEN)
    assert near(movie.colour(2.0, 200, 60), (38, 42, 51)), "the ground of an empty tile"
    assert near(movie.colour(2.9, 80, 90), RED)
    assert near(movie.colour(3.0, 310, 100), GREEN, 12)


def test_a_screen_takes_the_stage_while_it_is_shared(movie: Movie) -> None:
    assert near(movie.colour(2.96, 100, 90), RED)
    assert near(movie.colour(3.0, 100, 90), BLUE)
    assert near(movie.colour(3.96, 100, 90), BLUE)
    assert not near(movie.colour(4.0, 100, 90), BLUE)


def test_tones_sound_while_their_owners_speak_and_are_here(movie: Movie) -> None:
    assert movie.tone_db(440, 0.1, 0.9) < -60
    assert movie.tone_db(440, 1.1, 1.9) == pytest.approx(-14, abs=0.5)
    assert movie.tone_db(440, 2.1, 2.9) < -60
    assert movie.tone_db(1000, 0.1, 0.9) < -60
    assert movie.tone_db(1000, 1.2, 4.9) == pytest.approx(-14, abs=0.5)


def test_who_speaks_is_framed(movie: Movie) -> None:
    assert not near(movie.colour(0.9, 160, 0), SPEAKING, 40)
    assert near(movie.colour(1.5, 80, 0), SPEAKING, 40)


def test_a_single_picture_shows_what_the_movie_shows(folder: Path, movie: Movie) -> None:
    scenario = read_scenario(folder / "scenario.json")
    for at_s in (0.5, 2.5, 3.5, 4.9):
        image = render_moment(scenario, round(at_s * 1_000_000))
        frame = movie.pictures[int(at_s * 25 + 1e-6)]
        squared = (image.astype(float) - frame) ** 2
        assert 10 * np.log10(255**2 / squared.mean()) > 32, at_s  # dB; what is left is the encoder's loss


def test_the_same_scenario_makes_the_same_bytes(folder: Path) -> None:
    render_scenario(read_scenario(folder / "scenario.json"), folder / "again.mp4")
    assert (folder / "again.mp4").read_bytes() == (folder / "out.mp4").read_bytes()


def play(folder: Path, **document: object) -> Movie:
    (folder / "s.json").write_text(json.dumps({"canvas": "320x180", "fps": 25, "labels": False} | document))
    render_scenario(read_scenario(folder / "s.json"), folder / "s.mp4")
    return read_movie(folder / "s.mp4")


def test_a_clip_begins_when_its_actor_comes(tmp_path: Path) -> None:
    write_clip(tmp_path / "flash.mp4", ClipPlan(GREY, 1000, 1.0, flash_s=0.4))
    movie = play(
        tmp_path, layout="single-speaker", people=[{"source": "flash.mp4", "here": [[0.6, None]]}], motion_ms=0
    )
    assert movie.times_s[-1] == pytest.approx(1.6 - 1 / 25), "and the movie ends with it"
    bright = next(t for t, rgb in zip(movie.times_s, movie.pictures, strict=True) if rgb[90, 160].min() > 200)
    loud = int(np.argmax(np.abs(movie.sound) > 0.05)) / 48_000
    assert bright == pytest.approx(1.0, abs=0.001)
    assert loud == pytest.approx(1.0, abs=0.005)


def test_tiles_glide_as_they_do_live(tmp_path: Path) -> None:
    people = [{"source": "pattern:colour=#c82828"}, {"source": "pattern:colour=#28a03c", "here": [[1, None]]}]
    movie = play(tmp_path, layout="side-by-side", seconds=2, motion_ms=400, people=people)
    # the left tile's right edge goes from 320 to 160, half-way at half time
    edges = {}
    for at_s in (0.96, 1.2, 1.6):
        row = movie.pictures[round(at_s * 25)][20].astype(int)
        edges[at_s] = int(np.argmin(np.abs(row - RED).max(axis=1) < 40)) or 320
    assert edges == {0.96: 320, 1.2: pytest.approx(240, abs=6), 1.6: pytest.approx(160, abs=2)}


def test_an_empty_room_shows_what_it_is_told(tmp_path: Path) -> None:
    movie = play(
        tmp_path,
        seconds=2,
        motion_ms=0,
        options={"empty_picture": "bars"},
        people=[{"source": "pattern:colour=#c82828,size=180x180", "here": [[1, None]]}],
    )
    assert near(movie.colour(0.5, 20, 90), (191, 191, 191), 10)
    assert near(movie.colour(0.5, 300, 90), (0, 0, 191), 10)
    assert near(movie.colour(1.5, 160, 90), RED)
    assert near(movie.colour(1.5, 20, 90), GROUND), "the bars are gone"


def test_a_grid_gives_way_to_a_screen_and_comes_back_as_in_a_room(tmp_path: Path) -> None:
    people = [
        {"source": "pattern:colour=#c82828"},
        {"source": "pattern:colour=#28a03c"},
        {"source": "pattern:colour=#323cc8", "kind": "screen", "here": [[1, 2]]},
    ]
    movie = play(tmp_path, seconds=3, motion_ms=0, people=people)
    for at_s in (0.5, 2.5):
        assert near(movie.colour(at_s, 80, 90), RED), at_s
        assert near(movie.colour(at_s, 240, 90), GREEN), at_s
    assert near(movie.colour(1.5, 128, 90), BLUE)
    assert near(movie.colour(1.5, 290, 72), RED), "in the strip"


def test_nobody_and_no_end_make_five_seconds(tmp_path: Path) -> None:
    movie = play(tmp_path)
    assert len(movie.times_s) == 125
    assert near(movie.colour(4.9, 160, 90), GROUND)


def test_a_camera_that_turns_upright_in_mid_call(tmp_path: Path) -> None:
    write_clip(tmp_path / "wide.mp4", ClipPlan(GREEN, None, 0.4))
    write_clip(tmp_path / "tall.mp4", ClipPlan(GREEN, None, 0.4, width=180, height=320))
    people = [{"source": "wide.mp4", "here": [[0, 0.4]]}, {"source": "tall.mp4", "here": [[0.4, None]]}]
    movie = play(tmp_path, motion_ms=0, people=people)
    assert near(movie.colour(0.3, 20, 90), GREEN)
    assert near(movie.colour(0.7, 160, 90), GREEN)
    assert near(movie.colour(0.7, 20, 90), GROUND), "a 9:16 tile is 102 wide in the middle of 320"


def test_movies_keep_no_frames_in_memory(tmp_path: Path) -> None:
    process = psutil.Process()
    people = [{"source": "pattern:moving,size=1280x720"}]
    document = {"canvas": "1280x720", "layout": "single-speaker", "people": people, "seconds": 0.4}
    play(tmp_path, **document)
    before = process.memory_info().rss
    (tmp_path / "s.json").write_text(json.dumps(document | {"seconds": 8, "fps": 25}))
    render_scenario(read_scenario(tmp_path / "s.json"), tmp_path / "s.mp4")
    grown = process.memory_info().rss - before
    assert grown < 100_000_000, "200 pictures would be 276 MB"
