"""`gconv accelerate`: makes the grouped convolutions of a Keras model fast, or stock again."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from groupconv_cli import api
from groupconv_cli.cli.measure import DEFAULT_STEP, StepOptions, step_settings
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
    measuring: StepOptions = DEFAULT_STEP,
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
) -> int:
    """Save a Keras model with fast grouped convolutions.

    Weights, names and outputs stay the same. The saved file is loaded again, and its outputs and
    gradients are compared with the original's on random input. To load it, import
    groupconv_cli.layers first. --portable makes a file that loads without gconv. --measure times
    a call in inference and a training step, before and after.

    \b
    Examples:
      gconv accelerate model.keras -o fast.keras
      gconv accelerate model.keras -o fast.keras --measure --batch 32
      gconv accelerate fast.keras -o model.keras --portable
    """
    from groupconv_cli.cli.output import emit, note, width_of, write_sentences
    from groupconv_cli.cli.progress import bar, spinner
    from groupconv_cli.render.build import conversion_sentences
    from groupconv_cli.render.conversion import conversion_view
    from groupconv_cli.render.text import lines

    settings_of_measure = step_settings(measuring, ignore_memory=ignore_memory)
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
            measuring=settings_of_measure,
            progress=show,
        )
    write_sentences(conversion_sentences(report))
    if settings_of_measure is None:
        return 0
    with bar() as progress:
        measured = api.measure_conversion(report, settings_of_measure, progress=progress)
    view = conversion_view(measured)
    whole = "A wider terminal shows everything"
    emit([[], *lines(view, width=width_of(sys.stdout), whole=whole)])
    if not measured.complete:
        raise KeyboardInterrupt
    return 0
