import errno
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from recorder.segments import Hole, LocalSegmentStore, Manifest, SegmentEntry, segment_name, write_atomically

pytestmark = pytest.mark.unit

MANIFEST = Manifest(
    recording_id="rec_1",
    part=2,
    width=1280,
    height=720,
    fps=30,
    wall_offset_us=1_700_000_000_000_000,
    started_us=40_000,
    segments=(SegmentEntry("segment-00000.mp4", 40_000, 6_040_000, 180, 1234),),
    holes=(Hole(6_040_000, 9_000_000, "the disk did not keep up", 90),),
)


def test_a_manifest_comes_back_as_it_was_saved(tmp_path: Path) -> None:
    store = LocalSegmentStore(tmp_path / "part-0002")
    store.save_manifest(MANIFEST)
    assert LocalSegmentStore(tmp_path / "part-0002").load_manifest() == MANIFEST
    assert [path.name for path in (tmp_path / "part-0002").iterdir()] == ["manifest.json"]


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"version": 99}', b'{"version": 1}', b"\xff\x00", b"null"])
def test_a_torn_or_foreign_manifest_counts_as_none(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "manifest.json").write_bytes(content)
    assert LocalSegmentStore(tmp_path).load_manifest() is None


def test_a_missing_folder_has_no_segments_and_no_manifest(tmp_path: Path) -> None:
    store = LocalSegmentStore(tmp_path / "nowhere")
    assert store.names() == []
    assert store.load_manifest() is None


def test_segments_are_listed_by_number_and_foreign_files_are_not(tmp_path: Path) -> None:
    for name in ("segment-00010.mp4", "segment-00002.mp4", "segment-100000.mp4", "segment-x.mp4", "notes.txt"):
        (tmp_path / name).touch()
    assert LocalSegmentStore(tmp_path).names() == ["segment-00002.mp4", "segment-00010.mp4", "segment-100000.mp4"]
    assert segment_name(2) == "segment-00002.mp4"


def test_a_segment_is_on_disk_before_it_is_closed_and_never_overwritten(tmp_path: Path) -> None:
    store = LocalSegmentStore(tmp_path / "part-0001")
    file = store.create("segment-00000.mp4")
    file.write(b"fragment")
    assert (tmp_path / "part-0001" / "segment-00000.mp4").read_bytes() == b"fragment"
    file.close()
    file.close()
    with pytest.raises(FileExistsError):
        store.create("segment-00000.mp4")


def test_a_failed_replacement_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "manifest.json"
    write_atomically(target, b"old")

    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_atomically(target, b"new")
    assert target.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [target]


def test_room_is_kept_for_joining_all_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "part-0001").mkdir()
    (tmp_path / "part-0001" / "segment-00000.mp4").write_bytes(bytes(1000))
    (tmp_path / "part-0002").mkdir()
    store = LocalSegmentStore(tmp_path / "part-0002")
    reserve = 4 * 1024 * 1024
    free = 0

    class Usage:
        @property
        def free(self) -> int:
            return free

    monkeypatch.setattr("shutil.disk_usage", lambda _path: Usage())
    free = reserve + 1501
    assert store.has_room(500)
    free = reserve + 1500
    assert not store.has_room(500)


@contextmanager
def largest_file(size: int) -> Iterator[None]:
    """No file may grow beyond ``size`` bytes: as on a disk that is full just there."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_nothing_is_written_behind_a_hole_when_there_is_room_again(tmp_path: Path) -> None:
    file = LocalSegmentStore(tmp_path).create("segment-00000.mp4")
    with largest_file(1000):
        file.write(b"a" * 600)
        with pytest.raises(OSError, match="too large"):
            file.write(b"b" * 600)
    with pytest.raises(OSError, match="too large"):
        file.write(b"c")
    file.close()
    assert (tmp_path / "segment-00000.mp4").read_bytes() == b"a" * 600 + b"b" * 400
