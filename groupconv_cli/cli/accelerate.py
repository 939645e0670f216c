"""`gconv accelerate`: makes the grouped convolutions of a Keras model fast, or stock again."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from groupconv_cli import api
from groupconv_cli.cli.options import (
    ForceOption,
    ImportOption,
    TrustOption,
    file_name,
    parse_settings,
)
from groupconv_cli.cli.run import command


@command
def accelerate(
    model: Annotated[
        str,
        typer.Argument(
            metavar="MODEL",
            help="A .keras or .h5 file, or keras:NAME for a model of keras.applications.",
            show_default=False,
        ),
    ],
    output: Annotated[
        Path,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE.keras",
            parser=file_name,
            help="Where to save the converted model.",
            show_default=False,
        ),
    ],
    portable: Annotated[
        bool,
        typer.Option("--portable", help="Convert back to stock Keras layers."),
    ] = False,
    force: ForceOption = False,
    ignore_memory: Annotated[
        bool,
        typer.Option("--ignore-memory", help="Convert it even if memory seems too small."),
    ] = False,
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="NAME=VALUE",
            help="Set the open input sizes of the model, input=224,224,3, or an argument of the "
            "function keras:NAME. May be repeated.",
            show_default=False,
        ),
    ] = None,
    trust: TrustOption = False,
    modules: ImportOption = None,
) -> None:
    """Save a Keras model with fast grouped convolutions.

    Weights, names and outputs stay the same. The saved file is loaded again, and its outputs and
    gradients are compared with the original's on random input. To load it, import
    groupconv_cli.layers first. --portable makes a file that loads without gconv.

    \b
    Examples:
      gconv accelerate model.keras -o fast.keras
      gconv accelerate fast.keras -o model.keras --portable
    """
    from groupconv_cli.cli.output import note, write_sentences
    from groupconv_cli.cli.progress import spinner
    from groupconv_cli.render.build import conversion_sentences

    api.import_modules(modules or (), note)
    with spinner() as show:
        report = api.accelerate_file(
            model,
            output,
            portable=portable,
            force=force,
            ignore_memory=ignore_memory,
            settings=parse_settings(settings),
            trust=trust,
            progress=show,
        )
    write_sentences(conversion_sentences(report))
