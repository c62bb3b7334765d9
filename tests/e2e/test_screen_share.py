"""Somebody shares slides of small text: the stage changes by itself, and the others can read them."""

import subprocess
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.e2e.support.browser import Pixels
from tests.e2e.support.chromium import Chromium
from tests.e2e.support.media import GREEN, RED, Rgb
from tests.e2e.support.server import Server
from tests.e2e.support.tiles import Box, box_of, is_near
from tests.e2e.support.waiting import wait_for

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]

ROOM = "slides"
WHITE: Rgb = (255, 255, 255)
MOST_WRONG = 0.03  # of the characters
FIRST = [
    "The quick brown fox jumps over the lazy dog while seven wizards",
    "quietly measure the height of every mountain north of the river.",
    "A good mixer keeps the words on a slide as sharp as they were made",
    "and nobody in the last row has to ask what the small print says.",
    "Numbers matter as well: 1024 people, 48 kHz, 30 frames a second.",
]
SECOND = [
    "Another slide follows, and its words are different from the first.",
    "Please bring an umbrella on Monday because the forecast says rain.",
    "Seventeen engineers signed the letter before the ship left harbour.",
    "Every queue is bounded and every packet that is lost gets counted.",
    "Thank you for your attention, we meet again after the coffee break.",
]


@pytest.fixture(scope="module")
def sharing(server: Server, red: Chromium, green: Chromium) -> Iterator[None]:
    for peer in (red, green):
        peer.open(f"{server.url}/healthz")
    red.join(ROOM, "Rosa", content=True)
    green.join(ROOM, "Greta", content=True)
    yield
    for peer in (red, green):
        peer.leave()
        peer.open("about:blank")


def _read(picture: Pixels, box: Box, folder: Path) -> str:
    """What tesseract reads in ``box``, which is first enlarged as a screen would be looked at."""
    x, y, width, height = box
    part = cv2.resize(picture[y : y + height, x : x + width], None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC)
    file = folder / "slide.png"
    cv2.imwrite(str(file), cv2.cvtColor(part, cv2.COLOR_RGB2GRAY))
    done = subprocess.run(["tesseract", str(file), "-", "--psm", "6"], check=True, capture_output=True, text=True)
    return " ".join(done.stdout.split())


def _distance(a: str, b: str) -> int:
    """Levenshtein's: insertions, deletions and substitutions from ``a`` to ``b``."""
    row = list(range(len(b) + 1))
    for i, left in enumerate(a, 1):
        above, row[0] = row[0], i
        for j, right in enumerate(b, 1):
            above, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, above + (left != right))
    return row[-1]


def _wrong(viewer: Chromium, lines: list[str], folder: Path) -> float:
    """The share of characters that a viewer of the mix cannot read right; 1 with no slide in sight."""
    picture = viewer.frame()
    box = None if picture is None else box_of(picture, WHITE)
    if picture is None or box is None or picture.shape[1] != 1280:
        return 1.0
    text = " ".join(lines)
    return _distance(_read(np.ascontiguousarray(picture), box, folder), text) / len(text)


def _presented(viewer: Chromium) -> bool:
    """Whether the slide is large and whole, with both cameras beside it."""
    picture = viewer.frame()
    slide = None if picture is None else box_of(picture, WHITE)
    if picture is None or slide is None:
        return False
    _, _, width, height = slide
    cameras = [box_of(picture, colour) for colour in (RED, GREEN)]
    return width * height > 0.5 * 1280 * 720 and abs(width / height - 16 / 9) < 0.05 and None not in cameras


def _side_by_side(viewer: Chromium) -> bool:
    picture = viewer.frame()
    return picture is not None and all(
        is_near(box_of(picture, colour), box)
        for colour, box in {RED: (0, 180, 640, 360), GREEN: (640, 180, 640, 360)}.items()
    )


def test_slides_take_the_stage_can_be_read_and_give_it_back(
    sharing: None, red: Chromium, green: Chromium, tmp_path: Path
) -> None:
    for slide in (FIRST, SECOND):
        red.share(slide)
        wait_for(
            lambda lines=slide: _wrong(green, lines, tmp_path) <= MOST_WRONG,  # type: ignore[misc]  # a lambda with a default
            timeout_s=20,
            what="a slide that can be read",
        )
    wait_for(partial(_presented, green), timeout_s=10, what="a large slide and two cameras")
    red.unshare()
    wait_for(partial(_side_by_side, green), timeout_s=15, what="two cameras side by side")
