"""When a room's process tidies up its memory: between the ticks nobody else does it.

Python would look for unreachable cycles whenever some thousand objects have been made, while every thread stands still:
5 to 20 ms with a hundred participants, several times a second. Packets and pictures make no cycles; what makes them is
people who come and go. So it is done after somebody left, and now and then.
"""

import ctypes
import gc
import sys


def settle() -> None:
    """Everything is loaded: it is left out of all collections to come, which ``tidy`` makes and nobody else."""
    gc.collect()
    gc.freeze()  # to look through it again would take 50 ms
    gc.disable()


def tidy() -> None:
    """Collect what is unreachable, in a process that has settled, and give free memory back to the system.

    The C library keeps what decoders and encoders have freed in between smaller pieces that live on, and hands it to
    the next only as far as it fits: a room whose people come and go grows to half as much again as it needs. Where it
    is not glibc, it keeps that.
    """
    if not gc.isenabled():
        gc.collect()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform == "linux" else None
    if trim is not None:
        trim(0)
