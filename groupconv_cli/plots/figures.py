"""The figure of any report."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from groupconv_cli.analysis.diff import Diff
from groupconv_cli.analysis.measurement import GroupMeasurement, LayerMeasurement
from groupconv_cli.analysis.report import Comparison, Summary, VariantComparison
from groupconv_cli.analysis.search.report import SearchReport
from groupconv_cli.errors import UsageError
from groupconv_cli.plots.settings import styled
from groupconv_cli.sources.catalogue import Bundled
from groupconv_cli.training.report import GroupTraining

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def figure_of(report: object, measured: Any = None, trained: Any = None) -> Figure:
    """The figure of a report, with what was measured and trained for it.

    Several diffs or networks of the catalogue have one figure together.

    Raises UsageError for what has no figure, EnvironmentProblem if matplotlib is not installed.
    """
    with styled():
        figure = _drawn(report, measured, trained)
        figure.draw_without_rendering()  # places everything, by the same settings
        return figure


TAKES: dict[type, tuple[type | None, type | None]] = {
    Comparison: (GroupMeasurement, GroupTraining),
    Summary: (LayerMeasurement, None),
    VariantComparison: (None, GroupTraining),
}
"""What may have been measured and trained for a report, by its class; for others nothing."""


ALONE = {
    "GroupMeasurement": "with its comparison: plot(compare(spec, groups), measured)",
    "LayerMeasurement": "with its summary: plot(analyze(spec), measured)",
    "GroupTraining": "with its comparison: plot(compare(spec, groups), trained=trained)",
}
"""How results are drawn that belong to a report."""


def _refuse_others(report: object, measured: object, trained: object) -> None:
    for given, taken, what in zip(
        (measured, trained),
        TAKES.get(type(report), (None, None)),
        ("times", "accuracies"),
        strict=True,
    ):
        if given is None or (taken is not None and isinstance(given, taken)):
            continue
        has = f"no {what}" if taken is None else f"{what} of a {taken.__name__}"
        raise UsageError(
            f"the figure of a {type(report).__name__} has {has}; got a {type(given).__name__}"
        )


def _drawn(report: object, measured: Any, trained: Any) -> Figure:
    _refuse_others(report, measured, trained)
    if isinstance(report, Comparison):
        from groupconv_cli.plots.compare import compare_figure

        return compare_figure(report, measured, trained)
    if isinstance(report, Summary):
        from groupconv_cli.plots.summary import summary_figure

        return summary_figure(report, measured)
    if isinstance(report, SearchReport):
        from groupconv_cli.plots.search import search_figure

        return search_figure(report)
    if isinstance(report, VariantComparison):
        from groupconv_cli.plots.networks import variants_figure

        return variants_figure(report, trained)
    if isinstance(report, Diff):
        from groupconv_cli.plots.diff import diff_figure

        return diff_figure(report)
    if isinstance(report, tuple | list) and report:
        if all(isinstance(each, Bundled) for each in report):
            from groupconv_cli.plots.networks import catalogue_figure

            return catalogue_figure(report)
        if all(isinstance(each, Diff) for each in report):
            from groupconv_cli.plots.diff import diff_figure

            return diff_figure(*report)
    kind = type(report).__name__
    if kind in ALONE:
        raise UsageError(f"there is no figure of a {kind} by itself", ALONE[kind])
    raise UsageError(f"there is no figure of {kind}")
