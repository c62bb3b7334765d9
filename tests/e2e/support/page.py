"""Somebody who uses the page, through what the page shows."""

import asyncio
import base64
import time
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, BrowserContext, Locator, Page, Playwright, expect

from tests.e2e.support.browser import png_pixels
from tests.e2e.support.chromium import executable
from tests.e2e.support.media import Rgb
from tests.e2e.support.tiles import Box, Pixels

BASE_ARGUMENTS = ("--no-sandbox", "--disable-dev-shm-usage", "--disable-features=WebRtcHideLocalIpsWithMdns")
FAKE_DEVICES = ("--use-fake-device-for-media-stream=fps=30",)
GRANT_ALL = ("--use-fake-ui-for-media-stream",)
AUTOPLAY = ("--autoplay-policy=no-user-gesture-required",)
WIDE = (1280, 720)
PHONE = (390, 844)
SMALL_PHONE = (360, 640)
MEDIA_MS = 20_000  # for whatever waits for media or processes; on a busy machine they take their time
expect.set_options(timeout=10_000)  # for everything else

MEAN_COLOUR = """(video) => {
  const canvas = new OffscreenCanvas(1, 1);
  const context = canvas.getContext("2d");
  context.drawImage(video, 0, 0, 1, 1);
  return [...context.getImageData(0, 0, 1, 1).data.slice(0, 3)];
}"""

PAINTED = """(colour) => {
  navigator.mediaDevices.getUserMedia = async () => {
    const canvas = Object.assign(document.createElement("canvas"), { width: 640, height: 360 });
    const context = canvas.getContext("2d");
    let n = 0;
    const paint = () => {
      context.fillStyle = `rgb(${colour})`;
      context.fillRect(0, 0, 640, 360);
      context.fillStyle = "white";
      context.fillRect((n += 16) % 640, 0, 16, 16); // no two pictures are the same
    };
    paint();
    setInterval(paint, 66);
    const silence = new AudioContext().createMediaStreamDestination();
    return new MediaStream([...canvas.captureStream(15).getTracks(), ...silence.stream.getTracks()]);
  };
}"""


async def launch(playwright: Playwright, *arguments: str, by: Path | None = None) -> Browser:
    """A Chromium with these arguments besides the usual ones; ``by``: a program that starts it."""
    return await playwright.chromium.launch(executable_path=by or executable(), args=[*BASE_ARGUMENTS, *arguments])


class Guest:
    """One visitor: a context of its own, one tab. Hosts other than the server's, and errors of the page, are noted."""

    def __init__(self, context: BrowserContext, page: Page, url: str) -> None:
        self.page = page
        self.errors: list[str] = []
        self.strangers: list[str] = []
        self._context = context
        self._url = url
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("request", lambda request: self._note(request.url))

    @classmethod
    async def of(
        cls,
        browser: Browser,
        url: str,
        *,
        size: tuple[int, int] = WIDE,
        allowed: bool = True,
        painted: Rgb | None = None,
    ) -> "Guest":
        """A new visitor of the service at ``url``; ``painted``: a camera of that colour, a silent microphone."""
        permissions = ["camera", "microphone", "clipboard-write"] if allowed else []
        context = await browser.new_context(
            viewport={"width": size[0], "height": size[1]},
            has_touch=size in {PHONE, SMALL_PHONE},
            permissions=permissions,
            accept_downloads=True,
        )
        context.set_default_timeout(MEDIA_MS)
        if painted:
            await context.add_init_script(f"({PAINTED})({list(painted)})")
        return cls(context, await context.new_page(), url)

    def _note(self, url: str) -> None:
        if not url.startswith((self._url, "blob:", "data:")):
            self.strangers.append(url)

    async def close(self) -> None:
        """Close the tab as people do: the page is told."""
        await self.page.close(run_before_unload=False)
        await self._context.close()

    # --- going about --------------------------------------------------------------------------------------------------

    async def go(self, path: str) -> None:
        """Open an address."""
        await self.page.goto(self._url + path)

    async def join(self, room: str, name: str) -> None:
        """Through the lobby into the room, until the mix is seen."""
        await self.go(f"/r/{room}")
        await self.page.get_by_label("Your name").fill(name)
        await self.button("Join").click()
        await self.sees_the_mix()

    async def sees_the_mix(self) -> None:
        """Wait for a picture in the call."""
        await expect(self.mix).to_be_visible(timeout=MEDIA_MS)
        await expect(self.page.get_by_text("Waiting for the picture…")).to_be_hidden(timeout=MEDIA_MS)
        await expect(self.status).to_be_hidden(timeout=MEDIA_MS)

    async def open_panel(self, name: str) -> Locator:
        """A panel by its heading, opened by its button."""
        panel = self.page.get_by_role("complementary", name=name)
        if not await panel.is_visible():
            await self.page.locator("footer").get_by_role("button", name=name).click()
        await expect(panel).to_be_visible()
        return panel

    # --- looking ------------------------------------------------------------------------------------------------------

    def button(self, name: str) -> Locator:
        """A button by what it is called."""
        return self.page.get_by_role("button", name=name, exact=True)

    @property
    def mix(self) -> Locator:
        """The video that everybody is in."""
        return self.page.get_by_label("Everybody in this room")

    @property
    def status(self) -> Locator:
        """What the page says of the connection, while there is something to say."""
        return self.page.locator(".status")

    def tile(self, name: str) -> Locator:
        """What lies over somebody's tile in the picture, by how it is called there, or its beginning."""
        return self.page.get_by_role("list", name="Who is where in the picture").locator(f'[aria-label^="{name}"]')

    async def box_of_tile(self, name: str) -> Box:
        """Where that is on the page, pixels."""
        box = await self.tile(name).bounding_box()
        assert box is not None
        return round(box["x"]), round(box["y"]), round(box["width"]), round(box["height"])

    async def pixels(self) -> Pixels:
        """The page as it looks, a pixel of the screen for each of its own; the mouse is out of the way."""
        await self.page.mouse.move(0, 0)
        return png_pixels("," + base64.b64encode(await self.page.screenshot()).decode())

    async def mean_colour(self) -> list[int]:
        """The mix's mean colour, RGB."""
        colour: list[int] = await self.mix.evaluate(MEAN_COLOUR)
        return colour

    async def knows(self, expression: str) -> Any:
        """Something of ``window.tutti``."""
        return await self.page.evaluate(f"tutti.{expression}")

    async def comes_to_know(self, expression: str) -> None:
        """Wait until something of ``window.tutti`` is true."""
        deadline = time.monotonic() + 2 * MEDIA_MS / 1000
        while not await self.knows(expression):
            assert time.monotonic() < deadline, f"{expression} never came true: {await self.knows('state')}"
            await asyncio.sleep(0.1)

    async def shot(self, folder: Path, name: str) -> None:
        """A screenshot, to look at."""
        await self.page.screenshot(path=folder / f"{name}.png")
