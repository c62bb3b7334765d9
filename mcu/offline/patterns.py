"""Generated people: test pictures and tones, for those who have no clips at hand.

``pattern:KIND[,KEY=VALUE ...]``, where KIND is ``bars`` (colour bars), ``colour=#rrggbb``, ``checker`` (black and white
squares of 16 pixels), ``moving`` (a landscape that slides), ``flash`` (white for a tenth of a second, with a beep, once
a second) or ``none`` (no camera). Keys: ``tone`` (Hz), ``size`` (``WxH``), ``name``, and ``colour`` for ``moving``.
"""

import re
from collections.abc import Mapping
from functools import lru_cache

import numpy as np

from layouts.geometry import Size
from mcu.audio.samples import silence
from mcu.errors import UnreadableMediaError
from mcu.media import SAMPLE_RATE_HZ, Picture, Samples
from mcu.offline.stills import RgbImage, picture_of_rgb
from mcu.video.emptyroom import BARS

PREFIX = "pattern:"
KINDS = ("bars", "colour", "checker", "moving", "flash", "none")

_KEYS = ("tone", "size", "name", "colour")
_SIZE = Size(640, 360)
_LONGEST_SIDE = 3840
_GREY, _RED = "#787878", "#c62828"
_SQUARE = 16  # pixels
_FPS = 30
_STEP = 4  # pixels that ``moving`` slides from picture to picture
_AMPLITUDE = 0.2
_BEEP_HZ, _BEEP_S = 1000.0, 0.1
_LOWEST_HZ, _HIGHEST_HZ = 20.0, 20_000.0


class Pattern:
    """A picture and a tone that last for ever, as a source.

    Args:
        kind: one of ``KINDS``.
        size: of the picture.
        colour: ``#rrggbb``.
        tone_hz: 0 for silence; ``flash`` has its own.
        name: what it is called.
    """

    def __init__(self, kind: str, size: Size, colour: str, tone_hz: float, name: str) -> None:
        self.name = name
        self.length_us: int | None = 0
        self._kind = kind
        self._size = size
        self._colour = colour
        self._tone_hz = _BEEP_HZ if kind == "flash" else tone_hz
        self._given = 0  # samples
        self._shown = (-1, self._draw(0))
        self.first_picture = self._shown[1]

    def picture(self, now_us: int) -> Picture | None:
        """The picture to show, a new one 30 times a second where it moves."""
        number = now_us * _FPS // 1_000_000
        if number != self._shown[0]:
            self._shown = (number, self._draw(number))
        return self._shown[1]

    def sound(self, count: int) -> Samples:
        """The next samples of the tone."""
        if not self._tone_hz:
            return silence(1, count)
        t = np.arange(self._given, self._given + count) / SAMPLE_RATE_HZ
        self._given += count
        wave = _AMPLITUDE * np.sin(2 * np.pi * self._tone_hz * t)
        if self._kind == "flash":
            wave *= t % 1 < _BEEP_S
        return wave.astype(np.float32)[:, np.newaxis]

    def is_over(self, now_us: int) -> bool:  # noqa: ARG002 - at any time
        """Always, as of a still picture."""
        return True

    def close(self) -> None:
        """Nothing is open."""

    def _draw(self, number: int) -> Picture | None:
        if self._kind == "none":
            return None
        if self._kind == "moving":
            return _slid(_landscape(self._size, self._colour), self._size, number * _STEP)
        if self._kind == "flash":
            return _solid(self._size, "#ffffff" if number % _FPS < _BEEP_S * _FPS else self._colour)
        return _still(self._kind, self._size, self._colour)


def parse_pattern(text: str) -> Pattern:
    """The source that ``text`` describes, see above.

    Raises:
        UnreadableMediaError: it describes none; the message says what is wrong with it.
    """
    first, *rest = text.removeprefix(PREFIX).split(",")
    kind = first.partition("=")[0]
    if kind not in KINDS or ("=" in first and kind != "colour"):
        raise UnreadableMediaError(f"{text:.80}: {first[:40]!r} is none of {', '.join(KINDS)}")
    values = dict(part.partition("=")[::2] for part in (rest if kind != "colour" else [first, *rest]))
    for key in values:
        if key not in _KEYS:
            raise UnreadableMediaError(f"{text:.80}: {key[:40]!r} is none of {', '.join(_KEYS)}")
    return Pattern(
        kind, _size(text, values), _colour(text, kind, values), _tone(text, values), values.get("name", kind)
    )


def _size(text: str, values: Mapping[str, str]) -> Size:
    if "size" not in values:
        return _SIZE
    found = re.fullmatch(r"(\d{1,4})x(\d{1,4})", values["size"], re.ASCII)
    if found is None or not all(1 <= int(side) <= _LONGEST_SIDE for side in found.groups()):
        raise UnreadableMediaError(f"{text:.80}: size: {values['size'][:40]!r} is no size like 640x360")
    return Size(int(found[1]), int(found[2]))


def _colour(text: str, kind: str, values: Mapping[str, str]) -> str:
    colour = values.get("colour", _GREY if kind == "flash" else _RED)
    if not re.fullmatch("#[0-9a-fA-F]{6}", colour):
        raise UnreadableMediaError(f"{text:.80}: colour: {colour[:40]!r} is no colour like #c62828")
    return colour.lower()


def _tone(text: str, values: Mapping[str, str]) -> float:
    given = values.get("tone", "0")
    if not re.fullmatch(r"\d{1,5}(\.\d{1,3})?", given, re.ASCII):
        raise UnreadableMediaError(f"{text:.80}: tone: {given[:40]!r} is no frequency like 440")
    if float(given) and not _LOWEST_HZ <= float(given) <= _HIGHEST_HZ:
        raise UnreadableMediaError(f"{text:.80}: tone: {given} is not between 20 and 20000 Hz")
    return float(given)


@lru_cache(maxsize=64)
def _still(kind: str, size: Size, colour: str) -> Picture:
    if kind == "colour":
        return _solid(size, colour)
    image = np.empty((size.height, size.width, 3), np.uint8)
    if kind == "bars":
        image[:] = np.array(BARS, np.uint8)[np.arange(size.width) * len(BARS) // size.width]
    else:
        rows, columns = np.arange(size.height) // _SQUARE, np.arange(size.width) // _SQUARE
        image[:] = np.where((rows[:, None] + columns) % 2, 255, 0)[..., np.newaxis]
    return picture_of_rgb(image)


@lru_cache(maxsize=64)
def _solid(size: Size, colour: str) -> Picture:
    return picture_of_rgb(_filled(size, colour))


def _filled(size: Size, colour: str) -> RgbImage:
    image = np.empty((size.height, size.width, 3), np.uint8)
    image[:] = tuple(bytes.fromhex(colour[1:]))
    return image


@lru_cache(maxsize=32)
def _landscape(size: Size, colour: str) -> Picture:
    """Hills in shades of a colour, twice as wide as ``size`` and the same at either end."""
    width = size.width + size.width % 2
    x = np.arange(2 * width, dtype=np.float32) * np.float32(2 * np.pi / width)
    y = np.arange(size.height, dtype=np.float32)[:, np.newaxis] / np.float32(size.height)
    shade = np.sin(3 * x + 5 * y)
    shade *= np.cos(2 * x - 9 * y)
    shade *= np.float32(0.25)
    shade += np.float32(0.75)
    image = np.empty((*shade.shape, 3), np.uint8)
    for channel, level in enumerate(bytes.fromhex(colour[1:])):
        image[..., channel] = level * shade
    return picture_of_rgb(image)


def _slid(landscape: Picture, size: Size, by: int) -> Picture:
    """A window on the landscape; a view, nothing is copied."""
    by %= landscape.width // 2
    chroma = slice(by // 2, by // 2 + (size.width + 1) // 2)
    return Picture(landscape.y[:, by : by + size.width], landscape.u[:, chroma], landscape.v[:, chroma])
