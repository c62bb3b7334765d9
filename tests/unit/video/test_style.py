from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from mcu.errors import StyleError
from mcu.video.style import CanvasStyle, Clock, Place, artwork_from, canvas_style_from

pytestmark = pytest.mark.unit


def png(width: int, height: int, colour: tuple[int, ...] = (255, 0, 0, 255), kind: str = "PNG") -> bytes:
    file = BytesIO()
    mode = "RGBA" if len(colour) == 4 else "RGB"
    Image.new(mode, (width, height), colour).save(file, kind)
    return file.getvalue()


def test_nothing_asked_for_is_the_plain_canvas() -> None:
    assert canvas_style_from() == CanvasStyle()


def test_a_style_of_everything() -> None:
    style = canvas_style_from(
        background="#102030",
        background_image=png(64, 36),
        logo=png(10, 10, (0, 0, 255), "JPEG"),
        logo_place="bottom-left",
        logo_opacity=0.5,
        title="Weekly",
        clock=True,
        clock_zone="Europe/Berlin",
        banner="Welcome",
    )
    assert style.logo is not None
    assert style.logo.place is Place.BOTTOM_LEFT
    assert (style.logo.artwork.width, style.logo.artwork.height) == (10, 10)
    assert np.abs(np.frombuffer(style.logo.artwork.rgba, np.uint8)[:4].astype(int) - [0, 0, 255, 255]).max() <= 2
    assert style.clock == Clock("Europe/Berlin")
    assert hash(style) == hash(style)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"logo": b"<svg xmlns='http://www.w3.org/2000/svg'/>"}, "logo: no picture"),
        ({"logo": b""}, "logo: no picture"),
        ({"logo": png(8, 8, kind="GIF")}, "logo: no picture"),
        ({"logo": png(60, 60)[:60]}, "logo: the picture is broken"),
        ({"logo": bytes(4_000_001)}, "logo: 4000001 bytes"),
        ({"logo": png(5000, 4000, (0, 0, 0))}, "logo: 5000 by 4000 pixels"),
        ({"background_image": png(20_000, 10_000, (0, 0, 0))}, "background_image: too many pixels"),
        ({"logo": png(8, 8), "logo_place": "nowhere"}, "logo_place: 'nowhere' is none of top-left, "),
        ({"logo": png(8, 8), "logo_opacity": 1.5}, "logo_opacity: 1.5"),
        ({"logo": png(8, 8), "logo_opacity": float("nan")}, "logo_opacity: nan"),
        ({"logo": png(8, 8), "logo_share": 0.0}, "logo_share"),
        ({"background": "red"}, "background: 'red' is no colour"),
        ({"speaking_border": "#12345"}, "speaking_border"),
        ({"title": "x" * 201}, "title: longer than 200"),
        ({"banner": "x" * 10_000}, "banner: longer than 200"),
        ({"clock": True, "clock_zone": "Mars/Olympus"}, "clock_zone: 'Mars/Olympus'"),
        ({"clock": True, "clock_zone": "../../etc/passwd"}, "clock_zone"),
        ({"clock": True, "clock_zone": ""}, "clock_zone"),
    ],
)
def test_what_cannot_be_used_is_named(given: dict[str, object], message: str) -> None:
    with pytest.raises(StyleError) as caught:
        canvas_style_from(**given)  # type: ignore[arg-type]  # a table of all arguments
    assert str(caught.value).startswith(message)
    assert caught.value.code == "invalid_style"


def test_a_broken_picture_of_any_length_is_refused_and_nothing_else_happens() -> None:
    file = BytesIO()
    Image.fromarray(np.random.default_rng(1).integers(0, 256, (20, 20, 3), np.uint8)).save(file, "PNG")
    whole = file.getvalue()
    for length in range(0, len(whole) * 9 // 10, 7):
        with pytest.raises(StyleError, match="logo"):
            artwork_from(whole[:length], "logo")


def test_large_artwork_is_kept_at_the_size_of_a_canvas() -> None:
    artwork = artwork_from(png(4000, 1000, (1, 2, 3)), "background_image")
    assert (artwork.width, artwork.height) == (1920, 480)
    assert len(artwork.rgba) == 1920 * 480 * 4


def test_the_clock_shows_the_time_of_its_zone() -> None:
    noon_us = 1_750_000_000_000_000  # 2025-06-15 15:06:40 UTC
    assert Clock().text(noon_us) == "15:06"
    assert Clock(seconds=True).text(noon_us + 999_999) == "15:06:40"
    assert Clock("Asia/Kathmandu").text(noon_us) == "20:51"
