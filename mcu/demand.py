"""What each camera is to send: what its tile can show, and next to nothing while it has none. Pure."""

from collections.abc import Collection, Iterable

from layouts.model import Layout
from mcu.messages import CameraWanted

BITS_PER_PIXEL = 0.16  # of VP8 from a camera, at 30 pictures a second
FPS = 30
LEAST_BPS, MOST_BPS = 150_000, 2_500_000  # of a camera on stage
OFF_STAGE_BPS = 100_000  # less, and some senders stop, and take long to begin again

FOLLOWER_LEAST_BPS = MOST_BPS  # room on the line of who follows by himself: he is back on stage at once

OFF_STAGE = CameraWanted(width=0, height=0, bitrate_bps=OFF_STAGE_BPS)


def cameras_wanted(layout: Layout, source_ids: Iterable[str], costly: Collection[str] = ()) -> dict[str, CameraWanted]:
    """What is wanted of each of these sources; of those too ``costly`` to decode the least that is a picture."""
    tiles = {tile.source_id: tile.rect for tile in layout.tiles}
    wanted = {id_: _wanted(tiles[id_].width, tiles[id_].height) if id_ in tiles else OFF_STAGE for id_ in source_ids}
    for id_ in tiles.keys() & costly & wanted.keys():
        wanted[id_] = wanted[id_].model_copy(update={"bitrate_bps": LEAST_BPS})
    return wanted


def _wanted(width: int, height: int) -> CameraWanted:
    bitrate_bps = round(width * height * FPS * BITS_PER_PIXEL)
    return CameraWanted(width=width, height=height, bitrate_bps=min(MOST_BPS, max(LEAST_BPS, bitrate_bps)))
