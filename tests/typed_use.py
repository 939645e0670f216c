"""Every public name as a typed program uses it. Held by `mypy --strict` alone: nothing runs this.

A name that a type checker takes for `object` or `Any` fails `assert_type`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, assert_type

from matplotlib.figure import Figure

import groupconv_cli
from groupconv_cli import (
    Comparison,
    Diff,
    GconvError,
    GroupMeasurement,
    GroupTraining,
    MeasureSettings,
    Network,
    Recipe,
    SearchReport,
    SpecError,
    Summary,
    TrainSettings,
    UnreachableBudget,
    UsageError,
    VariantComparison,
    __version__,
    accelerate,
    analyze,
    build,
    check,
    compare,
    compare_variants,
    diff,
    equal_cost,
    export,
    load,
    measure,
    measure_layers,
    plot,
    portable,
    python_code,
    report,
    saved_report,
    search,
    spec_text,
    train,
    vary,
)
from groupconv_cli.analysis.measurement import LayerMeasurement
from groupconv_cli.exporters.exporter import Export
from groupconv_cli.lint.report import CheckReport

assert_type(__version__, str)
assert_type(groupconv_cli.__version__, str)


def analysis(spec: Mapping[str, object], groups: Iterable[int]) -> None:
    network = load(spec)
    assert_type(network, Network)
    assert_type(network.name, str)
    summary = analyze(network, dtype="float16")
    assert_type(summary, Summary)
    assert_type(summary.params, int)
    assert_type(summary.macs, int | None)
    assert_type(summary.macs_at_least, int)
    assert_type(compare(network, groups), Comparison)
    assert_type(compare_variants("shufflenet_v1"), VariantComparison)
    assert_type(search(network, {"macs": "50%"}, per="layer"), SearchReport)
    assert_type(vary("resnext", {"width": [2, 4]}), Comparison)
    assert_type(equal_cost("resnext", "macs", "width", {"groups": [8]}), Comparison)
    assert_type(diff("resnet50", network), Diff)
    assert_type(plot(summary), Figure)
    assert_type(plot([diff("resnet50", network)]), Figure)
    assert_type(python_code(network), str)
    assert_type(spec_text(network), str)
    assert_type(report(network, groups=groups), str)
    assert_type(saved_report("compare.json"), str)
    assert_type(check("net.yaml", rules={"GC101": "error"}, budget={"params": "9M"}), CheckReport)


def measurement(network: Network) -> None:
    settings = MeasureSettings(batch=8, dtype="float16", threads=1)
    assert_type(settings, MeasureSettings)
    assert_type(settings.batch, int)
    assert_type(measure(network, [1, 2], settings=settings), GroupMeasurement)
    assert_type(measure_layers(network, settings=settings), LayerMeasurement)
    how = TrainSettings(seeds=2, recipe=Recipe(steps=10), workers=2)
    assert_type(how.recipe, Recipe)
    found = train(network, "mnist1d", [1, 2], settings=how)
    assert_type(found, GroupTraining)
    assert_type(found.rows[0].accuracy, float | None)


def models(model: Any) -> None:
    # Keras ships no types, so its models are Any: see `mistakes` for what is known of these.
    build("block", fast=True, seed=1)
    accelerate(model)
    portable(model)
    assert_type(export(model, "net.tflite", to="tflite", quantize="float16"), Export)


def mistakes() -> None:
    build("block", seed="1")  # type: ignore[arg-type]
    accelerate()  # type: ignore[call-arg]
    portable()  # type: ignore[call-arg]
    groupconv_cli.analyse("block")  # type: ignore[attr-defined]


def errors() -> None:
    try:
        load("net.yaml")
    except SpecError as error:
        assert_type(error, SpecError)
    except UnreachableBudget as error:
        assert_type(error, UnreachableBudget)
    except UsageError as error:
        assert_type(error, UsageError)
    except GconvError as error:
        assert_type(error, GconvError)
