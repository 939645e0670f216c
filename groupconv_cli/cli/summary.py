"""`gconv summary`: shows a network layer by layer."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

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
    FileOptions,
    FormatOption,
    PlotOption,
    SpecArgument,
    SpecOptions,
    load_spec,
    members,
)
from groupconv_cli.cli.run import command
from groupconv_cli.errors import UsageError
from groupconv_cli.render import shares
from groupconv_cli.words import joined


class Cost(StrEnum):
    """Costs of which rows have shares."""

    vars().update(members(shares.COSTS))


@command
def summary(
    spec: SpecArgument = None,
    depth: Annotated[
        int | None,
        typer.Option(
            "--depth",
            metavar="N",
            min=0,
            help="Fold blocks below this level: 1 shows a row per item of the spec's layers, "
            "0 shows only the totals.",
            show_default=False,
        ),
    ] = None,
    top: Annotated[
        int | None,
        typer.Option(
            "--top",
            min=1,
            metavar="N",
            help="Show the N rows with the most MACs, and one row for the rest.",
            show_default=False,
        ),
    ] = None,
    by: Annotated[
        Cost | None,
        typer.Option(
            "--by",
            metavar="COST",
            help=f"{joined(list(shares.COSTS), 'or')}: what the bars are shares of, and what --top "
            "goes by. time needs --measure. Default: macs.",
            show_default=False,
        ),
    ] = None,
    reading: SpecOptions = DEFAULT_READING,
    dtype: DTypeOption = None,
    measuring: MeasureOptions = DEFAULT_MEASURING,
    plot: PlotOption = None,
    output_format: FormatOption = None,
    file: FileOptions = DEFAULT_FILE,
) -> int:
    """Show every layer's shape and cost, and compare the totals with the dense network.

    vs dense: MACs as a share of the same network with every grouped convolution dense, depthwise
    convolutions included. Bias, normalisation, activations, pooling and merges count 0 MACs. A
    reach of 1 means all channels. Share: of the MACs of the whole network; the row with the largest
    has the longest bar. Peak memory: weights and the most activations alive at once. FLOPs per
    byte: arithmetic intensity. All figures are for one sample.

    Times are medians of each layer by itself, without the time of an empty call. Train is forward
    and backward.

    \b
    Examples:
      gconv summary resnext50_32x4d --depth 1
      gconv summary resnext50_32x4d --top 10
      gconv summary resnext50_32x4d --top 10 --by params
      gconv summary net.yaml --set groups=8
      gconv summary keras:MobileNetV2
      gconv summary net.yaml --format json | jq .macs
      gconv summary net.yaml --depth 1 --measure
    """
    from groupconv_cli.cli.present import Destination, Result, checked_plot, present, present_plot
    from groupconv_cli.render.json import summary_json
    from groupconv_cli.render.summary import summary_view

    shaping = {"--depth": depth, "--top": top, "--by": by}
    given = tuple(option for option, value in shaping.items() if value is not None)
    to = Destination(output_format, file.output, file.force, file.exact, given).checked()
    checked_plot(plot, to.output, force=file.force)
    if by is not None and shares.COSTS[by].total is None and not measuring.measure:
        raise UsageError(f"--by {by} needs --measure")
    settings_of_measure = measure_settings(measuring, dtype)
    network = load_spec(spec, reading)
    report = api.analyze(network, dtype=dtype)
    measured = None
    if settings_of_measure is not None:
        from groupconv_cli.cli.progress import bar

        with bar() as progress:
            measured = api.measure_layers(network, settings=settings_of_measure, progress=progress)
    result = Result(
        view=lambda nested: summary_view(
            report, measured, depth=depth, top=top, by=by, nested=nested
        ),
        documents={"json": lambda: summary_json(report, measured)},
    )
    present(result, to)
    present_plot(plot, report, measured, force=file.force)
    if measured and not measured.complete:
        raise KeyboardInterrupt
    return 0
