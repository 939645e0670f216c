"""A Comparison as a View: a row per number of groups, and the convolutions that were varied."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from groupconv_cli.analysis.report import (
    CompareRow,
    Comparison,
    VariantComparison,
    VariantRow,
)
from groupconv_cli.analysis.totals import Totals
from groupconv_cli.ops.base import shape_text
from groupconv_cli.policy import totals
from groupconv_cli.render.labels import label_columns, labelled
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
    cell_text,
    inputs_text,
    macs_notes,
)
from groupconv_cli.units import ratio
from groupconv_cli.words import plural

if TYPE_CHECKING:
    from groupconv_cli.analysis.measurement import GroupMeasurement
    from groupconv_cli.training.report import GroupTraining


class Share(NamedTuple):
    """A column with a total as a share of the baseline's."""

    field: str
    """The total. The column's key is its name and `_ratio`."""
    behind: str
    """The total whose column it follows. FLOPs are 2 × MACs, so one share serves both."""
    drop: int


SHARES = (Share("params", "params", 2), Share("macs", "flops", 1))


def _totals_columns(against: str) -> Iterator[Column]:
    """The columns of costs; `against` is the heading of the columns of shares."""
    for total in totals.COLUMNS:
        heading = total.abbreviation or total.heading
        yield Column(heading, total.kind, total.field, drop=total.drop or 0)
        for share in SHARES:
            if share.behind == total.field:
                of = totals.BY_FIELD[share.field].heading
                yield Column(against, "ratio", f"{share.field}_ratio", drop=share.drop, of=of)


VARIANT_COLUMNS = (Column("Variant", key="variant"), *_totals_columns("vs dense"))

RULES = {
    "only": "those that match --only",
    "grouped": "every grouped convolution that is not depthwise",
    "depthwise": "the depthwise convolutions; no others are grouped",
    "dense": "every convolution that does not read the input; none is grouped",
}

MAX_NAMES = 3


def compare_view(
    comparison: Comparison,
    measured: GroupMeasurement | None = None,
    trained: GroupTraining | None = None,
    *,
    exact: bool = False,
) -> View:
    """The view of a comparison, with the measurements or the accuracies under it."""
    labels = label_columns(comparison)
    columns = (*labels, *_totals_columns("vs written" if comparison.is_varied else "vs g=1"))
    rows = tuple(
        labelled(comparison, index, _cells(row, comparison, len(columns) - len(labels)))
        for index, row in enumerate(comparison.rows)
    )
    varied = comparison.swept or not comparison.is_varied
    parts = [comparison.name, inputs_text(comparison.inputs)]
    parts += [f"{plural(len(comparison.swept), 'convolution')} varied"] * bool(varied)
    notes: tuple[str, ...] = (
        *_equal_notes(comparison, exact),
        *(_varied(comparison, exact) if varied else ()),
        CONVENTION,
        *macs_notes(comparison.baseline),
    )
    counts = Table(columns, rows, has_notes=True, labels=len(labels))
    title = " · ".join([*parts, comparison.dtype])
    if trained is not None:
        return _with_training(View(title, (counts,), notes), trained, comparison)
    if measured is None:
        return View(title, (counts,), notes)
    from groupconv_cli.render.measure import conclusions, group_notes, groups_table

    tables = (counts, groups_table(measured, comparison))
    notes = (*notes, *group_notes(measured))
    return View(title, tables, notes, conclusions(measured), main=1)


def _with_training(
    view: View, trained: GroupTraining, comparison: Comparison | VariantComparison
) -> View:
    """The view with the accuracies under it, if every row was trained with one seed at least."""
    from groupconv_cli.render.train import trained_conclusions, trained_notes, trained_tables

    notes = (*view.notes, *trained_notes(trained, comparison))
    if not trained.whole_seeds:
        return view._replace(notes=notes)
    return view._replace(
        tables=(*view.tables, *trained_tables(trained, comparison)),
        notes=notes,
        conclusion=tuple(trained_conclusions(trained, comparison)),
        main=len(view.tables),
    )


def _equal_notes(comparison: Comparison, exact: bool) -> Iterator[str]:
    """What was made equal, and how sure it is."""
    equal = comparison.equal
    if equal is None:
        return
    title = totals.METRICS[equal.metric].title
    target = cell_text(equal.target, totals.METRICS[equal.metric].kind, exact=exact)
    best = f"the most {title} that are not above" if equal.at_most else f"the {title} nearest to"
    yield f"{equal.by}: the whole number with {best} the {target} as written."
    covered = [row.searched_to for row in comparison.rows if row.searched_to is not None]
    if covered:
        values = f"of {equal.by} from 0 to {min(covered):,}"
        if comparison.swept:  # a value has to make a network before groups are changed in it
            valid = "valid with the groups as written"
            yield f"Of the values {values} that are {valid}, no other comes nearer."
        else:
            yield f"No other value {values} comes nearer."


def _varied(comparison: Comparison, exact: bool) -> Iterator[str]:
    """The convolutions whose groups vary, and those that stay unchanged."""
    names, rule = _names(comparison.swept, exact), RULES[comparison.rule]
    yield f"Groups varied in: {names} ({rule})."
    yield from _unchanged(comparison, exact)


def _unchanged(comparison: Comparison, exact: bool) -> Iterator[str]:
    if comparison.held:
        yield f"Unchanged: {_names(comparison.held, exact)}."
    if comparison.apart:
        share = "shares" if len(comparison.apart) == 1 else "share"
        yield (
            f"{_names(comparison.apart, exact)} {share} no divisor above 1 with the varied layers."
        )


def _cells(row: CompareRow, comparison: Comparison, count: int) -> tuple[Cell, ...]:
    if row.totals is None:
        return (None,) * count
    return tuple(_totals(row.totals, comparison.baseline))


def _totals(costs: Totals, baseline: Totals) -> Iterator[Cell]:
    def known(total: totals.TotalInfo) -> bool:
        return costs.macs_complete or not total.is_of_macs

    for total in totals.COLUMNS:
        yield bounded(Typed(total.kind, costs.value(total)), known=known(total))
        for share in SHARES:
            if share.behind == total.field:
                of = totals.BY_FIELD[share.field]
                yield ratio(costs.value(of), baseline.value(of)) if known(of) else UNKNOWN


def variants_view(comparison: VariantComparison, trained: GroupTraining | None = None) -> View:
    """The view of a comparison of variants, with the accuracies under it."""
    rows = tuple(_variant_row(row) for row in comparison.rows)
    inputs = {row.input for row in comparison.rows if row.input is not None}
    shown = f"input {shape_text(inputs.pop())} · " if len(inputs) == 1 else ""
    title = f"{comparison.name} · {plural(len(rows), 'variant')} · {shown}{comparison.dtype}"
    view = View(title, (Table(VARIANT_COLUMNS, rows, has_notes=True),), (CONVENTION,))
    return view if trained is None else _with_training(view, trained, comparison)


def _variant_row(row: VariantRow) -> Row:
    if row.totals is None or row.baseline is None:
        empty = (None,) * (len(VARIANT_COLUMNS) - 1)
        return Row((row.variant, *empty), "bad", note=f"invalid: {row.reason}")
    return Row((row.variant, *_totals(row.totals, row.baseline)))


def _names(names: tuple[str, ...], in_full: bool) -> str:
    if in_full or len(names) <= MAX_NAMES:
        return ", ".join(names)
    return f"{', '.join(names[: MAX_NAMES - 1])} and {len(names) - MAX_NAMES + 1} more"
