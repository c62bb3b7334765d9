"""Settings: where they come from, and what is said about wrong ones."""

import re
from pathlib import Path

import pytest

from api import cli
from api.settings import Settings, SettingsError, load, unknown_variables

pytestmark = pytest.mark.unit


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for field in Settings.model_fields:
        monkeypatch.delenv(f"TUTTI_{field.upper()}", raising=False)


def test_the_defaults_need_no_environment() -> None:
    settings = load()
    assert (settings.host, settings.port) == ("127.0.0.1", 8080)
    assert (settings.video.width, settings.video.height, settings.video.fps) == (1280, 720, 30)
    assert settings.catalog_url.endswith("data/tutti.sqlite")
    assert settings.ice_servers == ()
    assert settings.server_ice_servers == ()


def test_options_win_over_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TUTTI_PORT", "9000")
    monkeypatch.setenv("TUTTI_CREATE_ROOMS_ON_JOIN", "false")
    assert load().port == 9000
    assert load({"port": "9001"}).port == 9001
    assert load().create_rooms_on_join is False


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("stun:a.example:3478", [(("stun:a.example:3478",), None)]),
        ("stun:a, turn:b?transport=tcp ,", [(("stun:a",), None), (("turn:b?transport=tcp",), None)]),
        ('[{"urls": "turn:b", "username": "u", "credential": "c"}]', [(("turn:b",), "u")]),
        ('{"urls": ["stun:a", "stun:b"]}', [(("stun:a", "stun:b"), None)]),
        ("", []),
    ],
)
def test_ice_servers_are_urls_or_json(
    monkeypatch: pytest.MonkeyPatch, value: str, expected: list[tuple[tuple[str, ...], str | None]]
) -> None:
    monkeypatch.setenv("TUTTI_ICE_SERVERS", value)
    assert [(server.urls, server.username) for server in load().ice_servers] == expected


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("port", "http", "TUTTI_PORT: Input should be a valid integer"),
        ("port", "65536", "TUTTI_PORT: Input should be less than or equal to 65535"),
        ("video_width", "-1280", "TUTTI_VIDEO_WIDTH: Input should be greater than or equal to 160"),
        ("video_height", "721", "TUTTI_VIDEO_HEIGHT: Input should be a multiple of 2"),
        ("video_bitrate_bps", "1", "TUTTI_VIDEO_BITRATE_BPS: "),
        ("max_participants", "0", "TUTTI_MAX_PARTICIPANTS: "),
        ("log_level", "loud", "TUTTI_LOG_LEVEL: Input should be 'debug', 'info', 'warning' or 'error'"),
        ("shutdown", "explode", "TUTTI_SHUTDOWN: Input should be 'close' or 'keep'"),
        ("download", "pigeon", "TUTTI_DOWNLOAD: Input should be 'redirect' or 'stream'"),
        ("ice_servers", "http://a", "TUTTI_ICE_SERVERS: 'http://a' is no ICE server"),
        ("ice_servers", "[{]", "TUTTI_ICE_SERVERS: neither URLs separated by commas nor a JSON list"),
        ("ice_servers", '[{"url": "stun:a"}]', "TUTTI_ICE_SERVERS[0][urls]: Field required"),
        ("server_ice_servers", "a:3478", "TUTTI_SERVER_ICE_SERVERS: 'a:3478' is no ICE server"),
        ("s3_path_style", "maybe", "TUTTI_S3_PATH_STYLE: Input should be a valid boolean"),
        ("empty_room_grace_s", "-1", "TUTTI_EMPTY_ROOM_GRACE_S: "),
    ],
)
def test_a_wrong_value_is_one_clear_line_and_exit_code_2(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], field: str, value: str, said: str
) -> None:
    monkeypatch.setenv(f"TUTTI_{field.upper()}", value)
    assert cli.main(["serve"]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    assert lines[0].startswith(f"tutti: {said}")


def test_every_fault_is_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TUTTI_PORT", "x")
    with pytest.raises(SettingsError) as caught:
        load({"max_rooms": "y"})
    assert len(caught.value.faults) == 2


def test_a_secret_is_neither_shown_nor_an_option(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TUTTI_TURN_SECRET", "hush")
    settings = load()
    assert "hush" not in repr(settings)
    assert settings.turn_secret is not None
    with pytest.raises(SystemExit):
        cli.main(["serve", "--turn-secret", "hush"])


def test_help_lists_every_setting_with_its_default(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit_:
        cli.main(["serve", "--help"])
    assert exit_.value.code == 0
    said = " ".join(capsys.readouterr().out.split())
    for name, field in Settings.model_fields.items():
        assert f"TUTTI_{name.upper()}" in said
        assert field.description
        assert " ".join(field.description.split())[:40] in said
    assert "TUTTI_PORT; default: 8080]" in said
    assert "TUTTI_CREATE_ROOMS_ON_JOIN; default: true]" in said


def test_version_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit_:
        cli.main(["--version"])
    assert exit_.value.code == 0
    assert capsys.readouterr().out.startswith("tutti ")


def test_slips_of_the_pen_are_found() -> None:
    assert unknown_variables(["TUTTI_PROT", "TUTTI_PORT", "PATH"]) == ["TUTTI_PROT"]


def test_an_empty_variable_is_an_unset_one_for_texts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TUTTI_S3_BUCKET", "")
    assert load().s3_bucket is None


def test_the_catalog_is_where_one_says(tmp_path: Path) -> None:
    assert load({"data_dir": tmp_path}).catalog_url == f"sqlite:///{tmp_path}/tutti.sqlite"
    assert load({"database_url": "postgresql://db/tutti"}).catalog_url == "postgresql://db/tutti"


def test_the_page_for_operators_lists_every_setting_with_its_default() -> None:
    page = (Path(__file__).parents[3] / "docs" / "operations.md").read_text()
    rows = dict(re.findall(r"^\| `TUTTI_(\w+)` \|(?: `([^`]*)`)? \|", page, re.MULTILINE))
    expected = {}
    for name, field in Settings.model_fields.items():
        default = "" if field.default in (None, ()) else str(field.default)
        expected[name.upper()] = default.lower() if isinstance(field.default, bool) else default
    assert rows == expected
