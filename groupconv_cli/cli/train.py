"""The options of `compare` that train its rows, and those that it shares with --measure."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from groupconv_cli.cli.measure import (
    DeviceOption,
    MeasureOption,
    MeasureOptions,
    RunsOption,
    Runtime,
    ThreadsOption,
    runtime_option,
)
from groupconv_cli.cli.options import members
from groupconv_cli.errors import UsageError
from groupconv_cli.training.recipe import MAX_BATCH, MAX_STEPS, OPTIMIZERS, STEPS, Recipe
from groupconv_cli.training.settings import MAX_SEEDS, MAX_WORKERS, SEEDS
from groupconv_cli.words import joined

if TYPE_CHECKING:
    from groupconv_cli import TrainSettings

USUAL = Recipe()


class Optimizer(StrEnum):
    """Optimizers to train with."""

    vars().update(members(OPTIMIZERS))


def _number(name: str, text: str, most: int = MAX_STEPS) -> Any:
    told = f"With --train: {text}"
    return typer.Option(name, metavar="N", min=1, max=most, help=told, show_default=False)


def _text(name: str, metavar: str, text: str) -> Any:
    return typer.Option(name, metavar=metavar, help=f"With --train: {text}", show_default=False)


RATES = joined([f"{rate:g} for {name}" for name, rate in OPTIMIZERS.items()])

TrainOption = Annotated[
    str | None,
    typer.Option(
        "--train",
        metavar="DATA",
        help="Train and test every row on this data: a .npz file, a folder with a folder per "
        "class or with IDX files, or mnist1d, a small set that is generated.",
        show_default=False,
    ),
]
BatchOption = Annotated[
    int | None,
    typer.Option(
        "--batch",
        metavar="N",
        min=1,
        max=MAX_BATCH,
        help=f"Samples in a batch. Default: 8 with --measure, {USUAL.batch} with --train.",
        show_default=False,
    ),
]
RuntimeOption = Annotated[
    Runtime | None,
    runtime_option(
        "gconv for the fast layers (the default), keras for stock layers. With --measure also "
        "both, and litert or onnx for inference of the exported model."
    ),
]
MemoryOption = Annotated[
    bool,
    typer.Option("--ignore-memory", help="Measure or train even if memory seems too small."),
]
SeedsOption = Annotated[
    int | None,
    _number("--seeds", f"runs of each row, each with a seed. Default: {SEEDS}.", MAX_SEEDS),
]
StepsOption = Annotated[int | None, _number("--steps", f"steps of a run. Default: {STEPS}.")]
EpochsOption = Annotated[
    int | None, _number("--epochs", "passes over the data, in place of steps.")
]
RateOption = Annotated[
    float | None, _text("--lr", "X", f"the largest learning rate. Default: {RATES}.")
]
DecayOption = Annotated[
    float | None,
    _text("--weight-decay", "X", f"the decay of weights. Default: {USUAL.weight_decay:g}."),
]
OptimizerOption = Annotated[
    Optimizer | None,
    _text("--optimizer", "NAME", f"{joined([*OPTIMIZERS], 'or')}. Default: {USUAL.optimizer}."),
]
ShareOption = Annotated[
    float | None,
    _text("--test-share", "X", "the share of the samples to test on, for data in one piece."),
]
WorkersOption = Annotated[
    int | None,
    _number("--workers", "processes that train at once. Default: this one.", MAX_WORKERS),
]
ClusterOption = Annotated[
    str | None,
    _text("--cluster", "ADDRESS", "train on the workers of the Dask scheduler at this address."),
]
ResultsOption = Annotated[
    str | None,
    _text("--results", "FILE", "keep finished runs in this file, and do not run those in it."),
]
DiversityOption = Annotated[
    bool,
    typer.Option(
        "--diversity",
        help="With --train: show how different the features are, which is no measure of quality.",
    ),
]


class BenchOptions(NamedTuple):
    """--measure and --train, and the options that go with either."""

    measure: MeasureOption = False
    train: TrainOption = None
    batch: BatchOption = None
    runtime: RuntimeOption = None
    runs: RunsOption = None
    threads: ThreadsOption = None
    device: DeviceOption = None
    ignore_memory: MemoryOption = False
    seeds: SeedsOption = None
    steps: StepsOption = None
    epochs: EpochsOption = None
    lr: RateOption = None
    weight_decay: DecayOption = None
    optimizer: OptimizerOption = None
    test_share: ShareOption = None
    workers: WorkersOption = None
    cluster: ClusterOption = None
    results: ResultsOption = None
    diversity: DiversityOption = False

    @property
    def measuring(self) -> MeasureOptions:
        """The options of --measure; what --train has too is not among them if it is given."""
        given = self._asdict()
        names = [
            name for name in MeasureOptions._fields if self.train is None or name not in SHARED
        ]
        return MeasureOptions(**{name: given[name] for name in names})


DEFAULT_BENCH = BenchOptions()

SHARED = ("batch", "runtime", "ignore_memory")
"""Options that go with either."""
OF_TRAINING = BenchOptions._fields[BenchOptions._fields.index("seeds") :]


def train_settings(options: BenchOptions, dtype: str | None) -> TrainSettings | None:
    """The settings that --train and its options ask for; None without --train.

    Raises UsageError if one of its options is given without it, or an option is invalid.
    """
    if options.train is None:
        _refuse(options, OF_TRAINING, "--train DATA")
        if not options.measure:
            _refuse(options, SHARED, "--measure or --train DATA")
        return None
    if options.measure:
        raise UsageError("--train and --measure cannot be combined; run them one after the other")
    if options.results == "-":
        raise UsageError("--results keeps runs in a file that is read again; - is none")
    from groupconv_cli import TrainSettings

    given: dict[str, Any] = {
        "steps": options.steps,
        "epochs": options.epochs,
        "batch": options.batch,
        "lr": options.lr,
        "weight_decay": options.weight_decay,
        "optimizer": options.optimizer and options.optimizer.value,
        "runtime": options.runtime and options.runtime.value,
        "dtype": dtype,
    }
    return TrainSettings(
        seeds=options.seeds or SEEDS,
        recipe=Recipe(**{name: value for name, value in given.items() if value is not None}),
        test_share=options.test_share,
        workers=options.workers,
        cluster=options.cluster,
        results=options.results,
        diversity=options.diversity,
        ignore_memory=options.ignore_memory,
    )


def _refuse(options: BenchOptions, names: tuple[str, ...], needed: str) -> None:
    """Raises UsageError if one of these options is given."""
    for name in names:
        value = getattr(options, name)
        if value is not None and value is not False:
            raise UsageError(f"--{name.replace('_', '-')} needs {needed}")
