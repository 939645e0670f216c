"""Measures a Keras model before and after its conversion, in turn."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any

import tensorflow as tf

from groupconv_cli.analysis.measurement import (
    ConversionMeasurement,
    MeasureSettings,
    Progress,
    Timing,
)
from groupconv_cli.benchmark.measure import PHASES, prepared, ready, timed_runs
from groupconv_cli.benchmark.timed_model import TimedModel
from groupconv_cli.builder.memory import check_memory
from groupconv_cli.exporters.convert_file import Conversion
from groupconv_cli.exporters.samples import random_inputs

BEFORE, AFTER = "before", "after"


def measure_converted(
    conversion: Conversion, settings: MeasureSettings, progress: Progress
) -> ConversionMeasurement:
    """Times inference and training steps of a model and of what it was converted to.

    The two have the same weights and the same input. A model without gradients is not trained.

    Raises the errors of `ready`, and EnvironmentProblem if memory seems too small.
    """
    untrained = conversion.agreement.left_out
    phases = PHASES[:1] if untrained else PHASES
    network = conversion.network

    def maker(model: Any) -> Callable[[], TimedModel]:
        inputs = random_inputs(model, settings.batch, seed=0, shapes=network.input_shapes)
        return lambda: TimedModel(model, [tf.constant(x) for x in inputs], updates=True)

    with ready(settings) as machine:
        check_memory([network, network], settings, machine)
        makers: dict[Hashable, tuple[str, Callable[[], Any]]] = {
            BEFORE: ("the original", maker(conversion.original)),
            AFTER: ("the converted model", maker(conversion.result)),
        }
        made = prepared(makers, progress, phases)
        taken = timed_runs(made, settings, progress, phases)

    def both(phase: str) -> tuple[Timing, Timing] | None:
        before, after = (taken.timings.get((key, phase)) for key in (BEFORE, AFTER))
        return (before, after) if before is not None and after is not None else None

    return ConversionMeasurement(
        machine=machine,
        settings=settings,
        forward=both("forward"),
        train=both("train"),
        untrained=untrained,
        complete=taken.complete,
    )
