"""Cuts a part's frames, in order, into self-contained segments and keeps the manifest."""

from dataclasses import replace

from mcu.errors import TuttiError
from mcu.media import EncodedFrame, VideoCodec
from recorder.annexb import parameter_sets
from recorder.errors import DiskFullError
from recorder.muxer import SegmentMuxer
from recorder.segments import Hole, Manifest, SegmentEntry, SegmentFile, SegmentStore, segment_name

SEGMENT_US = 5_000_000  # a segment ends at the first keyframe after this; with one every 4 s that makes 8 s
_CHECK_SPACE_BYTES = 256 * 1024
_EARLY_SOUND_FRAMES = 16  # waiting for the keyframe they belong to


class Segmenter:
    """Writes segments into a store.

    Args:
        store: where to.
        manifest: what is known of the part at its start; saved at once.

    Raises:
        OSError: the disk failed.
        DiskFullError: the disk is as full as it may get.
    """

    def __init__(self, store: SegmentStore, manifest: Manifest) -> None:
        self.manifest = manifest
        self._store = store
        self._segment: _OpenSegment | None = None
        self._early_sound: list[EncodedFrame] = []
        self._sound: EncodedFrame | None = None  # the latest: an example of what sound is like
        self._sets = b""  # SPS and PPS in force
        self._end_us: int | None = None  # where the last picture ends
        self._dropped = 0  # frames lost since then
        self._unchecked_bytes = 0  # written since free space was looked at
        store.save_manifest(manifest)
        self._check_space()

    def write(self, frame: EncodedFrame) -> None:
        """Append the next frame in time; pictures begin with a keyframe.

        Raises:
            OSError: the disk failed.
            DiskFullError: the disk is as full as it may get.
            CodecError: the frame cannot be muxed.
        """
        if isinstance(frame.codec, VideoCodec):
            if frame.keyframe and self._is_cut(frame):
                self._cut()
                self._begin(frame)
        else:
            self._sound = frame
            if self._segment is None:
                self._early_sound = [*self._early_sound, frame][-_EARLY_SOUND_FRAMES:]
                return
        if self._segment is not None:
            self._segment.write(frame)
            self._check_space_sometimes(len(frame.data))

    def interrupt(self, dropped: int) -> None:
        """End the segment: ``dropped`` frames are lost, the next picture is a keyframe. Raises as ``write``."""
        self._cut()
        self._dropped += dropped

    def close(self, error: TuttiError | None = None) -> int:
        """End the last segment and the manifest. Raises as ``write``.

        Args:
            error: why the part breaks off here.

        Returns:
            The media time (us) at which the last picture ends; 0 if there was none.
        """
        try:
            self._cut()
        finally:
            self.manifest = replace(
                self.manifest,
                ended_us=self._end_us or 0,
                error_code=error.code if error else None,
                error=str(error) if error else None,
            )
            self._store.save_manifest(self.manifest)
        return self._end_us or 0

    def _is_cut(self, keyframe: EncodedFrame) -> bool:
        segment = self._segment
        if segment is None or keyframe.time_us - segment.start_us >= SEGMENT_US:
            return True
        return parameter_sets(keyframe.data) != self._sets or (self._sound is not None and not segment.muxer.has_sound)

    def _begin(self, keyframe: EncodedFrame) -> None:
        manifest = self.manifest
        if self._dropped and self._end_us is not None:
            hole = Hole(self._end_us, keyframe.time_us, "the disk did not keep up", self._dropped)
            manifest = replace(manifest, holes=(*manifest.holes, hole))
            self._dropped = 0
        if manifest.started_us is None:
            manifest = replace(manifest, started_us=keyframe.time_us)
        if manifest is not self.manifest:
            self.manifest = manifest
            self._store.save_manifest(manifest)
        self._sets = parameter_sets(keyframe.data)
        name = segment_name(len(manifest.segments))
        self._segment = _OpenSegment(name, self._store.create(name), keyframe, self._sound)
        for sound in self._early_sound:
            self._segment.write(sound)
        self._early_sound = []

    def _cut(self) -> None:
        if self._segment is None:
            return
        segment, self._segment = self._segment, None
        self._end_us = segment.end_us
        self.manifest = replace(self.manifest, segments=(*self.manifest.segments, segment.close()))
        self._store.save_manifest(self.manifest)

    def _check_space_sometimes(self, written: int) -> None:
        self._unchecked_bytes += written
        if self._unchecked_bytes >= _CHECK_SPACE_BYTES:
            self._unchecked_bytes = 0
            self._check_space()

    def _check_space(self) -> None:
        done = sum(entry.size for entry in self.manifest.segments)
        if not self._store.has_room(done + (self._segment.size if self._segment else 0)):
            raise DiskFullError("the disk is full: what is left is needed to finish the recording")


class _OpenSegment:
    """The segment being written, and what its entry in the manifest will say."""

    def __init__(self, name: str, file: SegmentFile, keyframe: EncodedFrame, sound: EncodedFrame | None) -> None:
        self.start_us = keyframe.time_us
        self.end_us = keyframe.time_us
        self.size = 0  # bytes written
        self._name = name
        self._pictures = 0
        self._file = file
        self.muxer = SegmentMuxer(_Counted(file, self), keyframe, sound)

    def write(self, frame: EncodedFrame) -> None:
        self.muxer.write(frame)
        if isinstance(frame.codec, VideoCodec):
            self._pictures += 1
            self.end_us = (frame.pts + frame.duration) * 1_000_000 // frame.clock_rate_hz

    def close(self) -> SegmentEntry:
        self.muxer.close()
        return SegmentEntry(self._name, self.start_us, self.end_us, self._pictures, self.size)


class _Counted:
    """A segment file whose bytes are counted."""

    def __init__(self, file: SegmentFile, segment: _OpenSegment) -> None:
        self._file = file
        self._segment = segment

    def write(self, data: bytes, /) -> int:
        self._segment.size += len(data)
        return self._file.write(data)

    def close(self) -> None:
        self._file.close()
