"""Measured times of a search: what it is given, and what its report says of them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING, NamedTuple

from groupconv_cli.network import Network, Node
from groupconv_cli.policy.times import NANOSECONDS

if TYPE_CHECKING:
    from groupconv_cli.analysis.measurement import Machine, MeasureSettings, Timing


class Times(NamedTuple):
    """Measured nanoseconds of one phase."""

    whole: int
    """The network as written."""
    call: int
    """A call that computes nothing. The time of every layer includes it."""
    layers: Mapping[str, int]
    """Each layer by itself, by its `layer_key`."""


class Taken(NamedTuple):
    """Measured times, and where they come from."""

    times: Mapping[str, Times]
    """By phase."""
    machine: Machine
    settings: MeasureSettings
    layers: int
    """The number of different layers."""
    cached: int
    """The number of those that were measured by an earlier run."""
    since: str
    """The date of the oldest of these; '' if there are none."""


Timer = Callable[[Network, Mapping[str, Node], Collection[str]], Taken]
"""Measures a network and layers of it, by their keys, in some phases."""


class TimeUse(NamedTuple):
    """A time budget, the time that is predicted for the choice, and the one that was measured."""

    metric: str
    """One of `policy.times.TIMES`."""
    limit: int
    """This and the other times are in nanoseconds."""
    before: int
    """The network as written, as measured together with its layers."""
    predicted: int
    layers: Mapping[str, tuple[int, int]]
    """By the full name of each convolution that changes, its time as written and as chosen."""
    uniform: int | None
    """The predicted time of the best single count; None if there is none."""
    is_share: bool = False
    """Whether the limit was given as a share of the network as written."""
    measured: Timing | None = None
    """The chosen network; None if the measuring was interrupted."""
    measured_before: Timing | None = None
    """The network as written, in turn with the chosen one."""

    @property
    def difference(self) -> float | None:
        """The predicted time as a share of the measured one, less 1; None if it is unknown."""
        if self.measured is None:
            return None
        return self.predicted / NANOSECONDS / self.measured.median - 1

    def is_load_changed(self, tolerance: float) -> bool:
        """Whether the two times of the network as written differ by more than this share."""
        if self.measured_before is None:
            return False
        return abs(self.before / NANOSECONDS / self.measured_before.median - 1) > tolerance

    @property
    def is_broken(self) -> bool:
        """Whether the measured time is above the limit.

        For a share that is a share of what was measured beside it: the machine's load may differ.
        """
        if self.measured is None:
            return False
        limit = self.limit / NANOSECONDS
        if self.is_share and self.measured_before is not None:
            limit = self.limit / self.before * self.measured_before.median
        return self.measured.median > limit
