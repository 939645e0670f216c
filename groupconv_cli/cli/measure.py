"""The options of --measure, which `compare` and `summary` share."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from groupconv_cli import dtypes
from groupconv_cli.errors import UsageError

if TYPE_CHECKING:
    from groupconv_cli import MeasureSettings


class Runtime(StrEnum):
    """Layers to measure with."""

    gconv = "gconv"
    keras = "keras"
    both = "both"
    litert = "litert"
    onnx = "onnx"


MeasureOption = Annotated[
    bool, typer.Option("--measure", help="Measure time and memory on this machine as well.")
]
BatchOption = Annotated[
    int | None,
    typer.Option(
        "--batch",
        metavar="N",
        min=1,
        max=10**6,
        help="With --measure: samples in a batch. Default: 8.",
        show_default=False,
    ),
]
RunsOption = Annotated[
    int | None,
    typer.Option(
        "--runs",
        metavar="N",
        min=1,
        max=10**6,
        help="With --measure: rounds to time. Default: as many as a stable median needs.",
        show_default=False,
    ),
]
ThreadsOption = Annotated[
    int | None,
    typer.Option(
        "--threads",
        metavar="N",
        min=1,
        max=1024,
        help="With --measure: threads that an operation may use. Default: all.",
        show_default=False,
    ),
]
DeviceOption = Annotated[
    str | None,
    typer.Option(
        "--device",
        metavar="NAME",
        help="With --measure: where to run: cpu, gpu or gpu:N. Default: a GPU if there is one.",
        show_default=False,
    ),
]
MeasureMemoryOption = Annotated[
    bool,
    typer.Option("--ignore-memory", help="With --measure: measure even if memory seems too small."),
]
RuntimeOption = Annotated[
    Runtime | None,
    typer.Option(
        "--runtime",
        metavar="NAME",
        help="With --measure: gconv for the fast layers (the default), keras for stock layers, "
        "both; litert or onnx for inference of the exported model.",
        show_default=False,
    ),
]


class MeasureOptions(NamedTuple):
    """--measure, and the options that go with it."""

    measure: MeasureOption = False
    batch: BatchOption = None
    runs: RunsOption = None
    threads: ThreadsOption = None
    device: DeviceOption = None
    runtime: RuntimeOption = None
    ignore_memory: MeasureMemoryOption = False


DEFAULT_MEASURING = MeasureOptions()


def measure_settings(options: MeasureOptions, dtype: str | None) -> MeasureSettings | None:
    """The settings that --measure and its options ask for; None without --measure.

    Raises UsageError if one of its options is given without --measure.
    """
    if not options.measure:
        for field, value in options._asdict().items():
            if value is not None and value is not False:
                raise UsageError(f"--{field.replace('_', '-')} needs --measure")
        return None
    from groupconv_cli import MeasureSettings

    chosen = (options.runtime or Runtime.gconv).value
    return MeasureSettings(
        batch=options.batch or 8,
        dtype=dtype or dtypes.DEFAULT,
        runs=options.runs,
        threads=options.threads,
        device=options.device,
        ignore_memory=options.ignore_memory,
        runtimes=("gconv", "keras") if chosen == "both" else (chosen,),
    )
