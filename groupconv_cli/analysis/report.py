"""The results of an analysis: raw numbers, no units, no rounding."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from groupconv_cli.analysis.channel_mixing import Reach
from groupconv_cli.analysis.totals import LayerBytes, Totals, field_of
from groupconv_cli.network import Step
from groupconv_cli.ops.base import Cost, Shape, Window
from groupconv_cli.ops.kinds import Value
from groupconv_cli.policy.totals import TotalInfo
from groupconv_cli.shown import Shown

AS_WRITTEN = "as written"
"""In place of a number of groups: the network as written."""


class LayerRow(NamedTuple):
    """One layer and what it costs, for one sample."""

    name: str
    op: str
    groups: int | None
    is_depthwise: bool
    window: Window | None
    output_shape: Shape
    cost: Cost
    dense_cost: Cost
    """The cost of the layer with one group; equal to `cost` if the layer is not grouped."""
    path: tuple[Step, ...]
    item: int
    reach: Reach | None
    """The reach of its output; None if it was too much to follow."""
    memory: LayerBytes
    assumed: str = ""
    """The name of its class, if its MACs are assumed to be those of the class it derives from."""

    @property
    def params(self) -> int:
        """Weights, biases included."""
        return self.cost.params

    @property
    def macs(self) -> int | None:
        """Multiply-accumulates; None if they are unknown."""
        return self.cost.macs_or_none

    @property
    def macs_at_least(self) -> int:
        """Multiply-accumulates; 0 if they are unknown."""
        return self.cost.macs

    @property
    def activation_bytes(self) -> int:
        """Bytes of its output; 0 if it moves no data."""
        return self.memory.activations

    def value(self, total: TotalInfo) -> int:
        """Its part of a total with `has_shares`; 0 where it is unknown."""
        value: int = getattr(self, field_of(total))
        return value

    @property
    def flops(self) -> int | None:
        """Floating-point operations: 2 per multiply-accumulate; None if they are unknown."""
        return 2 * self.cost.macs if self.cost.macs_known else None


@dataclass(frozen=True, kw_only=True, repr=False)
class Summary(Shown):
    """A network as written, with its g=1 baseline."""

    name: str
    inputs: tuple[Shape, ...]
    dtype: str
    totals: Totals
    baseline: Totals
    layers: tuple[LayerRow, ...]

    @property
    def input(self) -> Shape:
        """The shape of the first input; the network of a spec has only one."""
        return self.inputs[0]

    @property
    def params(self) -> int:
        """Weights of the network, biases included."""
        return self.totals.params

    @property
    def trainable_params(self) -> int:
        """Weights that training changes."""
        return self.totals.trainable_params

    @property
    def macs(self) -> int | None:
        """Multiply-accumulates for one sample; None if those of a layer are unknown.

        `totals.unknown` names these layers.
        """
        return self.totals.macs

    @property
    def macs_at_least(self) -> int:
        """Multiply-accumulates for one sample of the layers for which they are known."""
        return self.totals.macs_at_least

    @property
    def flops(self) -> int | None:
        """Floating-point operations for one sample, 2 per multiply-accumulate; None if unknown."""
        return self.totals.flops


@dataclass(frozen=True, kw_only=True)
class CompareRow:
    """A network with one number of groups; `totals` is None if that number is impossible."""

    groups: int | str
    """The number of groups of the varied convolutions, 'depthwise', or 'as written'."""
    totals: Totals | None
    reason: str | None = None
    """Why the row is invalid."""
    is_as_written: bool = False
    """Whether it is the network as written, also if a number stands in `groups`."""
    settings: Mapping[str, Value] = field(default_factory=dict)
    """The values of the variables that vary, and of the one that makes costs equal, by name."""
    equal_ratio: float | None = None
    """The cost that should be equal, as a share of that of the network as written."""
    searched_to: int | None = None
    """The largest value for which it is sure that it is no better than the value found."""

    @property
    def valid(self) -> bool:
        """Whether the network exists with this number of groups."""
        return self.totals is not None

    @property
    def params(self) -> int | None:
        """Weights of the network; None in an invalid row."""
        return self.totals.params if self.totals else None

    @property
    def trainable_params(self) -> int | None:
        """Weights that training changes; None in an invalid row."""
        return self.totals.trainable_params if self.totals else None

    @property
    def macs(self) -> int | None:
        """Multiply-accumulates for one sample; None in an invalid row, or if they are unknown."""
        return self.totals.macs if self.totals else None

    @property
    def flops(self) -> int | None:
        """Floating-point operations for one sample; None in an invalid row, or if unknown."""
        return self.totals.flops if self.totals else None


@dataclass(frozen=True, kw_only=True)
class VariantRow:
    """One variant of a spec, with its own g=1 baseline.

    If the variant has mistakes, `reason` tells them, and the other fields are None.
    """

    variant: str
    name: str | None = None
    """The name of the network."""
    input: Shape | None = None
    totals: Totals | None = None
    baseline: Totals | None = None
    reason: str | None = None
    """Why the row is invalid."""

    @property
    def valid(self) -> bool:
        """Whether the variant has a network."""
        return self.totals is not None


@dataclass(frozen=True, kw_only=True, repr=False)
class VariantComparison(Shown):
    """The variants of one spec."""

    name: str
    """The name of the spec."""
    dtype: str
    rows: tuple[VariantRow, ...]


class Equal(NamedTuple):
    """What is equal in all rows of a comparison, and what changes for it."""

    metric: str
    """'macs', 'params' or 'flops'."""
    by: str
    """The variable that changes."""
    target: int
    """The cost of the network as written."""
    at_most: bool = False
    """Whether no cost is above the target."""


@dataclass(frozen=True, kw_only=True, repr=False)
class Comparison(Shown):
    """One network at several numbers of groups, or with several values of variables."""

    name: str
    inputs: tuple[Shape, ...]
    dtype: str
    rows: tuple[CompareRow, ...]
    """The network as written first, then a row per number, always including 1."""
    swept: tuple[str, ...]
    """Names of the convolutions whose groups vary from row to row."""
    held: tuple[str, ...]
    """Names of the convolutions that are unchanged."""
    rule: str
    """Why these were varied: 'only', 'grouped', 'depthwise' or 'dense'; '' if none were."""
    apart: tuple[str, ...] = ()
    """Those of `held` that the rule includes, but that share no divisor above 1 with `swept`."""
    vary: Mapping[str, tuple[Value, ...]] = field(default_factory=dict)
    """The values that variables take, by name."""
    equal: Equal | None = None
    """What is equal in all rows, if something is."""

    @property
    def is_varied(self) -> bool:
        """Whether rows differ in variables, and are compared with the network as written."""
        return bool(self.vary) or self.equal is not None

    @property
    def input(self) -> Shape:
        """The shape of the first input; the network of a spec has only one."""
        return self.inputs[0]

    @property
    def baseline(self) -> Totals:
        """The totals with which every ratio is computed.

        They are those at g = 1, or if variables vary, those of the network as written.
        """
        if self.is_varied and self.rows[0].totals is not None:
            return self.rows[0].totals
        for row in self.rows:
            if row.groups == 1 and row.totals is not None:
                return row.totals
        raise LookupError("no row for g = 1")
