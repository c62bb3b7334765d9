import pytest

from recorder.model import NEXT, Status, file_name, sources_of

pytestmark = pytest.mark.unit

NOON = 1_700_000_000  # 2023-11-14 22:13:20 UTC


def test_only_these_changes_of_status_are_allowed() -> None:
    allowed = {f"{source}>{target}" for source, targets in NEXT.items() for target in targets}
    assert allowed == {
        "starting>active",
        "starting>ending",
        "starting>aborted",
        "active>paused",
        "paused>active",
        "active>ending",
        "paused>ending",
        "ending>complete",
        "ending>failed",
        "failed>ending",
    }


def test_statuses_are_named_as_the_ecosystem_names_them() -> None:
    assert {str(status) for status in Status} == {
        "starting",
        "active",
        "paused",
        "ending",
        "complete",
        "failed",
        "aborted",
    }


def test_what_leads_to_a_status_is_the_table_read_backwards() -> None:
    assert sources_of(Status.ENDING) == {Status.STARTING, Status.ACTIVE, Status.PAUSED, Status.FAILED}
    assert sources_of(Status.STARTING) == frozenset()


@pytest.mark.parametrize(
    ("room", "name"),
    [
        ("standup", "standup-20231114T221320Z.mp4"),
        ("Team call (EU) / 2", "Team-call-EU-2-20231114T221320Z.mp4"),
        ("../../etc/passwd", "etc-passwd-20231114T221320Z.mp4"),
        ("встреча", "room-20231114T221320Z.mp4"),
        ("a\x00b\nc", "a-b-c-20231114T221320Z.mp4"),
        ("x" * 500, "x" * 80 + "-20231114T221320Z.mp4"),
        ('"; rm', "rm-20231114T221320Z.mp4"),
    ],
)
def test_file_names_are_of_room_and_start_and_harmless(room: str, name: str) -> None:
    assert file_name(room, NOON) == name
