"""The page on bad lines: lost sound is sent again in both directions, who cannot ask gets FEC, jitter is no loss.

Pictures come with error correction, so that on a long line they need not wait for what is sent again.
"""

import asyncio
import re
import time
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Route

from tests.e2e.support.impairment import ImpairedLine, Impairment
from tests.e2e.support.page import Guest
from tests.e2e.support.server import Server

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120), pytest.mark.asyncio(loop_scope="module")]

LOSS, FEW = 0.1, 0.04
REPAIRED = 10  # packets of hers that came only because they were asked for
WORKED_OUT = 20  # packets of her pictures that followed from others
LONG_MS = 150  # one way
RECEIVED = 400  # packets of the mix
MENDED = 5  # packets of the mix that were lost and taken from the copy in the next one
HEARD = "stats().then((all) => all.find((each) => each.type === 'inbound-rtp' && each.kind === 'audio'))"
SENT = HEARD.replace("inbound", "outbound")
REPORTED = HEARD.replace("inbound", "remote-inbound")


@pytest_asyncio.fixture(loop_scope="module")
async def line() -> AsyncIterator[ImpairedLine]:
    line = ImpairedLine()
    await line.open()
    yield line
    await line.close()


async def _lead_through(guest: Guest, line: ImpairedLine, *, nack: bool = True) -> None:
    """Let all packets of this guest's go over the line; without ``nack`` she does not offer to ask for sound again."""

    async def signalled(route: Route) -> None:
        offer = line.without_candidates(route.request.post_data or "")
        response = await route.fetch(post_data=offer if nack else _without_nack(offer))
        await route.fulfill(response=response, body=line.lead_through(await response.text()))

    async def candidate(route: Route) -> None:
        if route.request.method == "PATCH":
            await route.fulfill(status=204)
        else:
            await route.continue_()

    await guest.page.route("**/participants?*", signalled)
    await guest.page.route("**/participants/*", candidate)


def _without_nack(offer: str) -> str:
    sound, video = offer.split("m=video", 1)
    return re.sub(r"a=rtcp-fb:\d+ nack\r\n", "", sound) + "m=video" + video


async def test_lost_sound_is_sent_again(browser: Browser, server: Server, room: str, line: ImpairedLine) -> None:
    ana = await Guest.of(browser, server.url)
    await _lead_through(ana, line)
    await ana.join(room, "Ana")
    line.impair(Impairment(loss=LOSS, delay_ms=20))
    deadline, heard = time.monotonic() + 60, await ana.knows(HEARD)
    while server.metric("tutti_audio_packets_repaired_total") < REPAIRED or heard["packetsReceived"] < RECEIVED:
        assert time.monotonic() < deadline, heard
        await asyncio.sleep(0.5)
        heard = await ana.knows(HEARD)
    assert heard["packetsLost"] < LOSS / 3 * RECEIVED  # those that came again do not count
    assert ana.errors == []
    await ana.close()


async def test_who_cannot_ask_again_gets_fec(browser: Browser, server: Server, room: str, line: ImpairedLine) -> None:
    ana, ben = await Guest.of(browser, server.url), await Guest.of(browser, server.url)
    await _lead_through(ana, line, nack=False)
    await ana.join(room, "Ana")
    await ben.join(room, "Ben")
    line.impair(Impairment(loss=FEW, delay_ms=20))
    deadline, heard = time.monotonic() + 60, await ana.knows(HEARD)
    while heard["fecPacketsReceived"] - heard["fecPacketsDiscarded"] < MENDED:
        assert time.monotonic() < deadline, heard
        await asyncio.sleep(0.5)
        heard = await ana.knows(HEARD)
    assert heard.get("nackCount", 0) == 0
    assert ana.errors == ben.errors == []
    await ana.close()
    await ben.close()


async def test_jitter_is_not_reported_as_loss(browser: Browser, server: Server, room: str, line: ImpairedLine) -> None:
    """Else Chromium took the line for full and sent a picture of 70 kbit/s in the end."""
    ana = await Guest.of(browser, server.url)
    await _lead_through(ana, line)
    await ana.join(room, "Ana")
    before = await ana.knows(SENT)
    line.impair(Impairment(delay_ms=100, jitter_ms=80))
    deadline, sent = time.monotonic() + 60, before
    while sent["packetsSent"] < before["packetsSent"] + RECEIVED:
        assert time.monotonic() < deadline, sent
        await asyncio.sleep(0.5)
        sent = await ana.knows(SENT)
    reported = await ana.knows(REPORTED)
    assert sent["nackCount"] > 0
    assert reported["packetsLost"] < RECEIVED / 20
    assert ana.errors == []
    await ana.close()


async def test_pictures_on_a_long_lossy_line_do_not_wait(
    browser: Browser, server: Server, room: str, line: ImpairedLine
) -> None:
    """Asked for again, a lost packet comes a round trip later, and all pictures behind it wait."""
    ana = await Guest.of(browser, server.url)
    await _lead_through(ana, line)
    await ana.join(room, "Ana")
    line.impair(Impairment(delay_ms=LONG_MS, loss=FEW))
    deadline, stats, whole_ms = time.monotonic() + 60, {"camera_fec_recovered": 0}, 2.0 * LONG_MS
    while stats["camera_fec_recovered"] < WORKED_OUT or whole_ms >= LONG_MS:
        assert time.monotonic() < deadline, (stats, whole_ms)
        await asyncio.sleep(0.5)
        (her,) = (await asyncio.to_thread(server.get, f"/v1/rooms/{room}/participants"))["participants"]
        stats = her["stats"]
        detail = await asyncio.to_thread(server.get, f"/v1/rooms/{room}/participants/{her['id']}")
        received = detail["delays"].get("picture", {}).get("receive")
        whole_ms = received["p95_ms"] if received else whole_ms
    assert ana.errors == []
    await ana.close()
