"""``tutti render`` as it is typed."""

import io
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from api.cli import main
from api.progress import ProgressBar
from tests.media.offline_clips import BLUE, GREEN, RED, ClipPlan, near, read_movie, write_clip

pytestmark = [pytest.mark.media, pytest.mark.beside]


@pytest.fixture
def stills(tmp_path: Path) -> list[str]:
    paths = [tmp_path / name for name in ("red.png", "green.png", "blue.png")]
    for path, colour in zip(paths, (RED, GREEN, BLUE), strict=True):
        Image.new("RGB", (320, 180), colour).save(path)
    return [str(path) for path in paths]


@pytest.fixture
def in_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def leftovers(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir() if path.name.startswith(".")]


def test_pictures_become_a_picture(stills: list[str], tmp_path: Path) -> None:
    out = tmp_path / "picture.png"
    assert main(["render", "--layout", "grid", "--canvas", "640x360", "--out", str(out), *stills]) == 0
    with Image.open(out) as opened:
        image = np.asarray(opened)
    assert image.shape == (360, 640, 3)
    assert near(tuple(image[90, 160]), RED)
    assert near(tuple(image[90, 480]), GREEN)
    assert near(tuple(image[270, 320]), BLUE)
    assert leftovers(tmp_path) == []


def test_the_canvas_is_hd_unless_told(stills: list[str], tmp_path: Path) -> None:
    assert main(["render", "--out", str(tmp_path / "o.png"), *stills]) == 0
    with Image.open(tmp_path / "o.png") as opened:
        assert opened.size == (1280, 720)


def test_clips_become_a_movie_and_again_the_same(tmp_path: Path) -> None:
    clips = [
        str(write_clip(tmp_path / "a.mp4", ClipPlan(RED, 440, 0.5))),
        str(write_clip(tmp_path / "b.mp4", ClipPlan(GREEN, 660, 1.0))),
    ]
    command = ["render", "--canvas", "320x180", "--fps", "25", "--bitrate", "800000", "--out"]
    assert main([*command, str(tmp_path / "one.mp4"), *clips]) == 0
    assert main([*command, str(tmp_path / "two.mp4"), *clips]) == 0
    assert (tmp_path / "one.mp4").read_bytes() == (tmp_path / "two.mp4").read_bytes()
    movie = read_movie(tmp_path / "one.mp4")
    assert len(movie.times_s) == 25
    assert near(movie.colour(0.2, 80, 90), RED)
    assert near(movie.colour(0.2, 240, 90), GREEN)
    assert movie.tone_db(440, 0.1, 0.4) > -20
    assert movie.tone_db(660, 0.1, 0.4) > -20


def test_options_screens_and_labels(stills: list[str], tmp_path: Path) -> None:
    out = tmp_path / "o.png"
    arguments = ["--layout", "presentation", "--canvas", "640x360", "--set", "side=left", "--set", "background=#ffffff"]
    assert main(["render", *arguments, "--labels", "--out", str(out), stills[0], "--screen", stills[1]]) == 0
    with Image.open(out) as opened:
        image = np.asarray(opened)
    assert near(tuple(image[180, 400]), GREEN)
    assert near(tuple(image[180, 64]), RED)
    assert near(tuple(image[10, 64]), (255, 255, 255))


def test_layouts_out_of_files(stills: list[str], tmp_path: Path) -> None:
    slots = [{"x": 0, "y": 0, "width": "25%", "height": "25%"}, {"x": "50%", "y": 0, "width": "50%", "height": "50%"}]
    (tmp_path / "own.json").write_text(json.dumps({"slots": slots}))
    (tmp_path / "twilio.json").write_text(json.dumps({"row": {"max_rows": 1, "video_sources": ["*"]}}))
    (tmp_path / "fs.xml").write_text("<layout name='low'><image x='0' y='270' scale='90'/></layout>")
    for layout, points in {
        "own.json": {(40, 40): RED, (480, 90): GREEN, (240, 200): (17, 19, 24)},
        "twilio.json": {(100, 180): RED, (320, 180): GREEN, (540, 180): BLUE},
        "fs.xml:low": {(80, 300): RED, (300, 300): (17, 19, 24)},
    }.items():
        out = tmp_path / "o.png"
        assert (
            main(["render", "--canvas", "640x360", "--layout", str(tmp_path / layout), "--out", str(out), *stills]) == 0
        )
        with Image.open(out) as opened:
            image = np.asarray(opened)
        for (x, y), colour in points.items():
            assert near(tuple(image[y, x]), colour), f"{layout} at {x}, {y}"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--out", "o.png", "nowhere.png"], "nowhere.png: there is no such file"),
        (["--out", "o.mp4", "nowhere.mp4"], "nowhere.mp4: there is no such file"),
        (["--out", "o.png", "text.txt"], "text.txt: "),
        (["--out", "o.mp4", "red.png", "text.txt"], "text.txt: "),
        (["--out", "o.gif", "red.png"], ".png or .mp4"),
        (["--out", "o.png"], "no input"),
        (["--out", "o.png", "--layout", "mosaic", "red.png"], "known are: grid"),
        (["--out", "o.png", "--layout", "nowhere.json", "red.png"], "nowhere.json: No such file"),
        (["--out", "o.png", "--layout", "text.json", "red.png"], "no JSON"),
        (["--out", "o.png", "--layout", "bad.json", "red.png"], "r.video_sources: is missing"),
        (["--out", "o.png", "--layout", "bad.xml:b", "red.png"], "known are: a"),
        (["--out", "o.png", "--canvas", "641x360", "red.png"], "not even"),
        (["--out", "o.png", "--canvas", "99999x99998", "red.png"], "canvas"),
        (["--out", "o.png", "--set", "gap=wide", "red.png"], "gap: "),
        (["--out", "o.png", "--set", "gasp=8", "red.png"], "gasp: unknown option"),
        (["--out", "o.png", "--set", "gap", "red.png"], "OPTION=VALUE"),
        (["--out", "o.mp4", "--fps", "0", "red.png"], "fps: "),
        (["--out", "o.mp4", "--bitrate", "-5", "red.png"], "bitrate_bps: "),
    ],
)
@pytest.mark.usefixtures("stills")
def test_what_cannot_be_used_is_said_and_nothing_is_written(
    arguments: list[str], said: str, tmp_path: Path, in_folder: None, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "text.txt").write_text("not media\n" * 50)
    (tmp_path / "text.json").write_text("not JSON")
    (tmp_path / "bad.json").write_text('{"r": {}}')
    (tmp_path / "bad.xml").write_text("<layout name='a'><image x='0' y='0' scale='9'/></layout>")
    for name in ("o.png", "o.mp4"):
        (tmp_path / name).write_text("what was here before")
    assert main(["render", *arguments]) == 2
    told = capsys.readouterr().err
    assert told.startswith("tutti render: ")
    assert said in told
    assert len(told.strip().splitlines()) == 1
    assert (tmp_path / "o.png").read_text() == (tmp_path / "o.mp4").read_text() == "what was here before"
    assert leftovers(tmp_path) == []
    assert not (tmp_path / "o.gif").exists()


def test_a_clip_that_breaks_half_way_leaves_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    clip = write_clip(tmp_path / "a.mp4", ClipPlan(RED, 440, 2.0, fps=30))
    data = bytearray(clip.read_bytes())
    start = data.index(b"mdat")
    data[start + 4 : start + 4 + (len(data) - start) * 4 // 5 : 3] = b"\xff" * len(
        data[start + 4 : start + 4 + (len(data) - start) * 4 // 5 : 3]
    )
    clip.write_bytes(data)
    assert main(["render", "--out", str(tmp_path / "o.mp4"), str(clip)]) == 2
    assert "a.mp4: " in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["a.mp4"]


@pytest.mark.parametrize("name", ["o.png", "o.mp4"])
def test_a_place_that_cannot_be_written_is_said(
    name: str, stills: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["render", "--out", str(tmp_path / "nowhere" / name), *stills]) == 1
    assert "o." in capsys.readouterr().err


def test_a_full_disk_is_said_and_nothing_is_left(stills: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["render", "--out", "/dev/full/x.mp4", *stills]) == 1
    assert "/dev/full/x.mp4" in capsys.readouterr().err


def test_the_command_is_installed(stills: list[str], tmp_path: Path) -> None:
    command = [str(Path(sys.executable).with_name("tutti")), "render", "--out", str(tmp_path / "o.png"), *stills]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "o.png").exists()


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_the_bar_fills_up_on_a_terminal_and_only_there() -> None:
    terminal, log = Terminal(), io.StringIO()
    times_s = iter(number / 2 for number in range(100))
    with ProgressBar(terminal, now_s=lambda: next(times_s)) as bar:
        for part in (0.0, 0.5, 1.0):
            bar.show(part)
    shown = terminal.getvalue().split("\r")
    assert "###############---------------" in shown[2]
    assert " 50%" in shown[2]
    assert "100%" in shown[3]
    assert shown[-1] == "\x1b[K", "the line is cleared at the end"
    with ProgressBar(log) as bar:
        bar.show(0.5)
    assert log.getvalue() == ""
