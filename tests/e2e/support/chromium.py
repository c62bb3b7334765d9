"""Chromium, with a camera and a microphone that play files."""

import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, BrowserContext, Page, Playwright, Route, async_playwright

from tests.e2e.support.browser import CLIENT_JS, BrowserPeer
from tests.e2e.support.waiting import LoopThread

ARGUMENTS = (
    "--no-sandbox",
    "--disable-dev-shm-usage",
    "--use-fake-device-for-media-stream=fps=30",
    "--use-fake-ui-for-media-stream",
    "--autoplay-policy=no-user-gesture-required",
    "--disable-features=WebRtcHideLocalIpsWithMdns",
    "--disable-background-timer-throttling",
    "--disable-renderer-backgrounding",
)


def executable() -> str:
    """Where Debian's Chromium is."""
    path = shutil.which("chromium")
    assert path, "no chromium here: apt-get install chromium"
    return path


class Chromium(BrowserPeer):
    """A browser process of its own, because its camera and microphone are named on the command line."""

    def __init__(self, *, video: Path | None = None, audio: Path | None = None) -> None:
        files = [f"--use-file-for-fake-video-capture={video}"] if video else []
        files += [f"--use-file-for-fake-audio-capture={audio}"] if audio else []
        self._loop = LoopThread("chromium")
        self.page = self._loop.run(self._launch([*ARGUMENTS, *files]))

    async def _launch(self, arguments: list[str]) -> Page:
        self._playwright: Playwright = await async_playwright().start()
        self._browser: Browser = await self._playwright.chromium.launch(executable_path=executable(), args=arguments)
        self._context: BrowserContext = await self._browser.new_context(permissions=["camera", "microphone"])
        await self._context.add_init_script(CLIENT_JS)
        return await self._context.new_page()

    def open(self, url: str) -> None:
        self._loop.run(self._open(url))

    async def _open(self, url: str) -> None:
        await self.page.goto(url)

    def call(self, function: str, *args: object, timeout_s: float = 30) -> Any:
        expression = f"(args) => peer[{function!r}](...args)"
        return self._loop.run(self.page.evaluate(expression, list(args)), timeout_s)

    def intercept(self, pattern: str, handler: Callable[[Route], Awaitable[None]]) -> None:
        """Let ``handler`` answer the page's requests to URLs like ``pattern``."""
        self._loop.run(self.page.route(pattern, handler))

    def close(self) -> None:
        self._loop.run(self._close())
        self._loop.close()

    async def _close(self) -> None:
        await self._browser.close()
        await self._playwright.stop()
