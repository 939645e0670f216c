"""The result of a search as JSON. `docs/json.md` describes it."""

from __future__ import annotations

from dataclasses import asdict
from math import isfinite
from typing import Any

from groupconv_cli.analysis.measurement import Timing
from groupconv_cli.analysis.search.report import SearchReport
from groupconv_cli.policy.times import NANOSECONDS, TIMES
from groupconv_cli.render.json import document, totals_of


def search_json(report: SearchReport) -> str:
    """The result of a search as a JSON document."""
    uniform, frontier = report.uniform, report.frontier
    body: dict[str, Any] = {
        "name": report.name,
        "input": list(report.inputs[0]),
        "inputs": [list(shape) for shape in report.inputs],
        "dtype": report.dtype,
        "keep": report.keep,
        "per": report.per,
        "budgets": [
            {
                "metric": each.metric,
                "limit": _in_unit(each.metric, each.limit),
                "used": _in_unit(each.metric, each.used),
                **_time_use(report, each.metric),
            }
            for each in report.budgets
        ],
        "value": report.value,
        "bound": report.bound if isfinite(report.bound) else None,
        "optimal": report.optimal,
        "allow_unmixed": report.is_unmixed_allowed,
        "choice": dict(report.choice),
        "unchanged": list(report.unchanged),
        "before": totals_of(report.before),
        "after": totals_of(report.after),
        "uniform": {
            "groups": uniform and uniform.groups,
            "value": uniform and uniform.value,
            **totals_of(uniform and uniform.totals),
        },
        "written_value": report.written_value,
        "singles": [
            {
                "groups": each.groups,
                "value": each.value,
                "allowed": each.is_allowed,
                "used": [
                    _in_unit(budget.metric, used)
                    for budget, used in zip(report.budgets, each.used, strict=True)
                ],
            }
            for each in report.singles
        ],
        "frontier": frontier
        and {
            "metric": frontier.metric,
            "points": [
                {
                    "limit": _in_unit(frontier.metric, each.limit),
                    "used": _in_unit(frontier.metric, each.used),
                    "value": each.value,
                    "optimal": each.optimal,
                }
                for each in frontier.points
            ],
        },
    }
    taken = report.taken
    if taken is not None:
        body["measured"] = {
            "machine": asdict(taken.machine),
            "settings": asdict(taken.settings),
            "layers": taken.layers,
            "from_cache": taken.cached,
            "cached_since": taken.since or None,
        }
    return document("search", body)


def _in_unit(metric: str, number: int) -> float:
    """A limit of a search, or what is used of it: seconds for times, which are whole before."""
    return number / NANOSECONDS if metric in TIMES else number


def _time_use(report: SearchReport, metric: str) -> dict[str, Any]:
    """What a time budget has besides; nothing for other budgets."""
    return {
        name: value
        for each in report.times
        if each.metric == metric
        for name, value in (
            ("written_s", each.before / NANOSECONDS),
            ("predicted_s", each.predicted / NANOSECONDS),
            ("uniform_s", None if each.uniform is None else each.uniform / NANOSECONDS),
            ("measured_s", _median(each.measured)),
            ("measured_written_s", _median(each.measured_before)),
        )
    }


def _median(timing: Timing | None) -> float | None:
    return None if timing is None else timing.median
