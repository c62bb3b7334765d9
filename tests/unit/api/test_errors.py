"""Every error has its status, and the page of the API tells of each."""

import importlib
import pkgutil
import re
from http import HTTPStatus
from pathlib import Path

import pytest

import api
import layouts
import mcu
import recorder
from api.errors import STATUS, RemoteError
from mcu.errors import TuttiError

pytestmark = pytest.mark.unit

DOCUMENT = Path(__file__).parents[3] / "docs" / "api.md"


def _all_errors() -> set[type[TuttiError]]:
    for package in (layouts, mcu, recorder, api):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            importlib.import_module(module.name)
    found, waiting = set(), [TuttiError]
    while waiting:
        error = waiting.pop()
        found.add(error)
        waiting += error.__subclasses__()
    return {error for error in found if not error.__module__.startswith("tests.")}


def test_every_error_has_a_status() -> None:
    without = {error.__qualname__ for error in _all_errors() if error.code not in STATUS}
    assert without == set()
    assert RemoteError in _all_errors()


def test_every_code_is_documented_with_its_status() -> None:
    rows = re.findall(r"^\| ((?:`\w+`(?:, )?)+) \| (\d{3}) \|", DOCUMENT.read_text(), re.MULTILINE)
    documented = {code: HTTPStatus(int(status)) for codes, status in rows for code in re.findall(r"`(\w+)`", codes)}
    assert documented == dict(STATUS)
