"""From the engine's values to the messages that tell of them. Pure."""

from mcu.clock import MediaClock
from mcu.messages import TileBox, TileMove, TilesMoved
from mcu.video.moves import Box, TileMoves


def tiles_told(moves: TileMoves, clock: MediaClock) -> TilesMoved:
    """Where the tiles are, or go to."""
    return TilesMoved(
        media_time=moves.begin_us / 1e6,
        begins_at=clock.wall_us(moves.begin_us) / 1e6,
        duration=moves.duration_us / 1e6,
        tiles=tuple(TileMove(id=move.source_id, start=_box(move.start), end=_box(move.end)) for move in moves.tiles),
    )


def _box(box: Box) -> TileBox:
    return TileBox(x=box.x, y=box.y, width=box.width, height=box.height)
