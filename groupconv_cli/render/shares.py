"""Bars of shares: what each row of a summary has of the whole network's cost."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from operator import attrgetter
from typing import TYPE_CHECKING, NamedTuple

from groupconv_cli.analysis.totals import field_of
from groupconv_cli.policy.totals import METRICS, TotalInfo
from groupconv_cli.units import ratio

if TYPE_CHECKING:
    from groupconv_cli.analysis.measurement import LayerMeasurement
    from groupconv_cli.analysis.report import LayerRow
    from groupconv_cli.render.view import Cell, Column


class Cost(NamedTuple):
    """A cost that rows have shares of."""

    title: str
    """Its name in sentences."""
    total: TotalInfo | None
    """None if it is measured."""


COSTS = {
    **{name: Cost(each.title, each) for name, each in METRICS.items() if each.has_shares},
    "time": Cost("time", None),
}
"""The costs by their names in `--by`."""

DEFAULT = "macs"

HIGH = 0.75
"""From this share of the largest share on a row catches the eye."""

FEW = 1 / 3
"""If more of the rows would catch the eye, none does."""


class Shares:
    """The cost of layers, and of the whole network."""

    def __init__(
        self,
        layers: Sequence[LayerRow],
        by: str | None = None,
        measured: LayerMeasurement | None = None,
    ) -> None:
        self.cost = COSTS[by or DEFAULT]
        self._is_asked_for = by is not None
        self._times = _times(measured) if self.cost.total is None else {}
        self._whole = self.amount(layers)
        of_macs = self.cost.total is not None and self.cost.total.is_of_macs
        self._is_known = not of_macs or all(layer.cost.macs_known for layer in layers)

    @property
    def column(self) -> Column:
        """The column of bars. It is hidden first, unless the user has asked for it by name."""
        from groupconv_cli.render.view import UNTOLD, Column

        title = self.cost.title
        drop = 1 if self._is_asked_for else UNTOLD
        return Column(f"Share of {title}", "bar", f"{title.lower()}_share", drop=drop)

    def amount(self, layers: Sequence[LayerRow]) -> float:
        """The cost of some layers together; the known part if some of it is unknown."""
        if self.cost.total is None:
            return sum(self._times.get(layer.name, 0.0) for layer in layers)
        value: Callable[[LayerRow], int] = attrgetter(field_of(self.cost.total))
        return sum(map(value, layers))

    def bars(self, rows: Sequence[tuple[Sequence[LayerRow], bool]]) -> list[Cell]:
        """A cell for each row: its layers, and whether no rows for its inside follow.

        Only rows without rows for their inside have bars, so that nothing is drawn twice. A share
        of a whole that is not known is not known either.
        """
        from groupconv_cli.render.view import UNKNOWN, Bar

        if not self._is_known:
            return [UNKNOWN] * len(rows)
        shares = [ratio(self.amount(layers), self._whole) for layers, _ in rows]
        drawn = [
            share or 0.0 for share, (_, is_whole) in zip(shares, rows, strict=True) if is_whole
        ]
        largest = max(drawn, default=0.0)
        high = [share for share in drawn if share >= HIGH * largest > 0]
        least = HIGH * largest if len(high) <= max(1.0, FEW * len(drawn)) else float("inf")
        return [
            Bar(
                share, share / largest if is_whole and largest else 0.0, is_whole and share >= least
            )
            if share
            else None
            for share, (_, is_whole) in zip(shares, rows, strict=True)
        ]


def _times(measured: LayerMeasurement | None) -> Mapping[str, float]:
    """The seconds of inference of each layer, in the first runtime."""
    if measured is None:
        return {}
    runtime = measured.settings.runtimes[0]
    return {
        row.name: measured.net(row.forward) or 0.0
        for row in measured.rows
        if row.runtime == runtime
    }
