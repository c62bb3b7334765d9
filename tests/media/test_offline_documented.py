"""The examples in docs/layouts.md work as they stand there."""

import json
import re
from pathlib import Path
from types import FunctionType

import pytest
from PIL import Image

from api.cli import main
from mcu.offline import read_scenario, render_moment
from tests.media.offline_clips import ClipPlan, write_clip

pytestmark = [pytest.mark.media, pytest.mark.beside]

TEXT = (Path(__file__).parents[2] / "docs/layouts.md").read_text("utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", TEXT, re.DOTALL)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Everything that the examples name."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ACCEPT_PICTURES", "1")
    for name in ("a.png", "b.png", "c.jpg", "ann.png", "eve.png", "slides.png", "logo.png"):
        Image.new("RGB", (64, 36), "red").save(tmp_path / name)
    for name in ("ann.mp4", "slides.mp4"):
        write_clip(tmp_path / name, ClipPlan(seconds=0.2, width=64, height=36))
    write_clip(tmp_path / "bob.webm", ClipPlan(seconds=0.2, width=64, height=36))
    write_clip(tmp_path / "music.wav", ClipPlan(None, seconds=0.2))
    (tmp_path / "standup.json").write_text(json.dumps({"seconds": 0.2, "canvas": "320x180"}))
    small = (Path(__file__).parents[1] / "unit/layouts/conference_layouts.conf.xml").read_bytes()
    (tmp_path / "conference_layouts.conf.xml").write_bytes(small)
    return tmp_path


def test_the_scenario(folder: Path) -> None:
    (scenario,) = [block for block in blocks("json") if '"people"' in block]
    (folder / "scenario.json").write_text(scenario)
    assert render_moment(read_scenario(folder / "scenario.json"), 9_500_000).shape == (720, 1280, 3)


@pytest.mark.parametrize("number", range(len(blocks("python"))))
def test_python(number: int, folder: Path) -> None:
    names: dict[str, object] = {"__file__": str(folder / "test_example.py")}
    exec(compile(blocks("python")[number], "docs/layouts.md", "exec"), names)
    tests = [value for name, value in names.items() if name.startswith("test_") and isinstance(value, FunctionType)]
    assert tests
    for test in tests:
        test(folder) if test.__code__.co_argcount else test()


@pytest.mark.parametrize(
    "line", [line for block in blocks("console") for line in block.splitlines() if "--out" in line]
)
def test_commands(line: str, folder: Path) -> None:
    words = line.removeprefix("$ tutti ").replace("*.png", "a.png b.png").split()
    if not {"--scenario", "--canvas"} & set(words):
        words += ["--canvas", "320x180"]
    assert main(words) == 0
    assert (folder / words[words.index("--out") + 1]).stat().st_size > 100
