"""Memory that is free goes back to the system."""

import ctypes
import sys


def give_back() -> None:
    """Ask the C library for it; where it is not glibc, nothing happens.

    It keeps what decoders and encoders have freed in between smaller pieces that live on, and hands it to the next only
    as far as it fits: a room whose people come and go grows to half as much again as it needs.
    """
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform == "linux" else None
    if trim is not None:
        trim(0)
