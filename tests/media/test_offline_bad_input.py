"""What nobody should give to ``tutti render``, and somebody will."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from api.cli import main
from layouts import Options, Size
from mcu.offline import render_picture, render_sheet, write_png
from mcu.offline.patterns import parse_pattern
from tests.media.offline_clips import GREEN, RED, ClipPlan, near, write_clip

pytestmark = [pytest.mark.media, pytest.mark.beside]

SMALL = Size(320, 180)


def render(*arguments: str) -> int:
    return main(["render", *arguments])


def test_nobody() -> None:
    image = render_picture("speaker", SMALL, [])
    assert len(np.unique(image.reshape(-1, 3), axis=0)) == 1


def test_ten_thousand_share_what_there_is() -> None:
    red, green = (parse_pattern(f"colour={colour},size=32x18").first_picture for colour in ("#c82828", "#28a03c"))
    image = render_picture("grid", SMALL, [red, *[green] * 9_999])
    assert near(tuple(image[4, 14]), RED)
    assert near(tuple(image[100, 160]), GREEN)


def test_ten_thousand_on_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Image.new("RGB", (16, 9), RED).save(tmp_path / "a.png")
    assert render("--canvas", "320x180", "--out", str(tmp_path / "o.png"), *["pattern:bars"] * 10_000) == 0
    assert render("--canvas", "320x180", "--out", str(tmp_path / "o.png"), *["pattern:bars"] * 10_001) == 2
    assert "10001 inputs are more than 10000" in capsys.readouterr().err


def test_pictures_that_are_not_shown_are_not_kept(tmp_path: Path) -> None:
    """Twelve 4K pictures, of which one is shown: never more than a few in memory."""
    write_png(np.full((2160, 3840, 3), 128, np.uint8), tmp_path / "large.png")
    before = _peak_mb()
    render_picture("single-speaker", SMALL, [tmp_path / "large.png"] * 12, options=Options(max_tiles=1))
    assert _peak_mb() - before < 150  # one is 25 MB as RGB, and some more while it is converted; twelve are 300


def _peak_mb() -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) // 1024
    pytest.skip("this kernel does not tell how much memory was used")


@pytest.mark.parametrize("size", [(1, 1), (1, 2), (3, 5), (3840, 2160), (2161, 3839)])
def test_clips_and_pictures_of_extreme_sizes_side_by_side(tmp_path: Path, size: tuple[int, int]) -> None:
    Image.new("RGB", size, RED).save(tmp_path / "a.png")
    write_clip(tmp_path / "b.mp4", ClipPlan(GREEN, None, 0.1, width=64, height=36))
    out = tmp_path / "o.png"
    assert (
        render(
            "--layout",
            "side-by-side",
            "--canvas",
            "320x180",
            "--out",
            str(out),
            f"{tmp_path}/a.png",
            f"{tmp_path}/b.mp4",
        )
        == 0
    )
    with Image.open(out) as opened:
        image = np.asarray(opened)
    assert near(tuple(image[90, 80]), RED)
    assert near(tuple(image[90, 240]), GREEN)


@pytest.mark.parametrize(
    ("layout", "said"),
    [
        ('{"slots": [{"x": -1, "y": 0, "width": 9, "height": 9}]}', "slots[0].x: -1 is not between"),
        ('{"slots": [{"x": 0, "y": 0, "width": 9000, "height": 9}]}', "slots[0].width: 9000 is not between"),
        ('{"slots": [{"x": 0, "y": 0, "width": 400, "height": 9}]}', "slots[0]: does not lie inside the canvas"),
        (
            '{"slots": [{"x": 0, "y": 0, "width": 20, "height": 20}, {"x": 8, "y": 8, "width": 20, "height": 20}]}',
            "slots[1]: overlaps slots[0]",
        ),
        ('{"r": {"x_pos": 400, "video_sources": ["*"]}}', "r: "),
    ],
)
@pytest.mark.parametrize("ending", ["png", "mp4"])
def test_layouts_that_do_not_fit(
    layout: str, said: str, ending: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "own.json").write_text(layout)
    out = tmp_path / f"o.{ending}"
    assert render("--canvas", "320x180", "--layout", str(tmp_path / "own.json"), "--out", str(out), "pattern:bars") == 2
    assert said in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["own.json"]


def test_xml_with_entities_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "x.xml").write_text(
        '<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]>'
        '<layout name="a"><image x="&f;" y="0" scale="9"/></layout>'
    )
    assert render("--layout", f"{tmp_path}/x.xml:a", "--out", str(tmp_path / "o.png"), "pattern:bars") == 2
    assert "line 1: a document type or entity is not accepted" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--out", "o.png", "--contact-sheet", "s.png", "pattern:bars"], "either --out or --contact-sheet"),
        (["pattern:bars"], "either --out or --contact-sheet"),
        (["--contact-sheet", "s.mp4"], "has to end in .png"),
        (["--contact-sheet", "s.png", "--labels"], "--labels means nothing"),
        (["--contact-sheet", "s.png", "--canvas", "3840x2160"], "is too large"),
        (["--out", "o.png", "pattern:plasma"], "'plasma' is none of"),
        (["--out", "o.mp4", "pattern:bars,tone=1"], "tone: 1 is not between"),
        (["--out", "o.png", "--scenario", "nowhere.json"], "nowhere.json: No such file"),
        (["--out", "o.png", "--scenario", "s.json", "pattern:bars"], "inputs belong into the scenario"),
        (["--out", "o.png", "--scenario", "s.json", "--set", "gap=8"], "--set belongs into the scenario"),
        (["--out", "o.mp4", "--scenario", "s.json", "--at", "1"], "--at is for pictures"),
        (["--out", "o.png", "--scenario", "s.json", "--at", "-1"], "--at -1.0: is not between"),
        (["--out", "o.png", "--at", "nan", "pattern:bars"], "--at nan: is not between"),
        (["--out", "o.mp4", "--scenario", "bad.json"], "people[0].here[0]: ends at 1"),
        (["--out", "o.mp4", "--scenario", "gone.json"], "gone.mp4: there is no such file"),
        (["--out", "o.png", "--style", "title", "pattern:bars"], "--style title: has to be NAME=VALUE"),
        (["--out", "o.png", "--style", "logo=s.json", "pattern:bars"], "logo: no picture"),
        (["--out", "o.mp4", "--motion", "-1", "pattern:bars"], "--motion -1: is not between"),
    ],
)
def test_arguments_that_do_not_go_together(
    arguments: list[str],
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "s.json").write_text('{"seconds": 1}')
    (tmp_path / "bad.json").write_text('{"people": [{"source": "pattern:bars", "here": [[2, 1]]}]}')
    (tmp_path / "gone.json").write_text('{"people": [{"source": "gone.mp4"}]}')
    given = {path.name for path in tmp_path.iterdir()}
    assert render(*arguments) == 2
    told = capsys.readouterr().err
    assert said in told
    assert len(told.strip().splitlines()) == 1
    assert {path.name for path in tmp_path.iterdir()} == given


def test_names_of_any_kind() -> None:
    names = ["\0\x1b[2J\u202e", "x" * 10_000, "", "\ud800", "名前" * 50]
    image = render_picture("grid", SMALL, [None] * 5, names=names)
    assert image.shape == (180, 320, 3)


def test_a_contact_sheet(tmp_path: Path) -> None:
    out = tmp_path / "sheet.png"
    assert render("--contact-sheet", str(out), "--canvas", "64x36", "--set", "background=#ffffff") == 0
    sheet = render_sheet(cell=Size(64, 36), options=Options(background="#ffffff"))
    with Image.open(out) as opened:
        assert (np.asarray(opened) == sheet).all()
    assert out.stat().st_size < 100_000
    alone = render_sheet({"grid": "grid"}, cell=Size(64, 36), counts=[1, 4], inputs=["pattern:colour=#c82828"])
    assert near(tuple(alone[-3, -3]), (250, 250, 250)), "the margin"
    assert near(tuple(alone[-20, -20]), RED)
