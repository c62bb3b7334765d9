"""From segments, also damaged ones, to the file that people get."""

import random
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from recorder.errors import FinishInterruptedError, NothingRecordedError, UnjoinableError
from recorder.finish import FinishedFile, finish, last_picture_at, part_started_at, top_level_boxes
from tests.media import recorder_clips as clips
from tests.media import recorder_probe as probe

pytestmark = [pytest.mark.media, pytest.mark.beside]

WALL_S = clips.WALL_US / 1e6
LATER_US = clips.WALL_US + 20_000_000  # the second room's clock began this much after the first's


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recording of two parts: 30-39 s of one room, then 1.2333-8.2333 s of another that took its place."""
    directory = tmp_path_factory.mktemp("rec")
    first = clips.Room(directory / "part-0001")
    first.record(clips.merged(clips.video(9, start_tick=900), clips.audio(10, start_s=29.6)))
    second = clips.Room(directory / "part-0002", part=2, wall_offset_us=LATER_US)
    second.record(clips.merged(clips.video(7, start_tick=37), clips.audio(8, start_s=0.7137)))
    return directory


@pytest.fixture
def recording(whole: Path, tmp_path: Path) -> Path:
    """A copy to damage."""
    shutil.copytree(whole, tmp_path / "rec")
    return tmp_path / "rec"


@pytest.fixture(scope="module")
def file(whole: Path, tmp_path_factory: pytest.TempPathFactory) -> FinishedFile:
    return finish(whole, tmp_path_factory.mktemp("out") / "out.mp4")


def test_the_index_comes_first_and_everything_decodes(file: FinishedFile) -> None:
    boxes = top_level_boxes(file.path)
    assert boxes.index("moov") < boxes.index("mdat")
    probe.decode(file.path)


def test_streams_and_colours(file: FinishedFile) -> None:
    streams = probe.probe(file.path)
    video, audio = streams["video"], streams["audio"]
    assert (video["codec_name"], video["codec_tag_string"], video["width"], video["height"]) == (
        "h264",
        "avc1",
        clips.WIDTH,
        clips.HEIGHT,
    )
    assert (audio["codec_name"], audio["profile"], audio["codec_tag_string"]) == ("aac", "LC", "mp4a")
    assert (video["color_space"], video["color_transfer"], video["color_primaries"], video["color_range"]) == (
        "smpte170m",
        "bt709",
        "bt709",
        "tv",
    )
    assert float(video["start_time"]) == 0
    assert float(audio["start_time"]) == 0


def test_every_frame_is_there_in_even_spacing(file: FinishedFile) -> None:
    assert probe.spacings(file.path, "v") == {3000}
    assert probe.spacings(file.path, "a") == {1024}
    assert len(probe.packets(file.path, "v")) == (9 + 7) * 30
    assert probe.keyframe_times(file.path) == pytest.approx([0, 3, 6, 9, 12, 15])


def test_what_is_told_of_it(file: FinishedFile) -> None:
    assert file.duration == pytest.approx(16, abs=1e-6)
    assert file.size == file.path.stat().st_size
    told = subprocess.run(["sha256sum", file.path], capture_output=True, text=True, check=True).stdout
    assert told.split()[0] == file.sha256
    assert file.started_at == pytest.approx(WALL_S + 30)
    assert file.ended_at == pytest.approx(WALL_S + 20 + 37 / 30 + 7)
    (gap,) = file.gaps
    assert gap.at == pytest.approx(9, abs=1e-6)
    assert gap.from_time == pytest.approx(WALL_S + 39)
    assert gap.until_time == pytest.approx(WALL_S + 20 + 37 / 30)
    assert gap.missing == 0  # this second room's clock overlaps the first's
    assert gap.reason == "the room was lost"


def test_flash_and_beep_stay_together_over_the_border(file: FinishedFile) -> None:
    flashes, beeps = probe.flashes(file.path), probe.beeps(file.path)
    wanted = [float(n) for n in range(9)] + [9 + n - 37 / 30 for n in range(2, 9)]
    assert flashes == pytest.approx(wanted, abs=0.001)
    for flash in flashes[1:]:  # the first beep lies half before the file's start
        assert min(abs(beep - flash) for beep in beeps) < 0.020


def test_one_clean_part_has_its_sound_to_the_millisecond(whole: Path, tmp_path: Path) -> None:
    shutil.copytree(whole / "part-0002", tmp_path / "rec" / "part-0002")
    out = finish(tmp_path / "rec", tmp_path / "out.mp4")
    for flash, beep in zip(probe.flashes(out.path), probe.beeps(out.path), strict=True):
        assert abs(beep - flash) < 0.003
    audio, video = probe.probe(out.path)["audio"], probe.probe(out.path)["video"]
    assert abs(float(audio["duration"]) - float(video["duration"])) < 0.025


def test_it_is_the_same_file_every_time(whole: Path, file: FinishedFile, tmp_path: Path) -> None:
    assert finish(whole, tmp_path / "again.mp4").sha256 == file.sha256


# --- damage -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kept", [0.3, 0.55, 0.8, 0.97])
def test_a_torn_last_segment_is_used_as_far_as_it_is_whole(recording: Path, tmp_path: Path, kept: float) -> None:
    last = max((recording / "part-0002").glob("segment-*"))
    seconds = float(probe.probe(last)["video"]["duration"]) - float(probe.probe(last)["video"]["start_time"])
    data = last.read_bytes()
    last.write_bytes(data[: round(len(data) * kept)])
    (recording / "part-0002" / "manifest.json").unlink()
    out = finish(recording, tmp_path / "out.mp4")
    assert out.duration > 16 - seconds * (1 - kept) - 0.75
    assert probe.spacings(out.path, "v") == {3000}
    assert probe.spacings(out.path, "a") == {1024}
    probe.decode(out.path)


def test_a_part_without_a_manifest_is_dated_by_its_files(recording: Path, tmp_path: Path) -> None:
    for part in ("part-0001", "part-0002"):
        (recording / part / "manifest.json").unlink()
    before = time.time()
    out = finish(recording, tmp_path / "out.mp4")
    assert out.duration == pytest.approx(16, abs=1e-6)
    assert abs(out.ended_at - before) < 120  # that is when the test wrote them


def test_a_manifest_behind_reality_is_not_believed(recording: Path, tmp_path: Path) -> None:
    manifest = recording / "part-0001" / "manifest.json"
    manifest.write_text(manifest.read_text().replace('"ended_us": 39000000', '"ended_us": null'))
    out = finish(recording, tmp_path / "out.mp4")
    assert out.duration == pytest.approx(16, abs=1e-6)


def test_a_lost_segment_is_a_hole(recording: Path, tmp_path: Path) -> None:
    (recording / "part-0002" / "segment-00000.mp4").write_bytes(b"\x00" * 5000)
    out = finish(recording, tmp_path / "out.mp4")
    assert out.duration == pytest.approx(10, abs=1e-6)
    assert probe.spacings(out.path, "v") == {3000}
    probe.decode(out.path)
    (gap,) = out.gaps
    assert gap.at == pytest.approx(9)


def test_a_segment_lost_in_the_middle_is_told_as_damage(whole: Path, tmp_path: Path) -> None:
    room = clips.Room(tmp_path / "rec" / "part-0001")
    pictures = clips.video(18, keyframes=tuple(range(0, 540, 90)))
    room.record(clips.merged(pictures, clips.audio(20)))
    (tmp_path / "rec" / "part-0001" / "segment-00001.mp4").unlink()
    out = finish(tmp_path / "rec", tmp_path / "out.mp4")
    (gap,) = out.gaps
    assert gap.at == pytest.approx(6)
    assert gap.missing == pytest.approx(6)
    assert gap.reason == "a segment is damaged"
    assert out.duration == pytest.approx(12)
    for flash in (flashes := probe.flashes(out.path)):
        assert min(abs(beep - flash) for beep in probe.beeps(out.path)) < 0.020
    assert len(flashes) == 12


def test_nothing_usable_is_said_so_and_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "rec" / "part-0001").mkdir(parents=True)
    (tmp_path / "rec" / "part-0001" / "segment-00000.mp4").write_bytes(b"\x00\x00\x00\x18ftyp")
    with pytest.raises(NothingRecordedError):
        finish(tmp_path / "rec", tmp_path / "out.mp4")
    assert [path.name for path in tmp_path.iterdir()] == ["rec"]


def test_an_interrupted_join_leaves_nothing(whole: Path, tmp_path: Path) -> None:
    cancelled = threading.Event()
    cancelled.set()
    with pytest.raises(FinishInterruptedError):
        finish(whole, tmp_path / "out.mp4", cancelled)
    assert list(tmp_path.iterdir()) == []


# --- parts that differ ------------------------------------------------------------------------------------------------


def test_other_parameter_sets_of_the_same_size_are_joined(recording: Path, tmp_path: Path) -> None:
    third = clips.Room(recording / "part-0003", part=3, wall_offset_us=LATER_US + 60_000_000)
    third.record(clips.merged(clips.video(3, profile="main"), clips.audio(5)))
    out = finish(recording, tmp_path / "out.mp4")
    assert out.duration == pytest.approx(19, abs=1e-6)
    assert probe.spacings(out.path, "v") == {3000}
    probe.decode(out.path)
    assert len(probe.flashes(out.path)) == 16 + 3


def test_another_size_is_refused(recording: Path, tmp_path: Path) -> None:
    third = clips.Room(recording / "part-0003", part=3, wall_offset_us=LATER_US + 60_000_000)
    third.record(clips.merged(clips.video(2, width=640), clips.audio(4)))
    with pytest.raises(UnjoinableError, match="320x180 to 640x180"):
        finish(recording, tmp_path / "out.mp4")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["rec"]


def test_a_part_without_sound_is_silent_in_the_file(recording: Path, tmp_path: Path) -> None:
    third = clips.Room(recording / "part-0003", part=3, wall_offset_us=LATER_US + 60_000_000)
    started = threading.Thread(target=third.writer.start)
    started.start()
    clips.wait_until(lambda: third.pictures.in_use)
    clips.publish(iter(clips.video(2)), third.pictures, third.sound)
    started.join()
    third.writer.stop()
    out = finish(recording, tmp_path / "out.mp4")
    assert probe.spacings(out.path, "a") == {1024}
    streams = probe.probe(out.path)
    assert abs(float(streams["audio"]["duration"]) - 18) < 0.025
    probe.decode(out.path)


@pytest.mark.parametrize("into", [0, 8, 40, 300])
def test_a_first_segment_that_ends_in_an_index_box_loses_what_the_box_is_of(
    recording: Path, tmp_path: Path, into: int
) -> None:
    segment = recording / "part-0001" / "segment-00000.mp4"
    data = segment.read_bytes()
    fragments = [at for at in range(len(data)) if data[at + 4 : at + 8] == b"moof"]
    segment.write_bytes(data[: fragments[3] + into])
    for other in recording.rglob("segment-*.mp4"):
        if other != segment:
            other.unlink()
    out = finish(recording, tmp_path / "out.mp4")
    assert 1.4 < float(out.duration) < 1.7  # three fragments of half a second
    assert probe.spacings(out.path, "v") == {3000}
    probe.decode(out.path)


# --- a process that is killed -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("after_s", [round(random.Random(seed).uniform(0.6, 5), 2) for seed in range(4)])
def test_a_killed_writer_loses_less_than_a_second(tmp_path: Path, after_s: float) -> None:
    directory = tmp_path / "rec"
    victim = subprocess.Popen(
        [sys.executable, "-m", "tests.media.recorder_victim", str(directory / "part-0001")],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert victim.stdout is not None
    with victim:
        first = int(victim.stdout.readline())
        while int(victim.stdout.readline()) < first + after_s * 1e6:
            pass
        victim.kill()
        published = [int(line) for line in victim.stdout.read().split()] or [round(first + after_s * 1e6)]
    started_at = part_started_at(directory, 1)
    assert started_at == pytest.approx(WALL_S + 1)
    last_at = last_picture_at(directory)
    assert last_at is not None
    out = finish(directory, tmp_path / "out.mp4")
    assert out.ended_at == pytest.approx(last_at)
    lost_s = published[-1] / 1e6 - (out.ended_at - WALL_S)
    assert lost_s < 1
    assert probe.spacings(out.path, "v") == {3000}
    probe.decode(out.path)
