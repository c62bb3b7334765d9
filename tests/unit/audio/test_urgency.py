import os
import sys
from collections.abc import Iterator

import pytest

from mcu.audio.urgency import prefer_this_thread

pytestmark = pytest.mark.unit


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    interval_s = sys.getswitchinterval()
    yield
    sys.setswitchinterval(interval_s)


def test_without_the_right_to_it_the_thread_stays_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_arguments: int) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "setpriority", refuse)
    prefer_this_thread()


def test_the_interpreter_is_never_handed_over_later_than_before() -> None:
    sys.setswitchinterval(0.0001)
    prefer_quietly()
    assert sys.getswitchinterval() == pytest.approx(0.0001, abs=2e-6)
    sys.setswitchinterval(0.005)
    prefer_quietly()
    assert sys.getswitchinterval() == pytest.approx(0.001, abs=2e-6)


def prefer_quietly() -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "setpriority", lambda *_arguments: None)
        prefer_this_thread()
