"""The results of measuring: seconds on this machine.

Times are wall-clock seconds of one call, for a whole batch. `benchmark/measure.py` measures them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from math import ceil, hypot
from numbers import Integral
from statistics import median, quantiles

from groupconv_cli.dtypes import bytes_per_value
from groupconv_cli.errors import UsageError
from groupconv_cli.ops.kinds import Value
from groupconv_cli.shown import Shown
from groupconv_cli.words import joined

Progress = Callable[[str, float, float], None]
"""Takes a description, the seconds that have passed, and the seconds in all (0: not known)."""

DEPLOYED = ("litert", "onnx")
"""The exported model in float32, run by LiteRT or by onnxruntime: inference only."""

RUNTIMES = ("gconv", "keras", *DEPLOYED)
"""'gconv' has the fast layers, 'keras' the stock layers; the others run the exported model."""


@dataclass(frozen=True)
class Timing:
    """Seconds of one call, a sample for each round, in the order of the rounds."""

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


@dataclass(frozen=True, kw_only=True)
class Machine:
    """The machine and the versions that the times are for."""

    processor: str
    cores: int | None
    """Physical cores."""
    threads: int
    """Threads that one operation may use."""
    device: str
    """The device that ran the operations: 'CPU:0', 'GPU:0'."""
    system: str
    python: str
    tensorflow: str
    keras: str
    gconv: str
    onednn: bool
    """Whether TensorFlow was allowed to use oneDNN."""
    grouped_kernel: bool
    """Whether TensorFlow's own kernel computes grouped convolutions and their gradients here."""
    deployed: tuple[str, ...] = ()
    """The names and versions of the runtimes that ran exported models."""


MAX_THREADS = 1024
"""TensorFlow would start any number of threads."""


@dataclass(frozen=True, kw_only=True)
class MeasureSettings:
    """What to measure, and how often. Raises UsageError for an invalid value."""

    batch: int = 8
    dtype: str = "float32"
    runs: int | None = None
    """Samples of each time; None means as many as a stable median needs, within a time limit."""
    threads: int | None = None
    """Threads that one operation may use; None leaves that to TensorFlow."""
    device: str | None = None
    """'cpu', 'gpu' or 'gpu:1'; None leaves that to TensorFlow."""
    runtimes: tuple[str, ...] = ("gconv",)
    """Names from `RUNTIMES`."""
    ignore_memory: bool = False
    """Whether to measure even if the estimate says that memory is too small."""

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
        for runtime in self.runtimes:
            if runtime in DEPLOYED and self.dtype != "float32":
                raise UsageError(f"{runtime} is measured in float32; got {self.dtype}")
            if runtime in DEPLOYED and (self.device or "cpu").partition(":")[0] != "cpu":
                raise UsageError(f"{runtime} is measured on the cpu; got {self.device}")


@dataclass(frozen=True, kw_only=True)
class GroupTimes:
    """A network of one row of a comparison, in one runtime."""

    row: int
    """The index of its row."""
    groups: int | str
    settings: Mapping[str, Value] = field(default_factory=dict)
    """As in its row."""
    runtime: str
    macs: int
    forward: Timing | None
    """Inference of a batch; None if the measurement was interrupted before it."""
    train: Timing | None
    """A training step: forward, backward, and an update by SGD. None for an exported model."""
    forward_bytes: int | None
    """Peak memory of inference: weights and all other allocations; None if it is unknown."""
    train_bytes: int | None


@dataclass(frozen=True, kw_only=True, repr=False)
class GroupMeasurement(Shown):
    """The rows of a comparison, measured."""

    machine: Machine
    settings: MeasureSettings
    rows: tuple[GroupTimes, ...]
    complete: bool
    """False if the measuring was interrupted."""

    @property
    def is_varied(self) -> bool:
        """Whether rows differ in variables, and are compared with the network as written."""
        return any(row.settings for row in self.rows)

    def baseline(self, row: GroupTimes) -> GroupTimes | None:
        """The row that a row is compared with, in the same runtime if there is one.

        It is the one with one group, or if variables vary, the network as written. With one group
        both runtimes compute the same, so only one of them may have been measured.
        """
        if self.is_varied:
            dense = [other for other in self.rows if other.row == 0]
        else:
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


@dataclass(frozen=True, kw_only=True, repr=False)
class LayerMeasurement(Shown):
    """Every layer of a network, each by itself, and the network as a whole."""

    machine: Machine
    settings: MeasureSettings
    rows: tuple[LayerTimes, ...]
    whole: tuple[LayerTimes, ...]
    """The whole network, a row per runtime. Its `train` does not update the weights either."""
    call: Timing | None
    """A call that computes nothing. Every sample of a layer includes its time."""
    complete: bool

    def net(self, timing: Timing | None) -> float | None:
        """The median seconds minus those of a call that computes nothing; at least 0."""
        if timing is None:
            return None
        return max(0.0, timing.median - (self.call.median if self.call else 0.0))

    def is_noise(self, timing: Timing | None) -> bool:
        """Whether the net time is no longer than the times that it is made of scatter.

        The scatter of a difference is the root of the sum of both squares.
        """
        net = self.net(timing)
        parts = [each for each in (timing, self.call) if each is not None]
        return net is not None and net <= hypot(*(each.spread * each.median for each in parts))


@dataclass(frozen=True, kw_only=True)
class ConversionMeasurement:
    """A Keras model before and after its conversion, measured in turn."""

    machine: Machine
    settings: MeasureSettings
    forward: tuple[Timing, Timing] | None
    """Inference of a batch, before and after; None if the measurement was interrupted before it."""
    train: tuple[Timing, Timing] | None
    """A training step: forward, backward, and an update by SGD."""
    untrained: str
    """Why training was not measured; empty if it was."""
    complete: bool


def rounds_needed(samples: tuple[float, ...], tolerance: float) -> int:
    """The number of samples for which the median's standard error is within `tolerance` of it.

    The standard error of a median of n samples is about 1.25 σ / √n, and σ is about the
    interquartile range / 1.35 (both exact for a normal distribution).
    """
    timing = Timing(samples)
    sigma = timing.spread * 2 / 1.35
    return ceil((1.25 * sigma / tolerance) ** 2)
