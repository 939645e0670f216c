"""The options of time budgets: how `search` measures the layers that it chooses among."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from groupconv_cli.cli.measure import (
    MeasureOptions,
    Runtime,
    batch_option,
    device_option,
    measure_settings,
    memory_option,
    runs_option,
    runtime_option,
    threads_option,
)
from groupconv_cli.errors import UsageError

if TYPE_CHECKING:
    from groupconv_cli import MeasureSettings

WHEN = "With a time budget:"

BatchOption = Annotated[int | None, batch_option(WHEN)]
RunsOption = Annotated[int | None, runs_option(WHEN)]
ThreadsOption = Annotated[int | None, threads_option(WHEN)]
DeviceOption = Annotated[str | None, device_option(WHEN)]
MemoryOption = Annotated[bool, memory_option(WHEN)]
RuntimeOption = Annotated[
    Runtime | None,
    runtime_option(
        f"{WHEN} what runs the layers, one of those of compare --measure. Default: gconv."
    ),
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
