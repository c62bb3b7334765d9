"""A part of a recording, written by its thread from real packets."""

import itertools
import os
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from mcu.media import AudioCodec
from recorder.errors import PartStartError
from recorder.finish import finish
from recorder.segments import LocalSegmentStore, SegmentFile
from tests.media import recorder_clips as clips
from tests.media import recorder_probe as probe

pytestmark = pytest.mark.media


def segments(directory: Path) -> list[Path]:
    return sorted(directory.glob("segment-*.mp4"))


@pytest.fixture(scope="module")
def part(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Fourteen seconds of a room that began half a minute ago, with keyframes as others asked for them."""
    directory = tmp_path_factory.mktemp("rec") / "part-0001"
    room = clips.Room(directory)
    started_us, ended_us = room.record(
        clips.merged(
            clips.video(14, start_tick=900, keyframes=(0, 20, 100, 185, 270, 360)), clips.audio(15, start_s=29.6)
        )
    )
    assert not room.failures
    assert started_us == clips.WALL_US + 30_000_000
    assert ended_us == clips.WALL_US + 44_000_000
    return directory


def test_segments_are_about_six_seconds_long_and_each_plays_by_itself(part: Path) -> None:
    files = segments(part)
    assert len(files) == 3
    for file, (start_s, end_s) in zip(files, [(30, 36 + 5 / 30), (36 + 5 / 30, 42), (42, 44)], strict=True):
        times = [float(packet["pts_time"]) for packet in probe.packets(file, "v")]
        assert times[0] == pytest.approx(start_s, abs=1e-4)
        assert times[-1] + 1 / 30 == pytest.approx(end_s, abs=1e-4)
        assert probe.keyframe_times(file)[0] == times[0]
        probe.decode(file)


def test_no_frame_is_lost_between_segments(part: Path) -> None:
    pictures = [packet["pts"] for file in segments(part) for packet in probe.packets(file, "v")]
    assert pictures == [2_700_000 + 3000 * n for n in range(14 * 30)]
    sound = [packet["pts"] for file in segments(part) for packet in probe.packets(file, "a")]
    assert {after - before for before, after in itertools.pairwise(sound)} == {1024}


def test_colours_are_told_in_the_file(part: Path) -> None:
    video = probe.probe(segments(part)[0])["video"]
    told = {key: video[key] for key in ("color_space", "color_transfer", "color_primaries", "color_range")}
    assert told == {
        "color_space": "smpte170m",
        "color_transfer": "bt709",
        "color_primaries": "bt709",
        "color_range": "tv",
    }


def test_the_manifest_lists_what_is_there(part: Path) -> None:
    manifest = LocalSegmentStore(part).load_manifest()
    assert manifest is not None
    assert [entry.name for entry in manifest.segments] == [path.name for path in segments(part)]
    assert [entry.size for entry in manifest.segments] == [path.stat().st_size for path in segments(part)]
    assert [entry.pictures for entry in manifest.segments] == [185, 175, 60]
    assert manifest.ended_us == 44_000_000
    assert manifest.error is None
    assert {path.name for path in part.iterdir()} == {"manifest.json", *(entry.name for entry in manifest.segments)}


def test_a_room_without_pictures_cannot_be_recorded(tmp_path: Path) -> None:
    room = clips.Room(tmp_path / "part-0001")
    room.writer._first_picture_s = 0.2
    with pytest.raises(PartStartError, match="no picture"):
        room.writer.start()
    assert not room.pictures.in_use
    assert not room.sound.in_use
    assert not room.failures


def test_a_room_without_sound_is_recorded_silent(tmp_path: Path) -> None:
    room = clips.Room(tmp_path / "part-0001")
    pictures = clips.video(3)
    started: list[int] = []
    starter = threading.Thread(target=lambda: started.append(room.writer.start()))
    starter.start()
    clips.wait_until(lambda: room.pictures.in_use)
    clips.publish(iter(pictures), room.pictures, room.sound)
    starter.join()
    room.writer.stop()
    file = finish(tmp_path, tmp_path / "out.mp4")
    assert set(probe.probe(file.path)) == {"video"}
    assert file.duration == pytest.approx(3, abs=0.001)
    probe.decode(file.path)


def test_stopping_twice_is_harmless_and_nobody_stays_subscribed(tmp_path: Path) -> None:
    room = clips.Room(tmp_path / "part-0001")
    frames = clips.merged(clips.video(1), clips.audio(3))
    _, ended_us = room.record(frames)
    assert room.writer.stop() == ended_us
    assert not room.pictures.in_use
    assert not room.sound.in_use


class StallingStore(LocalSegmentStore):
    """A disk that stops for a while."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self.runs = threading.Event()
        self.runs.set()

    def create(self, name: str) -> SegmentFile:
        file = super().create(name)
        runs = self.runs

        class Stalling:
            def write(self, data: bytes, /) -> int:
                runs.wait()
                return file.write(data)

            def close(self) -> None:
                file.close()

        return Stalling()


def test_a_disk_that_stalls_leaves_a_hole_that_is_told_and_closed_up(tmp_path: Path) -> None:
    store = StallingStore(tmp_path / "part-0001")
    room = clips.Room(store.directory, store=store)
    pictures = clips.video(30, keyframes=tuple(range(0, 900, 90)))
    frames = list(clips.merged(pictures, clips.audio(32)))
    before, during, after = (
        [frame for frame in frames if low <= frame.time_us < high]
        for low, high in ((0, 7_000_000), (7_000_000, 25_000_000), (25_000_000, 31_000_000))
    )
    beginning = iter(before)
    room.start(beginning)
    clips.publish(beginning, room.pictures, room.sound)
    time.sleep(0.3)
    store.runs.clear()
    for frame in during:  # at once: more than the queue holds
        (room.sound if isinstance(frame.codec, AudioCodec) else room.pictures).publish(frame)
    store.runs.set()
    clips.publish(iter(after), room.pictures, room.sound)
    room.writer.stop()
    assert not room.failures
    manifest = store.load_manifest()
    assert manifest is not None
    (hole,) = manifest.holes
    assert hole.dropped >= 360
    file = finish(tmp_path, tmp_path / "out.mp4")
    (gap,) = file.gaps
    assert gap.reason == "the disk did not keep up"
    assert gap.missing == pytest.approx((hole.until_us - hole.from_us) / 1e6, abs=0.001)
    assert file.duration + gap.missing == pytest.approx(30, abs=0.001)
    assert probe.spacings(file.path, "v") == {3000}
    assert probe.spacings(file.path, "a") == {1024}
    probe.decode(file.path)


# --- a disk that is full ----------------------------------------------------------------------------------------------


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of six megabytes."""
    if os.geteuid() != 0:
        pytest.skip("mounting a small disk takes root")
    mount = tmp_path / "disk"
    mount.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", mount], capture_output=True, text=True, check=False
    )
    if done.returncode:
        pytest.skip(f"no small disk can be mounted here: {done.stderr.strip()}")
    yield mount
    subprocess.run(["umount", mount], check=True)


def test_a_recording_on_a_disk_that_fills_ends_in_time_to_be_finished_there(small_disk: Path) -> None:
    directory = small_disk / "rec_1"
    room = clips.Room(directory / "part-0001")
    pictures = clips.video(40, keyframes=tuple(range(0, 1200, 90)))
    frames = clips.merged(pictures, clips.audio(42))
    room.start(frames)
    clips.publish(frames, room.pictures, room.sound)
    room.writer.stop()
    assert [getattr(error, "code", None) for error in room.failures] == ["disk_full"]
    file = finish(directory, directory / "out.mp4")
    assert 5 < file.duration < 39
    assert file.parts[-1].error is not None
    assert "disk is full" in file.parts[-1].error
    probe.decode(file.path)


class HeedlessStore(LocalSegmentStore):
    """Writes until nothing goes any more."""

    def has_room(self, unfinished_bytes: int) -> bool:  # noqa: ARG002  # on purpose
        return True


def test_what_was_written_before_the_disk_was_full_is_good(small_disk: Path, tmp_path: Path) -> None:
    (small_disk / "filler").write_bytes(bytes(5 * 1024 * 1024))
    store = HeedlessStore(small_disk / "part-0001")
    room = clips.Room(store.directory, store=store)
    frames = clips.merged(clips.video(40, keyframes=tuple(range(0, 1200, 90))), clips.audio(42))
    room.start(frames)
    clips.publish(frames, room.pictures, room.sound)
    room.writer.stop()
    assert [getattr(error, "code", None) for error in room.failures] == ["disk_full"]
    directory = tmp_path / "saved"
    shutil.copytree(store.directory, directory / "part-0001")
    written = sum(path.stat().st_size for path in segments(store.directory))
    assert written > 900_000
    file = finish(directory, directory / "out.mp4")
    assert file.size > 0.85 * written
    probe.decode(file.path)
    assert not list(small_disk.rglob("*.tmp"))
