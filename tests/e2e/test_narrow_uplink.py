"""A moving screen shared from the page with the camera on, over an uplink of 700 kbit/s: it goes on moving.

Counted is in pictures, not in seconds: the browser shares the processors with the room, and paints less when slow.
"""

import asyncio
import sys
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest
import pytest_asyncio
from playwright.async_api import async_playwright

from tests.e2e.support.chromium import executable
from tests.e2e.support.namespace import Namespace
from tests.e2e.support.page import AUTOPLAY, FAKE_DEVICES, GRANT_ALL, Guest, launch
from tests.e2e.support.server import Server
from tests.e2e.support.synthetic import Synthetic

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(120)]

ROOM = "narrow-uplink"
UPLINK_BPS = 700_000
PAINTED_FPS = 15
SETTLING_S, MEASURED_S = 8.0, 15.0

# A page of text that scrolls, a moving drawing, and a film of 320x180 beside them; another page every six seconds.
SCREEN = """() => {
  window.painted = 0;
  const canvas = Object.assign(document.createElement("canvas"), { width: 1280, height: 720 });
  const paint = canvas.getContext("2d");
  const film = paint.createImageData(320, 180);
  function picture() {
    const n = ++window.painted;
    const page = Math.floor(n / 90);
    paint.fillStyle = page % 2 ? "white" : "#eeeef8";
    paint.fillRect(0, 0, 1280, 720);
    paint.fillStyle = "black";
    paint.font = "16px sans-serif";
    for (let row = 0; row < 27; row++) {
      const line = page * 1000 + row + Math.floor(n / 14);
      const text = `${line} quick foxes ${(line * 7919) % 1000} jump over ${(line * 104729) % 10007} lazy dogs`;
      paint.fillText(text, 60, (row + 1) * 28 - ((n * 2) % 28));
    }
    for (let k = 0; k < 8; k++) {
      paint.fillStyle = `hsl(${(n * 3 + k * 45) % 360}, 70%, 50%)`;
      paint.fillRect(800 + (k % 4) * 110, 100 + Math.floor(k / 4) * 120 + 30 * Math.sin(n / 9 + k), 90, 90);
    }
    const pixels = new Uint32Array(film.data.buffer);
    for (let y = 0, i = 0; y < 180; y++) {
      for (let x = 0; x < 320; x++, i++) {
        const luma = 128 + 50 * Math.sin((x + 3 * n) / 7) + 50 * Math.cos((y + x / 3 - 2 * n) / 5);
        pixels[i] = 0xff000000 | (luma << 16) | (luma << 8) | (255 - luma);
      }
    }
    paint.putImageData(film, 860, 420);
  }
  navigator.mediaDevices.getDisplayMedia = async () => {
    setInterval(picture, 1000 / 15);
    return canvas.captureStream(15);
  };
}"""


def _camera(path: Path) -> Path:
    """A second of 640x360: a picture as detailed as photographs are (1/f), drifting, with grain."""
    random = np.random.default_rng(1)
    scene = np.full((420, 700), 128, np.float32)
    for octave in (4, 8, 16, 32, 64, 128):  # pixels
        coarse = random.normal(0, octave / 3, (420 // octave + 2, 700 // octave + 2)).astype(np.float32)
        scene += cv2.resize(coarse, (700, 420), interpolation=cv2.INTER_CUBIC)
    with path.open("wb") as file:
        file.write(b"YUV4MPEG2 W640 H360 F30:1 Ip A1:1 C420jpeg\n")
        for n in range(30):
            shift = n * 2 if n < 15 else (29 - n) * 2
            picture = scene[shift : shift + 360, shift : shift + 640] + random.normal(0, 2, (360, 640))
            file.write(b"FRAME\n" + picture.clip(16, 235).astype(np.uint8).tobytes() + bytes([128]) * (640 * 360 // 2))
    return path


@dataclass(frozen=True)
class Seen:
    """At one moment: pictures that the sharing page has painted, and what the room has of them."""

    painted: int
    screen: int  # decoded
    camera: int
    camera_wanted_bps: int


class Story:
    """What happened on the narrow line, moment by moment."""

    def __init__(self, seen: list[Seen]) -> None:
        self.seen = seen
        first, last = seen[0], seen[-1]
        self.painted = last.painted - first.painted
        self.screen = last.screen - first.screen
        self.camera = last.camera - first.camera
        changes = [seen[0], *(after for before, after in pairwise(seen) if after.screen != before.screen), seen[-1]]
        self.longest = max(after.painted - before.painted for before, after in pairwise(changes))

    def __str__(self) -> str:
        fps = self.screen / self.painted * PAINTED_FPS
        return f"the share at {fps:.1f} fps; the longest standstill {self.longest / PAINTED_FPS:.1f} s"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def story(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Story]:
    folder = tmp_path_factory.mktemp("narrow")
    async with AsyncExitStack() as stack:
        space = Namespace(executable(), folder)
        stack.callback(space.remove)
        space.narrow_up(UPLINK_BPS)
        server = Server(empty_room_grace_s=2, host="0.0.0.0")  # seen from there, too
        stack.callback(server.close)
        await asyncio.to_thread(server.start)
        ben = Synthetic(server.url)
        stack.callback(ben.close)
        await asyncio.to_thread(ben.join, ROOM, "Ben")
        playwright = await stack.enter_async_context(async_playwright())
        url = f"http://{space.address}:{server.port}"
        arguments = (
            f"--use-file-for-fake-video-capture={_camera(folder / 'camera.y4m')}",
            f"--unsafely-treat-insecure-origin-as-secure={url}",  # else no page there may use a camera
        )
        browser = await launch(playwright, *FAKE_DEVICES, *GRANT_ALL, *AUTOPLAY, *arguments, by=space.executable)
        stack.push_async_callback(browser.close)
        ana = await Guest.of(browser, url)
        stack.push_async_callback(ana.close)
        await ana.page.add_init_script(f"({SCREEN})()")
        await ana.join(ROOM, "Ana")
        yield await _shared(server, ana)


async def _shared(server: Server, ana: Guest) -> Story:
    path = f"/v1/rooms/{ROOM}/participants/{await ana.knows('state.id')}"

    async def look() -> Seen:
        told = await asyncio.to_thread(server.get, path)
        stats, wanted = told["stats"], told["camera_wanted"]
        painted = await ana.page.evaluate("painted")
        screen, camera = stats.get("screen_decoded", 0), stats.get("camera_frames_in", 0)
        return Seen(painted, screen, camera, wanted["bitrate_bps"])

    await ana.button("Share your screen").click()
    await asyncio.sleep(SETTLING_S)
    seen, until = [], time.monotonic() + MEASURED_S
    while time.monotonic() < until:
        seen.append(await look())
        await asyncio.sleep(0.1)
    story = Story(seen)
    sys.stderr.write(f"{story}; {story.seen[-1]}\n")  # pytest shows it when a test has failed
    return story


async def test_the_share_moves_steadily(story: Story) -> None:
    assert story.screen >= story.painted * 5 / PAINTED_FPS, str(story)
    assert story.longest <= 3 * PAINTED_FPS, str(story)  # it stood for 3 to 7 s before, again and again


async def test_the_camera_moves_too_with_the_smaller_part(story: Story) -> None:
    assert story.camera > 0
    assert {seen.camera_wanted_bps for seen in story.seen} <= {100_000, 150_000}
