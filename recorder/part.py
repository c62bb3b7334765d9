"""Writes one part of a recording: a thread between two packet hubs and a folder of segments.

Runs in the room's process. It subscribes like any viewer; a disk that stalls costs pictures of the recording (drop
policy *to-keyframe*), never the room anything.
"""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from mcu.errors import TuttiError
from mcu.hub import PacketHub, Subscription
from recorder.errors import PartStartError, disk_error
from recorder.interleave import Interleaver
from recorder.segmenter import Segmenter
from recorder.segments import LocalSegmentStore, Manifest, SegmentStore

logger = logging.getLogger(__name__)

VIDEO_BOUND = 360  # frames: 12 s at 30 fps that the disk may stall
AUDIO_BOUND = 640  # frames: 13 s
FIRST_SOUND_S = 1.0  # how long the picture waits for the sound to begin
FIRST_PICTURE_S = 10.0
_BATCH_S = 0.1  # what comes within this time is written at once: each wake-up takes the interpreter from a tick


@dataclass(frozen=True, slots=True)
class PartInfo:
    """Which part this is and what its pictures are like.

    ``directory`` is the part's own folder, made when needed; ``wall_us`` turns the hubs' media time into Unix time,
    both in microseconds.
    """

    recording_id: str
    part: int
    width: int
    height: int
    fps: int
    directory: Path
    wall_us: Callable[[int], int]


class PartWriter:
    """One part of a recording, from its first keyframe to ``stop``.

    Args:
        info: see there.
        video: H.264 packets.
        audio: AAC packets.
        on_failed: called once, on the writer's thread, when the part breaks off after its start; what was written
            before is good. ``stop`` still has to be called.
        store: where segments go; by default the folder in ``info``.
    """

    def __init__(
        self,
        info: PartInfo,
        video: PacketHub,
        audio: PacketHub,
        on_failed: Callable[[TuttiError], None],
        store: SegmentStore | None = None,
    ) -> None:
        self._info = info
        self._video = video
        self._audio = audio
        self._on_failed = on_failed
        self._store = store or LocalSegmentStore(info.directory)
        self._thread = threading.Thread(target=self._run, name=f"part-{info.recording_id}", daemon=True)
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._settled = threading.Event()  # started, or never going to
        self._started_us: int | None = None
        self._ended_us = 0
        self._failure: TuttiError | None = None
        self._first_picture_s = FIRST_PICTURE_S

    def start(self) -> int:
        """Subscribe and wait for the first picture; returns its Unix time in microseconds. Blocks.

        Raises:
            PartStartError: no keyframe came.
            RecordingError: the disk failed.
        """
        self._thread.start()
        if not self._settled.wait(FIRST_SOUND_S + self._first_picture_s):
            self.stop()
        if self._started_us is None:
            self._thread.join()
            raise self._failure or PartStartError("the room delivered no picture to record")
        return self._info.wall_us(self._started_us)

    def stop(self) -> int:
        """Write what came until now; returns the Unix time (us) at which the part ends. Blocks; idempotent."""
        self._stopping.set()
        self._wake.set()
        if self._thread.ident is not None:
            self._thread.join()
        return self._info.wall_us(self._ended_us)

    # --- the writer's thread ------------------------------------------------------------------------------------------

    def _run(self) -> None:
        try:
            self._record()
        except OSError as error:
            self._fail(disk_error(error, "writing the recording"))
        except TuttiError as error:
            self._fail(error)
        finally:
            self._settled.set()

    def _record(self) -> None:
        segmenter = Segmenter(self._store, self._new_manifest())
        audio = self._audio.subscribe(bound=AUDIO_BOUND, wake=self._wake.set)
        try:
            self._wake.wait(FIRST_SOUND_S)  # sound first: then there is sound for the first picture
            video = self._video.subscribe(bound=VIDEO_BOUND, wake=self._wake.set, every_frame=True)
            try:
                self._write_until_stopped(segmenter, video, audio)
            finally:
                self._video.unsubscribe(video)
        except OSError as error:
            self._close_broken(segmenter, disk_error(error, "writing the recording"))
        except TuttiError as error:
            self._close_broken(segmenter, error)
        else:
            self._ended_us = segmenter.close()
        finally:
            self._audio.unsubscribe(audio)

    def _write_until_stopped(self, segmenter: Segmenter, video: Subscription, audio: Subscription) -> None:
        feed = _Feed(video, audio, segmenter)
        while self._started_us is None and not self._stopping.is_set():
            self._wake.wait(_BATCH_S)
            self._wake.clear()
            self._ended_us = feed.move()
            if segmenter.manifest.started_us is not None:
                self._started_us = segmenter.manifest.started_us
                self._settled.set()
        while not self._stopping.wait(_BATCH_S):
            self._ended_us = feed.move()
        self._ended_us = feed.move(everything=True)

    def _new_manifest(self) -> Manifest:
        info = self._info
        return Manifest(info.recording_id, info.part, info.width, info.height, info.fps, info.wall_us(0))

    def _close_broken(self, segmenter: Segmenter, error: TuttiError) -> None:
        """End what can be ended: on a full disk the segment's last fragment and the manifest may not fit any more."""
        try:
            self._ended_us = segmenter.close(error)
        except (OSError, TuttiError) as second:
            logger.warning("recording %s: closing the part: %s", self._info.recording_id, second)
        raise error

    def _fail(self, error: TuttiError) -> None:
        self._failure = error
        if self._started_us is not None:
            self._on_failed(error)


class _Feed:
    """Moves frames from the subscriptions to the segments."""

    def __init__(self, video: Subscription, audio: Subscription, segmenter: Segmenter) -> None:
        self._video = video
        self._audio = audio
        self._segmenter = segmenter
        self._order = Interleaver()
        self._dropped = 0  # as counted by the video subscription
        self._end_us = 0

    def move(self, *, everything: bool = False) -> int:
        """Write what is there; returns the media time (us) up to which there are pictures."""
        video, audio = self._video.drain(), self._audio.drain()
        dropped = self._video.stats.dropped - self._dropped
        if dropped:
            self._dropped += dropped
            self._after_hole(dropped)
        for frame in audio:
            self._order.push(frame)
        for frame in video:
            self._order.push(frame)
            self._end_us = (frame.pts + frame.duration) * 1_000_000 // frame.clock_rate_hz
        self._write(everything=everything)
        return self._end_us

    def _after_hole(self, dropped: int) -> None:
        if self._order.started:
            self._write(everything=True)
            self._order.restart()
        self._segmenter.interrupt(dropped)

    def _write(self, *, everything: bool) -> None:
        for frame in self._order.take(everything=everything):
            self._segmenter.write(frame)
