"""What a host should have for a service to do well on it; looked at, never changed."""

import os
import resource
import shutil
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from sqlalchemy import create_engine
from sqlalchemy.exc import SQLAlchemyError

from api import machine
from api.settings import Settings
from mcu.rtc import datagrams, segments
from recorder.errors import ObjectMissingError, StoreError, StoreRefusedError
from recorder.storage import ObjectStore

_MIN_CORES, _MIN_AVAILABLE_MB = 2, 1000
_MIN_FREE_GB = 5
_MIN_BUFFER_BYTES = 200_000  # a keyframe, as the kernel counts it
_MIN_PORTS = 1000
_MIN_FILES = 1024
_NO_SUCH_OBJECT = "tutti-doctor"  # asked for, never written
_DENIED = "(AccessDenied)"


class State(StrEnum):
    """How well something is."""

    GOOD = "good"
    NOTE = "note"  # works, and could be better
    BAD = "bad"  # has to be mended


@dataclass(frozen=True, slots=True)
class Check:
    """What was looked at, and what was found."""

    name: str
    state: State
    said: str


def checks(settings: Settings, store: ObjectStore | None) -> Iterator[Check]:
    """All checks; ``store`` is the object store, if one is configured."""
    yield processors()
    yield memory()
    yield ports()
    yield buffers()
    yield segmentation()
    yield priority()
    yield files()
    yield listening(settings.host, settings.port)
    yield from disk(settings.data_dir, settings.video_bitrate_bps)
    if settings.database_url is not None:
        yield database(settings.database_url)
    if store is not None:
        yield reachable(store)


# --- the machine ------------------------------------------------------------------------------------------------------


def processors() -> Check:
    """How many there are for us."""
    cores, online = machine.cores(), os.cpu_count() or 1
    said = f"{cores:g} of {online} ({machine.processor()})" if cores < online else f"{cores:g} ({machine.processor()})"
    if cores < _MIN_CORES:
        return Check("processors", State.NOTE, f"{said}; with fewer than {_MIN_CORES}, pictures wait for each other")
    return Check("processors", State.GOOD, said)


def memory() -> Check:
    """How much there is for us, and how much of it is free."""
    available_mb = min(machine.available_mb(), machine.memory_mb())
    said = f"{available_mb / 1000:.1f} of {machine.memory_mb() / 1000:.1f} GB available"
    if available_mb < _MIN_AVAILABLE_MB:
        return Check("memory", State.NOTE, f"{said}; a room takes about 0.2 GB")
    return Check("memory", State.GOOD, said)


def priority() -> Check:
    """Whether sound may go before everything else."""
    if _may_raise_priority():
        return Check("priority", State.GOOD, "sound goes before other programs")
    said = "no CAP_SYS_NICE: sound waits for a processor behind other programs when the machine is busy"
    return Check("priority", State.NOTE, said)


def _may_raise_priority() -> bool:
    """By trying; a higher number is lower priority, which everybody may have again."""
    thread = threading.get_native_id()
    now = os.getpriority(os.PRIO_PROCESS, thread)
    try:
        os.setpriority(os.PRIO_PROCESS, thread, now - 1)
    except PermissionError:
        return False
    os.setpriority(os.PRIO_PROCESS, thread, now)
    return True


def files() -> Check:
    """Open files: every participant takes some."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < _MIN_FILES:
        return Check("open files", State.NOTE, f"at most {soft} a process (ulimit -n): raise it to {_MIN_FILES}")
    return Check(
        "open files", State.GOOD, "no limit" if soft == resource.RLIM_INFINITY else f"at most {soft} a process"
    )


# --- the network ------------------------------------------------------------------------------------------------------


def ports() -> Check:
    """UDP ports for participants, one each and address."""
    low, high = map(int, Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split())
    said = f"UDP {low} to {high} (net.ipv4.ip_local_port_range), one for each participant and address"
    return Check("media ports", State.GOOD if high - low >= _MIN_PORTS else State.NOTE, said)


def buffers() -> Check:
    """Socket buffers, of the size that new sockets get."""
    sizes = {}
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        for name, option in (("receive", socket.SO_RCVBUF), ("send", socket.SO_SNDBUF)):
            sizes[name] = sock.getsockopt(socket.SOL_SOCKET, option)
    said = ", ".join(f"{name} {size // 1000} kB" for name, size in sizes.items())
    if min(sizes.values()) < _MIN_BUFFER_BYTES:
        said += f"; under {_MIN_BUFFER_BYTES // 1000} kB bursts are lost: net.core.rmem_default, net.core.wmem_default"
        return Check("UDP buffers", State.NOTE, said)
    return Check("UDP buffers", State.GOOD, said)


def segmentation() -> Check:
    """Whether the kernel takes several packets in one call."""
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taker,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as giver,
    ):
        taker.bind(("127.0.0.1", 0))
        if not _segments(giver, taker.getsockname()):
            return Check("UDP segmentation", State.NOTE, "the kernel cannot: sending takes more processor time")
    return Check("UDP segmentation", State.GOOD, "the kernel takes a picture's packets in one call")


def _segments(giver: socket.socket, to: tuple[str, int]) -> bool:
    if not datagrams.AVAILABLE:
        return False
    try:
        datagrams.Outbox().send_run(giver.fileno(), bytes(200), 100, datagrams.packed_address(*to))
    except OSError as error:
        if not segments.is_refusal(error):
            raise
        return False
    return True


def listening(host: str, port: int) -> Check:
    """The address of the service."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        with socket.socket(family, kind, protocol) as sock:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.bind(address)
    except OSError as error:
        return Check("service port", State.NOTE, f"{host}, TCP {port}: {error.strerror} (does a service run already?)")
    return Check("service port", State.GOOD, f"{host}, TCP {port} is free")


# --- where recordings go ----------------------------------------------------------------------------------------------


def disk(data_dir: Path, bitrate_bps: int) -> Iterator[Check]:
    """The data folder, or where it will be made."""
    place = next(folder for folder in (data_dir.resolve(), *data_dir.resolve().parents) if folder.exists())
    if not place.is_dir() or not os.access(place, os.W_OK | os.X_OK):
        yield Check("data folder", State.BAD, f"{data_dir}: {place} cannot be written")
        return
    free_gb = shutil.disk_usage(place).free / 1e9
    hours = free_gb * 1e9 * 8 / (2 * (bitrate_bps + 128_000)) / 3600  # once more while it is joined
    said = f"{data_dir}: {free_gb:.0f} GB free, {hours:.0f} h of one recording"
    yield Check("data folder", State.GOOD if free_gb >= _MIN_FREE_GB else State.NOTE, said)


def database(url: str) -> Check:
    """Whether the catalog's database lets us in; its tables are not looked at."""
    try:
        engine = create_engine(url)
        try:
            engine.connect().close()
        finally:
            engine.dispose()
    except (SQLAlchemyError, ImportError) as error:  # the latter: no driver for such a URL
        return Check("database", State.BAD, str(error).splitlines()[0])
    return Check("database", State.GOOD, "lets us in")


def reachable(store: ObjectStore) -> Check:
    """Whether the object store answers us, by reading an object that is not there."""
    try:
        store.read(_NO_SUCH_OBJECT, 0, 1)
    except ObjectMissingError:
        pass
    except StoreRefusedError as error:
        if _DENIED in str(error):
            said = f"{error}; or it only hides what is not there from who may not list the bucket"
            return Check("object store", State.NOTE, said)
        return Check("object store", State.BAD, str(error))
    except StoreError as error:
        return Check("object store", State.BAD, str(error))
    return Check("object store", State.GOOD, "answers")
