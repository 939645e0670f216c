"""One table of the totals of a network: their names, units and limits."""

from __future__ import annotations

from typing import NamedTuple


class TotalInfo(NamedTuple):
    """One total: a field of `analysis.totals.Totals`. It has the same name in JSON."""

    field: str
    title: str
    """Its name in sentences."""
    kind: str
    """'count', 'bytes' or 'decimal'."""
    name: str = ""
    """Its name in options and specs that limit it; '' for a total without limits."""
    example: str = ""
    """An example of an amount, as people write it."""
    is_budgeted: bool = False
    """Whether a budget may limit it: a spec's `budget:` and the options --max-…"""
    is_in_every_limit: bool = False
    """Whether a percentage without a name limits it."""
    is_of_macs: bool = False
    """Whether it is computed from multiply-accumulates, which are unknown for some layers."""
    can_be_equal: bool = False
    """Whether the rows of a comparison can be brought to the same amount of it."""
    is_part: bool = False
    """Whether it is a part of the total above it."""
    has_shares: bool = False
    """Whether the rows of a summary can have bars with their shares of it."""
    has_curve: bool = False
    """Whether the figure of a comparison has a curve for it."""
    is_shown: bool = True
    """Whether tables of totals have a row for it."""
    drop: int | None = None
    """When a table with a row per network hides its column if there is no room: see
    `render.view.Column`. None means no column."""
    abbreviation: str = ""
    """The heading of that column, if it is shorter."""

    @property
    def heading(self) -> str:
        """Its heading in tables."""
        return f"  {self.title}" if self.is_part else self.title[:1].upper() + self.title[1:]

    @property
    def is_bytes(self) -> bool:
        """Whether it is a size in bytes."""
        return self.kind == "bytes"


TOTALS = (
    TotalInfo(
        *("params", "params", "count", "params", "30M"),
        has_shares=True,
        has_curve=True,
        is_budgeted=True,
        can_be_equal=True,
        is_in_every_limit=True,
        drop=0,
    ),
    TotalInfo("trainable_params", "trainable", "count", is_part=True),
    TotalInfo("non_trainable_params", "non-trainable", "count", is_part=True),
    TotalInfo(
        *("macs", "MACs", "count", "macs", "4.5G"),
        has_shares=True,
        has_curve=True,
        is_budgeted=True,
        can_be_equal=True,
        is_in_every_limit=True,
        is_of_macs=True,
        drop=0,
    ),
    TotalInfo(
        *("flops", "FLOPs", "count", "flops", "9G"),
        is_budgeted=True,
        can_be_equal=True,
        is_of_macs=True,
        drop=7,
    ),
    TotalInfo("weight_bytes", "weights", "bytes", "weights", "100MB", drop=5),
    TotalInfo(
        *("activation_bytes", "activations", "bytes", "activations", "50MB"),
        has_shares=True,
        drop=6,
    ),
    TotalInfo(
        *("peak_bytes", "peak memory", "bytes", "memory", "200MB"),
        has_curve=True,
        is_budgeted=True,
        is_in_every_limit=True,
        drop=3,
    ),
    TotalInfo("moved_bytes", "bytes moved", "bytes", is_shown=False),
    TotalInfo(
        *("intensity", "FLOPs per byte", "decimal"),
        is_of_macs=True,
        drop=4,
        abbreviation="FLOPs/byte",
    ),
)
"""Every total, in the order of tables and JSON."""

BY_FIELD = {each.field: each for each in TOTALS}

METRICS = {each.name: each for each in TOTALS if each.name}
"""The totals that can be limited, by their names in options and specs."""

BUDGETED = tuple(name for name, each in METRICS.items() if each.is_budgeted)
"""The totals that a budget may limit: keys of METRICS, of `budget:` and of the options --max-…"""

IN_EVERY_LIMIT = tuple(name for name, each in METRICS.items() if each.is_in_every_limit)
"""The totals that a percentage without a name limits, unless they have a limit of their own."""

EQUALS = tuple(name for name, each in METRICS.items() if each.can_be_equal)
"""The totals that can be equal in all rows of a comparison."""

COLUMNS = tuple(each for each in TOTALS if each.drop is not None)
"""The totals that have a column in a table with a row per network."""
