"""System calls for datagrams that keep the interpreter.

Each takes some microseconds, and to get the interpreter back from a busy thread takes ten times that: Python's own
sockets give it away for every datagram. Linux only; where ``AVAILABLE`` is false, callers leave it to asyncio.
"""

import ctypes
import functools
import os
import socket
import struct
import sys
from typing import Any, Final, cast

AVAILABLE: Final = sys.platform == "linux"
_libc: Any = ctypes.PyDLL(None, use_errno=True) if AVAILABLE else None
_UDP_SEGMENT: Final = 103  # linux/udp.h; Python has no name for it
_MAX_ADDRESS_BYTES: Final = 28  # struct sockaddr_in6
_KNOWN_ADDRESSES: Final = 1024
_V4: Final = struct.Struct("=2xH4s")
_V6: Final = struct.Struct("=2xH4x16s")


class _Message(ctypes.Structure):
    """``struct msghdr``."""

    _fields_ = (
        ("name", ctypes.c_char_p),
        ("name_bytes", ctypes.c_uint),
        ("vectors", ctypes.c_void_p),
        ("vector_count", ctypes.c_size_t),
        ("control", ctypes.c_void_p),
        ("control_bytes", ctypes.c_size_t),
        ("flags", ctypes.c_int),
    )


class _Received(ctypes.Structure):
    """``struct mmsghdr``."""

    _fields_ = (("message", _Message), ("bytes", ctypes.c_uint))


class _Vector(ctypes.Structure):
    """``struct iovec``."""

    _fields_ = (("base", ctypes.c_char_p), ("bytes", ctypes.c_size_t))


class _Segment(ctypes.Structure):
    """A ``struct cmsghdr`` with the size by which the kernel cuts the buffer."""

    _fields_ = (
        ("bytes", ctypes.c_size_t),
        ("level", ctypes.c_int),
        ("type", ctypes.c_int),
        ("size", ctypes.c_uint16),
    )


class Inbox:
    """Takes what waits in sockets; used by one thread.

    Args:
        most: datagrams at once.
        max_bytes: longer datagrams come cut to this.
    """

    def __init__(self, most: int, max_bytes: int) -> None:
        self._most, self._max_bytes = most, max_bytes
        data = ctypes.create_string_buffer(most * max_bytes)
        names = ctypes.create_string_buffer(most * _MAX_ADDRESS_BYTES)
        self._messages = (_Received * most)()
        vectors = (_Vector * most)()
        for index in range(most):
            vectors[index].base, vectors[index].bytes = ctypes.addressof(data) + index * max_bytes, max_bytes
            message = self._messages[index].message
            message.name = ctypes.addressof(names) + index * _MAX_ADDRESS_BYTES
            message.name_bytes = _MAX_ADDRESS_BYTES
            message.vectors = ctypes.addressof(vectors) + index * ctypes.sizeof(_Vector)
            message.vector_count = 1
        self._kept = vectors  # the kernel's only
        self._data, self._names = memoryview(data).cast("B"), memoryview(names).cast("B")
        words, step = memoryview(self._messages).cast("B").cast("I"), ctypes.sizeof(_Received) // 4
        self._sizes = words[_Received.bytes.offset // 4 :: step]
        self._name_sizes = words[_Message.name_bytes.offset // 4 :: step]

    def take(self, number: int) -> list[tuple[bytes, tuple[str, int]]]:
        """What waits in the socket of that file number, with who sent it; nothing when the socket is in trouble."""
        count = _libc.recvmmsg(number, self._messages, self._most, socket.MSG_DONTWAIT, None)
        taken = []
        for index in range(count):
            start, name = index * self._max_bytes, index * _MAX_ADDRESS_BYTES
            data = self._data[start : start + self._sizes[index]].tobytes()
            taken.append((data, address_of(self._names[name : name + self._name_sizes[index]].tobytes())))
            self._name_sizes[index] = _MAX_ADDRESS_BYTES
        return taken


class Outbox:
    """Sends datagrams; used by one thread."""

    def __init__(self) -> None:
        self._vector = _Vector()
        self._segment = _Segment(ctypes.sizeof(ctypes.c_size_t) + 10, socket.IPPROTO_UDP, _UDP_SEGMENT, 0)
        self._message = _Message(vectors=ctypes.addressof(self._vector), vector_count=1)
        self._message.control = ctypes.addressof(self._segment)
        self._message.control_bytes = ctypes.sizeof(self._segment)
        self._reference = ctypes.byref(self._message)

    def send(self, number: int, datagram: bytes, to: bytes) -> None:
        """Send one.

        Args:
            number: the socket's file number.
            datagram: what is sent.
            to: the address, see ``packed_address``.

        Raises:
            BlockingIOError: the socket takes no more now.
            OSError: it cannot be sent.
        """
        if _libc.sendto(number, datagram, len(datagram), socket.MSG_DONTWAIT, to, len(to)) < 0:
            raise _error()

    def send_run(self, number: int, run: bytes, size: int, to: bytes) -> None:
        """As ``send`` for several of one size, the last maybe smaller, one behind the other: all or none of them."""
        self._vector.base, self._vector.bytes = run, len(run)
        self._segment.size = size
        self._message.name, self._message.name_bytes = to, len(to)
        if _libc.sendmsg(number, self._reference, socket.MSG_DONTWAIT) < 0:
            raise _error()


def _error() -> OSError:
    number = ctypes.get_errno()
    return OSError(number, os.strerror(number))


@functools.lru_cache(_KNOWN_ADDRESSES)
def packed_address(host: str, port: int) -> bytes:
    """An address as Linux' system calls take it (``struct sockaddr_in`` and ``sockaddr_in6``); empty if not numeric."""
    numeric = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM, flags=numeric)[0]
    except socket.gaierror:
        return b""
    packed = socket.inet_pton(family, str(address[0]).partition("%")[0])
    head = struct.pack("=H", family) + port.to_bytes(2)
    if family == socket.AF_INET:
        return head + packed + bytes(8)
    _, _, flow, scope = cast("tuple[str, int, int, int]", address)
    return head + flow.to_bytes(4) + packed + struct.pack("=I", scope)


@functools.lru_cache(_KNOWN_ADDRESSES)
def address_of(packed: bytes) -> tuple[str, int]:
    """Host and port out of what ``packed_address`` makes, and the kernel."""
    if len(packed) == _MAX_ADDRESS_BYTES:
        port, host = _V6.unpack(packed[:24])
        return socket.inet_ntop(socket.AF_INET6, host), socket.ntohs(port)
    port, host = _V4.unpack(packed[:8])
    return socket.inet_ntop(socket.AF_INET, host), socket.ntohs(port)
