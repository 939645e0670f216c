"""`gconv compare`: one network with different numbers of groups, or values of variables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from groupconv_cli import api
from groupconv_cli.cli.measure import (
    DEFAULT_MEASURING,
    MeasureOptions,
    measure_settings,
)
from groupconv_cli.cli.options import (
    DEFAULT_FILE,
    DEFAULT_READING,
    DTypeOption,
    ExceptOption,
    FileOptions,
    FormatOption,
    OnlyOption,
    SpecArgument,
    SpecOptions,
    load_spec,
    parse_groups,
    parse_settings,
)
from groupconv_cli.cli.run import INTERRUPTED, command
from groupconv_cli.cli.vary import DEFAULT_VARYING, VaryOptions, check_varying, compare_varied
from groupconv_cli.errors import UsageError

if TYPE_CHECKING:
    from groupconv_cli import Comparison, GroupMeasurement, MeasureSettings, Network
    from groupconv_cli.cli.present import Result

ROWS_FAILED = 1


@command
def compare(
    spec: SpecArgument = None,
    groups: Annotated[
        str | None,
        typer.Option(
            "--groups",
            "-g",
            metavar="N,N,…|all",
            help="Numbers of groups to compare. 'all', the default, means every number that "
            "divides the channels of all varied convolutions; 1-8, those of them from 1 to 8; "
            "'depthwise', as many groups as each has input channels.",
            show_default=False,
        ),
    ] = None,
    only: OnlyOption = None,
    except_: ExceptOption = None,
    varying: VaryOptions = DEFAULT_VARYING,
    variants: Annotated[
        bool, typer.Option("--variants", help="Compare the spec's variants instead.")
    ] = False,
    reading: SpecOptions = DEFAULT_READING,
    dtype: DTypeOption = None,
    measuring: MeasureOptions = DEFAULT_MEASURING,
    output_format: FormatOption = None,
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

    \b
    Examples:
      gconv compare --groups 1,4,8
      gconv compare resnext50_32x4d --groups all
      gconv compare net.yaml --groups 2,4 --only 'stage_3.*' --except '*.shortcut'
      gconv compare shufflenet_v1 --variants
      gconv compare resnext --vary width=4,8 --vary groups=16,32
      gconv compare resnext --vary groups=1,2,4,8 --equal macs --by width
      gconv compare net.yaml --groups 1,4,8 --measure
    """
    from groupconv_cli.cli.present import Destination, present

    to = Destination(output_format, file.output, file.force, file.exact).checked()
    settings_of_measure = measure_settings(measuring, dtype)
    check_varying(varying)
    if variants:
        if (
            groups is not None
            or only is not None
            or except_ is not None
            or any([reading.variant, reading.regroup, measuring.measure, varying.given])
        ):
            raise UsageError(
                "--variants cannot be combined with --groups, --only, --except, --variant, "
                "--regroup, --vary, --equal or --measure"
            )
        status, result = _variants(spec, reading, dtype)
        present(result, to)
        return status
    counts = None if groups is None else parse_groups(groups)
    if varying.given:
        report, measured = compare_varied(
            spec,
            reading,
            varying,
            groups=counts,
            patterns=(only, except_),
            dtype=dtype,
            measuring=settings_of_measure,
        )
    else:
        network = load_spec(spec, reading)
        report, measured = _groups(
            network, counts or ["all"], (only, except_), dtype, settings_of_measure
        )
    status, result = _result(report, measured, file.exact)
    present(result, to)
    return status


def _groups(
    network: Network,
    counts: list[int | str],
    patterns: tuple[str | None, str | None],
    dtype: str | None,
    settings: MeasureSettings | None,
) -> tuple[Comparison, GroupMeasurement | None]:
    """The comparison, and its times if they are measured. `patterns`: --only and --except."""
    only, except_ = patterns
    if settings is None:
        return api.compare(network, counts, only=only, except_=except_, dtype=dtype), None
    from groupconv_cli.cli.progress import bar

    with bar() as progress:
        return api.compare_measured(
            network, counts, only=only, except_=except_, settings=settings, progress=progress
        )


def _result(
    report: Comparison, measured: GroupMeasurement | None, exact: bool
) -> tuple[int, Result]:
    """The exit status, and the comparison in the forms of all formats."""
    from groupconv_cli.cli.present import Result
    from groupconv_cli.render.compare import compare_view
    from groupconv_cli.render.json import compare_json

    status = 0 if all(row.valid for row in report.rows) else ROWS_FAILED
    if measured and not measured.complete:
        status = INTERRUPTED
    return status, Result(
        view=lambda nested: compare_view(report, measured, exact=exact),
        documents={"json": lambda: compare_json(report, measured)},
    )


def _variants(spec: str | None, options: SpecOptions, dtype: str | None) -> tuple[int, Result]:
    """The exit status, and the comparison."""
    from groupconv_cli.cli.output import note
    from groupconv_cli.cli.present import Result
    from groupconv_cli.render.compare import variants_view
    from groupconv_cli.render.json import variants_json

    api.import_modules(options.modules or (), note)
    file = api.open_spec(spec, trust=options.trust, note=note)
    settings = parse_settings(options.settings)
    report = api.compare_variants(file, settings=settings, dtype=dtype)
    status = 0 if all(row.valid for row in report.rows) else ROWS_FAILED
    return status, Result(
        view=lambda nested: variants_view(report),
        documents={"json": lambda: variants_json(report)},
    )
