"""What the documents say of settings and files is so."""

import re
from pathlib import Path

import pytest

from api.settings import Settings

pytestmark = pytest.mark.unit

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")])
EXAMPLES = [*DOCUMENTS, ROOT / "docker/compose.yaml", ROOT / "docker/Dockerfile"]
SETTINGS = {f"TUTTI_{name.upper()}": field for name, field in Settings.model_fields.items()}


def _as_written(default: object) -> str:
    if isinstance(default, bool):
        return str(default).lower()
    return "" if default is None or default == () else str(default)


def test_every_setting_is_documented_with_its_default() -> None:
    operations = (ROOT / "docs/operations.md").read_text()
    rows = re.findall(r"^\| `(TUTTI_\w+)` \| (?:`([^`]*)` )?\|", operations, re.MULTILINE)
    assert dict(rows) == {name: _as_written(field.default) for name, field in SETTINGS.items()}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(document: Path) -> None:
    targets = re.findall(r"\]\((?!https?:|#)([^)#]+)", document.read_text())
    assert [target for target in targets if not (document.parent / target).exists()] == []


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: str(path.relative_to(ROOT)))
def test_settings_that_are_mentioned_exist(example: Path) -> None:
    assert set(re.findall(r"\bTUTTI_[A-Z0-9_]*[A-Z0-9]\b", example.read_text())) <= SETTINGS.keys()
