"""Reports as JSON: raw integers under stable names. `docs/json.md` describes them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from groupconv_cli.analysis.channel_mixing import Reach
from groupconv_cli.analysis.report import (
    CompareRow,
    Comparison,
    LayerRow,
    Summary,
    VariantComparison,
)
from groupconv_cli.analysis.totals import Totals, total
from groupconv_cli.policy.totals import TOTALS
from groupconv_cli.render.json_measure import measured_groups, measured_layers
from groupconv_cli.units import ratio

if TYPE_CHECKING:
    from groupconv_cli.analysis.diff import Diff, DiffLayer, LayerChange
    from groupconv_cli.analysis.growth import LimitVerdict
    from groupconv_cli.analysis.measurement import GroupMeasurement, LayerMeasurement
    from groupconv_cli.errors import Place
    from groupconv_cli.lint.report import CheckReport
    from groupconv_cli.render.diffs import Judged
    from groupconv_cli.sources.catalogue import Bundled
    from groupconv_cli.training.report import GroupTraining

VERSION = 1
"""Raised if a name is removed or changes its meaning. New names do not raise it."""


def summary_json(summary: Summary, measured: LayerMeasurement | None = None) -> str:
    """A summary as a JSON document, with the measurements."""
    return document(
        "summary",
        {
            "name": summary.name,
            "input": list(summary.input),
            "inputs": [list(shape) for shape in summary.inputs],
            "dtype": summary.dtype,
            **totals_of(summary.totals),
            "baseline": totals_of(summary.baseline),
            "layers": [_layer(layer) for layer in summary.layers],
            **({"measured": measured_layers(measured)} if measured else {}),
        },
    )


def compare_json(
    comparison: Comparison,
    measured: GroupMeasurement | None = None,
    trained: GroupTraining | None = None,
) -> str:
    """A comparison as a JSON document, with the measurements or the accuracies."""
    return document(
        "compare",
        {
            "name": comparison.name,
            "input": list(comparison.input),
            "inputs": [list(shape) for shape in comparison.inputs],
            "dtype": comparison.dtype,
            **_varied(comparison),
            "rows": [_row(row, comparison) for row in comparison.rows],
            "swept": list(comparison.swept),
            "held": list(comparison.held),
            "apart": list(comparison.apart),
            "rule": comparison.rule or None,
            **({"measured": measured_groups(measured)} if measured else {}),
            **_trained(trained),
        },
    )


def _trained(trained: GroupTraining | None) -> dict[str, Any]:
    if trained is None:
        return {}
    from groupconv_cli.render.json_train import trained_groups

    return {"trained": trained_groups(trained)}


def variants_json(comparison: VariantComparison, trained: GroupTraining | None = None) -> str:
    """A comparison of variants as a JSON document, with the accuracies."""
    rows = [
        {
            "variant": row.variant,
            "name": row.name,
            "input": list(row.input) if row.input else None,
            "valid": row.valid,
            "reason": row.reason,
            **totals_of(row.totals),
            "baseline": totals_of(row.baseline) if row.baseline else None,
        }
        for row in comparison.rows
    ]
    body = {"name": comparison.name, "dtype": comparison.dtype, "rows": rows}
    return document("variants", {**body, **_trained(trained)})


def diff_json(
    diff: Diff, verdicts: Sequence[LimitVerdict] = (), sources: tuple[str, str] | None = None
) -> str:
    """The changes between two networks as a JSON document."""
    return document("diff", diff_body(diff, verdicts, sources))


def diffs_json(judged: Sequence[Judged], against: str) -> str:
    """The changes in several specs since a revision as a JSON document."""
    bodies = [diff_body(each.diff, each.verdicts, each.sources) for each in judged]
    return document("diffs", {"against": against, "diffs": bodies})


def diff_body(
    diff: Diff, verdicts: Sequence[LimitVerdict] = (), sources: tuple[str, str] | None = None
) -> dict[str, Any]:
    """What a document says of the changes between two networks."""
    before, after = totals_of(diff.before), totals_of(diff.after)
    complete = diff.before.macs_complete and diff.after.macs_complete
    incomplete = () if complete else [each.field for each in TOTALS if each.is_of_macs]
    change = {each.field: after[each.field] - before[each.field] for each in TOTALS}
    shares = {name: ratio(change[name], before[name]) for name in change}
    unknown = dict.fromkeys(incomplete)
    return {
        "old": None if diff.is_new else _side(diff, sources, 0),
        "new": _side(diff, sources, 1),
        "dtype": diff.dtype,
        "same": diff.is_same,
        "before": before,
        "after": after,
        "change": change | unknown,
        "change_ratio": shares | unknown,
        "layers": [_layer_change(change) for change in diff.layers],
        "renamed": [{"old": old, "new": new} for old, new in diff.renamed],
        "unchanged": diff.unchanged,
        "limits": [
            {
                "name": verdict.limit.metric,
                "limit": verdict.limit.text,
                "before": verdict.before,
                "after": verdict.after,
                "allowed": verdict.allowed,
                "broken": verdict.is_broken,
            }
            for verdict in verdicts
        ],
    }


def check_json(report: CheckReport) -> str:
    """A check as a JSON document."""
    specs = [
        {
            "spec": spec.spec,
            "variants": list(spec.variants),
            "dtype": spec.dtype,
            "open_at": [list(shape) for shape in spec.open_at],
            "exit_status": spec.exit_status,
            "problems": [
                {"message": each.message, "hint": each.hint, **_place(each.place)}
                for each in spec.problems
            ],
            "findings": [
                {
                    "code": each.code,
                    "title": each.title,
                    "level": each.level,
                    "message": each.message,
                    "hint": each.hint,
                    **_place(each.place),
                    "layers": list(each.layers),
                    "variants": list(each.variants),
                }
                for each in spec.findings
            ],
            "budgets": [
                {
                    "metric": each.limit.metric,
                    "variant": each.variant,
                    "used": each.used,
                    "limit": each.limit.amount,
                    "share": each.share,
                    "kept": each.is_kept,
                    **_place(each.limit.place),
                }
                for each in spec.budgets
            ],
        }
        for spec in report.specs
    ]
    body = {"exit_status": report.exit_status, "dtype": report.dtype, "specs": specs}
    return document("check", body)


def _place(place: Place | None) -> dict[str, Any]:
    if place is None:
        return {"file": None, "line": None, "column": None}
    return {"file": place.source.name, "line": place.line, "column": place.column}


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
                "published_top1": entry.top1._asdict() if entry.top1 else None,
                "input": list(entry.network.input_shape),
                "params": totals.params,
                "trainable_params": totals.trainable_params,
                "macs": totals.macs,
                "flops": totals.flops,
            }
        )
    return _text(listed)


def document(command: str, body: dict[str, Any]) -> str:
    """The JSON text of a command's result."""
    return _text({"format": f"gconv.{command}", "version": VERSION, **body})


def _text(document: Any) -> str:
    import json  # here, so that a run that prints a table need not load it

    return json.dumps(document, indent=2) + "\n"


BOUNDS = ("macs_complete", "unknown", "assumed")
"""Names of the fields that tell whether the totals are complete."""


def totals_of(totals: Totals | None) -> dict[str, Any]:
    """The totals by name. In an invalid row, which has no totals, they are null."""
    figures = {each.field: totals and totals.value(each) for each in TOTALS}
    return {**figures, **{name: totals and getattr(totals, name) for name in BOUNDS}}


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
        "activation_bytes": layer.memory.activations,
        "weight_bytes": layer.memory.weights,
        "moved_bytes": layer.memory.moved,
        "baseline": {"params": layer.dense_cost.params, "macs": layer.dense_cost.macs_or_none},
        "assumed": layer.assumed or None,
        "reach": _reach(layer.reach),
        "path": [{"name": step.name, "kind": step.kind} for step in layer.path],
    }


def _reach(reach: Reach | None) -> dict[str, Any] | None:
    if reach is None:
        return None
    return {**reach._asdict(), "share": reach.share}


def _varied(comparison: Comparison) -> dict[str, Any]:
    """What varies from row to row, if variables do."""
    if not comparison.is_varied:
        return {}
    equal = comparison.equal
    return {
        "vary": {name: list(values) for name, values in comparison.vary.items()},
        "equal": equal and equal._asdict(),
    }


def _row(row: CompareRow, comparison: Comparison) -> dict[str, Any]:
    totals, baseline = row.totals, comparison.baseline
    equal = {"equal_ratio": row.equal_ratio, "searched_to": row.searched_to}
    return {
        **({"settings": dict(row.settings)} if comparison.is_varied else {}),
        **(equal if comparison.equal else {}),
        "groups": row.groups,
        "as_written": row.is_as_written,
        "valid": row.valid,
        "reason": row.reason,
        **totals_of(totals),
        "params_ratio": ratio(totals.params, baseline.params) if totals else None,
        "macs_ratio": ratio(totals.macs_at_least, baseline.macs_at_least)
        if totals and totals.macs_complete
        else None,
    }


def _side(diff: Diff, sources: tuple[str, str] | None, side: int) -> dict[str, Any]:
    shape = (diff.old_input, diff.new_input)[side]
    return {
        "name": (diff.old_name, diff.new_name)[side],
        "source": sources and sources[side],
        "input": shape and list(shape),
        "dtype": (diff.old_dtype, diff.new_dtype)[side],
    }


def _layer_change(change: LayerChange) -> dict[str, Any]:
    return {
        "status": change.status,
        "name": change.layer.name,
        "op": change.layer.op,
        "follows": change.follows,
        "params_change": change.params,
        "macs_change": change.macs,
        "fields": [
            {"field": field.field, "old": field.old, "new": field.new} for field in change.fields
        ],
        "old": _diff_layer(change.old),
        "new": _diff_layer(change.new),
    }


def _diff_layer(layer: DiffLayer | None) -> dict[str, Any] | None:
    if layer is None:
        return None
    return {
        "name": layer.name,
        "op": layer.op,
        "groups": layer.groups,
        "arguments": dict(layer.settings),
        "inputs": layer.inputs,
        "input_shapes": layer.input_shapes,
        "output_shape": layer.output_shape,
        "params": layer.cost.params,
        "macs": layer.cost.macs_or_none,
    }
