"""Sound before everything else: the audio thread gets a processor in time."""

import contextlib
import os
import sys
import threading

_RAISE = 10  # steps of niceness


def prefer_this_thread() -> None:
    """Let the calling thread go first, if this process has the right to say so (CAP_SYS_NICE), else nothing changes.

    The interpreter's switch interval stays at 5 ms, longer than a tick takes: a shorter one would take the interpreter
    from the audio thread in mid-tick and give it to threads that still have to wait for a processor.
    """
    if sys.platform == "linux":  # there a thread's id counts as a process
        with contextlib.suppress(OSError):
            thread = threading.get_native_id()
            os.setpriority(os.PRIO_PROCESS, thread, os.getpriority(os.PRIO_PROCESS, thread) - _RAISE)
