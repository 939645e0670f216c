"""Measurements as parts of JSON documents. `docs/json.md` describes them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from groupconv_cli.analysis.measurement import (
        GroupMeasurement,
        GroupTimes,
        LayerMeasurement,
        LayerTimes,
        Timing,
    )


def measured_groups(measured: GroupMeasurement) -> dict[str, Any]:
    """The times of the rows of a comparison."""
    return {
        **_conditions(measured),
        "rows": [
            {
                **({"settings": dict(row.settings)} if measured.is_varied else {}),
                "groups": row.groups,
                "runtime": row.runtime,
                "macs": row.macs,
                "forward": _timing_vs(row, measured, "forward"),
                "train": _timing_vs(row, measured, "train"),
                "forward_bytes": row.forward_bytes,
                "train_bytes": row.train_bytes,
            }
            for row in measured.rows
        ],
    }


def measured_layers(measured: LayerMeasurement) -> dict[str, Any]:
    """The times of every layer, and of the whole network."""
    return {
        **_conditions(measured),
        "call": _timing(measured.call),
        "layers": [_layer_times(row) for row in measured.rows],
        "whole": [_layer_times(row) for row in measured.whole],
    }


def _conditions(measured: GroupMeasurement | LayerMeasurement) -> dict[str, Any]:
    """The conditions of a measurement: machine, settings, and whether it is complete."""
    from dataclasses import asdict

    return {
        "complete": measured.complete,
        "machine": asdict(measured.machine),
        "settings": asdict(measured.settings),
    }


def _layer_times(row: LayerTimes) -> dict[str, Any]:
    forward, train = _timing(row.forward), _timing(row.train)
    return {"name": row.name, "runtime": row.runtime, "forward": forward, "train": train}


def _timing_vs(row: GroupTimes, measured: GroupMeasurement, phase: str) -> dict[str, Any] | None:
    """A time, and its speed-up over the row that it is compared with."""
    from groupconv_cli.analysis.speedup import speed_up

    timing = getattr(row, phase)
    dense = measured.baseline(row)
    reference = None if dense is None else getattr(dense, phase)
    if timing is None or reference is None:
        return _timing(timing)
    found = speed_up(timing, reference)
    verdict = None if timing is reference else str(found.outcome)
    return {
        **(_timing(timing) or {}),
        "speedup": found.times,
        "interval": found.interval and list(found.interval),
        "verdict": verdict,
    }


def _timing(timing: Timing | None) -> dict[str, Any] | None:
    if timing is None:
        return None
    return {
        "median_s": timing.median,
        "spread": timing.spread,
        "samples_s": list(timing.samples),
    }
