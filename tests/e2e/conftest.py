"""Browsers and servers that several tests share. Browsers live for the whole run: they start once."""

import itertools
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, async_playwright

from tests.e2e.support.chromium import Chromium
from tests.e2e.support.firefox import Firefox
from tests.e2e.support.media import GREEN, RED, camera_y4m, tone, write_wav
from tests.e2e.support.page import AUTOPLAY, FAKE_DEVICES, GRANT_ALL, launch
from tests.e2e.support.server import Server
from tests.standstill import none_by_collections

_numbers = itertools.count(1)


@pytest.fixture(scope="module", autouse=True)
def _no_standstill() -> Iterator[None]:
    """Of the participants that run in this process: what they send late, the service cannot mend."""
    with none_by_collections():
        yield


@pytest.fixture(scope="session")
def red(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chromium]:
    """Chromium with a red camera that hums at 440 Hz."""
    yield from _chromium(tmp_path_factory.mktemp("red"), RED, 440)


@pytest.fixture(scope="session")
def green(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chromium]:
    """Chromium with a green camera that hums at 660 Hz."""
    yield from _chromium(tmp_path_factory.mktemp("green"), GREEN, 660)


def _chromium(folder: Path, colour: tuple[int, int, int], hz: float) -> Iterator[Chromium]:
    browser = Chromium(
        video=camera_y4m(folder / "camera.y4m", colour), audio=write_wav(folder / "microphone.wav", tone(hz, 1))
    )
    yield browser
    browser.close()


@pytest.fixture(scope="session")
def firefox() -> Iterator[Firefox]:
    """Firefox; tests paint its picture blue and let it hum at 880 Hz."""
    browser = Firefox()
    yield browser
    browser.close()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    """Chromium for visitors of the page: with a camera, a microphone and a screen that everybody is allowed to use."""
    async with async_playwright() as playwright:
        browser = await launch(playwright, *FAKE_DEVICES, *GRANT_ALL, *AUTOPLAY)
        yield browser
        await browser.close()


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """The service on embedded defaults; its rooms end soon after everybody left.

    Pictures have one size: tests look at pixels, and browsers that share few processors take that for a narrow line.
    """
    service = Server(empty_room_grace_s=2, video_rungs=1)
    yield service.start()
    service.close()


@pytest.fixture
def room() -> str:
    """A room's name that no other test uses."""
    return f"room-{next(_numbers)}"
