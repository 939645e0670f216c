"""Every report in a line, as a view, as rows and as JSON: the forms in which it shows itself."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, NamedTuple

from groupconv_cli.analysis.diff import Diff
from groupconv_cli.analysis.measurement import GroupMeasurement, LayerMeasurement
from groupconv_cli.analysis.report import Comparison, Summary, VariantComparison
from groupconv_cli.analysis.search.report import SearchReport
from groupconv_cli.analysis.totals import Totals
from groupconv_cli.lint.report import CheckReport
from groupconv_cli.render.alone import measured_layers_view, measured_view, trained_view
from groupconv_cli.render.check import check_view, findings_view
from groupconv_cli.render.compare import compare_view, variants_view
from groupconv_cli.render.diff import diff_title, diff_view, layers_view
from groupconv_cli.render.json import (
    check_json,
    compare_json,
    diff_json,
    summary_json,
    variants_json,
)
from groupconv_cli.render.json_measure import measured_groups, measured_layers
from groupconv_cli.render.json_train import trained_groups
from groupconv_cli.render.measure import RUNTIME_NAMES
from groupconv_cli.render.search import search_view
from groupconv_cli.render.search_json import search_json
from groupconv_cli.render.summary import rows_view, summary_view
from groupconv_cli.render.view import View, bounded, cell_text
from groupconv_cli.training.report import GroupTraining
from groupconv_cli.words import joined, plural, printable

NEXT = "`report.network` has these groups, and `report.regroup` names them for `load`."
"""What to do with the choice of a search in Python."""


class Form(NamedTuple):
    """The forms of the reports of one class."""

    short: Callable[[Any], str]
    """What follows the name of the class in its repr."""
    view: Callable[[Any], View]
    document: Callable[[Any], dict[str, Any]]
    rows: Callable[[Any], View]
    """The view whose main table has the rows for programs."""


def form_of(report: object) -> Form:
    """The form of a report. Raises LookupError for what is none."""
    for kind in type(report).__mro__:
        if kind in FORMS:
            return FORMS[kind]
    raise LookupError(f"{type(report).__name__} is no report")


def _parsed(text: Callable[[Any], str]) -> Callable[[Any], dict[str, Any]]:
    """A document as data: exactly what its text says."""

    def document(report: Any) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(text(report))
        return found

    return document


def _plain(part: Callable[[Any], dict[str, Any]]) -> Callable[[Any], dict[str, Any]]:
    """A part of a document, with lists as JSON has them."""
    return _parsed(lambda report: json.dumps(part(report)))


def _costs(totals: Totals) -> str:
    macs = bounded(totals.macs_at_least, known=totals.macs_complete)
    return (
        f"{cell_text(totals.params, 'count', exact=False)} params, "
        f"{cell_text(macs, 'count', exact=False)} MACs"
    )


def _named(name: str) -> str:
    return f" {printable(name)!r}"


def _summary(report: Summary) -> str:
    layers = plural(len(report.layers), "layer")
    return f"{_named(report.name)}: {layers}, {_costs(report.totals)}"


def _comparison(report: Comparison) -> str:
    invalid = sum(not row.valid for row in report.rows)
    wrong = f", {invalid:,} of them invalid" if invalid else ""
    return f"{_named(report.name)}: {plural(len(report.rows), 'row')}{wrong}"


def _search(report: SearchReport) -> str:
    could = plural(len(report.choice), "convolution")
    proven = "proven optimal" if report.optimal else "not proven optimal"
    return (
        f"{_named(report.name)}: {len(report.changes):,} of {could} changed, "
        f"{_costs(report.after)}, {proven}"
    )


def _runtimes(runtimes: tuple[str, ...]) -> str:
    return joined([RUNTIME_NAMES[each] for each in runtimes])


def _measured(report: GroupMeasurement | LayerMeasurement) -> str:
    what = "row" if isinstance(report, GroupMeasurement) else "layer"
    return (
        f": {plural(len(report.rows), what)}, batch {report.settings.batch:,}, "
        f"{_runtimes(report.settings.runtimes)}{_interrupted(report.complete)}"
    )


def _interrupted(complete: bool) -> str:
    return "" if complete else ", interrupted"


FORMS: dict[type, Form] = {
    Summary: Form(_summary, summary_view, _parsed(summary_json), rows_view),
    Comparison: Form(_comparison, compare_view, _parsed(compare_json), compare_view),
    VariantComparison: Form(
        lambda report: f"{_named(report.name)}: {plural(len(report.rows), 'variant')}",
        variants_view,
        _parsed(variants_json),
        variants_view,
    ),
    SearchReport: Form(
        _search,
        lambda report: search_view(report, NEXT),
        _parsed(search_json),
        lambda report: search_view(report, NEXT),
    ),
    Diff: Form(
        lambda report: f": {printable(diff_title(report))}",
        diff_view,
        _parsed(diff_json),
        layers_view,
    ),
    CheckReport: Form(
        lambda report: f": {plural(len(report.specs), 'spec')}, status {report.exit_status}",
        check_view,
        _parsed(check_json),
        findings_view,
    ),
    GroupMeasurement: Form(_measured, measured_view, _plain(measured_groups), measured_view),
    LayerMeasurement: Form(
        _measured, measured_layers_view, _plain(measured_layers), measured_layers_view
    ),
    GroupTraining: Form(
        lambda report: (
            f" on {printable(report.data.name)!r}: {plural(len(report.rows), 'row')}, "
            f"{plural(report.whole_seeds, 'seed')}"
            f"{', ended by an error' if report.problem else _interrupted(report.complete)}"
        ),
        trained_view,
        _plain(trained_groups),
        trained_view,
    ),
}
"""The forms of every class of reports."""
