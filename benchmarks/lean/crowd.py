"""Lean participants in a process of their own, driven over a pipe.

One thread, one loop: what is due is sent, and every 10 ms all sockets are emptied. Arrival times are the kernel's.
"""

import contextlib
import heapq
import itertools
import multiprocessing
import os
import resource
import select
import time
from array import array
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any, Self

from benchmarks.lean import sdp
from benchmarks.lean.media import Library
from benchmarks.lean.peer import Part, Peer
from mcu.priority import prefer_this_process

_LOOK_EVERY_S = 0.01
_AUDIO_S, _REPORT_S, _CONSENT_S = 0.02, 1.0, 2.5

Step = Callable[[], float | None]  # does what is due; seconds until it is due again, None for never


@dataclass(frozen=True)
class Count:
    """What one participant received since it joined."""

    connected: bool
    audio_packets: int
    audio_missing: int
    audio_time_gaps: int
    video_frames: int
    video_missing: int
    plis: int
    nacks: int


@dataclass(frozen=True)
class Watched:
    """What was noted while watching; times are Unix seconds."""

    pictures: list[tuple[str, int, float]]  # who, which frame of the film, when its last packet left
    sounds: list[tuple[str, int, float]]  # who, which packet of the voice, when it left
    received: dict[str, list[tuple[float, bytes]]]  # by probe: arrival and packet


class _Crowd:
    def __init__(self, library: Library, pipe: Connection) -> None:
        self._library = library
        self._pipe = pipe
        self._peers: dict[str, Peer] = {}
        self._by_socket: dict[int, Peer] = {}
        self._due: list[tuple[float, int, Peer | None, Step]] = []
        self._order = itertools.count()
        self._poll = select.epoll()
        self._poll.register(pipe.fileno(), select.EPOLLIN)
        self._running = True
        self._late: array[float] = array("d")  # by how much each step was, in seconds
        self._watched: Watched | None = None

    def run(self) -> None:
        look_at = time.monotonic()
        while self._running:
            now = time.monotonic()
            while self._due and self._due[0][0] <= now:
                self._work()
            if look_at <= time.monotonic():
                self._look()
                look_at = time.monotonic() + _LOOK_EVERY_S
            until = min(look_at, self._due[0][0] if self._due else look_at)
            time.sleep(max(0.0, until - time.monotonic()))

    def _work(self) -> None:
        due, _, peer, step = heapq.heappop(self._due)
        if peer is not None and self._peers.get(peer.part.id) is not peer:
            return
        self._late.append(time.monotonic() - due)
        again_s = step()
        if again_s is not None:
            heapq.heappush(self._due, (due + again_s, next(self._order), peer, step))

    def _look(self) -> None:
        for number, _ in self._poll.poll(0):
            if number == self._pipe.fileno():
                self._answer()
            elif (peer := self._by_socket.get(number)) is not None:
                peer.drain()

    def _answer(self) -> None:
        try:
            name, arguments = self._pipe.recv()
        except EOFError:  # who drives us is gone
            self.end()
            return
        self._pipe.send(getattr(self, name)(*arguments))

    # --- what can be asked of it -------------------------------------------------------------------------------------

    def offer(self, part: Part) -> str:
        peer = self._peers[part.id] = Peer(part, self._library)
        self._by_socket[peer.link.socket.fileno()] = peer
        self._poll.register(peer.link.socket.fileno(), select.EPOLLIN)
        peer.link.on_connected = lambda: self._begin(peer)
        return peer.offer()

    def accept(self, id_: str, answer: str) -> None:
        self._peers[id_].accept(answer)

    def _begin(self, peer: Peer) -> None:
        """Send everything from now on, each at its own phase."""
        now, phase = time.monotonic(), peer.part.phase

        def every(period: Callable[[], float] | float, work: Callable[[], None], first_s: float) -> None:
            def step() -> float:
                work()
                return period if isinstance(period, float) else period()

            heapq.heappush(self._due, (now + first_s, next(self._order), peer, step))

        if peer.part.microphone:
            every(_AUDIO_S, peer.audio.packet, _AUDIO_S * phase)
        if peer.part.film is not None:
            frame_s = peer.video.period_s
            late_s = frame_s * phase - now % frame_s  # cameras are at fixed distances from one another
            every(lambda: peer.video.period_s, peer.video.frame, late_s % frame_s)
        every(_REPORT_S, peer.report, 0.3 * phase + 0.05)
        every(_CONSENT_S, peer.link.ask_consent, _CONSENT_S * phase)

    def addresses(self) -> list[tuple[str, int]]:
        """Of the room, one for each participant."""
        return [peer.link.socket.getpeername() for peer in self._peers.values()]

    def leave(self, id_: str) -> None:
        peer = self._peers.pop(id_)
        del self._by_socket[peer.link.socket.fileno()]
        self._poll.unregister(peer.link.socket.fileno())
        peer.link.close()

    def counts(self) -> dict[str, Count]:
        return {id_: _count(peer) for id_, peer in self._peers.items()}

    def watch(self) -> None:
        """Note what is sent, and what the probes receive."""
        watched = self._watched = Watched([], [], {})
        for id_, peer in self._peers.items():
            peer.video.log = lambda index, at, id_=id_: watched.pictures.append((id_, index, at))
            if peer.part.voice is not None:
                peer.audio.log = lambda index, at, id_=id_: watched.sounds.append((id_, index, at))
            if peer.part.probe:
                peer.kept = watched.received[id_] = []
                peer.ask_for_keyframe()

    def watched(self) -> Watched:
        """Stop to note."""
        for peer in self._peers.values():
            peer.video.log = peer.audio.log = peer.kept = None
        assert self._watched is not None
        return self._watched

    def late_ms(self) -> float:
        """How late the steps were since the last call, 99th percentile; much, and more than the room is measured."""
        late, self._late = sorted(self._late), array("d")
        return late[int(len(late) * 0.99)] * 1000 if late else 0.0

    def cpu_s(self) -> float:
        used = resource.getrusage(resource.RUSAGE_SELF)
        return used.ru_utime + used.ru_stime

    def end(self) -> None:
        self._running = False
        for id_ in list(self._peers):
            self.leave(id_)


def _count(peer: Peer) -> Count:
    audio, h264, vp8 = (peer.flows[kind] for kind in (sdp.OPUS, sdp.H264, sdp.VP8))
    return Count(
        peer.link.connected,
        audio.packets,
        audio.missing,
        audio.time_gaps,
        h264.frames + vp8.frames,
        h264.missing + vp8.missing,
        peer.plis,
        peer.nacks,
    )


def _serve(library: Library, pipe: Connection) -> None:
    """Before other programs, as rooms are: the participants stand for machines of their own."""
    os.setsid()
    prefer_this_process()
    _Crowd(library, pipe).run()


class Crowd:
    """The process, from outside: ``with Crowd(library) as crowd``; calls are those of the class above."""

    def __init__(self, library: Library) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(library, theirs), daemon=True)

    def __enter__(self) -> Self:
        self._process.start()
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError, EOFError):
            self.call("end")
        self._process.join(5)

    def call(self, name: str, *arguments: object) -> Any:
        """Ask the process, and wait for its answer."""
        self._pipe.send((name, arguments))
        return self._pipe.recv()

    def counts(self) -> dict[str, Count]:
        """By participant."""
        counts: dict[str, Count] = self.call("counts")
        return counts

    def watched(self) -> Watched:
        """What was noted since ``watch``."""
        watched: Watched = self.call("watched")
        return watched

    def cpu_s(self) -> float:
        """CPU seconds of the process so far."""
        return float(self.call("cpu_s"))

    def late_ms(self) -> float:
        """How late the participants were since the last call, 99th percentile."""
        return float(self.call("late_ms"))
