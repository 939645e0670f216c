"""The labels of the rows of a comparison, which its tables of costs and of times share."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from groupconv_cli.analysis.report import (
    AS_WRITTEN,
    CompareRow,
    Comparison,
    VariantComparison,
    VariantRow,
)
from groupconv_cli.ops.kinds import Value
from groupconv_cli.render.view import Cell, Column, Marked, Row, groups_text

if TYPE_CHECKING:
    from groupconv_cli.training.report import GroupTraining

GROUPS = Column("Groups", "groups", "groups")


def label_columns(comparison: Comparison) -> tuple[Column, ...]:
    """A column for each variable that varies, and one for the groups if they do."""
    names = comparison.rows[0].settings
    columns = [Column(name, "setting", f"settings.{name}") for name in names]
    return (*columns, *([GROUPS] if has_groups(comparison) else []))


def has_groups(comparison: Comparison) -> bool:
    """Whether rows differ in their numbers of groups."""
    return not comparison.is_varied or bool(comparison.rule)


def labelled(comparison: Comparison, index: int, cells: tuple[Cell, ...]) -> Row:
    """The row of that index, with other cells after its label.

    The network as written is marked. If it is a later row too, its own row says nothing new.
    """
    row = comparison.rows[index]
    labels = _labels(comparison, row)
    is_named = row.groups == AS_WRITTEN and not comparison.is_varied
    if row.is_as_written and not is_named:
        labels = (Marked(labels[0], AS_WRITTEN), *labels[1:])
    if row.reason is not None:
        empty = (None,) * len(cells)
        return Row((*labels, *empty), "bad", note=f"invalid: {row.reason}")
    style = "group" if row.is_as_written else ""
    return Row((*labels, *cells), style, is_double=is_double(comparison, index))


def is_double(comparison: Comparison, index: int) -> bool:
    """Whether the row of that index is the network as written, which is a later row too."""
    return index == 0 and any(each.is_as_written for each in comparison.rows[1:])


def _labels(comparison: Comparison, row: CompareRow) -> tuple[Cell, ...]:
    values = tuple(row.settings.get(name) for name in comparison.rows[0].settings)
    return (*values, *([row.groups] if has_groups(comparison) else []))


def label_text(groups: int | str, settings: Mapping[str, Value]) -> str:
    """The label of a row in a sentence."""
    parts = [f"{name}={value}" for name, value in settings.items()]
    if groups != AS_WRITTEN:
        parts.append(groups_text(groups))
    return " ".join(parts)


def row_name(row: CompareRow | VariantRow) -> str:
    """What a row of either comparison is called in a sentence."""
    if isinstance(row, VariantRow):
        return row.variant
    return label_text(row.groups, row.settings) or AS_WRITTEN


def failures(
    comparison: Comparison | VariantComparison, trained: GroupTraining | None = None
) -> Iterator[str]:
    """A sentence for each row that is invalid, or whose training was given up."""
    lost = {row.row for row in trained.rows if row.lost} if trained else set()
    rows: Sequence[CompareRow | VariantRow] = comparison.rows
    for index, row in enumerate(rows):
        if row.reason is not None:
            yield f"{row_name(row)}: {row.reason}"
        elif index in lost:
            yield f"{row_name(row)}: its training was given up"
