"""Measuring: time and memory on this machine."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from groupconv_cli.api.analyzing import group_sweep
from groupconv_cli.api.arguments import measure_settings
from groupconv_cli.api.reading import network_of
from groupconv_cli.network import refuse_foreign

if TYPE_CHECKING:
    from groupconv_cli.analysis.measurement import (
        ConversionMeasurement,
        GroupMeasurement,
        LayerMeasurement,
        MeasureSettings,
        Progress,
    )
    from groupconv_cli.analysis.sweep import Sweep
    from groupconv_cli.api.reading import AnySpec
    from groupconv_cli.exporters.convert_file import Conversion


def measure(
    spec: AnySpec,
    groups: Iterable[int | str] | str = "all",
    *,
    only: str | None = None,
    except_: str | None = None,
    settings: MeasureSettings | None = None,
    progress: Progress | None = None,
) -> GroupMeasurement:
    """The rows of `compare`, timed on this machine: inference, training steps and peak memory.

    `settings` has the batch, the dtype, the number of rounds and so on. `progress` is called with a
    description, the seconds that have passed, and the seconds that everything will take. Rows that
    compute the same are measured once.

    Raises the errors of `compare`, UsageError if the device does not exist, and EnvironmentProblem
    if TensorFlow is missing or memory is short. KeyboardInterrupt during the rounds ends them, and
    the result is not `complete`.
    """
    settings = measure_settings(settings)
    swept = group_sweep(spec, groups, only=only, except_=except_, dtype=settings.dtype)
    return measured_sweep(swept, settings, progress)


def measured_sweep(
    swept: Sweep, settings: MeasureSettings, progress: Progress | None
) -> GroupMeasurement:
    """The rows of a sweep, timed on this machine. Raises the errors of `measure`."""
    from groupconv_cli.runtime import load_keras

    for _, network in swept.networks:
        refuse_foreign(network)
    load_keras()
    from groupconv_cli.benchmark.measure import measure_networks

    rows = [(index, swept.report.rows[index], network) for index, network in swept.networks]
    return measure_networks(rows, settings, progress or _no_progress)


def measure_layers(
    spec: AnySpec, *, settings: MeasureSettings | None = None, progress: Progress | None = None
) -> LayerMeasurement:
    """Every layer of the network by itself, timed on this machine, and the whole network.

    Raises the errors of `load` and `measure`.
    """
    from groupconv_cli.runtime import load_keras

    settings = measure_settings(settings)
    network = network_of(spec)
    refuse_foreign(network)
    load_keras()
    from groupconv_cli.benchmark.measure import measure_layers as measured

    return measured(network, settings, progress or _no_progress)


def measure_conversion(
    conversion: Conversion,
    settings: MeasureSettings,
    *,
    progress: Progress | None = None,
) -> ConversionMeasurement:
    """The model of `accelerate_file` before and after its conversion, timed on this machine.

    Raises the errors of `measure`. KeyboardInterrupt during the rounds ends them.
    """
    from groupconv_cli.benchmark.converted import measure_converted

    return measure_converted(conversion, settings, progress or _no_progress)


def _no_progress(what: str, done: float, total: float) -> None:
    """Ignores the progress."""
