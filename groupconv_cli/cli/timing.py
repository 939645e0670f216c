"""The options of time budgets: how `search` measures the layers that it chooses among."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from groupconv_cli.cli.measure import MeasureOptions, Runtime, measure_settings
from groupconv_cli.errors import UsageError

if TYPE_CHECKING:
    from groupconv_cli import MeasureSettings

WHEN = "With a time budget:"

BatchOption = Annotated[
    int | None,
    typer.Option(
        "--batch",
        metavar="N",
        min=1,
        max=10**6,
        help=f"{WHEN} samples in a batch. Default: 8.",
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
        help=f"{WHEN} rounds to time. Default: as many as a stable median needs.",
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
        help=f"{WHEN} threads that an operation may use. Default: all.",
        show_default=False,
    ),
]
DeviceOption = Annotated[
    str | None,
    typer.Option(
        "--device",
        metavar="NAME",
        help=f"{WHEN} where to run: cpu, gpu or gpu:N. Default: a GPU if there is one.",
        show_default=False,
    ),
]
RuntimeOption = Annotated[
    Runtime | None,
    typer.Option(
        "--runtime",
        metavar="NAME",
        help=f"{WHEN} what runs the layers, one of those of compare --measure. Default: gconv.",
        show_default=False,
    ),
]
MemoryOption = Annotated[
    bool,
    typer.Option("--ignore-memory", help=f"{WHEN} measure even if memory seems too small."),
]
FreshOption = Annotated[
    bool,
    typer.Option("--fresh", help=f"{WHEN} measure again what earlier runs have measured."),
]


class TimingOptions(NamedTuple):
    """The options that go with a time budget."""

    batch: BatchOption = None
    runs: RunsOption = None
    threads: ThreadsOption = None
    device: DeviceOption = None
    runtime: RuntimeOption = None
    ignore_memory: MemoryOption = False
    fresh: FreshOption = False


DEFAULT_TIMING = TimingOptions()


def timing_settings(
    options: TimingOptions, dtype: str | None, *, timed: bool
) -> MeasureSettings | None:
    """The settings for measuring; None if no time is limited.

    Raises UsageError if an option is given that means nothing then.
    """
    given = options._asdict()
    if not timed:
        for field, value in given.items():
            if value is not None and value is not False:
                raise UsageError(
                    f"--{field.replace('_', '-')} needs a time budget", "for example --max-time 60%"
                )
        return None
    given.pop("fresh")
    return measure_settings(MeasureOptions(measure=True, **given), dtype)
