"""From the encoded pictures of one source to Pictures."""

import av
from av.video.codeccontext import VideoCodecContext

from mcu.errors import CodecError
from mcu.media import Picture, VideoCodec
from mcu.video.i420 import picture_of
from mcu.video.sps import memory_wanted

MAX_PIXELS = 3840 * 2160
"""Larger pictures are refused before memory is taken for them."""

MAX_REFERENCE_BYTES = 64_000_000
"""So are streams whose decoder has to keep more: 4K with four references is let in, sixteen would take 300 MB."""

MAX_HELD = 4
"""Pictures in a row that a decoder may keep to itself: of a sender in a call none but a hidden one."""

_LIBRARY = {VideoCodec.VP8: "vp8", VideoCodec.H264: "h264"}
_VP8_START_CODE = b"\x9d\x01\x2a"


def vp8_size(data: bytes) -> tuple[int, int] | None:
    """Width and height out of a VP8 keyframe (RFC 6386, section 9.1); None for anything else."""
    if len(data) < 10 or data[0] & 1 or data[3:6] != _VP8_START_CODE:  # noqa: PLR2004 - the length of the header
        return None
    return int.from_bytes(data[6:8], "little") & 0x3FFF, int.from_bytes(data[8:10], "little") & 0x3FFF


class Decoder:
    """One decoder, used by one thread at a time, one picture out for one in. Starts at a keyframe.

    Args:
        codec: what it decodes.
    """

    def __init__(self, codec: VideoCodec) -> None:
        self.codec = codec
        context = av.CodecContext.create(_LIBRARY[codec], "r")
        assert isinstance(context, VideoCodecContext)
        context.thread_count = 1
        context.options = {"flags": "low_delay", "max_pixels": str(MAX_PIXELS)}
        self._context = context
        self._held = 0  # pictures in a row that went in, none came out

    def decode(self, data: bytes) -> Picture | None:
        """Decode one whole encoded picture; when it is due is for others to say.

        Returns:
            The picture, or None if this one is not meant to be seen.

        Raises:
            CodecError: the bitstream is broken or asks for too much; the decoder needs a keyframe, better a successor.
        """
        self._check(data)
        try:
            frames = self._context.decode(av.Packet(data))
        except (av.FFmpegError, ValueError, MemoryError) as error:
            raise CodecError(f"cannot be decoded: {error}") from error
        if not frames:
            self._held += 1
            if self._held > MAX_HELD:
                raise CodecError("one picture after the other is held back")
            return None
        self._held = 0
        if frames[-1].is_corrupt:
            raise CodecError("parts of the picture are missing")
        return picture_of(frames[-1])

    def _check(self, data: bytes) -> None:
        """Refuse what would take too much memory."""
        if self.codec is VideoCodec.VP8:
            size = vp8_size(data)
            if size and size[0] * size[1] > MAX_PIXELS:
                raise CodecError(f"a picture of {size[0]} by {size[1]} is refused")
            return
        try:
            wanted = memory_wanted(data)
        except ValueError as error:
            raise CodecError(str(error)) from error
        if wanted > MAX_REFERENCE_BYTES:
            raise CodecError(f"a stream whose decoder has to keep {wanted} bytes is refused")
