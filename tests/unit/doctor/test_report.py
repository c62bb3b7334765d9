"""What the doctor says, to people and to programs, and with which exit code."""

import io
import json
from pathlib import Path
from typing import Any

import pytest

from api import cli, machine
from api.costs import WORK, factor_of
from api.doctor import checks, measure, network, run
from api.doctor.checks import Check, State
from api.doctor.network import NoConnectionError
from api.rooms.admission import UNLIMITED

pytestmark = pytest.mark.unit

PACKETS = ("send_picture", "send_sound", "receive")


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine on which everything takes twice as long as on that of reference; nothing is really measured."""

    async def packets() -> dict[str, float]:
        return {name: 2 * WORK[name].reference_us for name in PACKETS}

    def taking(name: str) -> float:
        return 2 * WORK[name].reference_us

    steps = [(name, lambda name=name: taking(name)) for name in WORK if name not in PACKETS]
    monkeypatch.setattr(measure, "steps", lambda: steps)
    monkeypatch.setattr(network, "measure_us", packets)


def doctor(capsys: pytest.CaptureFixture[str], folder: Path, *options: str) -> tuple[int, str]:
    status = cli.main(["doctor", "--data-dir", str(folder), *options])
    return status, capsys.readouterr().out


@pytest.mark.usefixtures("slow")
def test_programs_are_told_everything(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, out = doctor(capsys, tmp_path, "--json")
    told: dict[str, Any] = json.loads(out)
    assert (status, told["well"], told["factor"]) == (0, True, 2.0)
    assert {work["name"]: work["cpu_us"] for work in told["work"]} == {
        name: pytest.approx(2 * work.reference_us) for name, work in WORK.items()
    }
    assert told["capacity"]["cores"] == pytest.approx(machine.capacity(None, None).cores, abs=0.001)
    assert [each["count"] for each in told["carries"]]
    assert {each["state"] for each in told["checks"]} <= {"good", "note"}
    assert not (tmp_path / machine.HOST_FILE).exists()  # nobody asked for that


@pytest.mark.usefixtures("slow")
def test_people_are_told_the_same(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, out = doctor(capsys, tmp_path)
    assert "Rooms take 2.00 times the processor time of the reference here." in out
    for work in WORK.values():
        assert work.what in out
    for what in ("rooms of 4", "rooms of 9", "listeners in a room of 9", "recorded", "UDP buffers", "data folder"):
        assert what in out
    assert max(map(len, out.splitlines())) <= 140


@pytest.mark.usefixtures("slow")
def test_what_was_measured_is_kept_for_the_service(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert doctor(capsys, tmp_path / "new", "--save")[0] == 0
    assert machine.factor(tmp_path / "new") == 2.0
    (tmp_path / "file").write_text("")
    status, _ = doctor(capsys, tmp_path / "file", "--save", "--json")
    assert status == 1


@pytest.mark.usefixtures("slow")
def test_no_limit_is_no_number(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TUTTI_CAPACITY_CORES", "0")
    monkeypatch.setenv("TUTTI_CAPACITY_MEMORY_MB", "0")
    told = json.loads(doctor(capsys, tmp_path, "--json")[1])
    assert told["capacity"] == {"cores": None, "memory_mb": None}
    assert machine.capacity(0, 0) == UNLIMITED
    assert "any number of processors and any amount of memory" in doctor(capsys, tmp_path)[1]


@pytest.mark.usefixtures("slow")
def test_what_has_to_be_mended_makes_a_bad_exit(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    bad = Check("object store", State.BAD, "the bucket does not exist")
    monkeypatch.setattr(run, "checks", lambda *_: [checks.memory(), bad])
    status, out = doctor(capsys, tmp_path)
    assert status == 1
    assert "BAD   object store      the bucket does not exist" in out


@pytest.mark.usefixtures("slow")
def test_a_machine_without_network_is_measured_without(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def nothing() -> dict[str, float]:
        raise NoConnectionError("connecting to ourselves has failed")

    monkeypatch.setattr(network, "measure_us", nothing)
    status, out = doctor(capsys, tmp_path, "--json")
    told = json.loads(out)
    assert (status, told["factor"]) == (1, 2.0)
    assert {work["name"] for work in told["work"] if work["cpu_us"] is None} == set(PACKETS)
    assert [each["said"] for each in told["checks"] if each["state"] == "bad"] == ["connecting to ourselves has failed"]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.usefixtures("slow")
def test_a_terminal_is_told_what_is_being_done_and_left_clean(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    doctor(capsys, tmp_path)
    lines = terminal.getvalue().split("\r")
    assert lines[1].startswith("measuring 1 of 12: decode a picture")
    assert any(line.startswith("measuring 10 of 12: sending packets") for line in lines)
    assert lines[-1] == "\x1b[K"


def test_a_wrong_setting_is_said(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("TUTTI_CAPACITY_CORES", "many")
    assert cli.main(["doctor"]) == 2
    assert capsys.readouterr().err.startswith("tutti: TUTTI_CAPACITY_CORES: ")


def test_the_reference_is_as_fast_as_itself_and_what_rooms_seldom_do_does_not_count() -> None:
    reference = {name: work.reference_us for name, work in WORK.items()}
    assert factor_of(reference) == pytest.approx(1)
    assert factor_of(reference | {"encode_vp8_full": 1e9}) == pytest.approx(1)
    assert factor_of(reference | {"encode_h264_full": 2 * reference["encode_h264_full"]}) > 1.2
