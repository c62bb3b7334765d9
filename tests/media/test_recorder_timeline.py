"""The timeline of real recordings: what it says is what the file shows, at that time."""

import itertools
import json
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from api.rooms.witness import Witness
from layouts.geometry import Rect, Size
from layouts.model import Layout, Tile
from mcu.clock import MediaClock
from mcu.hub import PacketHub
from mcu.media import VideoCodec
from mcu.messages import ActiveSpeaker, Event, ParticipantState, ParticipantUpdated, RoomConfig, RoomState, VideoConfig
from mcu.telling import tiles_told
from mcu.video.mixer import VideoMixer
from mcu.video.moves import TileMoves
from mcu.video.scene import Scene, TileInfo
from recorder.finish import FinishedFile, finish, top_level_boxes
from recorder.notes import NotesWriter
from recorder.part import PartInfo, PartWriter
from recorder.segments import LocalSegmentStore
from tests.media import recorder_clips as clips
from tests.media import recorder_probe as probe

pytestmark = pytest.mark.media

FRAME_S = 1 / 30
FULL = {"x": 0, "y": 0, "width": 1, "height": 1}


def timeline(file: FinishedFile) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(file.path.with_suffix(".timeline.json").read_bytes())
    return found


def chapters(path: Path) -> list[tuple[float, float, str]]:
    """As ffprobe tells them. (It warns of the QuickTime chapter track, as of every MP4 that has one.)"""
    command = ("ffprobe", "-v", "error", "-show_chapters", "-of", "json", path)
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert not done.stderr
    return [
        (float(found["start_time"]), float(found["end_time"]), found["tags"]["title"])
        for found in json.loads(done.stdout)["chapters"]
    ]


# --- holes: a light flashes in the frame at which each second of media time begins ------------------------------------


def note(directory: Path, seconds: range) -> None:
    """At each second, somebody else is on the picture and speaks."""
    writer = NotesWriter(LocalSegmentStore(directory))
    writer.note({"t": 0.1, "people": {f"p{second}": f"Nº {second}" for second in seconds}})
    for second in seconds:
        writer.note({"t": second, "tiles": [{"id": f"p{second}", "name": f"Nº {second}", "rect": FULL}]})
        writer.note({"t": second, "speaking": [f"p{second}"], "active": f"p{second}"})
    writer.close()
    assert writer.lost == 0


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """30-39 s of one room, then 1.2333-8.2333 s of another that took its place."""
    directory = tmp_path_factory.mktemp("rec")
    for number, seconds, first_tick, noted in ((1, 9, 900, range(27, 42)), (2, 7, 37, range(12))):
        room = clips.Room(directory / f"part-000{number}", part=number, wall_offset_us=clips.WALL_US * number)
        note(directory / f"part-000{number}", noted)
        pictures = clips.video(seconds, start_tick=first_tick)
        room.record(clips.merged(pictures, clips.audio(seconds + 1, start_s=first_tick / 30 - 0.5)))
    return directory


def demand_that_changes_are_where_flashes_are(file: FinishedFile, beginnings: int) -> None:
    """Spans begin at flashes, but for those in force when a run begins."""
    told = timeline(file)
    assert told["duration"] == pytest.approx(file.duration)
    flashes = probe.flashes(file.path)
    for spans in (told["tiles"], told["speaking"], told["active"]):
        at_flash = [span["from"] for span in spans if any(abs(span["from"] - flash) < 1e-4 for flash in flashes)]
        assert at_flash == pytest.approx(flashes, abs=1e-4)
        assert len(spans) == len(flashes) + beginnings
        assert spans[0]["from"] == 0
        assert spans[-1]["to"] == pytest.approx(file.duration, abs=1e-4)
        assert all(before["to"] == after["from"] for before, after in itertools.pairwise(spans))


def test_two_parts(whole: Path, tmp_path: Path) -> None:
    file = finish(whole, tmp_path / "out.mp4")
    demand_that_changes_are_where_flashes_are(file, beginnings=1)  # part 2 begins between two flashes
    told = timeline(file)
    people = [span["id"] for span in told["active"]]
    assert people == [*(f"p{n}" for n in range(30, 39)), *(f"p{n}" for n in range(1, 9))]
    assert (told["tiles"][0]["name"], told["tiles"][0]["rect"]) == ("Nº 30", FULL)
    captions = file.path.with_suffix(".vtt").read_text()
    assert captions.startswith("WEBVTT\n\n00:00:00.000 --> 00:00:01.000\nNº 30\n\n00:00:01.000 --> ")
    assert captions.count(" --> ") == len(people)


def test_a_lost_segment_and_a_torn_line(whole: Path, tmp_path: Path) -> None:
    shutil.copytree(whole, tmp_path / "rec")
    (tmp_path / "rec" / "part-0001" / "segment-00000.mp4").write_bytes(b"\0" * 5000)
    notes = tmp_path / "rec" / "part-0002" / "timeline.jsonl"
    lines = notes.read_bytes().splitlines(keepends=True)
    notes.write_bytes(b"".join(lines[:-6]) + lines[-6][:20])  # of 9 s and later, when it was over
    file = finish(tmp_path / "rec", tmp_path / "out.mp4")
    assert file.duration == pytest.approx(10)
    demand_that_changes_are_where_flashes_are(file, beginnings=1)


def test_without_notes_there_is_an_empty_timeline(whole: Path, tmp_path: Path) -> None:
    shutil.copytree(whole, tmp_path / "rec")
    for notes in (tmp_path / "rec").glob("*/timeline.jsonl"):
        notes.unlink()
    told = timeline(finish(tmp_path / "rec", tmp_path / "out.mp4"))
    assert (told["tiles"], told["speaking"], told["active"]) == ([], [], [])
    assert chapters(tmp_path / "out.mp4") == []


def test_chapters_are_in_the_file_and_it_plays_as_before(whole: Path, tmp_path: Path) -> None:
    assert chapters(finish(whole, tmp_path / "short.mp4").path) == []  # turns of a second are interjections
    shutil.copytree(whole, tmp_path / "rec")
    note_long_turns(tmp_path / "rec")
    file = finish(tmp_path / "rec", tmp_path / "long.mp4")
    assert chapters(file.path) == [(0, 4, "Ann"), (4, 11, "Božena <b>"), (11, 16, "Ann")]
    boxes = top_level_boxes(file.path)
    assert boxes.index("moov") < boxes.index("mdat")
    probe.decode(file.path)
    assert probe.spacings(file.path, "v") == {3000}
    assert probe.spacings(file.path, "a") == {1024}
    assert len(probe.packets(file.path, "v")) == 16 * 30


def note_long_turns(recording: Path) -> None:
    """Ann from 30 s on, Božena from 34 s on; in the new room she goes on until 1.2333 + 2 s."""
    people = '{"t": 0, "people": {"a": "Ann", "b": "Božena <b>"}}\n'
    turn = '{{"t": {}, "speaking": [], "active": "{}"}}\n'
    (recording / "part-0001" / "timeline.jsonl").write_text(people + turn.format(29, "a") + turn.format(34, "b"))
    second = turn.format(0, "b") + turn.format(37 / 30 + 2, "a")
    (recording / "part-0002" / "timeline.jsonl").write_text(people + second)


# --- a live canvas ----------------------------------------------------------------------------------------------------

CANVAS = Size(640, 360)
PLACES = {"left": Rect(0, 0, 320, 360), "right": Rect(320, 0, 320, 360), "full": Rect(0, 0, 640, 360)}
ACTS: tuple[tuple[dict[str, str], str | None], ...] = (  # who is where, and who speaks
    ({"a": "full"}, None),
    ({"a": "left", "b": "right"}, None),
    ({"a": "left", "b": "right"}, "a"),
    ({"a": "left", "b": "right"}, "b"),
    ({"a": "right", "b": "left"}, "b"),
    ({"b": "full"}, None),
)
CALM_S = 0.3  # less than an act
NAMES = {"a": "Ann", "b": "Bob"}


def person(id_: str, *, speaking: bool) -> ParticipantState:
    return ParticipantState(id=id_, name=NAMES[id_], joined_at=0, state="connected", speaking=speaking)


class Canvas:
    """A room's mixer with people without cameras, told of as a room does."""

    def __init__(self, directory: Path) -> None:
        self.clock = MediaClock()
        config = VideoConfig(width=CANVAS.width, height=CANVAS.height, fps=30, bitrate_bps=2_000_000)
        self.mixer = VideoMixer(config, self.clock)
        self.mixer.on_tiles = self._moved
        self.speaker: str | None = None
        self.witness: Witness | None = None
        self.act(*ACTS[0])
        self.mixer.start()
        self.notes = NotesWriter(LocalSegmentStore(directory))
        state = RoomState(
            config=RoomConfig(name="standup", video=config),
            instance="i",
            created_at=0,
            layout="grid",
            participants=tuple(person(id_, speaking=False) for id_ in NAMES),
            tiles=tiles_told(self.mixer.tiles(), self.clock),
        )
        self.witness = Witness(state, self.clock.now_us, self.notes.note)

    def _moved(self, moves: TileMoves) -> None:
        self._tell(tiles_told(moves, self.clock))

    def _tell(self, event: Event) -> None:
        if self.witness is not None:
            self.witness.see(event)

    def act(self, places: dict[str, str], speaker: str | None) -> None:
        if speaker != self.speaker:
            for id_ in NAMES:
                self._tell(ParticipantUpdated(participant=person(id_, speaking=id_ == speaker)))
            self._tell(ActiveSpeaker(participant_id=speaker))
            self.speaker = speaker
        tiles = tuple(Tile(id_, PLACES[place]) for id_, place in places.items())
        info = {id_: TileInfo(NAMES[id_], speaking=id_ == speaker) for id_ in places}
        self.mixer.show(Scene(Layout(CANVAS, tiles), info, motion_us=0))


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> FinishedFile:
    directory = tmp_path_factory.mktemp("live")
    part = directory / "part-0001"
    canvas = Canvas(part)
    info = PartInfo("rec_1", 1, CANVAS.width, CANVAS.height, 30, part, canvas.clock.wall_us)
    writer = PartWriter(info, canvas.mixer.hubs[VideoCodec.H264], PacketHub(), lambda _error: None)
    writer.start()
    for act in ACTS:
        canvas.act(*act)
        time.sleep(0.7)
    writer.stop()
    canvas.mixer.stop()
    canvas.notes.close()
    return finish(directory, directory / "out.mp4")


def changes(path: Path) -> list[float]:
    """When the picture becomes another, seconds. Text follows a little later: it is drawn beside the ticks."""
    with av.open(str(path)) as container:
        decoded = container.decode(video=0)
        pictures = [(picture.time or 0.0, picture.to_ndarray()[: CANVAS.height].astype(int)) for picture in decoded]
    differences = [(time_s, np.abs(b - a)) for (_, a), (time_s, b) in itertools.pairwise(pictures)]
    busy = [0.0, *(time_s for time_s, difference in differences if (difference > 40).mean() > 0.002)]
    return [time_s for before, time_s in itertools.pairwise(busy) if time_s - before > CALM_S]


def test_what_is_told_of_a_live_canvas_is_seen_within_a_frame(live: FinishedFile) -> None:
    seen = changes(live.path)
    told = timeline(live)
    assert len(seen) == len(ACTS) - 1, seen
    to_pair, a_speaks, b_speaks, crossing, to_bob = seen
    left, right = ({"x": x, "y": 0, "width": 0.5, "height": 1} for x in (0, 0.5))
    near = pytest.approx
    tiles = [(tile["name"], tile["rect"], tile["from"], tile["to"]) for tile in told["tiles"]]
    assert tiles == [
        ("Ann", FULL, 0, near(to_pair, abs=FRAME_S)),
        ("Ann", left, near(to_pair, abs=FRAME_S), near(crossing, abs=FRAME_S)),
        ("Bob", right, near(to_pair, abs=FRAME_S), near(crossing, abs=FRAME_S)),
        ("Ann", right, near(crossing, abs=FRAME_S), near(to_bob, abs=FRAME_S)),
        ("Bob", left, near(crossing, abs=FRAME_S), near(to_bob, abs=FRAME_S)),
        ("Bob", FULL, near(to_bob, abs=FRAME_S), near(live.duration, abs=1e-4)),
    ]
    speaking = [(turn["name"], turn["from"], turn["to"]) for turn in told["speaking"]]
    assert speaking == [
        ("Ann", near(a_speaks, abs=FRAME_S), near(b_speaks, abs=FRAME_S)),
        ("Bob", near(b_speaks, abs=FRAME_S), near(to_bob, abs=FRAME_S)),
    ]
    assert [(turn["name"], turn["from"]) for turn in told["active"]] == [
        ("Ann", near(a_speaks, abs=FRAME_S)),
        ("Bob", near(b_speaks, abs=FRAME_S)),
    ]
