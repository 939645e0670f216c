"""`gconv list`: the bundled networks."""

from __future__ import annotations

from typing import Annotated

import typer

from groupconv_cli import api
from groupconv_cli.cli.options import DEFAULT_FILE, FileOptions, FormatOption, PlotOption
from groupconv_cli.cli.run import command


@command
def list_networks(
    word: Annotated[
        str | None,
        typer.Argument(
            metavar="[WORD]",
            help="List only networks that have this in their name or description.",
            show_default=False,
        ),
    ] = None,
    plot: PlotOption = None,
    output_format: FormatOption = None,
    file: FileOptions = DEFAULT_FILE,
) -> None:
    """List the bundled networks with their size, a description and where they were published.

    Every name in the list can be given as SPEC.

    \b
    Examples:
      gconv list
      gconv list resnet
      gconv list --format json
    """
    from groupconv_cli.cli.present import Destination, Result, checked_plot, present, present_plot
    from groupconv_cli.render.catalogue import catalogue_view, networks_view
    from groupconv_cli.render.csv import csv_text
    from groupconv_cli.render.json import catalogue_json

    to = Destination(output_format, file.output, file.force, file.exact).checked()
    checked_plot(plot, to.output, force=file.force)
    networks = api.catalogue(word)
    result = Result(
        view=lambda nested: catalogue_view(networks),
        documents={
            "json": lambda: catalogue_json(networks),
            "csv": lambda: csv_text(networks_view(networks)),
        },
    )
    present(result, to)
    present_plot(plot, networks, force=file.force)
