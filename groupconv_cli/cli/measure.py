"""The options of --measure, which `compare`, `summary` and `accelerate` share."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

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


def batch_option(when: str) -> Any:
    """--batch; the help begins with when it counts."""
    return _number("--batch", 10**6, f"{when} samples in a batch. Default: 8.")


def runs_option(when: str) -> Any:
    """--runs; the help begins with when it counts."""
    text = f"{when} rounds to time. Default: as many as a stable median needs."
    return _number("--runs", 10**6, text)


def threads_option(when: str) -> Any:
    """--threads; the help begins with when it counts."""
    text = f"{when} threads that an operation may use. Default: all."
    return _number("--threads", 1024, text)


def device_option(when: str) -> Any:
    """--device; the help begins with when it counts."""
    text = f"{when} where to run: cpu, gpu or gpu:N. Default: a GPU if there is one."
    return typer.Option("--device", metavar="NAME", help=text, show_default=False)


def runtime_option(text: str) -> Any:
    """--runtime with this help."""
    return typer.Option("--runtime", metavar="NAME", help=text, show_default=False)


def memory_option(when: str) -> Any:
    """--ignore-memory; the help begins with when it counts."""
    return typer.Option("--ignore-memory", help=f"{when} measure even if memory seems too small.")


def _number(name: str, most: int, text: str) -> Any:
    return typer.Option(name, metavar="N", min=1, max=most, help=text, show_default=False)


WHEN = "With --measure:"

BatchOption = Annotated[int | None, batch_option(WHEN)]
RunsOption = Annotated[int | None, runs_option(WHEN)]
ThreadsOption = Annotated[int | None, threads_option(WHEN)]
DeviceOption = Annotated[str | None, device_option(WHEN)]
MeasureMemoryOption = Annotated[bool, memory_option(WHEN)]
RuntimeOption = Annotated[
    Runtime | None,
    runtime_option(
        f"{WHEN} gconv for the fast layers (the default), keras for stock layers, both; litert or "
        "onnx for inference of the exported model."
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


class StepOptions(NamedTuple):
    """--measure, and the options that go with it where what runs is given."""

    measure: MeasureOption = False
    batch: BatchOption = None
    runs: RunsOption = None
    threads: ThreadsOption = None
    device: DeviceOption = None


DEFAULT_STEP = StepOptions()


def step_settings(options: StepOptions, *, ignore_memory: bool) -> MeasureSettings | None:
    """The settings that these options ask for; None without --measure.

    Raises UsageError if one of them is given without --measure.
    """
    given = MeasureOptions(**options._asdict())
    if options.measure:
        given = given._replace(ignore_memory=ignore_memory)
    return measure_settings(given, None)
