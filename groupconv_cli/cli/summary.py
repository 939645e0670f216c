"""`gconv summary`: a network layer by layer."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from groupconv_cli.cli.options import (
    DType,
    DTypeOption,
    ExactOption,
    Format,
    FormatOption,
    SetOption,
    SpecArgument,
    VariantOption,
    load_spec,
)
from groupconv_cli.cli.run import command


@command
def summary(
    spec: SpecArgument = None,
    depth: Annotated[
        int | None,
        typer.Option(
            "--depth",
            min=0,
            help="Fold blocks below this level: 1 is a row per item of the spec's layers, "
            "0 the totals only.",
            show_default=False,
        ),
    ] = None,
    settings: SetOption = None,
    variant: VariantOption = None,
    dtype: DTypeOption = DType.float32,
    output_format: FormatOption = Format.table,
    exact: ExactOption = False,
) -> None:
    """Show every layer's shape and cost, and the totals beside the g=1 baseline.

    \b
    Examples:
      gconv summary resnext50_32x4d --depth 1
      gconv summary net.yaml --set groups=8
      gconv summary net.yaml --format json | jq .macs
    """
    from groupconv_cli.api import analyze
    from groupconv_cli.cli.output import emit, width_of, write

    result = analyze(load_spec(spec, settings, variant), dtype=dtype)
    if output_format is Format.json:
        from groupconv_cli.render.json import summary_json

        write(summary_json(result))
        return
    from groupconv_cli.render.summary import summary_view
    from groupconv_cli.render.text import lines

    width = width_of(sys.stdout)
    view = summary_view(result, depth=depth, nested=width is not None)
    emit(lines(view, width=width, exact=exact))
