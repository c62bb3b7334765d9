"""What the page's camera sends follows what the room wants of it: next to nothing off stage, and its tile's size again.

How soon is told, not asserted: the browser shares the processors with the room.
"""

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import pytest_asyncio
from playwright.async_api import Browser, async_playwright

from tests.e2e.support.page import AUTOPLAY, FAKE_DEVICES, GRANT_ALL, Guest, launch
from tests.e2e.support.server import Server
from tests.e2e.support.synthetic import Synthetic

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(170)]

TILE = (640, 360)  # of one of two
OFF_STAGE = (320, 180)
PATIENCE_S = 20.0
SOON_S = 10.0  # a line that was told to be narrow, and is opened again, takes longer


def _busy_camera(path: Path) -> Path:
    """Half a second of 720p: a picture as detailed as photographs are (1/f), drifting, with grain: no bit is left."""
    random = np.random.default_rng(1)
    scene = np.full((800, 1360), 128, np.float32)
    for octave in (8, 16, 32, 64, 128, 256):  # pixels
        coarse = random.normal(0, octave / 6, (800 // octave + 2, 1360 // octave + 2)).astype(np.float32)
        scene += cv2.resize(coarse, (1360, 800), interpolation=cv2.INTER_CUBIC)
    with path.open("wb") as file:
        file.write(b"YUV4MPEG2 W1280 H720 F30:1 Ip A1:1 C420jpeg\n")
        for n in range(16):
            shift = n * 4 if n < 8 else (15 - n) * 4
            picture = scene[shift : shift + 720, shift : shift + 1280] + random.normal(0, 3, (720, 1280))
            file.write(b"FRAME\n" + picture.clip(16, 235).astype(np.uint8).tobytes() + bytes([128]) * (1280 * 720 // 2))
    return path


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Browser]:
    camera = _busy_camera(tmp_path_factory.mktemp("camera") / "camera.y4m")
    async with async_playwright() as playwright:
        file = f"--use-file-for-fake-video-capture={camera}"
        browser = await launch(playwright, *FAKE_DEVICES, *GRANT_ALL, *AUTOPLAY, file)
        yield browser
        await browser.close()


class Watched:
    """Somebody's camera, from both sides."""

    def __init__(self, guest: Guest, server: Server, room: str, id_: str) -> None:
        self.guest = guest
        self.path = f"/v1/rooms/{room}/participants/{id_}"
        self._server = server

    async def told(self) -> dict[str, Any]:
        told: dict[str, Any] = await asyncio.to_thread(self._server.get, self.path)
        return told

    async def direct(self, **wish: bool) -> None:
        answer = await asyncio.to_thread(self._server.http.patch, self.path, json=wish)
        answer.raise_for_status()

    async def size(self) -> tuple[int, int]:
        """As the server last saw it."""
        stats = (await self.told())["stats"]
        return int(stats["camera_width"]), int(stats["camera_height"])

    async def sent(self) -> dict[str, Any]:
        """The browser's own statistics of the camera's line."""
        reports = await self.guest.page.evaluate("tutti.stats()")
        found = [r for r in reports if r["type"] == "outbound-rtp" and r["kind"] == "video" and r["mid"] == "1"]
        return dict(found[0])

    async def kbps(self, seconds: float) -> float:
        before = await self.sent()
        await asyncio.sleep(seconds)
        now = await self.sent()
        return float((now["bytesSent"] - before["bytesSent"]) * 8 / (now["timestamp"] - before["timestamp"]))


async def _until(condition: Callable[[], Any], what: str, patience_s: float = PATIENCE_S) -> float:
    """Wait for it; how long it took."""
    begun = time.monotonic()
    while not await condition():
        assert time.monotonic() - begun < patience_s, f"waited in vain for {what}"
        await asyncio.sleep(0.05)
    return time.monotonic() - begun


async def test_a_camera_off_stage_sends_little_and_is_back_at_its_tiles_size(
    browser: Browser, server: Server, room: str
) -> None:
    ben, ana = Synthetic(server.url), await Guest.of(browser, server.url)
    try:
        await asyncio.to_thread(ben.join, room, "Ben")
        await ana.join(room, "Ana")
        camera = Watched(ana, server, room, await ana.knows("state.id"))

        async def has(size: tuple[int, int]) -> bool:
            return await camera.size() == size

        at_first_s = await _until(lambda: has(TILE), "the tile's size at first")
        wanted_kbps = (await camera.told())["camera_wanted"]["bitrate_bps"] / 1000
        await camera.direct(hidden=True)
        await _until(lambda: has(OFF_STAGE), "a small camera off stage")
        await asyncio.sleep(8)
        off_kbps = await camera.kbps(4)
        decoded = (await camera.told())["stats"]["camera_decoded"]
        await camera.direct(hidden=False)
        begun = time.monotonic()
        size_s = await _until(lambda: has(TILE), "the tile's size", SOON_S)
        while await camera.kbps(1) < 0.8 * wanted_kbps:
            assert time.monotonic() - begun < SOON_S, await camera.sent()
        rate_s = time.monotonic() - begun
        sys.stderr.write(
            f"the tile's size at first after {at_first_s:.1f} s; off stage {off_kbps:.0f} kbit/s;"
            f" back on stage its size after {size_s:.1f} s, {wanted_kbps:.0f} kbit/s after {rate_s:.1f} s\n"
        )
        assert off_kbps < 150
        assert (await camera.told())["stats"]["camera_decoded"] > decoded
        assert ana.errors == []
    finally:
        await asyncio.to_thread(ben.close)
        await ana.close()
