"""What each camera is to send: what its tile can show, and next to nothing while it has none. Pure."""

from collections.abc import Collection, Iterable, Mapping

from layouts.model import Layout
from mcu.media import Rung
from mcu.messages import CameraWanted

BITS_PER_PIXEL = 0.16  # of VP8 from a camera, at 30 pictures a second
FPS = 30
LEAST_BPS, MOST_BPS = 150_000, 2_500_000  # of a camera on stage
OFF_STAGE_BPS = 100_000  # less, and some senders stop, and take long to begin again

SCREEN_BPS = 2_500_000  # of a screen that is shared, at most
BESIDE_SCREEN = 0.2  # of a line that is too narrow for both, the camera's part
STEPS_BPS = (OFF_STAGE_BPS, 150_000, 250_000, 400_000, 600_000, 1_000_000, 1_500_000)  # a part changes seldom

FOLLOWER_LEAST_BPS = MOST_BPS  # room on the line of who follows by himself: he is back on stage at once

OFF_STAGE = CameraWanted(width=0, height=0, bitrate_bps=OFF_STAGE_BPS)


def cameras_wanted(
    layout: Layout, source_ids: Iterable[str], costly: Collection[str] = (), best: Rung = Rung.FULL
) -> dict[str, CameraWanted]:
    """What is wanted of each of these sources; of those too ``costly`` to decode the least that is a picture.

    Args:
        layout: where they are on the canvas.
        source_ids: cameras.
        costly: those among them that cost too much.
        best: the largest size in which anybody gets the canvas: a tile shows no more than that.
    """
    sizes = {tile.source_id: (tile.rect.width >> best, tile.rect.height >> best) for tile in layout.tiles}
    wanted = {id_: _wanted(*sizes[id_]) if id_ in sizes else OFF_STAGE for id_ in source_ids}
    for id_ in sizes.keys() & costly & wanted.keys():
        wanted[id_] = wanted[id_].model_copy(update={"bitrate_bps": LEAST_BPS})
    return wanted


def beside_screens(
    wanted: Mapping[str, CameraWanted], uplinks_bps: Mapping[str, float | None]
) -> dict[str, CameraWanted]:
    """The same, but less of those who share a screen besides, on ``uplinks_bps``, if both together are too much."""
    return {id_: _beside_screen(camera, uplinks_bps.get(id_)) for id_, camera in wanted.items()}


def _beside_screen(camera: CameraWanted, uplink_bps: float | None) -> CameraWanted:
    if uplink_bps is None or camera.bitrate_bps + SCREEN_BPS <= uplink_bps:
        return camera
    part_bps = max(BESIDE_SCREEN * uplink_bps, uplink_bps - SCREEN_BPS)
    step_bps = max((step_bps for step_bps in STEPS_BPS if step_bps <= part_bps), default=OFF_STAGE_BPS)
    return camera.model_copy(update={"bitrate_bps": min(camera.bitrate_bps, step_bps)})


def _wanted(width: int, height: int) -> CameraWanted:
    bitrate_bps = round(width * height * FPS * BITS_PER_PIXEL)
    return CameraWanted(width=width, height=height, bitrate_bps=min(MOST_BPS, max(LEAST_BPS, bitrate_bps)))
