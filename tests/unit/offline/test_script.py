"""Scenario files: what they mean, and what is said about faults."""

import json
from pathlib import Path

import pytest

from layouts import Kind, LayoutError, Side
from layouts.errors import TuttiError
from mcu.errors import StyleError, UnreadableMediaError
from mcu.offline.scenario import ALWAYS, FOREVER_US, NEVER, Scenario
from mcu.offline.script import read_layout, read_scenario

pytestmark = pytest.mark.unit

BARS = {"source": "pattern:bars"}


def read(folder: Path, document: object) -> Scenario:
    path = folder / "scenario.json"
    path.write_text(json.dumps(document), "utf-8")
    return read_scenario(path)


def test_everything_that_may_be_said(tmp_path: Path) -> None:
    (tmp_path / "own.json").write_text('{"slots": [{"x": 0, "y": 0, "width": "100%", "height": "100%"}]}')
    scenario = read(
        tmp_path,
        {
            "canvas": "640x360",
            "fps": 25,
            "bitrate": 800_000,
            "seconds": 9.5,
            "labels": False,
            "motion_ms": 0,
            "layout": "speaker",
            "options": {"gap": 8, "side": "left"},
            "style": {"title": "Standup", "clock": True},
            "people": [
                {
                    "id": "ann",
                    "name": "Ann",
                    "source": "ann.mp4",
                    "here": [[0, 2.5], [4, None]],
                    "camera_off": [[1, 2]],
                    "muted": True,
                    "speaks": [[0.5, 1]],
                    "trouble": False,
                },
                {"source": "pattern:bars", "kind": "screen"},
            ],
            "changes": [
                {"at": 3, "options": {"gap": 0}, "style": {"banner": "Hi"}},
                {"at": 5, "layout": "own.json"},
            ],
        },
    )
    ann, deck = scenario.actors
    assert (ann.source, ann.here) == (tmp_path / "ann.mp4", ((0, 2_500_000), (4_000_000, FOREVER_US)))
    assert (ann.camera_off, ann.muted, ann.trouble) == (((1_000_000, 2_000_000),), ALWAYS, NEVER)
    assert (deck.id, deck.kind, deck.here, deck.speaks) == ("1", Kind.SCREEN, ALWAYS, None)
    assert (scenario.video.width, scenario.video.fps, scenario.video.bitrate_bps) == (640, 25, 800_000)
    assert (scenario.length_us, scenario.labels, scenario.motion_us) == (9_500_000, False, 0)
    first, second, third = scenario.looks
    assert (first.layout, first.options.gap, first.options.side) == ("speaker", 8, Side.LEFT)
    assert (second.at_us, second.layout, second.options.gap, second.options.side) == (
        3_000_000,
        "speaker",
        0,
        Side.LEFT,
    )
    assert (first.style.banner, second.style.banner, third.style.banner) == ("", "Hi", "Hi")
    assert third.style.title == "Standup"
    assert not isinstance(third.layout, str)
    assert scenario.look(4_999_999) is second
    assert scenario.last_event_us == 5_000_000


def test_the_smallest_one(tmp_path: Path) -> None:
    scenario = read(tmp_path, {})
    assert scenario.actors == ()
    assert scenario.look(0).layout == "grid"


def person(**values: object) -> dict[str, object]:
    return {"people": [BARS | values]}


@pytest.mark.parametrize(
    ("document", "said"),
    [
        (7, "scenario: has to be an object"),
        ({"poeple": []}, "poeple: is not known"),
        ({"people": {}}, "people: has to be a list"),
        ({"people": [BARS] * 1001}, "people: has 1001 items, more than 1000"),
        ({"people": [{}]}, "people[0].source: is missing"),
        ({"people": [BARS | {"id": "a"}, BARS | {"id": "a"}]}, "people: two have the same id"),
        (person(source=7), "people[0].source: has to be text"),
        (person(kind="robot"), "people[0].kind: 'robot' is none of camera, screen"),
        (person(here=5), "people[0].here: has to be a list"),
        (person(here=[[1]]), "people[0].here[0]: has to be [from, to]"),
        (person(here=[[2, 1]]), "people[0].here[0]: ends at 1, before it begins"),
        (person(here=[[1, 1]]), "people[0].here[0]: ends at 1, before it begins"),
        (person(here=[[-1, 1]]), "people[0].here[0]: -1 is no time"),
        (person(here=[["a", 1]]), "people[0].here[0]: 'a' is no time"),
        (person(here=[[float("nan"), 1]]), "people[0].here[0]: nan is no time"),
        (person(here=[[0, 1e9]]), "people[0].here[0]: 1000000000.0 is no time"),
        (person(here=[[0, 3], [2, 4]]), "people[0].here[1]: begins before the one in front of it ends"),
        (person(here=[[0, None], [2, 4]]), "people[0].here[1]: begins before the one in front of it ends"),
        (person(speaks=None), "people[0].speaks: has to be a list"),
        ({"canvas": "641x360"}, "canvas: 641x360 is not even"),
        ({"canvas": "wide"}, "canvas: 'wide' is no size"),
        ({"canvas": "99999x2"}, "canvas: "),
        ({"canvas": "100x50"}, "width: "),
        ({"fps": 0}, "fps: "),
        ({"fps": 61}, "fps: "),
        ({"bitrate": "much"}, "bitrate: has to be a whole number"),
        ({"seconds": -1}, "seconds: -1 is no time"),
        ({"labels": "yes"}, "labels: has to be true or false"),
        ({"motion_ms": 10_001}, "motion_ms: 10001 is not between 0 and 10000"),
        ({"layout": "gird"}, "layout: unknown layout 'gird'"),
        ({"layout": {"r": {}}}, "layout: r.video_sources: is missing"),
        ({"layout": "nowhere.json"}, "nowhere.json: No such file"),
        ({"options": {"gap": -1}}, "options: gap: -1 is not between"),
        ({"changes": [{"layout": "grid"}]}, "changes[0].at: None is no time"),
        ({"changes": [{"at": 2}, {"at": 1}]}, "changes[1].at: comes before the change in front of it"),
        ({"changes": [{"at": 2, "options": {"gasp": 1}}]}, "changes[0].options: gasp: unknown option"),
        ({"changes": [{"at": 2, "fps": 1}]}, "changes[0].fps: is not known"),
        ({"style": {"border": "red"}}, "style: border: 'red' is no colour"),
        ({"style": {"titel": "x"}}, "style: titel: unknown"),
        ({"style": {"clock": "maybe"}}, "style: clock: 'maybe' cannot be"),
        ({"style": {"logo_opacity": "x"}}, "style: logo_opacity: 'x' is no number"),
        ({"style": {"logo": "nowhere.png"}}, "nowhere.png: No such file"),
        ({"style": {"logo": "scenario.json"}}, "style: logo: no picture"),
    ],
)
def test_a_fault_is_named_with_its_path(document: object, said: str, tmp_path: Path) -> None:
    with pytest.raises(TuttiError) as caught:
        read(tmp_path, document)
    assert str(caught.value).removeprefix(f"{tmp_path}/").startswith(said)


def test_too_large_a_logo_is_refused(tmp_path: Path) -> None:
    (tmp_path / "logo.png").write_bytes(b"\x89PNG" + bytes(5_000_000))
    with pytest.raises((StyleError, UnreadableMediaError), match=r"logo"):
        read(tmp_path, {"style": {"logo": "logo.png"}})


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe\x00", b"[" * 100_000])
def test_what_is_no_json(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "scenario.json").write_bytes(content)
    with pytest.raises(UnreadableMediaError, match=r"scenario\.json: no JSON"):
        read_scenario(tmp_path / "scenario.json")


def test_xml_with_entities_is_refused(tmp_path: Path) -> None:
    (tmp_path / "bomb.xml").write_text('<!DOCTYPE x [<!ENTITY a "aa">]><layout name="&a;"/>')
    with pytest.raises(LayoutError, match="line 1: a document type or entity is not accepted"):
        read_layout("bomb.xml:aa", tmp_path)
