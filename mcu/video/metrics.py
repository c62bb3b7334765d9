"""The mixer's counters under their Prometheus names."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from mcu.video.source import DROPS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mcu.video.mixer import VideoMixer
    from mcu.video.output import VideoOutput
    from mcu.video.source import VideoSource


def mixer_metrics(
    mixer: VideoMixer, outputs: Sequence[VideoOutput], sources: Mapping[str, VideoSource]
) -> dict[str, float]:
    """Everything worth watching: ``*_total`` only grow, the rest are gauges; times are milliseconds."""
    drops = Counter(mixer.former_drops)
    for source in sources.values():
        drops.update(source.all_drops())
    decode_us = mixer.former_decode_us + sum(source.budget.spent_us for source in sources.values())
    metrics: dict[str, float] = {
        "tutti_video_ticks_total": mixer.lateness_ms.count,
        "tutti_video_ticks_skipped_total": mixer.ticker.skipped,
        "tutti_video_ticks_shed_total": mixer.shed,
        "tutti_video_overload_level": mixer.overload.level,
        "tutti_video_faults_total": mixer.faults + mixer.compositor.faults + mixer.overlays.faults + mixer.pool.faults,
        "tutti_video_encoders": sum(output.running for output in outputs),
        "tutti_video_decoders": sum(source.decoding for source in sources.values()),
        "tutti_video_sources": len(sources),
        "tutti_video_decoded_total": mixer.former_decoded + sum(source.decoded for source in sources.values()),
        "tutti_video_decode_seconds_total": decode_us / 1e6,
        "tutti_video_keyframe_requests_sent_total": sum(source.keyframe_requests for source in sources.values()),
        **mixer.lateness_ms.metrics("tutti_video_tick_lateness_ms"),
        **mixer.compose_ms.metrics("tutti_video_compose_ms"),
    }
    for reason in DROPS:
        metrics[f"tutti_video_dropped_{reason}_total"] = drops[reason]
    for output in outputs:
        prefix = f"tutti_video_{output.codec}" + (f"_{output.rung.name.lower()}" if output.rung else "")
        metrics |= {
            f"{prefix}_encoders": output.running,
            f"{prefix}_frames_total": output.frames,
            f"{prefix}_keyframes_total": output.keyframes,
            f"{prefix}_keyframe_requests_total": output.limiter.requests,
            f"{prefix}_encoder_faults_total": output.faults,
            f"{prefix}_hub_dropped_total": output.hub.dropped,
            **output.encode_ms.metrics(f"{prefix}_encode_ms"),
        }
    return {name: float(value) for name, value in metrics.items()}
