"""The video mixer of a room: one thread that paints and encodes a tick at a time."""

import logging
import os
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError

import cv2

from layouts.errors import LayoutError
from layouts.geometry import Size
from layouts.model import Layout
from mcu.clock import MediaClock, Ticker
from mcu.errors import CodecError
from mcu.media import Picture, Plane, Rung
from mcu.messages import VideoConfig
from mcu.priority import defer_this_thread
from mcu.traces import MixTrace, Shown
from mcu.video.budget import Shares
from mcu.video.compositor import Compositor, check
from mcu.video.i420 import Canvas
from mcu.video.metrics import mixer_metrics
from mcu.video.moves import Steering, TileMoves
from mcu.video.outputs import VideoOutputs
from mcu.video.overlay import Overlays
from mcu.video.overload import Overload
from mcu.video.pool import WorkPool
from mcu.video.scene import Scene, SourceState
from mcu.video.source import LIVE_US, Sync, VideoInput, VideoSource
from mcu.video.watch import SourceWatch
from mcu.video.window import Window

_log = logging.getLogger(__name__)

_IDLE_S = 0.5  # how often an unwatched mixer looks after its sources
_SNAPSHOT_S = 2.0  # the longest a snapshot waits for its tick
_AWAKE_US = 3_000_000  # how long sources are decoded for somebody who takes snapshots of a room without viewers


class VideoMixer:
    """Decodes what the scene shows, paints it, and encodes it once for each codec and rung in use.

    Nobody listening, nothing is decoded, painted or encoded. A tick that comes too late is skipped and counted.

    Args:
        config: canvas, frame rate and bitrate.
        clock: the room's media time.
    """

    def __init__(self, config: VideoConfig, clock: MediaClock) -> None:
        size = Size(config.width, config.height)
        self.on_sources_changed: Callable[[], None] | None = None
        self.on_tiles: Callable[[TileMoves], None] | None = None  # on the video thread, at the tick a change begins
        self.pool = WorkPool()
        self.overlays = Overlays(self.pool.submit)
        self.canvas = Canvas(size)
        self.compositor = Compositor(self.canvas, self.overlays)
        self.ticker = Ticker(config.fps)
        self.overload = Overload(float(self.ticker.period_us))
        self.on_overload: Callable[[], None] | None = None  # called on the video thread when its level changed
        self.loop_late_us: Callable[[], int] = lambda: 0  # by how much those who send the pictures are behind
        self.faults = 0  # ticks that broke off
        self.shed = 0  # ticks left out because the machine does not keep up
        self.lateness_ms = Window()
        self.compose_ms = Window()
        self.former_drops: Counter[str] = Counter()  # of sources that are gone
        self.former_decoded = 0
        self.former_decode_us = 0
        self._clock = clock
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._outputs = VideoOutputs(config, self._wake.set, clock)
        self.rungs = self._outputs.hubs()  # by codec, then rung
        self.hubs = {codec: hubs[Rung.FULL] for codec, hubs in self.rungs.items()}  # the canvas's own size
        self._lock = threading.Lock()  # for writers of the two that follow
        self._sources: dict[str, VideoSource] = {}  # replaced, never changed
        self._snapshots: list[Future[Plane]] = []
        self._nobody = Scene(Layout(size))
        self._scene = self._nobody
        self._staged: tuple[Scene, dict[str, VideoSource]] | None = None  # what the sources were last told
        self._steering = Steering(size)
        self._watch = SourceWatch()
        self._shares = Shares(os.cpu_count() or 1)
        self._unsent: dict[str, Shown] = {}  # by source, the newest picture taken that nothing encoded shows yet
        self._awake_until_us = 0
        self._thread = threading.Thread(target=self._run, name="video", daemon=True)

    def start(self) -> None:
        """Begin to tick."""
        self.pool.start()
        self._thread.start()

    def stop(self) -> None:
        """End the threads and give decoders and encoders back. Harmless when done twice."""
        if self._stopping.is_set():
            return
        self._stopping.set()
        self._wake.set()
        if self._thread.ident is not None:
            self._thread.join()
            self.pool.stop()
        for source_id in list(self._sources):
            self.remove(source_id)
        self._outputs.close()
        self._give_snapshots(None)

    def add(
        self, source_id: str, sync: Sync, request_keyframe: Callable[[], None], *, live_us: int = LIVE_US
    ) -> VideoInput:
        """A new source; of the same id it replaces the one before. Any thread.

        Args:
            source_id: as the scene's tiles name it.
            sync: says when each picture is due.
            request_keyframe: asks its sender for a keyframe; called from any thread.
            live_us: how long after its last picture it still counts as live.
        """
        source = VideoSource(sync, request_keyframe, self.pool.submit, live_us, self._clock, largest=self.canvas.size)
        self.remove(source_id)
        with self._lock:
            self._sources = {**self._sources, source_id: source}
        self._wake.set()
        return source

    def remove(self, source_id: str) -> None:
        """A source is gone; unknown ones are ignored. Any thread."""
        with self._lock:
            source = self._sources.get(source_id)
            self._sources = {id_: s for id_, s in self._sources.items() if id_ != source_id}
            if source is not None:
                source.close()
                self.former_drops += source.all_drops()
                self.former_decoded += source.decoded
                self.former_decode_us += source.budget.spent_us

    def show(self, scene: Scene) -> None:
        """Show this from the next tick on. Any thread.

        Raises:
            LayoutError: the layout is for another canvas, or has tiles that cannot be painted.
        """
        if scene.layout.canvas != self.canvas.size:
            raise LayoutError(f"the layout is for {scene.layout.canvas}, the canvas has {self.canvas.size}")
        check(scene.layout)
        self._scene = scene
        self._wake.set()

    def follow(self, config: VideoConfig) -> None:
        """Encode with these bitrates from the next picture on; all else is as before. Any thread."""
        self._outputs.follow(config)

    def sources(self) -> dict[str, SourceState]:
        """Shape and liveness of every source. Any thread."""
        now_us = self._clock.now_us()
        return {id_: source.state(now_us) for id_, source in self._sources.items()}

    def source_stats(self, source_id: str, kind: str) -> dict[str, float]:
        """What is known of the pictures of a camera or screen; nothing of a source that is not here. Any thread."""
        source = self._sources.get(source_id)
        if source is None:
            return {}
        width, height = source.size
        return {f"{kind}_width": width, f"{kind}_height": height, f"{kind}_decoded": source.decoded}

    def tiles(self) -> TileMoves:
        """Where the tiles are, or where they come from and go to. Any thread."""
        return self._steering.moves

    def snapshot_jpeg(self) -> bytes:
        """The canvas of the next tick as a JPEG. Any thread; waits for that tick.

        Raises:
            CodecError: the mixer is not running, or too late.
        """
        future: Future[Plane] = Future()
        with self._lock:
            self._snapshots.append(future)
        self._wake.set()
        if self._stopping.is_set():
            self._give_snapshots(None)
        try:
            packed = future.result(_SNAPSHOT_S)
        except FutureTimeoutError as error:
            raise CodecError("the canvas was not painted in time") from error
        ok, jpeg = cv2.imencode(".jpg", cv2.cvtColor(packed, cv2.COLOR_YUV2BGR_I420), [cv2.IMWRITE_JPEG_QUALITY, 90])
        if not ok:
            raise CodecError("the canvas cannot be written as JPEG")
        return jpeg.tobytes()

    def metrics(self) -> dict[str, float]:
        """Counters and gauges by their Prometheus names. Any thread."""
        return mixer_metrics(self, tuple(self._outputs), self._sources)

    def _run(self) -> None:
        defer_this_thread()
        while not self._stopping.is_set():
            try:
                self._once()
            except Exception:  # noqa: BLE001 - the mixer goes on; the room is blind without it
                self.faults += 1
                if (
                    self.faults & (self.faults - 1) == 0
                ):  # the 1st, 2nd, 4th, 8th …: a fault at every tick fills no disk
                    _log.exception("tick %d broke off (fault %d)", self.ticker.next - 1, self.faults)
                self._stopping.wait(float(self.ticker.period_us) / 1e6)

    def _once(self) -> None:
        """Wait for the next tick and work on it, or idle for a while."""
        now_us = self._clock.now_us()
        if not self._wanted(now_us):
            self._rest(now_us)
            self._wake.wait(_IDLE_S if self._sources else None)
            self._wake.clear()
            self.ticker.next = max(self.ticker.next, int(self._clock.now_us() / self.ticker.period_us) + 1)
            return
        if self._stopping.wait(self.ticker.wait_us(now_us) / 1e6):
            return
        now_us = self._clock.now_us()
        tick = self.ticker.take(now_us)
        if not self.overload.keeps(tick):
            self.shed += 1
            return
        late_us = now_us - self.ticker.due_us(tick)
        self.lateness_ms.add(late_us / 1000)
        self.work(tick)
        done_us = self._clock.now_us()
        late_us = max(late_us, self.loop_late_us(), self.overload.behind_us(self._decode_waits_us(done_us)))
        if self.overload.worked(late_us, done_us - now_us, done_us) and self.on_overload is not None:
            self.on_overload()

    def _decode_waits_us(self, now_us: int) -> list[int]:
        return [us for source in self._sources.values() if (us := source.waited_us(now_us)) is not None]

    def _wanted(self, now_us: int) -> bool:
        return self._outputs.in_use or bool(self._snapshots) or now_us < self._awake_until_us

    def _rest(self, now_us: int) -> None:
        """Nobody looks: no decoders, no encoders."""
        self._stage(self._nobody, now_us)
        self._steer(self._scene, now_us, moving=False)
        self._outputs.close()
        self._notice(now_us)

    def work(self, tick: int) -> None:
        """Everything that one tick is about: stage, paint, encode. Called by the mixer's own thread once started."""
        now_us = self.ticker.due_us(tick)
        scene = self._scene
        self._stage(scene, now_us)
        self._steer(scene, now_us)
        changed = self._paint(scene, tick, now_us)
        if self._snapshots:
            self._awake_until_us = now_us + _AWAKE_US
            self._give_snapshots(self.canvas.packed())
        mix = MixTrace(self._unsent, self._clock.now_us())
        self._outputs.work(self.canvas, tick, now_us, changed=changed, mix=mix)
        if mix.encoded:
            self._unsent = {}
        self._notice(now_us)

    def _stage(self, scene: Scene, now_us: int) -> None:
        """Tell the sources who is on stage, if that may have changed."""
        sources = self._sources
        if self._staged is not None and self._staged[0].layout is scene.layout and self._staged[1] is sources:
            return
        on_stage = {tile.source_id for tile in scene.layout.tiles}
        for source_id, source in sources.items():
            source.set_stage(on=source_id in on_stage, now_us=now_us)
        self._staged = (scene, sources)

    def _steer(self, scene: Scene, now_us: int, *, moving: bool = True) -> None:
        """Head for the scene's layout, and tell who wants to know; nobody looking, nothing has to glide."""
        if self._steering.turn(scene.layout, now_us, scene.motion_us if moving else 0) and self.on_tiles is not None:
            self.on_tiles(self._steering.moves)

    def _paint(self, scene: Scene, tick: int, now_us: int) -> bool:
        started = time.perf_counter()
        taken_us = self._clock.now_us()
        pictures: dict[str, Picture] = {}
        due_by_us = now_us + int(self.ticker.period_us / 2)  # each picture at the tick nearest to its time
        for number, tile in enumerate(scene.layout.tiles):
            source = self._sources.get(tile.source_id)
            if source is None:
                continue
            before = source.shown
            picture = source.take(due_by_us) if self.overload.refreshes(tick, number) else source.shown
            if picture is not None:
                pictures[tile.source_id] = picture
                if picture is not before and picture.trace is not None:
                    self._unsent[tile.source_id] = Shown(picture.trace, picture.due_us, taken_us)
        places = self._steering.places(now_us)
        changed = self.compositor.paint(scene, pictures, places=places, wall_us=self._clock.wall_us(now_us))
        if changed:
            self.compose_ms.add((time.perf_counter() - started) * 1000)
        return changed

    def _give_snapshots(self, packed: Plane | None) -> None:
        with self._lock:
            snapshots, self._snapshots = self._snapshots, []
        for future in snapshots:
            if packed is None:
                future.set_exception(CodecError("the mixer has stopped"))
            else:
                future.set_result(packed)

    def _notice(self, now_us: int) -> None:
        """Tell the room when a source came alive, fell silent or changed its shape; see who decodes how much."""
        self._shares.divide({id_: source.budget for id_, source in self._sources.items()}, now_us)
        states = {id_: source.state(now_us) for id_, source in self._sources.items()}
        if self._watch.changed(states, now_us) and self.on_sources_changed is not None:
            self.on_sources_changed()
