import json
import threading
from pathlib import Path

import pytest

from recorder.notes import NO_NOTES, NOTES, Notes, NotesWriter, Occupant, Rectangle, load_notes, parse_notes
from recorder.segments import LocalSegmentStore, SegmentFile

pytestmark = pytest.mark.unit

LEFT = {"x": 0, "y": 0, "width": 0.5, "height": 1}
LINES = [
    {"t": 1, "people": {"p1": "Ann"}},
    {"t": 1, "tiles": [{"id": "p1", "name": "Ann", "rect": LEFT}]},
    {"t": 1.5, "speaking": ["p1", "p2"], "active": "p1"},
]
NOTED = Notes(
    {"p1": "Ann"},
    ((90_000, (Occupant("p1", "Ann", Rectangle(0, 0, 0.5, 1)),)),),
    ((135_000, ("p1", "p2")),),
    ((135_000, ("p1",)),),
)


def as_bytes(*lines: object) -> bytes:
    return b"".join(json.dumps(line).encode() + b"\n" for line in lines)


def test_what_is_written_is_read(tmp_path: Path) -> None:
    store = LocalSegmentStore(tmp_path / "part-0001")
    writer = NotesWriter(store)
    for line in LINES:
        writer.note(line)
    writer.close()
    assert writer.lost == 0
    assert [json.loads(line) for line in (tmp_path / "part-0001" / NOTES).read_text().splitlines()] == LINES
    assert load_notes(store) == NOTED
    assert store.names() == []  # it is no segment


def test_a_torn_last_line_is_left_out() -> None:
    whole = as_bytes(*LINES)
    for torn in range(len(whole) - 2, len(as_bytes(*LINES[:2])), -1):
        assert parse_notes(whole[:torn]) == Notes(NOTED.people, NOTED.tiles)


@pytest.mark.parametrize(
    "line",
    [
        b"\n",
        b"\xff\xfe\n",
        b"17\n",
        b"[]\n",
        b"null\n",
        as_bytes({"t": None, "tiles": []}),
        as_bytes({"t": "1e999", "tiles": []}),
        as_bytes({"t": "NaN", "tiles": []}),
        as_bytes({"t": 1, "tiles": [{"id": "p1"}]}),
        as_bytes({"t": 1, "tiles": 5}),
        as_bytes({"t": 1, "people": []}),
        as_bytes({"t": 1}),
        b"[" * 100_000 + b"\n",
    ],
)
def test_lines_that_make_no_sense_are_left_out(line: bytes) -> None:
    assert parse_notes(as_bytes(*LINES[:2]) + line + as_bytes(*LINES[2:])) == NOTED


def test_without_a_file_nothing_is_known(tmp_path: Path) -> None:
    assert load_notes(LocalSegmentStore(tmp_path)) == NO_NOTES
    (tmp_path / NOTES).mkdir()
    assert load_notes(LocalSegmentStore(tmp_path)) == NO_NOTES


class Disk(LocalSegmentStore):
    """Fails while told to, after half of what is to be written."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self.full = False
        self.may_write = threading.Event()
        self.may_write.set()
        self.tried = threading.Semaphore(0)

    def create(self, name: str) -> SegmentFile:
        return _DiskFile(super().create(name), self)


class _DiskFile:
    def __init__(self, file: SegmentFile, disk: Disk) -> None:
        self._file = file
        self._disk = disk

    def write(self, data: bytes, /) -> int:
        try:
            self._disk.may_write.wait(10)
            if self._disk.full:
                self._file.write(data[: len(data) // 2])
                raise OSError(28, "No space left on device")
            return self._file.write(data)
        finally:
            self._disk.tried.release()

    def close(self) -> None:
        self._file.close()


def test_a_full_disk_costs_lines_which_are_counted_and_no_more(tmp_path: Path) -> None:
    disk = Disk(tmp_path)
    writer = NotesWriter(disk)
    for full, line in ((False, LINES[0]), (True, LINES[1]), (False, LINES[1]), (False, LINES[2])):
        disk.full = full
        writer.note(line)
        assert disk.tried.acquire(timeout=10)
    writer.close()
    assert writer.lost == 1
    assert load_notes(disk) == NOTED


def test_a_folder_that_cannot_be_made_is_no_trouble_to_anybody(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    writer = NotesWriter(LocalSegmentStore(tmp_path / "file"))
    for line in LINES:
        writer.note(line)
    writer.close()
    assert writer.lost == 3


def test_a_disk_that_stalls_holds_nobody_up(tmp_path: Path) -> None:
    disk = Disk(tmp_path)
    disk.may_write.clear()
    writer = NotesWriter(disk)
    for _ in range(3000):
        writer.note(LINES[0])
    assert 3000 - 1024 - 1 <= writer.lost <= 3000 - 1024
    disk.may_write.set()
    writer.close()
    assert len((tmp_path / NOTES).read_bytes().splitlines()) == 3000 - writer.lost
