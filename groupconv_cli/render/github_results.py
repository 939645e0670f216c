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
from groupconv_cli.render.labels import label_text
from groupconv_cli.render.view import bounded, cell_text
from groupconv_cli.training.report import GroupTraining
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
    lost = {row.row for row in trained.rows if row.lost} if trained else set()
    errors, costs = [], [comparison.name]
    rows: Sequence[CompareRow | VariantRow] = comparison.rows
    for index, row in enumerate(rows):
        label = _label(row)
        if row.totals is None or row.reason is not None:
            errors.append(f"{label}: {row.reason}")
            continue
        if index in lost:
            errors.append(f"{label}: its training was given up")
        baseline = row.baseline if isinstance(row, VariantRow) else _baseline(comparison)
        costs.append(f"{label}: {', '.join(_costs(row.totals, baseline))}")
    notice = "\n".join([*costs, *conclusions])
    lines = [command("error", None, spec, COMPARE, message, top) for message in errors]
    lines.append(command("notice", None, spec, COMPARE, notice, top))
    return "".join(f"{line}\n" for line in lines)


def _label(row: CompareRow | VariantRow) -> str:
    if isinstance(row, VariantRow):
        return row.variant
    return label_text(row.groups, row.settings) or AS_WRITTEN


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
