"""A SearchReport as a View: the convolutions that change, and the totals beside the limits."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import isfinite

from groupconv_cli.analysis.search.report import (
    ChangedConvolution,
    Frontier,
    FrontierPoint,
    SearchReport,
)
from groupconv_cli.analysis.search.times import TimeUse
from groupconv_cli.policy.times import NANOSECONDS, TIMES
from groupconv_cli.policy.totals import METRICS, TOTALS
from groupconv_cli.render.search_times import (
    time_cells,
    time_columns,
    time_conclusions,
    time_notes,
    time_rows,
)
from groupconv_cli.render.summary import window_text
from groupconv_cli.render.view import (
    CONVENTION,
    UNKNOWN,
    Cell,
    Column,
    Row,
    Table,
    Typed,
    View,
    bounded,
    inputs_text,
    macs_notes,
)
from groupconv_cli.units import ratio, value_text
from groupconv_cli.words import joined, plural

KEPT = "Kept: the share of a dense convolution's connections."

COLUMNS = (
    Column("Convolution", key="name"),
    Column("Window", key="window", drop=5),
    Column("Output", "shape", "output_shape", drop=4),
    Column("From", "groups", "groups_before"),
    Column("To", "groups", "groups"),
    Column("Kept", "ratio", "kept", drop=1, legend=KEPT),
    Column("Params", "count", "params", drop=2),
    Column("MACs", "count", "macs"),
    Column("vs written", "ratio", "macs_ratio", drop=3, of="MACs"),
)

MAX_NAMES = 3

KEPT_MOST = {
    "connections": "minus the sum of log2 g over {}",
    "params": "the params of the network",
    "macs": "the MACs of the network",
}
"""What the value of each thing to keep is, of so many convolutions."""


def search_view(report: SearchReport, next_step: str, *, exact: bool = False) -> View:
    """The view of a search. `next_step` is the sentence that ends it."""
    could = plural(len(report.choice), "convolution")
    title = (
        f"{report.name} · {inputs_text(report.inputs)} · {len(report.changes)} of {could} "
        f"changed · {report.dtype}"
    )
    tables = [totals_table(report)]
    if report.changes:
        columns = (*COLUMNS, *time_columns(report.times))
        rows = tuple(_row(each, report.times) for each in _folded(report.changes))
        tables.insert(0, Table(columns, rows))
    if report.frontier:
        tables.append(_frontier_table(report.frontier))
    notes = (
        CONVENTION,
        *macs_notes(report.before),
        *_unchanged(report, exact),
        *time_notes(report),
    )
    conclusion = (*_conclusion(report, could), *time_conclusions(report.times), next_step)
    return View(title, tuple(tables), notes, conclusion)


def _folded(changes: Sequence[ChangedConvolution]) -> list[list[ChangedConvolution]]:
    """Repeats of one item of the spec in one block, with the same change, together."""
    folded: dict[object, list[ChangedConvolution]] = {}
    for each in changes:
        outermost = each.path[0].name if len(each.path) > 1 else None
        items = tuple(step.item for step in each.path)
        same = (
            outermost,
            items,
            each.item,
            each.before,
            each.after,
            each.window,
            each.output_shape,
        )
        folded.setdefault(same, []).append(each)
    return list(folded.values())


def _row(changes: list[ChangedConvolution], times: tuple[TimeUse, ...]) -> Row:
    first = changes[0]
    macs = sum(each.cost.macs for each in changes)
    cells = (
        _label([each.name for each in changes]),
        window_text(first.window) if first.window else None,
        first.output_shape,
        first.before,
        first.after,
        1 / first.after,
        sum(each.cost.params for each in changes),
        macs,
        ratio(macs, sum(each.cost_before.macs for each in changes)),
        *time_cells(times, [each.name for each in changes]),
    )
    return Row(cells)


def _label(names: list[str]) -> str:
    """The name, or for several a pattern of their names and their number."""
    if len(names) == 1:
        return names[0]
    parts = zip(*(name.split(".") for name in names), strict=True)
    shared = ".".join(part[0] if len(set(part)) == 1 else "*" for part in parts)
    return f"{shared} ×{len(names)}"


def totals_table(report: SearchReport) -> Table:
    """The totals as written, with the choice and with the best single count, and the limits."""
    uniform = report.uniform
    columns = [
        Column("Total", key="total"),
        Column("As written", "count", "before"),
        Column("Limit", "count", "limit", drop=1),
        Column("Chosen", "count", "after"),
        Column("vs written", "ratio", "ratio", drop=2),
    ]
    if uniform:
        columns.append(Column(f"All g={uniform.groups}", "count", "uniform", drop=3))
    counted = [each for each in report.budgets if each.metric in METRICS]
    limits = {METRICS[each.metric].field: each.limit for each in counted}
    rows = []
    for total in TOTALS:
        if not total.is_shown or total.is_part:
            continue
        known = report.before.macs_complete or not total.is_of_macs
        before, after = report.before.value(total), report.after.value(total)
        limit = limits.get(total.field)

        def cell(value: float, kind: str = total.kind, known: bool = known) -> Cell:
            return bounded(Typed(kind, value), known=known)

        cells: list[Cell] = [
            total.heading,
            cell(before),
            None if limit is None else Typed(total.kind, limit),
            cell(after),
            ratio(after, before) if known else UNKNOWN,
        ]
        if uniform:
            cells.append(cell(uniform.totals.value(total)))
        rows.append(Row(tuple(cells)))
    rows += time_rows(report.times, has_uniform=uniform is not None)
    return Table(tuple(columns), tuple(rows))


def _frontier_table(frontier: Frontier) -> Table:
    is_time = frontier.metric in TIMES
    title = (TIMES if is_time else METRICS)[frontier.metric].title
    kind = "seconds" if is_time else METRICS[frontier.metric].kind
    columns = (
        Column(f"{title[:1].upper()}{title[1:]} at most", kind, "limit"),
        Column("Used", kind, "used"),
        Column("Value", "value", "value"),
        Column("Proven", key="optimal"),
    )
    unit = NANOSECONDS if is_time else 1
    return Table(columns, tuple(_point(point, unit) for point in frontier.points))


def _point(point: FrontierPoint, unit: int) -> Row:
    proven = "yes" if point.optimal else "no"
    limit, used = (value if unit == 1 else value / unit for value in (point.limit, point.used))
    return Row((limit, used, point.value, proven))


def _unchanged(report: SearchReport, exact: bool) -> Iterator[str]:
    names = report.unchanged
    if names:
        more = len(names) - MAX_NAMES
        listed = names if exact or more <= 0 else (*names[:MAX_NAMES], f"{more} more")
        yield f"Unchanged, because none of the counts divides their channels: {joined(listed)}."


def _conclusion(report: SearchReport, could: str) -> Iterator[str]:
    value = value_text(report.value)
    meaning = KEPT_MOST[report.keep].format(could)
    within = "within the limits, by predicted times," if report.times else "within the limits"
    if report.optimal:
        yield (
            f"Proven optimal: no other choice {within} has a larger value than {value}, "
            f"{meaning}. The value is no accuracy."
        )
    else:
        most = f"none has more than {value_text(report.bound)}" if isfinite(report.bound) else ""
        yield (
            f"Not proven optimal, because the time limit ended the search. The value is {value}, "
            f"{meaning}{'; ' + most if most else ''}. The value is no accuracy."
        )
    yield from _single_counts(report)


def _single_counts(report: SearchReport) -> Iterator[str]:
    """The best single count, and those that only rule GC101 excludes if they are worth more."""
    limits = [budget.limit for budget in report.budgets]
    best = report.uniform
    excluded = [
        each
        for each in report.singles
        if not each.is_allowed
        and (best is None or each.value > best.value)
        and all(used <= limit for used, limit in zip(each.used, limits, strict=True))
    ]
    names = joined([f"g={each.groups}" for each in excluded]) if excluded else ""
    is_one = len(excluded) == 1
    if best is not None:
        yield (
            f"The best single count within the limits is g={best.groups}, with the value "
            f"{value_text(best.value)}."
        )
        if excluded:
            yield (
                f"{names} would have a larger value, but {'breaks' if is_one else 'break'} rule "
                f"GC101; --allow-unmixed takes {'it' if is_one else 'them'} in."
            )
    elif excluded:
        yield (
            f"Of the single counts, only {names} {'is' if is_one else 'are'} within the limits, "
            f"and {'it breaks' if is_one else 'they break'} rule GC101; --allow-unmixed takes "
            f"{'it' if is_one else 'them'} in."
        )
    else:
        yield "No single count fits all of them within the limits."
