"""The result of a search: raw numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from groupconv_cli.analysis.search.times import Taken, TimeUse
from groupconv_cli.analysis.totals import Totals
from groupconv_cli.network import Network, Step
from groupconv_cli.ops.base import Cost, Shape, Window
from groupconv_cli.shown import Shown


class BudgetUse(NamedTuple):
    """A budget of the search, and what the choice uses of it."""

    metric: str
    """One of `policy.totals.BUDGETED` or `policy.times.TIMES`: then all are in nanoseconds."""
    limit: int
    used: int
    before: int
    """What the network as written uses."""


class ChangedConvolution(NamedTuple):
    """A convolution that the choice changes, for one sample."""

    name: str
    before: int
    """Its number of groups as written."""
    after: int
    window: Window | None
    output_shape: Shape
    cost_before: Cost
    cost: Cost
    path: tuple[Step, ...]
    item: int


class UniformChoice(NamedTuple):
    """The best single count for all convolutions that may change, within the same budgets."""

    groups: int
    value: float
    totals: Totals


class SingleCount(NamedTuple):
    """One count for all convolutions that may change, within the budgets or not."""

    groups: int
    value: float
    used: tuple[int, ...]
    """What it uses of each budget, in their order."""
    is_allowed: bool
    """Whether it keeps rule GC101, or need not."""


class FrontierPoint(NamedTuple):
    """The best value within one budget."""

    limit: int
    used: int
    value: float
    bound: float
    """No choice has a larger value. It is `value` if that is proven."""
    optimal: bool


class Frontier(NamedTuple):
    """The best values within rising budgets of one metric; the other budgets stay."""

    metric: str
    points: tuple[FrontierPoint, ...]


@dataclass(frozen=True, kw_only=True, repr=False)
class SearchReport(Shown):
    """The group counts that keep most within the budgets."""

    name: str
    inputs: tuple[Shape, ...]
    dtype: str
    keep: str
    """What is maximized: connections, params or macs."""
    per: str
    """What shares a count: item, layer or network."""
    budgets: tuple[BudgetUse, ...]
    value: float
    """The value of the choice: for connections minus the sum of log2 g over the convolutions that
    could change, else the network's params or MACs. It is no accuracy."""
    bound: float
    """No choice has a larger value. It is `value` if the optimum is proven."""
    optimal: bool
    """Whether it is proven that no other choice within the budgets has a larger value."""
    is_unmixed_allowed: bool
    """Whether the choice may break rule GC101."""
    choice: Mapping[str, int]
    """The count of every convolution that could change, by its full name."""
    changes: tuple[ChangedConvolution, ...]
    """The convolutions whose count changes, in the order of the network."""
    unchanged: tuple[str, ...]
    """Convolutions that keep their groups because no candidate divides their channels."""
    before: Totals
    after: Totals
    uniform: UniformChoice | None
    """None if no single count fits all of these convolutions and the budgets."""
    singles: tuple[SingleCount, ...]
    """Every count that all of these convolutions can have."""
    written_value: float
    """The value of the network as written."""
    frontier: Frontier | None
    network: Network
    """The network with the chosen counts."""
    times: tuple[TimeUse, ...] = ()
    """The time budgets, with predicted and measured times."""
    taken: Taken | None = None
    """The measured times of layers; None without a time budget."""

    @property
    def regroup(self) -> dict[str, int]:
        """The changes, as `load(…, regroup=…)` takes them: patterns that match one name each."""
        from glob import escape

        return {escape(each.name): each.after for each in self.changes}
