"""When a room's process tidies up its memory: between the ticks nobody else does it.

Python would look for unreachable cycles whenever some thousand objects have been made, while every thread stands still:
5 to 20 ms with a hundred participants, several times a second. Packets and pictures make no cycles; what makes them is
people who come and go. So it is done after somebody left, and now and then.
"""

import ctypes
import gc
import sys
from typing import Final

_M_MMAP_THRESHOLD: Final = -3  # malloc.h
_LARGE_BYTES: Final = 256 * 1024


def settle() -> None:
    """Everything is loaded: it is left out of all collections to come, which ``tidy`` makes and nobody else.

    Pictures, and what codecs keep, are given memory of their own from here on, which goes back to the system as soon as
    it is free. By default glibc learns to keep it, one heap for each thread, whose holes then fit nothing.
    """
    _tell_glibc("mallopt", _M_MMAP_THRESHOLD, _LARGE_BYTES)
    gc.collect()
    gc.freeze()  # to look through it again would take 50 ms
    gc.disable()


def tidy() -> None:
    """Collect what is unreachable, in a process that has settled, and give free memory back to the system.

    glibc keeps what was freed in between smaller pieces that live on, and hands it to the next only as far as it fits:
    a room whose people come and go grows to half as much again as it needs. Other C libraries are left alone.
    """
    if not gc.isenabled():
        gc.collect()
    _tell_glibc("malloc_trim", 0)


def _tell_glibc(function: str, *arguments: int) -> None:
    call = getattr(ctypes.CDLL(None), function, None) if sys.platform == "linux" else None
    if call is not None:
        call(*arguments)
