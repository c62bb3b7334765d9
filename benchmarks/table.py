"""Rows as people read them, each with what is to be reached and whether it is."""

from itertools import pairwise

from benchmarks.weigh import Result

PICTURE_P50_MS, PICTURE_P95_MS, SOUND_P95_MS = 32, 50, 60
LEAST_DB = 39.5

HEAD = (
    f"{'scenario':36}{'cores':>7}{'target':>8}{'':>9}{'fps':>7}{'picture p50/p95':>17}{'sound p50/p95':>16}"
    f"{'PSS MB':>8}{'of':>5}{'dB':>7}{'gaps':>6}{'senders':>9}{'late':>6}"
)


def met(value: float | None, target: float | None, *, at_least: bool = False) -> str:
    """In words."""
    if target is None or value is None:
        return ""
    return "met" if (value >= target if at_least else value <= target) else "NOT MET"


def line(result: Result) -> str:
    """One row."""
    target = "" if result.target_cores is None else f"{result.target_cores:.3f}"
    memory = "" if result.memory_target_mb is None else f"{result.memory_target_mb:.0f}"
    quality = "" if result.psnr_db is None else f"{result.psnr_db:.2f}"
    return (
        f"{result.scenario:36}{result.room_cores:7.3f}{target:>8}{met(result.room_cores, result.target_cores):>9}"
        f"{result.fps:7.2f}{_pair(result.delay_ms):>17}{_pair(result.sound_delay_ms):>16}"
        f"{result.memory_pss_mb:8.1f}{memory:>5}{quality:>7}{result.audio_gaps:6}{result.sender_cores:9.3f}{result.sender_late_ms:6.1f}"
        f"{_given_up(result)}"
    )


def _given_up(result: Result) -> str:
    """What an overloaded machine, or a line that seemed narrow, cost."""
    level = f" overload level {result.overload_level}" if result.overload_level else ""
    return level + (f" {result.lower_rungs} on lower rungs" if result.lower_rungs else "")


def _pair(delay_ms: dict[str, float]) -> str:
    return f"{delay_ms['p50']:.1f}/{delay_ms['p95']:.1f} ms" if delay_ms else ""


def threads(result: Result) -> str:
    """Where a room's time goes: cores by thread, and how long each waited for a processor, in seconds a second."""
    shares = sorted(result.threads.items(), key=lambda item: -item[1])
    waiting = result.threads_waiting
    told = (f"{name} {cores:.3f} ({waiting.get(name, 0):.2f})" for name, cores in shares if cores >= 0.001)
    return " " * 4 + "  ".join(told)


def verdicts(results: list[Result]) -> list[str]:
    """What is not about one row's cores."""
    lines: list[str] = []
    for result in results:
        where = result.scenario
        if result.psnr_db is not None:
            lines.append(_verdict(f"{where}: picture, dB", result.psnr_db, LEAST_DB, at_least=True))
        if result.delay_ms and not result.sound_delay_ms:  # no lip sync: what the mixer itself adds
            lines.append(_verdict(f"{where}: picture delay p50, ms", result.delay_ms["p50"], PICTURE_P50_MS))
            lines.append(_verdict(f"{where}: picture delay p95, ms", result.delay_ms["p95"], PICTURE_P95_MS))
        if result.sound_delay_ms:
            lines.append(_verdict(f"{where}: sound delay p95, ms", result.sound_delay_ms["p95"], SOUND_P95_MS))
        lines.append(_verdict(f"{where}: memory (PSS), MB", result.memory_pss_mb, result.memory_target_mb))
        if result.garbage_cores is not None:
            lines.append(_verdict(f"{where}: cores for the garbage", result.garbage_cores, 0.15))
        if result.participants > 9 or result.garbage_cores is not None:
            lines.append(_verdict(f"{where}: frames a second", result.fps, 29.5, at_least=True))
            lines.append(_verdict(f"{where}: packets of sound missing", result.audio_gaps, 0))
            lines.append(_verdict(f"{where}: audio ticks skipped", result.audio_ticks_skipped, 0))
    return [*lines, *listeners(results)]


def listeners(results: list[Result]) -> list[str]:
    """What each further listener costs, between rooms that differ in nothing else."""
    lines = []
    for kind in ("nine on stage, three talk", "the others' cameras off"):
        rooms = sorted((r for r in results if r.scenario.endswith(kind)), key=lambda r: r.participants)
        for fewer, more in pairwise(rooms):
            each = (more.room_cores - fewer.room_cores) / (more.participants - fewer.participants)
            what = f"{fewer.participants} to {more.participants}, {kind}: cores for each further one"
            lines.append(_verdict(what, round(each, 5), 0.004))
    return lines


def _verdict(what: str, value: float, target: float | None, *, at_least: bool = False) -> str:
    sign = ">=" if at_least else "<="
    return f"{what:72}{value:>9} {sign} {target!s:<8}{met(value, target, at_least=at_least)}"
