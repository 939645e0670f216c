"""Reports as JSON: raw integers, under names that stay. `docs/json.md` describes them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from groupconv_cli.analysis.report import (
    CompareRow,
    Comparison,
    LayerRow,
    Summary,
    VariantComparison,
)
from groupconv_cli.analysis.totals import Totals, total
from groupconv_cli.render.numbers import ratio

if TYPE_CHECKING:
    from groupconv_cli.spec.catalogue import Bundled

VERSION = 1
"""Raised when a name goes or changes its meaning; new names do not raise it."""


def summary_json(summary: Summary) -> str:
    """A summary as a JSON document."""
    return _document(
        "summary",
        {
            "name": summary.name,
            "input": list(summary.input),
            "dtype": summary.dtype,
            **_totals(summary.totals),
            "baseline": _totals(summary.baseline),
            "layers": [_layer(layer) for layer in summary.layers],
        },
    )


def compare_json(comparison: Comparison) -> str:
    """A comparison as a JSON document."""
    return _document(
        "compare",
        {
            "name": comparison.name,
            "input": list(comparison.input),
            "dtype": comparison.dtype,
            "rows": [_row(row, comparison.baseline) for row in comparison.rows],
            "swept": list(comparison.swept),
            "held": list(comparison.held),
            "rule": comparison.rule,
        },
    )


def variants_json(comparison: VariantComparison) -> str:
    """A comparison of variants as a JSON document."""
    rows = [
        {
            "variant": row.variant,
            "name": row.name,
            "input": list(row.input),
            **_totals(row.totals),
            "baseline": _totals(row.baseline),
        }
        for row in comparison.rows
    ]
    return _document("variants", {"dtype": comparison.dtype, "rows": rows})


def catalogue_json(entries: Iterable[Bundled]) -> str:
    """The catalogue as a JSON list of objects, one for each network."""
    listed = []
    for entry in entries:
        totals = total(entry.network)
        listed.append(
            {
                "name": entry.family,
                "variant": entry.variant,
                "spec": entry.name,
                "about": entry.about,
                "published": entry.published,
                "input": list(entry.network.input_shape),
                "params": totals.params,
                "trainable_params": totals.trainable_params,
                "macs": totals.macs,
                "flops": totals.flops,
            }
        )
    return json.dumps(listed, indent=2) + "\n"


def _document(command: str, body: dict[str, Any]) -> str:
    return json.dumps({"format": f"gconv.{command}", "version": VERSION, **body}, indent=2) + "\n"


def _totals(totals: Totals) -> dict[str, Any]:
    return {
        "params": totals.params,
        "trainable_params": totals.trainable_params,
        "non_trainable_params": totals.non_trainable_params,
        "macs": totals.macs,
        "flops": totals.flops,
        "weight_bytes": totals.weight_bytes,
        "activation_bytes": totals.activation_bytes,
        "peak_bytes": totals.peak_bytes,
        "moved_bytes": totals.moved_bytes,
        "intensity": totals.intensity,
    }


def _layer(layer: LayerRow) -> dict[str, Any]:
    window = layer.window
    return {
        "name": layer.name,
        "op": layer.op,
        "groups": layer.groups,
        "depthwise": layer.is_depthwise,
        "kernel": list(window.kernel) if window else None,
        "stride": list(window.stride) if window else None,
        "dilation": list(window.dilation) if window else None,
        "output_shape": list(layer.output_shape),
        "params": layer.params,
        "trainable_params": layer.params - layer.cost.non_trainable,
        "macs": layer.macs,
        "flops": layer.flops,
        "baseline": {"params": layer.dense_cost.params, "macs": layer.dense_cost.macs},
        "path": [{"name": step.name, "kind": step.kind} for step in layer.path],
    }


def _row(row: CompareRow, baseline: Totals) -> dict[str, Any]:
    totals = row.totals
    if totals is None:
        names = _totals(baseline)
        return {
            "groups": row.groups,
            "valid": False,
            "reason": row.reason,
            **dict.fromkeys(names),
            "params_ratio": None,
            "macs_ratio": None,
        }
    return {
        "groups": row.groups,
        "valid": True,
        "reason": None,
        **_totals(totals),
        "params_ratio": ratio(totals.params, baseline.params),
        "macs_ratio": ratio(totals.macs, baseline.macs),
    }
