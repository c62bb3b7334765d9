"""What a hostile participant sends. Each attack lasts about a second and ends by itself."""

import asyncio
import functools
import random
import socket
import struct
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from typing import Any

import numpy as np
from aioice import stun

from tests.media.hostile_peers import FPS, Hostile, encoded, flat, tone_packets

SECONDS = 1.0
SMALL = (160, 96)


async def paced(per_second: float, seconds: float = SECONDS) -> AsyncIterator[int]:
    """Numbers, so many a second; what was missed is made up for in a burst."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    for n in range(int(per_second * seconds)):
        delay = began + n / per_second - loop.time()
        if delay > 0:
            await asyncio.sleep(delay)
        yield n


@functools.cache
def moving(codec: str, size: tuple[int, int], count: int = 30, bitrate_bps: int = 1_000_000) -> tuple[bytes, ...]:
    """A clip with much in it."""
    coarse = np.random.default_rng(3).integers(30, 220, (size[1] // 8 + 1, size[0] // 8 + 1), np.uint8)
    luma = np.kron(coarse, np.ones((8, 8), np.uint8))[: size[1], : size[0]]

    def pictures() -> Iterator[np.ndarray[Any, Any]]:
        picture = flat(size, (0, 128, 128))
        for n in range(count):
            picture[: size[1]] = np.roll(luma, 3 * n, axis=1)
            yield picture

    return tuple(encoded(codec, pictures(), size, bitrate_bps))


def mutated(rng: random.Random, data: bytes) -> bytes:
    """Cut off, overwritten, spliced or replaced."""
    damaged = bytearray(data)
    match rng.randrange(5):
        case 0:
            del damaged[rng.randrange(len(damaged)) :]
        case 1:
            for _ in range(rng.randrange(1, 20)):
                damaged[rng.randrange(len(damaged))] = rng.randrange(256)
        case 2:
            start = rng.randrange(len(damaged))
            damaged[start:start] = rng.randbytes(rng.randrange(1, 200))
        case 3:
            damaged = bytearray(rng.randbytes(rng.randrange(1, 400)))
        case _:
            damaged[:12] = rng.randbytes(12)
    return bytes(damaged) or b"\0"


def prepare() -> None:
    """Encode what takes long to encode; whoever waits for that sends nothing."""
    _sizes()
    _shapes()
    _greedy()
    for codec in ("vp8", "h264"):
        noise(codec)
        moving(codec, (320, 192))
    moving("vp8", SMALL)
    moving("vp8", (640, 360))


# --- datagrams and packets --------------------------------------------------------------------------------------------


async def garbage_datagrams(hostile: Hostile) -> None:
    """RTP, RTCP, STUN and DTLS look-alikes, from the peer's own address and from a stranger's."""
    rng = random.Random(1)
    kinds = [b"\x00\x01", b"\x01\x01", b"\x16\xfe\xfd", b"\x17\xfe\xfd", b"\x80\x60", b"\x80\xc8", b"\x90\x60", b"\xff"]
    message = stun.Message(stun.Method.BINDING, stun.Class.REQUEST)
    message.attributes["USERNAME"] = "x" * 200
    pair = hostile.dtls.transport._connection._nominated[1]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        async for n in paced(2000):
            datagram = rng.choice(kinds) + rng.randbytes(rng.choice([0, 5, 10, 40, 1200, 1490, 3000]))
            hostile.plain(datagram if n % 20 else bytes(message))
            stranger.sendto(datagram, pair.remote_addr)


async def garbage_rtp(hostile: Hostile) -> None:
    """Headers that lie about themselves, with valid encryption."""
    rng = random.Random(2)
    types = [hostile.payload_type(codec) for codec in ("opus", "VP8", "H264", "rtx")] + [0, 127]
    async for _ in paced(500):
        first, second = rng.choice([0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF]), rng.choice(types) | rng.choice([0, 128])
        await hostile.send(bytes([first, second]) + rng.randbytes(rng.choice([10, 12, 20, 60, 1000])))


async def garbage_rtcp(hostile: Hostile) -> None:
    """Reports and feedback of wrong lengths, counts and contents."""
    rng = random.Random(3)
    async for n in paced(200):
        kind, size = rng.choice([200, 201, 202, 203, 204, 205, 206, 207]), 4 * rng.randrange(1, 100)
        words = size // 4 if n % 2 else rng.randrange(400)
        ssrc = hostile.ssrc_of_mix(rng.choice(["audio", "video"]))
        body = struct.pack("!II", hostile.ssrc("video"), ssrc) + rng.randbytes(size)
        await hostile.send(struct.pack("!BBH", 0x80 | rng.randrange(32), kind, words) + body[:size])


# --- bitstreams -------------------------------------------------------------------------------------------------------


async def _broken_pictures(hostile: Hostile, codec: str) -> None:
    rng = random.Random(4)
    clip = moving(codec.lower(), (320, 192))
    async for n in paced(60):
        data = clip[n % 30]
        await hostile.picture(codec, mutated(rng, data) if rng.random() < 0.4 else data, n * 1500)


async def broken_vp8(hostile: Hostile) -> None:
    await _broken_pictures(hostile, "VP8")


async def broken_h264(hostile: Hostile) -> None:
    await _broken_pictures(hostile, "H264")


async def broken_opus(hostile: Hostile) -> None:
    rng = random.Random(5)
    packets = tone_packets(3000)
    async for n in paced(50):
        data = packets[n % 50]
        await hostile.sound(mutated(rng, data) if n % 3 else data, n * 960)


# --- pictures ---------------------------------------------------------------------------------------------------------


@functools.cache
def _sizes() -> tuple[bytes, ...]:
    rng = random.Random(6)
    sizes = [(2 * rng.randrange(1, 640), 2 * rng.randrange(1, 360)) for _ in range(40)]
    return tuple(encoded("vp8", iter([flat(size, (60, 128, 128))]), size)[0] for size in sizes)


@functools.cache
def _shapes() -> tuple[bytes, ...]:
    sizes = [(640, 96), (96, 640)]
    return tuple(encoded("vp8", [flat(size, (60, 128, 128))], size)[0] for size in sizes)


async def wide_and_narrow(hostile: Hostile) -> None:
    """A shape that stays for a moment, then the other."""
    async for n in paced(FPS, 2.5):
        await hostile.picture("VP8", _shapes()[n // 9 % 2], n * 3000)


async def resolution_each_frame(hostile: Hostile) -> None:
    async for n in paced(60):
        await hostile.picture("VP8", _sizes()[n % 40], n * 1500)


@functools.cache
def noise(codec: str) -> tuple[bytes, ...]:
    """4K pictures that nothing can foretell."""
    random_ = np.random.default_rng(4)

    def pictures() -> Iterator[np.ndarray[Any, Any]]:
        picture = flat((3840, 2160), (0, 128, 128))
        for _ in range(5):
            picture[:2160] = np.kron(random_.integers(0, 255, (135, 240), np.uint8), np.ones((16, 16), np.uint8))
            yield picture

    return tuple(encoded(codec, pictures(), (3840, 2160), 20_000_000))


async def _large(hostile: Hostile, codec: str, per_second: int, seconds: float = 1.6) -> None:
    clip = noise(codec.lower())
    async for n in paced(per_second, seconds):
        await hostile.picture(codec, clip[n % 5], n * 90_000 // per_second)


async def large_vp8(hostile: Hostile) -> None:
    """As many as take more than a core."""
    await _large(hostile, "VP8", 90, 2.6)
    await asyncio.sleep(0.3)  # until it is told what its pictures cost


async def large_h264(hostile: Hostile) -> None:
    """As many as are let in."""
    await _large(hostile, "H264", 25)


@functools.cache
def _greedy() -> tuple[bytes, ...]:
    """Next to no bytes, but each 4K picture is to be kept until sixteen more have come."""
    still = flat((3840, 2160), (60, 128, 128))
    return tuple(encoded("h264", [still] * 20, (3840, 2160), x264_params="ref=16:level=6.2"))


async def greedy_h264(hostile: Hostile) -> None:
    async for n in paced(FPS):
        await hostile.picture("H264", _greedy()[n % 20], n * 3000)


async def one_picture_a_second(hostile: Hostile) -> None:
    clip = moving("vp8", SMALL)
    async for n in paced(1, 2):
        await hostile.picture("VP8", clip[n], n * 90_000)


async def many_pictures_a_second(hostile: Hostile) -> None:
    clip = moving("vp8", (640, 360))
    async for n in paced(120):
        await hostile.picture("VP8", clip[n % 30], n * 750)


# --- feedback ---------------------------------------------------------------------------------------------------------


def _feedback(hostile: Hostile, kind: int, fmt: int, fci: bytes = b"", media: int | None = None) -> bytes:
    ssrc = hostile.ssrc_of_mix("video") if media is None else media
    return struct.pack("!BBHII", 0x80 | fmt, kind, 2 + len(fci) // 4, hostile.ssrc("video"), ssrc) + fci


async def keyframe_flood(hostile: Hostile) -> None:
    """PLI and FIR."""
    entry = struct.pack("!IBBH", hostile.ssrc_of_mix("video"), 0, 0, 0)
    async for n in paced(2000):
        await hostile.send(_feedback(hostile, 206, 1) if n % 2 else _feedback(hostile, 206, 4, entry * 20, 0))


async def nack_flood(hostile: Hostile) -> None:
    """Everything of the last while again, and again."""
    async for n in paced(500):
        fci = b"".join(struct.pack("!HH", (n + 17 * k) & 0xFFFF, 0xFFFF) for k in range(330))
        await hostile.send(_feedback(hostile, 205, 1, fci))


async def lying_reports(hostile: Hostile) -> None:
    """Receiver reports about the mix: all lost, none lost, from the future."""
    rng = random.Random(7)
    async for _ in paced(100):
        blocks = b"".join(
            struct.pack("!I", hostile.ssrc_of_mix(kind)) + rng.randbytes(20) for kind in ("audio", "video") * 8
        )
        await hostile.send(struct.pack("!BBHI", 0x80 | 16, 201, 1 + 96, hostile.ssrc("video")) + blocks)


async def absurd_estimates(hostile: Hostile) -> None:
    """REMB of 0, of 2**63, of the largest mantissa and exponent, with fewer SSRCs than it says."""
    async for n in paced(100):
        exponent, mantissa = [(0, 0), (63, 0), (46, 1 << 17), (63, (1 << 18) - 1)][n % 4]
        bits = struct.pack("!I", 1 << 24 | exponent << 18 | mantissa)
        for count in (bits, b"\xff" + bits[1:]):
            fci = b"REMB" + count + struct.pack("!I", hostile.ssrc_of_mix("video"))
            await hostile.send(_feedback(hostile, 206, 15, fci, 0))
            await hostile.send(_feedback(hostile, 206, 15, fci[: 4 * (n % 4)], 0))


# --- time -------------------------------------------------------------------------------------------------------------

JUMPS = [0, 90_000 * 3600, -90_000 * 3600, 2**31 - 1, 2**31 + 1, 2**32 - 1, 12345, -1]


async def video_time_jumps(hostile: Hostile) -> None:
    clip = moving("vp8", SMALL)
    async for n in paced(FPS, 1.8):
        await hostile.picture("VP8", clip[n % 30], n * 3000 + JUMPS[n // 6 % len(JUMPS)])


async def audio_time_jumps(hostile: Hostile) -> None:
    packets = tone_packets(3000)
    async for n in paced(50, 1.6):
        await hostile.sound(packets[n % 50], n * 960 + JUMPS[n // 8 % len(JUMPS)])


async def absurd_clock(hostile: Hostile) -> None:
    """Sender reports that tie the streams to impossible times, and to others with each report."""
    packets, clip = tone_packets(3000), moving("vp8", SMALL)
    times = [0, 1, 2**63, 2**64 - 1, 3_900_000_000 << 32, (3_900_000_000 << 32) + (7 << 32)]
    async for n in paced(50, 1.6):
        await hostile.sound(packets[n % 50], n * 960)
        if n % 2:
            await hostile.picture("VP8", clip[n // 2 % 30], n * 1800)
        for kind in ("audio", "video"):
            ntp, rtp = times[n % len(times)], (hostile.origin + n * 960 * (n % 3)) & 0xFFFFFFFF
            await hostile.send(struct.pack("!BBHIQIII", 0x80, 200, 6, hostile.ssrc(kind), ntp, rtp, 2**32 - 1, 2**31))


async def sequence_jumps(hostile: Hostile) -> None:
    packets, clip = tone_packets(3000), moving("vp8", SMALL)
    rng = random.Random(8)
    async for n in paced(50, 1.6):
        sequence = rng.randrange(65_536) if n % 2 else n
        await hostile.sound(packets[n % 50], n * 960, sequence=sequence)
        await hostile.picture("VP8", clip[n % 30], n * 1800, sequence=rng.randrange(65_536))


async def many_streams(hostile: Hostile) -> None:
    """A new SSRC with each packet."""
    packets, clip = tone_packets(3000), moving("vp8", SMALL)
    async for n in paced(1500):
        ssrc = 0x1000_0000 + 7919 * n
        if n % 2:
            await hostile.sound(packets[n % 50], n * 960, ssrc=ssrc)
        else:
            await hostile.picture("VP8", clip[0], n * 1800, ssrc=ssrc)


async def packet_flood(hostile: Hostile) -> None:
    """Valid packets of one endless picture, as many as there is time to make."""
    async for n in paced(8000):
        await hostile.rtp("video", "VP8", b"\x10\0\0\0" if n % 50 == 0 else b"\0" * 40, 0, marker=False)


# --- sound ------------------------------------------------------------------------------------------------------------


async def odd_opus(hostile: Hostile) -> None:
    """Packets of 120 ms, mono and stereo in turns, empty ones."""
    long = [b"\x1b\x02" + b"\0" * 60, b"\xff\x06" + b"\x33" * 90]  # SILK, 2 x 60 ms; CELT in stereo, 6 x 20 ms
    mono, stereo = tone_packets(3000), tone_packets(3000, channels=2)
    async for n in paced(100):
        data = [mono[n % 50], stereo[n % 50], long[n // 4 % 2], b""][n % 4]
        await hostile.sound(data, n * 960)


async def lying_levels(hostile: Hostile) -> None:
    """Silence that says to be as loud as can be."""
    silence = tone_packets(0)
    level_id = int(next(
        line for line in hostile.answer.splitlines() if "ssrc-audio-level" in line
    ).split(":")[1].split()[0].split("/")[0])  # fmt: skip
    async for n in paced(50, 1.6):
        head = struct.pack(
            "!BBHII", 0x90, hostile.payload_type("opus"), n, hostile.origin + n * 960, hostile.ssrc("audio")
        )
        extension = struct.pack("!HHBBH", 0xBEDE, 1, level_id << 4, 0x80, 0)
        await hostile.send(head + extension + silence[n % 50])


# --- life -------------------------------------------------------------------------------------------------------------


async def join_only(_hostile: Hostile) -> None:
    """Comes and goes."""


async def after_bye(hostile: Hostile) -> None:
    clip, packets = moving("vp8", SMALL), tone_packets(3000)
    for kind in ("audio", "video"):
        await hostile.send(struct.pack("!BBHI", 0x81, 203, 1, hostile.ssrc(kind)))
    async for n in paced(FPS):
        await hostile.picture("VP8", clip[n % 30], n * 3000)
        await hostile.sound(packets[n % 50], n * 960)


async def never_reads(hostile: Hostile) -> None:
    """Its socket's buffer stays full."""
    pair = hostile.dtls.transport._connection._nominated[1]
    sock = pair.protocol.transport.get_extra_info("socket")._sock
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
    loop = asyncio.get_running_loop()
    loop._remove_reader(sock.fileno())  # type: ignore[attr-defined]  # a selector loop has it
    await asyncio.sleep(2)
    with suppress(OSError):
        loop._add_reader(sock.fileno(), pair.protocol.transport._read_ready)  # type: ignore[attr-defined]  # as above


async def stun_flood(hostile: Hostile) -> None:
    """Checks with the right name and key, from one socket after the other."""
    connection = hostile.dtls.transport._connection
    pair = connection._nominated[1]
    sockets = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(200)]
    try:
        async for n in paced(2000):
            request = stun.Message(stun.Method.BINDING, stun.Class.REQUEST)
            request.attributes["USERNAME"] = f"{connection.remote_username}:{connection.local_username}"
            request.attributes["PRIORITY"] = 1
            request.attributes["ICE-CONTROLLING"] = 2**64 - 1
            request.add_message_integrity(connection.remote_password.encode())
            sockets[n % len(sockets)].sendto(bytes(request), pair.remote_addr)
    finally:
        for each in sockets:
            each.close()
