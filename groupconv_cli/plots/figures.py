"""The figure of any report."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from groupconv_cli.analysis.report import Comparison, Summary
from groupconv_cli.analysis.search.report import SearchReport
from groupconv_cli.errors import UsageError
from groupconv_cli.plots.style import styled

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def figure_of(report: object, measured: Any = None) -> Figure:
    """The figure of a report, with what was measured for it.

    Raises UsageError for what has no figure, EnvironmentProblem if matplotlib is not installed.
    """
    with styled():
        figure = _drawn(report, measured)
        figure.draw_without_rendering()  # places everything, by the same settings
        return figure


def _drawn(report: object, measured: Any) -> Figure:
    if isinstance(report, Comparison):
        from groupconv_cli.plots.compare import compare_figure

        return compare_figure(report, measured)
    if isinstance(report, Summary):
        from groupconv_cli.plots.summary import summary_figure

        return summary_figure(report, measured)
    if isinstance(report, SearchReport):
        from groupconv_cli.plots.search import search_figure

        return search_figure(report)
    raise UsageError(f"there is no figure of {type(report).__name__}")
