"""Whatever happened before: the canvas is what a painter would make who starts with an empty one."""

import random
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from layouts.geometry import Rect, Size
from layouts.model import Fit, Layout, Options, Tile
from mcu.video.compositor import Compositor
from mcu.video.i420 import Canvas
from mcu.video.overlay import Overlays
from mcu.video.scene import Scene, TileInfo
from mcu.video.style import CanvasStyle, Clock, Logo, Place, artwork_from
from tests.unit.video.reference import noise

pytestmark = pytest.mark.unit

CANVAS = Size(320, 180)
IDS = "abcde"
NAMES = ("Ada", "محمد", "", "李小龙 with a rather long name")


def _png(width: int, height: int, seed: int) -> bytes:
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 4), np.uint8)
    file = BytesIO()
    Image.fromarray(pixels, "RGBA").save(file, "PNG")
    return file.getvalue()


LOGO = Logo(artwork_from(_png(40, 20, 1), "logo"), opacity=0.6, share=0.3)
STYLES = (
    CanvasStyle(),
    CanvasStyle(title="Weekly", border="#405060"),
    CanvasStyle(logo=LOGO, clock=Clock(place=Place.BOTTOM_LEFT)),
    CanvasStyle(background="#aa3322", banner="All hands"),
    CanvasStyle(background_image=artwork_from(_png(64, 64, 2), "background_image"), logo=LOGO, title="T", banner="B"),
)
PICTURES = [noise(64, 36, 3), noise(36, 64, 4), noise(2, 2, 5), noise(1, 1, 6), noise(641, 359, 7)]


class World:
    """A room in which anything may change from tick to tick."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self.style = STYLES[0]
        self.wall_us = 0
        self.pictures = {IDS[0]: PICTURES[0]}
        self.info: dict[str, TileInfo] = {}
        self.new_layout()

    def rect(self) -> Rect:
        x, y = (2 * self.rng.randrange(limit // 2 - 1) for limit in (CANVAS.width, CANVAS.height))
        return Rect(
            x, y, 2 * self.rng.randint(1, (CANVAS.width - x) // 2), 2 * self.rng.randint(1, (CANVAS.height - y) // 2)
        )

    def new_layout(self) -> None:
        ids = self.rng.sample(IDS, self.rng.randint(0, 5))
        options = Options(
            corner_radius=self.rng.choice([0, 1, 7, 24]), background=self.rng.choice(["#111318", "#4488cc"])
        )
        tiles = tuple(Tile(id_, self.rect(), self.rng.choice(list(Fit)), z) for z, id_ in enumerate(ids))
        self.layout = Layout(CANVAS, tiles, options=options)
        self.places: list[Rect] | None = None

    def step(self) -> None:
        change = self.rng.randrange(7)
        if change == 0:
            self.new_layout()
        elif change == 1:
            self.style = self.rng.choice(STYLES)
        elif change == 2:
            self.wall_us += 40_000_000
        elif change == 3:
            self.places = self.rng.choice([None, [self.rect() for _ in self.layout.tiles]])
        elif change == 4:
            flags = [self.rng.random() < 0.5 for _ in range(3)]
            self.info = {**self.info, self.rng.choice(IDS): TileInfo(self.rng.choice(NAMES), *flags)}
        else:
            id_ = self.rng.choice(IDS)
            self.pictures.pop(id_, None)
            if change == 5:
                self.pictures[id_] = self.rng.choice(PICTURES)

    def paint(self, compositor: Compositor) -> None:
        compositor.paint(
            Scene(self.layout, self.info, self.style), self.pictures, places=self.places, wall_us=self.wall_us
        )


@pytest.mark.parametrize("seed", range(12))
def test_repainting_what_changed_gives_the_same_pixels_as_painting_everything(seed: int) -> None:
    world, overlays, canvas = World(seed), Overlays(), Canvas(CANVAS)
    compositor = Compositor(canvas, overlays)
    for step in range(60):
        world.paint(compositor)
        fresh = Canvas(CANVAS)
        world.paint(Compositor(fresh, overlays))
        for plane, expected in ((canvas.y, fresh.y), (canvas.u, fresh.u), (canvas.v, fresh.v)):
            np.testing.assert_array_equal(plane, expected, err_msg=f"step {step}")
        world.step()
    assert compositor.faults == overlays.faults == 0
