"""What the doctor has found, for people and for programs. Pure."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from api.costs import WORK, Cost
from api.doctor.carrying import Carried
from api.doctor.checks import Check, State
from api.version import VERSION


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that was measured and looked at.

    Args:
        processor: its name.
        measured_us: CPU microseconds by name of ``WORK``; what could not be measured is missing.
        factor: how many times the cost table's cores this machine takes.
        capacity: what all rooms may cost together.
        carried: what fits into that.
        checks: what was looked at.
    """

    processor: str
    measured_us: Mapping[str, float]
    factor: float
    capacity: Cost
    carried: list[Carried]
    checks: list[Check]

    @property
    def is_well(self) -> bool:
        """Whether nothing has to be mended."""
        return all(check.state != State.BAD for check in self.checks)

    def as_json(self) -> dict[str, Any]:
        """For programs; None where there is no limit."""
        return {
            "version": VERSION,
            "processor": self.processor,
            "work": [
                {"name": name, "what": work.what, "cpu_us": _rounded(self.measured_us.get(name)),
                 "reference_us": work.reference_us}
                for name, work in WORK.items()
            ],
            "factor": round(self.factor, 3),
            "capacity": {
                "cores": _finite(self.capacity.cores),
                "memory_mb": _finite(self.capacity.memory_mb),
            },
            "carries": [asdict(each) for each in self.carried],
            "checks": [asdict(check) for check in self.checks],
            "well": self.is_well,
        }  # fmt: skip

    def as_text(self) -> str:
        """For people."""
        return "\n".join((*self._work(), "", *self._capacity(), "", *self._checks()))

    def _work(self) -> list[str]:
        rows = [f"{'CPU time of doing it once':44}{'here':>10}{'reference':>12}"]
        for name, work in WORK.items():
            here = self.measured_us.get(name)
            told = "not measured" if here is None else _microseconds(here)
            rows.append(f"  {work.what:40}{told:>12}{_microseconds(work.reference_us):>12}")
        return [*rows, f"Rooms take {self.factor:.2f} times the processor time of the reference here."]

    def _capacity(self) -> list[str]:
        cores, memory_mb = self.capacity.cores, self.capacity.memory_mb
        limits = [
            "any number of processors" if math.isinf(cores) else f"{cores:g} processors",
            "any amount of memory" if math.isinf(memory_mb) else f"{memory_mb / 1000:.1f} GB of memory",
        ]
        rows = [f"Rooms may take {' and '.join(limits)}. That is one of these at a time:"]
        return [*rows, *(f"  {each.count:5} {each.what:34} bound by {each.limited_by}" for each in self.carried)]

    def _checks(self) -> list[str]:
        return [f"  {check.state.upper():5} {check.name:17} {check.said}" for check in self.checks]


def _microseconds(cpu_us: float) -> str:
    return f"{cpu_us:.1f} µs" if cpu_us < 100 else f"{cpu_us:.0f} µs"  # noqa: PLR2004 - three digits are enough


def _rounded(cpu_us: float | None) -> float | None:
    return None if cpu_us is None else round(cpu_us, 1)


def _finite(value: float) -> float | None:
    return None if math.isinf(value) else round(value, 3)
