"""The results of measuring: seconds of this machine, beside the numbers that hold everywhere.

Times are wall-clock seconds of one call, for a whole batch. Nothing here measures; see
`benchmark/measure.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from math import ceil
from numbers import Integral
from statistics import median, quantiles

from groupconv_cli.dtypes import bytes_per_value
from groupconv_cli.errors import UsageError
from groupconv_cli.words import joined

Progress = Callable[[str, float, float], None]
"""Told what goes on, the seconds that have gone, and those that all will take (0: not known)."""

RUNTIMES = ("gconv", "keras")
"""'gconv' is the fast layers, 'keras' the stock ones."""

WORTH = 0.05
"""A gain in time below this share is not called one: it is what shared machines drift by."""


@dataclass(frozen=True)
class Timing:
    """Seconds of one call, sample by sample, in the order of the rounds they were taken in."""

    samples: tuple[float, ...]

    @property
    def median(self) -> float:
        """The middle sample."""
        return median(self.samples)

    @property
    def spread(self) -> float:
        """Half the distance between the quartiles, as a share of the median; 0 for one sample."""
        if len(self.samples) < 2:
            return 0.0
        low, _, high = quantiles(self.samples, n=4, method="inclusive")
        return (high - low) / 2 / self.median if self.median else 0.0

    def times_faster_than(self, other: Timing) -> float:
        """How many times as fast as `other`: the median over the rounds that both took part in.

        A round's ratio is of two calls in close succession, so what slows a shared machine for a
        while slows both.
        """
        pairs = zip(other.samples, self.samples, strict=False)
        return median(theirs / ours for theirs, ours in pairs)


@dataclass(frozen=True, kw_only=True)
class Machine:
    """What the times hold for."""

    processor: str
    cores: int | None
    """Physical cores."""
    threads: int
    """Threads that one operation may use."""
    device: str
    """What ran the operations: 'CPU:0', 'GPU:0'."""
    system: str
    python: str
    tensorflow: str
    keras: str
    gconv: str
    onednn: bool
    """Whether TensorFlow was allowed to use oneDNN."""
    grouped_kernel: bool
    """Whether TensorFlow's own kernel computes grouped convolutions here, and their gradients."""


MAX_THREADS = 1024
"""TensorFlow starts as many as it is told to."""


@dataclass(frozen=True, kw_only=True)
class MeasureSettings:
    """What was measured, and how often. Raises UsageError for what cannot be."""

    batch: int = 8
    dtype: str = "float32"
    runs: int | None = None
    """Samples of each time; None is as many as make the median stable within a time."""
    threads: int | None = None
    """Threads that one operation may use; None leaves that to TensorFlow."""
    device: str | None = None
    """'cpu', 'gpu' or 'gpu:1'; None leaves that to TensorFlow."""
    runtimes: tuple[str, ...] = ("gconv",)
    """Of `RUNTIMES`."""
    ignore_memory: bool = False
    """Whether to try what by the estimate does not fit in memory."""

    def __post_init__(self) -> None:
        for name in ("batch", "runs", "threads"):
            value = getattr(self, name)
            if value is None and name != "batch":
                continue
            is_whole = isinstance(value, Integral) and not isinstance(value, bool)
            if not is_whole or value < 1:
                raise UsageError(f"{name} must be a whole number, 1 or more; got {value!r}")
        if self.threads is not None and self.threads > MAX_THREADS:
            raise UsageError(f"threads must be at most {MAX_THREADS:,}; got {self.threads:,}")
        bytes_per_value(self.dtype)
        runtimes: object = self.runtimes
        if not isinstance(runtimes, tuple) or not runtimes or {*runtimes} - {*RUNTIMES}:
            raise UsageError(f"runtimes must be a tuple of {joined(RUNTIMES)}; got {runtimes!r}")


@dataclass(frozen=True, kw_only=True)
class GroupTimes:
    """A network with one number of groups, in one runtime."""

    groups: int | str
    runtime: str
    macs: int
    forward: Timing | None
    """Inference of a batch; None where the measuring was ended before."""
    train: Timing | None
    """A training step: forward, backward, and an update by SGD."""
    forward_bytes: int | None
    """Peak memory of inference: weights and what else is allocated; None where none can tell."""
    train_bytes: int | None


@dataclass(frozen=True, kw_only=True)
class GroupMeasurement:
    """The rows of a comparison, measured."""

    machine: Machine
    settings: MeasureSettings
    rows: tuple[GroupTimes, ...]
    complete: bool
    """False if the measuring was interrupted."""

    def baseline(self, row: GroupTimes) -> GroupTimes | None:
        """The row of one group that a row is set against: in the same runtime if it is there.

        Without groups the two runtimes are one, so it need not be.
        """
        dense = [other for other in self.rows if other.groups == 1]
        same = [other for other in dense if other.runtime == row.runtime]
        return next(iter(same or dense), None)


@dataclass(frozen=True, kw_only=True)
class LayerTimes:
    """One layer by itself, in one runtime."""

    name: str
    runtime: str
    forward: Timing | None
    train: Timing | None
    """Forward, and backward to the inputs and the weights."""


@dataclass(frozen=True, kw_only=True)
class LayerMeasurement:
    """Every layer of a network, each by itself, and the network as a whole."""

    machine: Machine
    settings: MeasureSettings
    rows: tuple[LayerTimes, ...]
    whole: tuple[LayerTimes, ...]
    """The network itself, a row per runtime; its `train` has no update of the weights either."""
    call: Timing | None
    """A call that computes nothing: what each sample has in it beside the layer."""
    complete: bool

    def net(self, timing: Timing | None) -> float | None:
        """Median seconds less those of a call that computes nothing; never below 0."""
        if timing is None:
            return None
        return max(0.0, timing.median - (self.call.median if self.call else 0.0))


@dataclass(frozen=True)
class SpeedVerdict:
    """What to take from the times of several numbers of groups."""

    fastest: int
    times_faster: float
    """Than one group."""
    macs_ratio: float
    """One group's MACs over those of the fastest: what FLOPs alone would predict."""
    enough: int
    """The smallest number whose time is within `WORTH` of the fastest's."""
    beyond: tuple[int, ...]
    """The larger numbers: they buy nothing more in time."""


def verdict(rows: Iterable[tuple[int, int, Timing]]) -> SpeedVerdict | None:
    """The conclusion from (number of groups, MACs, time) of each row, one of them g = 1.

    None where there is nothing to compare with one group.
    """
    by_groups = {groups: (macs, timing) for groups, macs, timing in rows}
    if 1 not in by_groups or len(by_groups) < 2:
        return None
    dense_macs, dense = by_groups[1]
    faster = {g: timing.times_faster_than(dense) for g, (_, timing) in by_groups.items()}
    fastest = max(faster, key=lambda g: (faster[g], -g))
    near = [g for g in sorted(faster) if faster[g] >= faster[fastest] * (1 - WORTH)]
    macs = by_groups[fastest][0]
    return SpeedVerdict(
        fastest=fastest,
        times_faster=faster[fastest],
        macs_ratio=dense_macs / macs if macs else 1.0,
        enough=near[0],
        beyond=tuple(g for g in sorted(faster) if g > near[0]),
    )


def rounds_needed(samples: tuple[float, ...], tolerance: float) -> int:
    """How many samples would give a median whose standard error is within `tolerance` of it.

    The standard error of a median of n samples is about 1.25 σ / √n, and σ about the
    interquartile range / 1.35 (both exact for a normal distribution).
    """
    timing = Timing(samples)
    sigma = timing.spread * 2 / 1.35
    return ceil((1.25 * sigma / tolerance) ** 2)
