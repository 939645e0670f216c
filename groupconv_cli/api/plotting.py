"""Plotting: the figure of a report, and its file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from groupconv_cli.analysis.diff import Diff
    from groupconv_cli.analysis.measurement import GroupMeasurement, LayerMeasurement
    from groupconv_cli.analysis.report import Comparison, Summary, VariantComparison
    from groupconv_cli.analysis.search.report import SearchReport
    from groupconv_cli.sources.catalogue import Bundled
    from groupconv_cli.training.report import GroupTraining

    Measured = GroupMeasurement | LayerMeasurement
    Plotted = (
        Comparison | Summary | VariantComparison | SearchReport | Diff | Sequence[Diff | Bundled]
    )


def plot(
    report: Plotted, measured: Measured | None = None, trained: GroupTraining | None = None
) -> Figure:
    """The figure of a report, drawn with matplotlib; the options --plot write the same.

    `measured` is what `measure` has found for a comparison, or `measure_layers` for a summary, and
    `trained` what training has found for a comparison.
    `figure.savefig("net.pdf")` writes it. pyplot is not used, so nothing has to be closed.

    Raises EnvironmentProblem if matplotlib is not installed, UsageError for anything else.
    """
    from groupconv_cli.plots.figures import figure_of

    return figure_of(report, measured, trained)


def refuse_to_plot(path: Path, *, force: bool) -> None:
    """Raises the errors of `write_plot` that are known before there is a report."""
    from groupconv_cli.files import check_ending, check_output
    from groupconv_cli.plots.files import ENDINGS
    from groupconv_cli.plots.settings import require_matplotlib

    check_ending(path, "a figure", ENDINGS)
    check_output(path, force=force)
    require_matplotlib()


def write_plot(
    report: Plotted,
    path: Path,
    measured: Measured | None = None,
    trained: GroupTraining | None = None,
    *,
    force: bool,
) -> None:
    """Writes the figure of a report, whole, in the format of the file's ending.

    Raises UsageError for an unknown ending, and if the file exists and `force` is not given;
    EnvironmentProblem if matplotlib is not installed or writing fails.
    """
    from groupconv_cli.files import written_whole
    from groupconv_cli.plots.files import write

    refuse_to_plot(path, force=force)
    figure = plot(report, measured, trained)
    with written_whole(path, force=force) as temporary:
        write(figure, temporary)
