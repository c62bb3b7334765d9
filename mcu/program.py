"""What the room shows: who is on the canvas, as it is directed, and what the cameras are told to send for it."""

from collections.abc import Callable, Mapping

from layouts.geometry import Size
from layouts.model import Layout
from mcu.demand import FOLLOWER_LEAST_BPS, beside_screens, cameras_wanted
from mcu.direction import Wish, direct
from mcu.engine import MediaEngine
from mcu.messages import CameraWanted, RoomConfig, SetLayout
from mcu.participant import Participant
from mcu.stage import SCREEN_SUFFIX, arrange
from mcu.video.scene import SourceState
from mcu.video.style import NO_STYLE, CanvasStyle


class Program:
    """The scene of a room, made anew whenever something has changed that shows. Everything on the room's loop.

    Args:
        config: the canvas and the first layout.
        participants: the room's own, in order of joining.
        media: paints the scene, and knows of the cameras.
        on_camera: told when a participant's camera went on or off, or something else is wanted of it.
    """

    def __init__(
        self,
        config: RoomConfig,
        participants: Mapping[str, Participant],
        media: MediaEngine,
        on_camera: Callable[[Participant], None],
    ) -> None:
        self._canvas = Size(config.video.width, config.video.height)
        self._participants = participants
        self._media = media
        self._on_camera = on_camera
        self._direction = direct(config.layout, config.layout_options, config.custom_layout, {}, self._canvas)
        self._style = NO_STYLE
        self._scene = arrange(self._direction, self._style, (), {}, Layout(self._canvas))

    @property
    def layout(self) -> str:
        """The name of the layout that is wanted."""
        return self._direction.name

    @property
    def on_canvas(self) -> set[str]:
        """The sources that have a tile."""
        return {tile.source_id for tile in self._scene.layout.tiles}

    def show(self) -> None:
        """Have the scene painted as it is."""
        self._media.video.show(self._scene)

    # --- what is wanted of it -----------------------------------------------------------------------------------------

    def direct(self, request: SetLayout) -> None:
        """Use another layout from the next tick on; raises ``LayoutError`` and changes nothing if it is no good."""
        wishes = self._direction.wishes
        self._direction = direct(request.layout, request.options, request.custom, wishes, self._canvas)
        self.rearrange()

    def wish(self, participant_id: str, wish: Wish | None) -> None:
        """Pin, spotlight, hide or order somebody; None forgets about them."""
        self._direction = self._direction.with_wish(participant_id, wish)
        self.rearrange()

    def dress(self, style: CanvasStyle) -> None:
        """Show this beside the tiles from the next tick on."""
        self._style = style
        self.rearrange()

    # --- what becomes of it -------------------------------------------------------------------------------------------

    def rearrange(self) -> None:
        """Something has changed that may show."""
        sources = self._media.video.sources()
        people = [p.person() for p in self._participants.values() if p.state == "connected"]
        self._scene = arrange(self._direction, self._style, people, sources, self._scene.layout)
        self.show()
        self._media.offer()
        self._follow(sources)

    def follow_cameras(self) -> None:
        """Take note of cameras that went on or off, and tell them what is wanted, where that has changed."""
        self._follow(self._media.video.sources())

    def _follow(self, sources: Mapping[str, SourceState]) -> None:
        costly = {id_ for id_, source in sources.items() if source.costly}
        wanted = self._wanted(sources, costly)
        for participant in self._participants.values():
            source = sources.get(participant.id)
            state = (source is not None and source.live, wanted[participant.id])
            if state != (participant.camera_on, participant.camera_wanted):
                participant.camera_on, participant.camera_wanted = state
                follows = participant.follows and participant.id not in costly
                least_bps = FOLLOWER_LEAST_BPS if follows else 0
                participant.peer.limit_camera(wanted[participant.id].bitrate_bps, least_bps)
                self._on_camera(participant)

    def _wanted(self, sources: Mapping[str, SourceState], costly: set[str]) -> dict[str, CameraWanted]:
        uplinks_bps = {
            id_: participant.peer.uplink_bps
            for id_, participant in self._participants.items()
            if (screen := sources.get(id_ + SCREEN_SUFFIX)) is not None and screen.live
        }
        cameras = cameras_wanted(self._scene.layout, self._participants, costly, self._media.best)
        return beside_screens(cameras, uplinks_bps)
