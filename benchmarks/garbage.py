"""A stranger who sends garbage to a room's ports: does it cost, does anybody notice."""

import contextlib
import multiprocessing
import secrets
import socket
import time
from collections.abc import Sequence
from multiprocessing.synchronize import Event

RATE_HZ = 10_000
_STEP_S = 0.005
_SIZES = (0, 1, 8, 12, 40, 120, 600, 1100, 1400, 1600)
_FIRST = (0x00, 0x01, 0x16, 0x40, 0x80, 0x90, 0xFF)  # STUN, DTLS, TURN, RTP and RTCP, nothing at all


def datagrams() -> list[bytes]:
    """Some of each kind: noise that begins as every protocol on the port does, and packets that look nearly right."""
    noise = [bytes([first]) * bool(size) + secrets.token_bytes(max(0, size - 1)) for first in _FIRST for size in _SIZES]
    stun = b"\x00\x01\x00\x08\x21\x12\xa4\x42" + secrets.token_bytes(12) + b"\x00\x06\x00\x04abcd"
    rtp = [bytes([0x80, kind]) + secrets.token_bytes(200) for kind in (96, 111, 200, 205)]
    return [*noise, stun, *rtp]


def send(addresses: Sequence[tuple[str, int]], ended: Event) -> None:
    """``RATE_HZ`` datagrams a second in all, to each address in turn, until told to end."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        stock, sent, start = datagrams(), 0, time.monotonic()
        while not ended.is_set():
            due = int((time.monotonic() - start) * RATE_HZ)
            for number in range(sent, due):
                with contextlib.suppress(OSError):  # a port that is closed again
                    stranger.sendto(stock[number % len(stock)], addresses[number % len(addresses)])
            sent = due
            time.sleep(_STEP_S)


class Stranger:
    """``with Stranger(addresses):`` garbage comes."""

    def __init__(self, addresses: Sequence[tuple[str, int]]) -> None:
        context = multiprocessing.get_context("spawn")
        self._ended = context.Event()
        self._process = context.Process(target=send, args=(addresses, self._ended), daemon=True)

    def __enter__(self) -> None:
        self._process.start()

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._process.join(5)
