"""The totals of a network in one table: what each is called, counted in, and may be limited by."""

from __future__ import annotations

from typing import NamedTuple


class TotalInfo(NamedTuple):
    """One total: a field of `analysis.totals.Totals`, which JSON has under the same name."""

    field: str
    title: str
    """What a sentence calls it."""
    kind: str
    """'count', 'bytes' or 'decimal'."""
    name: str = ""
    """What options and specs call it where they limit it; '' is a total without limits."""
    example: str = ""
    """An amount of it as people write it."""
    is_budgeted: bool = False
    """Whether a budget may limit it: a spec's `budget:` and the options --max-…"""
    is_in_every_limit: bool = False
    """Whether a per cent without a name limits it."""
    is_of_macs: bool = False
    """Whether it is counted in multiply-accumulates, which of some layers are not known."""
    is_part: bool = False
    """Whether it is a part of the total above it."""
    is_shown: bool = True
    """Whether tables of totals have a row for it."""
    drop: int | None = None
    """When a table with a row per network leaves its column out where there is no room: see
    `render.view.Column`. None is no column."""
    abbreviation: str = ""
    """What that column is called, if shorter."""

    @property
    def heading(self) -> str:
        """What tables call it."""
        return f"  {self.title}" if self.is_part else self.title[:1].upper() + self.title[1:]

    @property
    def is_bytes(self) -> bool:
        """Whether it is a size in bytes."""
        return self.kind == "bytes"


TOTALS = (
    TotalInfo(
        *("params", "params", "count", "params", "30M"),
        is_budgeted=True,
        is_in_every_limit=True,
        drop=0,
    ),
    TotalInfo("trainable_params", "trainable", "count", is_part=True),
    TotalInfo("non_trainable_params", "non-trainable", "count", is_part=True),
    TotalInfo(
        *("macs", "MACs", "count", "macs", "4.5G"),
        is_budgeted=True,
        is_in_every_limit=True,
        is_of_macs=True,
        drop=0,
    ),
    TotalInfo(
        *("flops", "FLOPs", "count", "flops", "9G"),
        is_budgeted=True,
        is_of_macs=True,
        drop=6,
    ),
    TotalInfo("weight_bytes", "weights", "bytes", "weights", "100MB", drop=5),
    TotalInfo("activation_bytes", "activations", "bytes", "activations", "50MB"),
    TotalInfo(
        *("peak_bytes", "peak memory", "bytes", "memory", "200MB"),
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
"""Every total, in the order that tables and JSON have."""

BY_FIELD = {each.field: each for each in TOTALS}

METRICS = {each.name: each for each in TOTALS if each.name}
"""What can be limited, by the name that options and specs have for it."""

BUDGETED = tuple(name for name, each in METRICS.items() if each.is_budgeted)
"""What a budget may limit: keys of METRICS, of a spec's `budget:` and of the options --max-…"""

IN_EVERY_LIMIT = tuple(name for name, each in METRICS.items() if each.is_in_every_limit)
"""What a per cent without a name limits, each of it that has no limit of its own."""

COLUMNS = tuple(each for each in TOTALS if each.drop is not None)
"""Those that a table with a row per network has columns for."""
