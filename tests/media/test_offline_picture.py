"""``render_picture``: the right thing in the right place, from whatever file."""

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from layouts.errors import LayoutError
from layouts.geometry import Size
from layouts.model import Options
from mcu.errors import UnreadableMediaError
from mcu.offline import RgbImage, TileInfo, assert_same_picture, render_picture, write_png
from mcu.offline.stills import picture_of_rgb
from mcu.video.style import CanvasStyle
from tests.media.offline_clips import BLUE, GREEN, GREY, RED, ClipPlan, Rgb, near, write_clip

pytestmark = [pytest.mark.media, pytest.mark.beside]

CANVAS = Size(640, 360)


def solid(colour: Rgb, width: int = 320, height: int = 180) -> RgbImage:
    image = np.empty((height, width, 3), np.uint8)
    image[:] = colour
    return image


def assert_filled(image: RgbImage, box: tuple[int, int, int, int], colour: Rgb) -> None:
    """Every pixel from (left, top) to (right, bottom), exclusive, has this colour."""
    left, top, right, bottom = box
    apart = np.abs(image[top:bottom, left:right].astype(np.int16) - np.array(colour, np.int16))
    assert apart.max() <= 3, f"from {left}, {top}: wrong at row, column {np.argwhere(apart.max(axis=2) > 3)[0]}"


def test_four_fill_the_canvas_to_the_last_pixel() -> None:
    image = render_picture("grid", CANVAS, [solid(colour) for colour in (RED, GREEN, BLUE, GREY)])
    assert image.shape == (360, 640, 3)
    assert image.dtype == np.uint8
    assert_filled(image, (0, 0, 320, 180), RED)
    assert_filled(image, (320, 0, 640, 180), GREEN)
    assert_filled(image, (0, 180, 320, 360), BLUE)
    assert_filled(image, (320, 180, 640, 360), GREY)


def test_the_last_row_is_centred_on_the_background() -> None:
    image = render_picture("grid", CANVAS, [solid(RED)] * 3, options=Options(background="#336699"))
    assert_filled(image, (160, 180, 480, 360), RED)
    assert_filled(image, (0, 180, 160, 360), (0x33, 0x66, 0x99))
    assert_filled(image, (480, 180, 640, 360), (0x33, 0x66, 0x99))


def test_gaps_are_clean() -> None:
    image = render_picture("grid", CANVAS, [solid(RED), solid(GREEN)], options=Options(gap=16, background="#000000"))
    # two tiles of 312x174 (16:9, even) beside a gap of 16, in the middle
    assert_filled(image, (0, 92, 312, 266), RED)
    assert_filled(image, (312, 0, 328, 360), (0, 0, 0))
    assert_filled(image, (328, 92, 640, 266), GREEN)


def test_a_camera_is_cut_to_its_tile_and_a_screen_is_not() -> None:
    striped = solid(RED, 320, 320)
    striped[:40] = striped[-40:] = BLUE
    options = Options(background="#000000")
    row = [striped, *[solid(GREEN)] * 3]  # tiles of 160x120
    cut = render_picture("side-by-side", Size(640, 120), row, options=options)
    whole = render_picture("side-by-side", Size(640, 120), row, options=options, screens=[0])
    # scaled to 160x160, each blue band is 20 rows high, and 20 rows are cut off at either edge
    assert_filled(cut, (0, 2, 160, 118), RED)
    assert_filled(whole, (0, 0, 20, 120), (0, 0, 0))
    assert_filled(whole, (22, 2, 138, 13), BLUE)
    assert_filled(whole, (22, 17, 138, 103), RED)
    assert_filled(whole, (140, 0, 160, 120), (0, 0, 0))


@pytest.mark.parametrize(("width", "height"), [(1, 1), (1, 999), (3, 2), (641, 361), (3840, 2160), (7001, 13)])
def test_pictures_of_any_size(tmp_path: Path, width: int, height: int) -> None:
    write_png(solid(GREEN, width, height), tmp_path / "a.png")
    image = render_picture("single-speaker", CANVAS, [tmp_path / "a.png"])
    assert_filled(image, (300, 170, 340, 190), GREEN)


def test_canvases_from_small_to_4k() -> None:
    for canvas in (Size(160, 90), Size(90, 160), Size(3840, 2160)):
        image = render_picture("single-speaker", canvas, [solid(BLUE, canvas.width, canvas.height)])
        assert_filled(image, (0, 0, canvas.width, canvas.height), BLUE)


def test_colours_match_a_float_reference() -> None:
    random = np.random.default_rng(5)
    rgb = random.integers(0, 256, (90, 160, 3), np.uint8)
    picture = picture_of_rgb(rgb)
    # ITU-R BT.601-7, 2.5: analogue Y', CB, CR, quantised to 8 bits
    red, green, blue = (rgb[..., index] / 255 for index in range(3))
    luma = 0.299 * red + 0.587 * green + 0.114 * blue
    assert np.abs(picture.y - (219 * luma + 16)).max() <= 0.51
    blueness = (224 * (blue - luma) / 1.772 + 128).reshape(45, 2, 80, 2).mean(axis=(1, 3))
    redness = (224 * (red - luma) / 1.402 + 128).reshape(45, 2, 80, 2).mean(axis=(1, 3))
    assert np.abs(picture.u - blueness).max() <= 0.51
    assert np.abs(picture.v - redness).max() <= 0.51


def test_an_odd_picture_has_chroma_for_its_last_row_and_column() -> None:
    picture = picture_of_rgb(solid(RED, 5, 3))
    assert picture.y.shape == (3, 5)
    assert picture.u.shape == picture.v.shape == (2, 3)
    assert len(np.unique(picture.u)) == len(np.unique(picture.v)) == 1


@pytest.mark.parametrize(
    ("mode", "name"),
    [("RGB", "a.png"), ("P", "a.gif"), ("RGB", "a.jpg"), ("RGB", "a.webp"), ("RGBA", "a.png"), ("RGB", "a.bmp")],
)
def test_picture_files(tmp_path: Path, mode: str, name: str) -> None:
    Image.new("RGB", (320, 180), RED).convert(mode).save(tmp_path / name)
    image = render_picture("grid", CANVAS, [str(tmp_path / name)])
    assert near(tuple(image[180, 320]), RED, 12)


def test_grey_pictures_of_one_eight_and_sixteen_bits(tmp_path: Path) -> None:
    whites: dict[str, int | tuple[int, int]] = {"1": 1, "L": 255, "LA": (255, 255), "I;16": 65535}
    for mode, white in whites.items():
        Image.new(mode, (320, 180), white).save(tmp_path / "grey.png")
        assert near(tuple(render_picture("grid", CANVAS, [tmp_path / "grey.png"])[180, 320]), (255, 255, 255)), mode


def test_what_is_transparent_is_black(tmp_path: Path) -> None:
    Image.new("RGBA", (320, 180), (*RED, 0)).save(tmp_path / "clear.png")
    assert near(tuple(render_picture("grid", CANVAS, [tmp_path / "clear.png"])[180, 320]), (0, 0, 0))


def test_a_photograph_stands_as_its_camera_was_held(tmp_path: Path) -> None:
    upright = Image.new("RGB", (180, 320), RED)
    upright.paste(BLUE, (0, 0, 180, 160))
    exif = Image.Exif()
    exif[0x0112] = 6  # stored turned: show it turned by 90 degrees clockwise
    upright.rotate(90, expand=True).save(tmp_path / "photo.jpg", exif=exif, quality=95)
    image = render_picture("grid", Size(180, 320), [tmp_path / "photo.jpg"])
    assert near(tuple(image[40, 90]), BLUE)
    assert near(tuple(image[280, 90]), RED)


def test_a_clip_gives_its_first_picture(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.mp4", ClipPlan(GREEN, None, 0.2))
    assert near(tuple(render_picture("grid", CANVAS, [clip])[180, 320]), GREEN)


def test_names_change_only_their_corner_and_no_camera_shows_initials() -> None:
    bare = render_picture("grid", CANVAS, [solid(RED)])
    named = render_picture("grid", CANVAS, [solid(RED)], names=["Ada"])
    changed = np.argwhere((bare != named).any(axis=2))
    assert len(changed)
    assert changed[:, 0].min() > 280
    assert changed[:, 1].max() < 160
    assert len(np.unique(render_picture("grid", CANVAS, [None], names=["Ada"]).reshape(-1, 3), axis=0)) > 8


def test_nobody_makes_an_empty_canvas() -> None:
    assert_filled(
        render_picture("grid", CANVAS, [], options=Options(background="#ff0000")), (0, 0, 640, 360), (255, 0, 0)
    )


@pytest.mark.parametrize(
    "content",
    [b"", b"\x89PNG\r\n\x1a\n", b"not a picture\n" * 100, bytes(5000), b"\xff\xd8\xff\xe0" + bytes(100)],
    ids=["empty", "png-head", "text", "zeros", "jpeg-head"],
)
def test_what_is_no_media_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "what.png").write_bytes(content)
    with pytest.raises(UnreadableMediaError, match=r"what\.png: "):
        render_picture("grid", CANVAS, [tmp_path / "what.png"])


def test_a_cut_off_picture_is_named(tmp_path: Path) -> None:
    noise = np.random.default_rng(1).integers(0, 256, (90, 160, 3), np.uint8)
    write_png(noise, tmp_path / "cut.png")
    whole = (tmp_path / "cut.png").read_bytes()
    (tmp_path / "cut.png").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(UnreadableMediaError, match=r"cut\.png: the picture is broken"):
        render_picture("grid", CANVAS, [tmp_path / "cut.png"])


def test_a_picture_that_would_fill_the_memory_is_refused(tmp_path: Path) -> None:
    header = b"IHDR" + struct.pack(">IIBBBBB", 40_000, 40_000, 8, 2, 0, 0, 0)
    rows = b"IDAT" + zlib.compress(bytes(1000))
    chunks = [
        struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk)) for chunk in (header, rows)
    ]
    (tmp_path / "bomb.png").write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(chunks))
    with pytest.raises(UnreadableMediaError, match=r"bomb\.png: the picture is too large"):
        render_picture("grid", CANVAS, [tmp_path / "bomb.png"])


def test_missing_files_and_folders_are_named(tmp_path: Path) -> None:
    for path in (tmp_path / "missing.png", tmp_path):
        with pytest.raises(UnreadableMediaError, match="there is no such file"):
            render_picture("grid", CANVAS, [path])


def test_unknown_layouts_and_odd_canvases_are_refused() -> None:
    with pytest.raises(LayoutError, match="unknown layout"):
        render_picture("mosaic", CANVAS, [])
    with pytest.raises(LayoutError, match="not even"):
        render_picture("grid", Size(641, 360), [])


def test_a_golden_picture_that_differs_is_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ACCEPT_PICTURES", raising=False)
    image = solid(GREY, 64, 36)
    golden, out = tmp_path / "golden.png", tmp_path / "out"
    out.mkdir()
    write_png(image, golden)
    assert_same_picture(image, golden, folder=out)
    assert list(out.iterdir()) == []
    other = image.copy()
    other[10, 20] = 255
    with pytest.raises(AssertionError, match=r"1 pixels differ .* between \(20, 10\) and \(20, 10\)") as caught:
        assert_same_picture(other, golden, folder=out)
    assert str(out / "golden.difference.png") in str(caught.value)
    with Image.open(out / "golden.actual.png") as opened:
        assert (np.asarray(opened) == other).all()
    with Image.open(out / "golden.difference.png") as opened:
        strip = np.asarray(opened)
    expected, actual, difference = strip[:, :64], strip[:, 68:132], strip[:, 136:]
    assert (expected == image).all()
    assert (actual == other).all()
    assert (difference[10, 20] == 255).all()
    assert (difference[:10] == 128).all()


def test_other_sizes_and_missing_golden_pictures_are_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ACCEPT_PICTURES", raising=False)
    image, golden = solid(GREY, 64, 36), tmp_path / "golden.png"
    with pytest.raises(AssertionError, match="copy it there or run with ACCEPT_PICTURES=1"):
        assert_same_picture(image, golden, folder=tmp_path)
    assert not golden.exists()
    write_png(image, golden)
    with pytest.raises(AssertionError, match="64x36, the picture is 32x36"):
        assert_same_picture(image[:, :32], golden, folder=tmp_path)


def test_pictures_are_accepted_when_asked_and_only_then(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    golden = tmp_path / "folder" / "golden.png"
    monkeypatch.setenv("ACCEPT_PICTURES", "1")
    assert_same_picture(solid(GREY, 64, 36), golden, folder=tmp_path)
    assert_same_picture(solid(RED, 32, 36), golden, folder=tmp_path)
    monkeypatch.delenv("ACCEPT_PICTURES")
    assert_same_picture(solid(RED, 32, 36), golden, folder=tmp_path)
    before = golden.read_bytes()
    monkeypatch.setenv("ACCEPT_PICTURES", "1")
    almost = solid(RED, 32, 36)
    almost[0, 0, 0] += 1
    assert_same_picture(almost, golden, folder=tmp_path)
    assert golden.read_bytes() == before, "what still agrees is not written anew"


def test_names_must_be_as_many_as_inputs() -> None:
    with pytest.raises(ValueError, match="1 names for 2 inputs"):
        render_picture("grid", CANVAS, [None, None], names=["Ann"])


def test_signs_borders_and_corners_are_those_of_a_live_room() -> None:
    options = Options(padding=40, corner_radius=40, background="#ffffff")
    plain = render_picture("single-speaker", CANVAS, [solid(RED)], options=options)
    framed = render_picture("single-speaker", CANVAS, [solid(RED)], options=options, names=[TileInfo(speaking=True)])
    # 16:9 in 560x280: 496x278, from (72, 40)
    assert near(tuple(plain[42, 74]), (255, 255, 255)), "the corner is cut off"
    assert near(tuple(plain[42, 320]), RED)
    assert near(tuple(framed[41, 320]), (52, 199, 123), 40)
    assert near(tuple(framed[180, 320]), RED)
    style = CanvasStyle(background="#000000", border="#0000ff", title="T")
    styled = render_picture("single-speaker", CANVAS, [solid(RED)], options=options, names=[TileInfo()], style=style)
    assert near(tuple(styled[340, 20]), (0, 0, 0)), "the style's background goes before the layout's"
    assert near(tuple(styled[41, 320]), (0, 0, 255), 40)
