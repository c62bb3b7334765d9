"""The machine under us: how much of it we may use, and how fast it is."""

import logging
import math
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from api.costs import Cost
from mcu.errors import TuttiError

logger = logging.getLogger(__name__)

RESERVE = 0.1  # for the system and the service itself, of everything ...
RESERVED_CORES, RESERVED_MB = 0.25, 512  # ... but no less than this
HOST_FILE = "host.json"
_CGROUPS = Path("/sys/fs/cgroup")


class UnwritableError(TuttiError):
    """What was measured of the machine cannot be kept."""

    code = "data_directory"


class Host(BaseModel):
    """What ``tutti doctor`` found out about a machine, as it is kept in the data folder."""

    model_config = ConfigDict(frozen=True)

    version: Literal[1] = 1
    processor: str
    factor: float = Field(gt=0.05, lt=50)  # how many times the cost table's cores this machine takes
    measured_at: str  # ISO 8601


# --- how much there is ------------------------------------------------------------------------------------------------


def processor() -> str:
    """Its name, as the kernel has it."""
    for line in _lines(Path("/proc/cpuinfo")):
        key, _, value = line.partition(":")
        if key.strip() == "model name":
            return value.strip()
    return os.uname().machine


def cores(groups: Path = _CGROUPS) -> float:
    """Processors that this process may use: by affinity, and by the quota of its control groups."""
    quotas = [_quota(text) for text in _group_files("cpu.max", groups)]
    return min([float(len(os.sched_getaffinity(0))), *quotas])


def memory_mb(groups: Path = _CGROUPS) -> float:
    """Memory that this process may use, in 10⁶ bytes: the machine's, or less if its control groups say so."""
    limits = [float(text) for text in _group_files("memory.max", groups) if text.isdecimal()]
    return min([_meminfo_bytes("MemTotal"), *limits]) / 1e6


def available_mb() -> float:
    """Memory that could be had now without swapping, in 10⁶ bytes."""
    return _meminfo_bytes("MemAvailable") / 1e6


def capacity(asked_cores: float | None, asked_mb: float | None) -> Cost:
    """What all rooms may cost together: as asked, 0 for no limit; by default the machine less a reserve."""
    most_cores = _without_reserve(cores(), RESERVED_CORES) if asked_cores is None else asked_cores
    most_mb = _without_reserve(memory_mb(), RESERVED_MB) if asked_mb is None else asked_mb
    return Cost(most_cores or math.inf, most_mb or math.inf)


def _without_reserve(all_of_it: float, least_reserved: float) -> float:
    """All but the reserve; of a very small machine, half."""
    return max(all_of_it / 2, all_of_it - max(least_reserved, RESERVE * all_of_it))


def _meminfo_bytes(name: str) -> float:
    for line in _lines(Path("/proc/meminfo")):
        key, _, value = line.partition(":")
        if key == name:
            return float(value.split()[0]) * 1024
    return math.inf


def _group_files(name: str, groups: Path) -> Iterator[str]:
    """The contents of ``name`` in our control group (version 2) and in all above it."""
    own = next((line.removeprefix("0::/") for line in _lines(Path("/proc/self/cgroup")) if line.startswith("0::/")), "")
    folder = groups / own
    for each in (folder, *folder.parents):
        if each.is_relative_to(groups):
            yield from _lines(each / name)


def _quota(text: str) -> float:
    quota, _, period = text.partition(" ")
    return float(quota) / float(period) if quota.isdecimal() and period.isdecimal() else math.inf


def _lines(path: Path) -> Iterable[str]:
    try:
        return path.read_text().splitlines()
    except OSError:
        return ()


# --- how fast it is ---------------------------------------------------------------------------------------------------


def factor(data_dir: Path) -> float:
    """How many times the cost table's cores this machine takes, if ``tutti doctor`` has said so; else 1."""
    try:
        host = Host.model_validate_json((data_dir / HOST_FILE).read_text())
    except FileNotFoundError:
        return 1.0
    except (OSError, ValueError, ValidationError) as error:
        logger.warning("%s is not used: %s", data_dir / HOST_FILE, error)
        return 1.0
    if host.processor != processor():
        logger.warning("%s is of another machine (%s) and not used", data_dir / HOST_FILE, host.processor)
        return 1.0
    return host.factor


def keep(data_dir: Path, host: Host) -> Path:
    """Let the service reckon with ``host`` from its next start on; raises ``UnwritableError``."""
    path = data_dir / HOST_FILE
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
        path.write_text(host.model_dump_json(indent=2) + "\n")
    except OSError as error:
        raise UnwritableError(f"cannot write {path}: {error.strerror}") from error
    return path
