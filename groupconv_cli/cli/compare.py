"""`gconv compare`: one network with different numbers of groups, or values of variables."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from groupconv_cli import api
from groupconv_cli.cli.ending import end_interrupted, failed_rows
from groupconv_cli.cli.measure import measure_settings
from groupconv_cli.cli.options import (
    DEFAULT_FILE,
    DEFAULT_READING,
    AnyFormatOption,
    DTypeOption,
    ExceptOption,
    FileOptions,
    GroupsOption,
    OnlyOption,
    PlotOption,
    SpecArgument,
    SpecOptions,
    load_spec,
    parse_groups,
    parse_settings,
)
from groupconv_cli.cli.run import command
from groupconv_cli.cli.train import DEFAULT_BENCH, BenchOptions, train_settings
from groupconv_cli.cli.vary import DEFAULT_VARYING, VaryOptions, check_varying, varied
from groupconv_cli.errors import UsageError

if TYPE_CHECKING:
    from groupconv_cli import (
        Comparison,
        GroupMeasurement,
        GroupTraining,
        TrainSettings,
        VariantComparison,
    )
    from groupconv_cli.cli.present import Destination, Result
    from groupconv_cli.render.view import View

    Done = tuple[Comparison | VariantComparison, GroupMeasurement | None, GroupTraining | None]

DEFAULT_SPEC = "gconv.yaml"


@command
def compare(
    spec: SpecArgument = None,
    groups: GroupsOption = None,
    only: OnlyOption = None,
    except_: ExceptOption = None,
    varying: VaryOptions = DEFAULT_VARYING,
    variants: Annotated[
        bool, typer.Option("--variants", help="Compare the spec's variants instead.")
    ] = False,
    reading: SpecOptions = DEFAULT_READING,
    dtype: DTypeOption = None,
    bench: BenchOptions = DEFAULT_BENCH,
    plot: PlotOption = None,
    output_format: AnyFormatOption = None,
    file: FileOptions = DEFAULT_FILE,
) -> int:
    """Compare a network with different numbers of groups, or values of variables.

    The groups are varied in the grouped convolutions. If there are none, they are varied in the
    depthwise convolutions. If there are none of those either, they are varied in all convolutions
    that do not read the input. A layer that shares no divisor with the others is left unchanged,
    unless --only names it. If a number does not divide the channels, or a variant has
    mistakes, its row says why, and the exit status is 1.

    --vary compares values of the spec's variables, and --groups then makes a row for each number as
    well. With --equal every row has the cost of the network as written: the variable --by has the
    whole number that comes nearest.

    vs g=1: the figure to the left as a share of the row g=1, in which the varied convolutions are
    dense and the others are unchanged. vs written: as a share of the network as written. vs dense:
    as a share of the same variant with every grouped convolution dense. Peak memory: weights and
    the most activations alive at once. FLOPs/byte: arithmetic intensity. All figures are for one
    sample.

    Times are medians, and ± is half the interquartile range. Speed-up: how many times as fast as
    g=1. By MACs: the speed-up that MACs alone predict. Memory is the peak allocation. A training
    step is forward, backward and an SGD update.

    With --train, every row is trained and tested with several seeds. vs g=1, or written: the
    difference of the accuracies in percentage points, and whether it is shown.

    \b
    Examples:
      gconv compare --groups 1,4,8
      gconv compare resnext50_32x4d --groups all
      gconv compare net.yaml --groups 2,4 --only 'stage_3.*' --except '*.shortcut'
      gconv compare shufflenet_v1 --variants
      gconv compare resnext --vary width=4,8 --vary groups=16,32
      gconv compare resnext --vary groups=1,2,4,8 --equal macs --by width
      gconv compare net.yaml --groups 1,4,8 --measure
      gconv compare net.yaml --groups 1,4,8 --train data.npz --epochs 10
      gconv compare resnext50_32x4d --plot sweep.svg
      gconv compare net.yaml --groups 1,4,8 --format github
    """
    from groupconv_cli.cli.present import Destination, Result, checked_plot
    from groupconv_cli.cli.progress import bar
    from groupconv_cli.render.compare import compare_view
    from groupconv_cli.render.json import compare_json

    to = Destination(output_format, file.output, file.force, file.exact).checked()
    checked_plot(plot, to.output, force=file.force)
    training = train_settings(bench, dtype)
    measuring = measure_settings(bench.measuring, dtype)
    check_varying(varying)
    if variants:
        if (
            groups is not None
            or only is not None
            or except_ is not None
            or any([reading.variant, reading.regroup, bench.measure, varying.given])
        ):
            raise UsageError(
                "--variants cannot be combined with --groups, --only, --except, --variant, "
                "--regroup, --vary, --equal or --measure"
            )
        result, done = _variants(spec, reading, dtype, (bench.train, training))
        return _shown(result, to, plot, done, bench.results)
    counts = None if groups is None else parse_groups(groups)
    computed = measuring.dtype if measuring else dtype
    if varying.given:
        patterns = (only, except_)
        swept = varied(spec, reading, varying, groups=counts, patterns=patterns, dtype=computed)
    else:
        network = load_spec(spec, reading)
        swept = api.group_sweep(
            network, counts or ["all"], only=only, except_=except_, dtype=computed
        )
    measured, trained = None, None
    if measuring is not None:
        with bar() as progress:
            measured = api.measured_sweep(swept, measuring, progress)
    elif training is not None and bench.train is not None:
        with bar() as progress:
            trained = api.trained_sweep(swept, bench.train, training, progress)
    result = Result(
        view=lambda nested: compare_view(swept.report, measured, trained, exact=file.exact),
        documents={
            "json": lambda: compare_json(swept.report, measured, trained),
            "github": lambda: _annotations(
                spec, swept.report, compare_view(swept.report, measured, trained), trained
            ),
        },
    )
    return _shown(result, to, plot, (swept.report, measured, trained), bench.results)


def _shown(
    result: Result, to: Destination, plot: Path | None, done: Done, results: str | None
) -> int:
    """Shows the result, and what was drawn of it; returns the exit status.

    If training was interrupted before anything was whole, no file is written: it would have to be
    replaced when the same command goes on.

    Raises the error that ended the training, and KeyboardInterrupt if something was interrupted.
    """
    from groupconv_cli.cli.present import present, present_plot

    report, measured, trained = done
    is_whole = trained is None or trained.whole_seeds > 0
    if is_whole or to.output is None:
        present(result, to)
    if is_whole:
        present_plot(plot, report, measured, trained, force=to.force)
    if trained is not None and trained.problem is not None:
        raise trained.problem
    if any(part is not None and not part.complete for part in (measured, trained)):
        is_there = is_whole and not to.force and any([to.output, plot])
        end_interrupted(trained, results, is_there=is_there)
    return failed_rows(report, trained, is_shown=to.output is None)


def _annotations(
    spec: str | None,
    report: Comparison | VariantComparison,
    view: View,
    trained: GroupTraining | None,
) -> str:
    """The comparison for GitHub Actions, at the file of the spec."""
    from groupconv_cli.render.github_results import compare_github

    name = spec or (DEFAULT_SPEC if Path(DEFAULT_SPEC).is_file() else report.name)
    workspace = os.environ.get("GITHUB_WORKSPACE")
    return compare_github(report, name, view.conclusion, trained, workspace)


def _variants(
    spec: str | None,
    options: SpecOptions,
    dtype: str | None,
    train: tuple[str | None, TrainSettings | None],
) -> tuple[Result, Done]:
    """The comparison, and what it is made of.

    `train` has the data and how to train on it.
    """
    from groupconv_cli.cli.output import note
    from groupconv_cli.cli.present import Result
    from groupconv_cli.cli.progress import bar
    from groupconv_cli.render.compare import variants_view
    from groupconv_cli.render.json import variants_json

    api.import_modules(options.modules or (), note)
    file = api.open_spec(spec, trust=options.trust, note=note)
    settings = parse_settings(options.settings)
    data, training = train
    trained = None
    if data is None:
        report = api.compare_variants(file, settings=settings, dtype=dtype)
    else:
        with bar() as progress:
            report, trained = api.compare_variants_trained(
                file, data, settings=settings, dtype=dtype, training=training, progress=progress
            )
    result = Result(
        view=lambda nested: variants_view(report, trained),
        documents={
            "json": lambda: variants_json(report, trained),
            "github": lambda: _annotations(spec, report, variants_view(report, trained), trained),
        },
    )
    return result, (report, None, trained)
