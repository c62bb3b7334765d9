"""``tutti doctor``: measures, looks, tells."""

import asyncio
import json
import logging
import sys
from datetime import UTC, datetime

from api import machine
from api.costs import WORK, factor_of
from api.doctor import measure, network
from api.doctor.carrying import Limits, carried
from api.doctor.checks import Check, State, checks
from api.doctor.report import Report
from api.progress import ProgressLine
from api.recordings import store_of
from api.settings import Settings
from mcu.errors import TuttiError

WELL, UNWELL = 0, 1  # exit codes


def run(settings: Settings, *, as_json: bool, save: bool) -> int:
    """Print the report on standard output; 1 if something has to be mended."""
    logging.basicConfig(level=logging.ERROR, stream=sys.stderr)
    with ProgressLine(sys.stderr) as line:
        report = examine(settings, line)
    if as_json:
        print(json.dumps(report.as_json(), indent=2))  # noqa: T201 - this is the command line
    else:
        print(report.as_text())  # noqa: T201 - as above
    if not save:
        return WELL if report.is_well else UNWELL
    return _save(settings, report)


def examine(settings: Settings, line: ProgressLine) -> Report:
    """Measure and look; takes some seconds."""
    measured_us, faults = _measure(line)
    factor = factor_of(measured_us)
    capacity = machine.capacity(settings.capacity_cores, settings.capacity_memory_mb)
    limits = Limits(capacity, factor, settings.video, settings.max_rooms, settings.max_participants)
    found = [*_look(settings, line), *faults]
    return Report(machine.processor(), measured_us, factor, capacity, carried(limits), found)


def _measure(line: ProgressLine) -> tuple[dict[str, float], list[Check]]:
    measured_us: dict[str, float] = {}
    for name, step in measure.steps():
        line.show(f"measuring {len(measured_us) + 1} of {len(WORK)}: {WORK[name].what}")
        measured_us[name] = step()
    line.show(f"measuring {len(measured_us) + 1} of {len(WORK)}: sending packets to ourselves")
    try:
        return measured_us | asyncio.run(network.measure_us()), []
    except TuttiError as error:
        return measured_us, [Check("network", State.BAD, str(error))]


def _look(settings: Settings, line: ProgressLine) -> list[Check]:
    line.show("looking around")
    if settings.s3_bucket is None:
        return list(checks(settings, None))
    line.show(f"asking for the bucket {settings.s3_bucket}")
    try:
        return list(checks(settings, store_of(settings)))
    except TuttiError as error:
        return [*checks(settings, None), Check("object store", State.BAD, str(error))]


def _save(settings: Settings, report: Report) -> int:
    now = datetime.now(UTC).isoformat(timespec="seconds")
    host = machine.Host(processor=report.processor, factor=round(report.factor, 3), measured_at=now)
    try:
        path = machine.keep(settings.data_dir, host)
    except TuttiError as error:
        print(f"tutti: {error}", file=sys.stderr)  # noqa: T201 - this is the command line
        return UNWELL
    print(f"kept in {path}; the service reckons with it from its next start on", file=sys.stderr)  # noqa: T201 - as above
    return WELL if report.is_well else UNWELL
