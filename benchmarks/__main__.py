"""``make bench``: what a room costs, how late and how good its picture is, beside the same job done by GStreamer.

Each scenario starts one room process and a process of lean participants; the room's is measured from outside.
"""

import argparse
import asyncio
import json
from dataclasses import asdict
from pathlib import Path

from benchmarks import compositor, table
from benchmarks.clips import vp8_clip
from benchmarks.lean.media import library
from benchmarks.offline import ratios
from benchmarks.reference import Job, cores
from benchmarks.scenarios import SCENARIOS, STAGE, Scenario
from benchmarks.soak import soak
from benchmarks.weigh import Result, Stock, run

RESULTS = Path(__file__).parent / "results.json"


def chosen(only: list[str]) -> list[Scenario]:
    return [scenario for scenario in SCENARIOS if not only or any(text in scenario.name for text in only)]


def measure(scenarios: list[Scenario], stock: Stock, seconds: float, *, profile: bool) -> list[Result]:
    print(table.HEAD)
    results = []
    for scenario in scenarios:
        result = asyncio.run(run(scenario, stock, seconds))
        results.append(result)
        print(table.line(result), flush=True)
        if profile:
            print(table.threads(result), flush=True)
    return results


def compare(results: list[Result], scenarios: list[Scenario], stock: Stock) -> dict[str, float]:
    """The same jobs by GStreamer: ratio of the room's cores to its, by scenario."""
    found: dict[str, float] = {}
    done: dict[Job, float | None] = {}
    for result, scenario in zip(results, scenarios, strict=True):
        job = Job.of(scenario)
        if job is None:
            continue
        if job not in done:
            done[job] = cores(job, stock)
        reference = done[job]
        if reference is not None:
            found[result.scenario] = round(result.room_cores / reference, 2)
            both = f"room {result.room_cores:.3f}, GStreamer {reference:.3f}"
            print(f"{result.scenario:36} {both}: {found[result.scenario]}", flush=True)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--seconds", type=float, default=20, help="how long each scenario is weighed")
    parser.add_argument(
        "--only", action="append", default=[], help="scenarios whose name contains this; may be repeated"
    )
    parser.add_argument("--profile", action="store_true", help="also print the room's cores by thread")
    parser.add_argument(
        "--soak", type=float, metavar="MINUTES", help="only this: people come and go, memory is watched"
    )
    arguments = parser.parse_args()
    scenarios = chosen(arguments.only)
    clips = [vp8_clip(seed) for seed in range(STAGE)]
    stock = Stock(clips, library(clips))
    if arguments.soak:
        asyncio.run(soak(stock, arguments.soak))
        return
    results = measure(scenarios, stock, arguments.seconds, profile=arguments.profile)
    print("\n".join(["", *table.verdicts(results), ""]))
    ratio = compare(results, scenarios, stock)
    rows = [asdict(result) | {"ratio_gstreamer": ratio.get(result.scenario)} for result in results]
    RESULTS.write_text(json.dumps(rows, indent=2))
    if not arguments.only:
        for offline in ratios(10):
            print(offline)
        compositor.main()


if __name__ == "__main__":
    main()
