"""The end of a file whose writer was killed, or ran out of disk, in the middle of it."""

import io
import os
import struct
from typing import BinaryIO

_HEADER = struct.Struct(">I4s")


def without_torn_index(file: BinaryIO) -> BinaryIO:
    """The same file, or as much of it as a demuxer can take.

    FFmpeg refuses a whole fragmented MP4 for one ``moof`` box that is cut off. A cut-off ``mdat`` does no harm: the
    pictures in it that are whole are read.
    """
    size = file.seek(0, os.SEEK_END)
    at = 0
    while size - at >= _HEADER.size:
        file.seek(at)
        length, kind = _HEADER.unpack(file.read(_HEADER.size))
        if length < _HEADER.size or (kind == b"mdat" and length > size - at):
            at = size  # nothing the writer leaves, or the torn end that may stay
        elif length > size - at:
            break
        else:
            at += length
    file.seek(0)
    return file if at == size else io.BytesIO(file.read(at))
