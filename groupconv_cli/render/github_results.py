"""Diffs and comparisons as workflow commands of GitHub Actions, which become annotations.

The format is that of `github.py`. A limit that is broken and a row that is invalid are errors; what
changed, and what groups save, are notices.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from groupconv_cli.analysis.report import (
    AS_WRITTEN,
    CompareRow,
    Comparison,
    VariantComparison,
    VariantRow,
)
from groupconv_cli.analysis.totals import Totals
from groupconv_cli.policy.totals import IN_EVERY_LIMIT, METRICS
from groupconv_cli.render.diff import diff_title, verdict_text
from groupconv_cli.render.diffs import Judged
from groupconv_cli.render.github import command
from groupconv_cli.render.labels import failures, is_double, row_name
from groupconv_cli.render.view import bounded, cell_text
from groupconv_cli.training.report import GroupTraining, TrainedRow
from groupconv_cli.units import ratio, ratio_text, share_change_text

DIFF, COMPARE = "gconv diff", "gconv compare"
"""Titles of annotations."""


def diff_github(judged: Sequence[Judged], workspace: str | None = None) -> str:
    """A line for each broken limit, and for each spec one that says what changed.

    `workspace` is as for `github.github`.
    """
    top = Path(workspace or "").absolute()
    errors = [
        command("error", None, each.sources[1], DIFF, message, top)
        for each in judged
        for message in (
            *(verdict_text(verdict) for verdict in each.verdicts if verdict.is_broken),
            *([each.nothing_to_compare] if each.nothing_to_compare else []),
        )
    ]
    notices = [
        command("notice", None, each.sources[1], DIFF, _changed(each), top) for each in judged
    ]
    return "".join(f"{line}\n" for line in (*errors, *notices))


def _changed(judged: Judged) -> str:
    """What changed, in a line for each metric that does."""
    diff = judged.diff
    lines = [diff_title(diff)]
    for name in IN_EVERY_LIMIT:
        metric = METRICS[name]
        before, after = diff.before.metric(metric), diff.after.metric(metric)
        if before == after:
            continue
        known = not metric.is_of_macs or (diff.before.macs_complete and diff.after.macs_complete)
        old, new = (
            cell_text(bounded(value, known=known), metric.kind, exact=False)
            for value in (before, after)
        )
        grown = share_change_text(ratio(after - before, before)) if known else ""
        lines.append(f"{metric.heading}: {old} → {new}{f' ({grown})' if grown else ''}")
    return "\n".join(lines)


def compare_github(
    comparison: Comparison | VariantComparison,
    spec: str,
    conclusions: Sequence[str] = (),
    trained: GroupTraining | None = None,
    workspace: str | None = None,
) -> str:
    """A line for each invalid row, and one that says what every other row costs.

    `spec` is the spec as it was given, and `conclusions` are the sentences on what was measured or
    trained. A row whose training was given up is an error too.
    """
    top = Path(workspace or "").absolute()
    reached = {row.row: row for row in trained.rows} if trained else {}
    costs = [f"{comparison.name}; in brackets, shares {_of(comparison)}"]
    rows: Sequence[CompareRow | VariantRow] = comparison.rows
    for index, row in enumerate(rows):
        if row.totals is None or _is_double(comparison, index):
            continue
        baseline = row.baseline if isinstance(row, VariantRow) else _baseline(comparison)
        told = [*_costs(row.totals, baseline), *_accuracy(reached.get(index))]
        costs.append(f"{_name(row)}: {', '.join(told)}")
    notice = "\n".join([*costs, *conclusions])
    errors = failures(comparison, trained)
    lines = [command("error", None, spec, COMPARE, message, top) for message in errors]
    lines.append(command("notice", None, spec, COMPARE, notice, top))
    return "".join(f"{line}\n" for line in lines)


def _of(comparison: Comparison | VariantComparison) -> str:
    """What the shares are of."""
    if isinstance(comparison, VariantComparison):
        return "of the same variant with every grouped convolution dense"
    return "of the network as written" if comparison.is_varied else "of g=1"


def _is_double(comparison: Comparison | VariantComparison, index: int) -> bool:
    return isinstance(comparison, Comparison) and is_double(comparison, index)


def _name(row: CompareRow | VariantRow) -> str:
    """The name of the row; the network as written is marked under another name too."""
    name = row_name(row)
    is_marked = isinstance(row, CompareRow) and row.is_as_written and name != AS_WRITTEN
    return f"{name} ({AS_WRITTEN})" if is_marked else name


def _accuracy(row: TrainedRow | None) -> Iterator[str]:
    if row is not None and row.accuracy is not None:
        spread = "" if row.std is None else f" {cell_text(row.std, 'spread', exact=False)}"
        yield f"{cell_text(row.accuracy, 'accuracy_share', exact=False)}{spread} accuracy"


def _baseline(comparison: Comparison | VariantComparison) -> Totals | None:
    return comparison.baseline if isinstance(comparison, Comparison) else None


def _costs(totals: Totals, baseline: Totals | None) -> Iterator[str]:
    for name in IN_EVERY_LIMIT:
        metric = METRICS[name]
        known = totals.macs_complete or not metric.is_of_macs
        value = totals.metric(metric)
        text = cell_text(bounded(value, known=known), metric.kind, exact=False)
        share = ratio(value, baseline.metric(metric)) if baseline and known else None
        yield f"{text} {metric.title}{f' ({ratio_text(share)})' if share is not None else ''}"
