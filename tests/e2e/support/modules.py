"""The page's modules without the page: imported by a browser that shows it, and called there."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from playwright.async_api import Page, async_playwright

from tests.e2e.support.page import launch

CALL = """async ([module, name, values]) => {
  const { [name]: called } = await import(`/static/js/${module}.js`);
  return called(...values);
}"""
REDUCED = """async ([before, actions]) => {
  const { INITIAL, reduce, runningRecording } = await import("/static/js/state.js");
  const state = actions.reduce(reduce, { ...INITIAL, ...before });
  return { ...state, running: runningRecording(state)?.id ?? null };
}"""
ANNOUNCED = """async ([before, actions]) => {
  const { INITIAL, reduce } = await import("/static/js/state.js");
  const { announcements } = await import("/static/js/views/announcer.js");
  const first = { ...INITIAL, ...before };
  return announcements(actions.reduce(reduce, first), first);
}"""
ANA = {"id": "a", "name": "Ana", "state": "connected", "muted": False, "speaking": False, "camera_on": True}
BEN = ANA | {"id": "b", "name": "Ben"}


@asynccontextmanager
async def page_of(url: str) -> AsyncIterator[Page]:
    """A browser at the start page, in British English and Zurich's time."""
    async with async_playwright() as playwright:
        browser = await launch(playwright)
        page = await browser.new_page(locale="en-GB", timezone_id="Europe/Zurich")
        await page.goto(url)
        yield page
        await browser.close()


async def call_in(page: Page, module: str, name: str, *values: object) -> Any:
    """What the function ``name`` of ``module`` gives for ``values``, all of them JSON."""
    return await page.evaluate(CALL, [module, name, list(values)])
