"""A room's process does not stop to look through what it has loaded."""

import gc
import sys
from pathlib import Path

import pytest

from api import worker

pytestmark = pytest.mark.unit


def test_what_is_loaded_is_left_out_of_collections(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    frozen: list[int] = []

    async def run(_path: Path) -> None:
        frozen.append(gc.get_freeze_count())

    monkeypatch.setattr(worker, "_run", run)
    monkeypatch.setattr(worker, "prefer_this_process", lambda: None)
    monkeypatch.setattr(sys, "argv", ["worker", "--run-dir", str(tmp_path), "--instance", "i"])
    try:
        worker.main()
    finally:
        gc.unfreeze()
    assert frozen[0] > 10_000
