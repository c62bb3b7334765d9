"""The page where devices, permission or sound are missing."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from playwright.async_api import async_playwright, expect

from tests.e2e.support.page import FAKE_DEVICES, GRANT_ALL, Guest, launch
from tests.e2e.support.server import Server

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]


@asynccontextmanager
async def visitor(server: Server, *arguments: str, allowed: bool = True) -> AsyncIterator[Guest]:
    """A guest with a browser of its own."""
    async with async_playwright() as playwright:
        browser = await launch(playwright, *arguments)
        try:
            yield await Guest.of(browser, server.url, allowed=allowed)
        finally:
            await browser.close()


async def test_refused_permission_is_said_and_one_can_still_join(server: Server, room: str) -> None:
    async with visitor(server, *FAKE_DEVICES, "--deny-permission-prompts", allowed=False) as ana:
        await ana.go(f"/r/{room}")
        for device in ("camera", "microphone"):
            words = f"Your browser does not let this page use the {device}."
            await expect(ana.page.get_by_text(words)).to_be_visible()
        await ana.button("Join").click()
        await ana.sees_the_mix()
        await ana.button("Unmute microphone").click()
        await expect(ana.page.get_by_role("alert")).to_contain_text("does not let this page use the microphone")


async def test_without_camera_and_microphone_one_can_watch(server: Server, room: str) -> None:
    async with visitor(server) as ana:
        await ana.go(f"/r/{room}")
        for device in ("camera", "microphone"):
            await expect(ana.page.get_by_text(f"No {device} was found. You can join without one.")).to_be_visible()
        await ana.button("Join").click()
        await ana.sees_the_mix()
        (person,) = server.get(f"/v1/rooms/{room}/participants")["participants"]
        assert not person["camera_on"]
        assert person["muted"]


async def test_a_busy_device_is_said(server: Server, room: str) -> None:
    busy = 'navigator.mediaDevices.getUserMedia = async () => { throw new DOMException("in use", "NotReadableError"); }'
    async with visitor(server, *FAKE_DEVICES, *GRANT_ALL) as ana:
        await ana.page.add_init_script(busy)
        await ana.go(f"/r/{room}")
        await expect(ana.page.get_by_text("The camera is in use by another program")).to_be_visible()
        await expect(ana.page.get_by_text("The microphone is in use by another program")).to_be_visible()


async def test_sound_that_the_browser_holds_back_comes_with_a_tap(server: Server, room: str) -> None:
    refuse = """
      const play = HTMLMediaElement.prototype.play;
      let gesture = false;
      addEventListener("click", () => { gesture = true; }, true);
      HTMLMediaElement.prototype.play = function () {
        return gesture || this.muted ? play.call(this) : Promise.reject(new DOMException("", "NotAllowedError"));
      };
    """
    async with visitor(server, *FAKE_DEVICES, *GRANT_ALL) as ana:
        await ana.page.add_init_script(refuse)
        await ana.go(f"/r/{room}?autojoin=1")
        await ana.sees_the_mix()
        await expect(ana.mix).to_have_js_property("muted", value=True)
        await ana.button("Tap to hear").click()
        await expect(ana.button("Tap to hear")).to_be_hidden()
        await expect(ana.mix).to_have_js_property("muted", value=False)


async def test_a_screen_is_shared_and_taken_back(server: Server, room: str) -> None:
    async with visitor(server, *FAKE_DEVICES, *GRANT_ALL, "--auto-select-desktop-capture-source=Entire") as ana:
        await ana.join(room, "Ana")
        senders = "pc.getSenders().map((sender) => sender.track?.kind ?? null)"
        await ana.button("Share your screen").click()
        await expect(ana.button("Stop sharing your screen")).to_be_visible()
        assert await ana.knows(senders) == ["audio", "video", "video"]
        await ana.button("Stop sharing your screen").click()
        await expect(ana.button("Share your screen")).to_be_visible()
        assert await ana.knows(senders) == ["audio", "video", None]
