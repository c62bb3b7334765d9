"""A participant in a real browser, whichever it is."""

import base64
import io
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from tests.e2e.support.media import Rgb
from tests.e2e.support.waiting import wait_for

CLIENT_JS = (Path(__file__).parent / "client.js").read_text()
Pixels = npt.NDArray[np.uint8]
"""An RGB picture, shape (height, width, 3)."""


def png_pixels(data_url: str) -> Pixels:
    """The pixels of a PNG data URL."""
    png = base64.b64decode(data_url.partition(",")[2])
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB"))


class BrowserPeer(ABC):
    """A page that takes part through ``client.js``. Each browser says how to open one and call a function in it."""

    @abstractmethod
    def open(self, url: str) -> None:
        """Go to ``url`` and have ``client.js`` there."""

    @abstractmethod
    def call(self, function: str, *args: object, timeout_s: float = 30) -> Any:
        """The result of ``peer.function(...args)``, promises awaited; an exception over there is one here."""

    @abstractmethod
    def close(self) -> None:
        """End the browser."""

    def join(  # noqa: PLR0913 - each is one thing in which a participant may differ
        self,
        room: str,
        name: str,
        *,
        processing: bool = False,
        painted: tuple[Rgb, float] | None = None,
        ice: dict[str, object] | None = None,
        content: bool = False,
        watches: bool = True,
    ) -> str:
        """Take part with the browser's camera, or ``painted`` in a colour with a tone; gives the Location."""
        options: dict[str, object] = {"name": name, "processing": processing, "ice": ice or {}}
        options |= {"content": content, "watches": watches}
        if painted:
            options |= {"colour": painted[0], "hz": painted[1]}
        location = self.call("join", room, options)
        wait_for(lambda: self.call("state") == "connected", timeout_s=20, what=f"{name} to be connected")
        return str(location)

    def share(self, lines: list[str]) -> None:
        """Share a slide of text on the content line, which ``join`` has to have offered; again for another slide."""
        self.call("share", lines)

    def unshare(self) -> None:
        """Stop sharing."""
        self.call("unshare")

    def leave(self) -> None:
        """Leave the room, if in one."""
        self.call("leave")

    def frame(self) -> Pixels | None:
        """The picture on the screen; None before the first."""
        data_url = self.call("frame")
        return png_pixels(data_url) if data_url else None

    def listen(self, seconds: float) -> npt.NDArray[np.float32]:
        """What is heard in the next ``seconds``, 48 kHz mono."""
        return np.frombuffer(base64.b64decode(self.call("listen", seconds, timeout_s=seconds + 20)), np.float32)

    def stats(self, kind: str, media: str) -> dict[str, Any]:
        """The statistics report of type ``kind`` (say ``inbound-rtp``) for ``audio`` or ``video``."""
        reports: list[dict[str, Any]] = self.call("stats")
        return next(report for report in reports if report["type"] == kind and report.get("kind") == media)

    def play(self, url: str, times: list[float]) -> dict[str, Any]:
        """Play the file at ``url``: its duration and size; position and pixels after a seek to each of ``times``."""
        result: dict[str, Any] = self.call("play", url, times, timeout_s=60)
        for seen in result["seen"]:
            seen["pixels"] = png_pixels(seen.pop("png"))
        return result
