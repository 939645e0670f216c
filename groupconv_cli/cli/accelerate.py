"""`gconv accelerate`: a Keras model with fast grouped convolutions, and back."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from groupconv_cli.cli.options import (
    ForceOption,
    SetOption,
    TrustOption,
    file_name,
    parse_settings,
)
from groupconv_cli.cli.run import command
from groupconv_cli.errors import InternalError, UsageError

if TYPE_CHECKING:
    from groupconv_cli.exporters.agreement import ConversionAgreement


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
    settings: SetOption = None,
    trust: TrustOption = False,
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
    from groupconv_cli.cli.progress import spinner
    from groupconv_cli.files import written_whole
    from groupconv_cli.models.model_file import ModelFile
    from groupconv_cli.models.recognize import is_model

    if not is_model(model):
        raise UsageError(
            f"{model} is not a Keras model (a .keras or .h5 file, or keras:NAME)\n"
            f"  for a spec: gconv build {model} --fast"
        )
    if output.suffix != ".keras":
        raise UsageError(f"FILE must end in .keras, got {output.name!r}")
    values = parse_settings(settings)
    ModelFile(model, trust=trust).check()
    with written_whole(output, force=force) as temporary, spinner("Loading TensorFlow") as show:
        from groupconv_cli.runtime import load_keras, silenced

        load_keras()
        from groupconv_cli.builder.memory import TRY_ANYWAY, check_run
        from groupconv_cli.exporters.agreement import BATCH, agreement
        from groupconv_cli.foreign import foreign
        from groupconv_cli.models import convert
        from groupconv_cli.models.load import load_model, model_network
        from groupconv_cli.models.safety import SAVE_AGAIN

        show(f"Reading {model}")
        network = model_network(model, values, trust=trust)
        check_run(network, BATCH, ignore=ignore_memory, way=TRY_ANYWAY)
        original = load_model(
            model, values, trust=trust, compiled=True, ignore_memory=ignore_memory
        )
        show("Converting")
        with silenced(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what was not reached is said below
            make = convert.portable_model if portable else convert.accelerate_model
            with foreign(model, "cannot be converted", SAVE_AGAIN):
                copy = make(original)
            reached = convert.changed(original, copy)
            missed = convert.left_alone(copy, fast=not portable)
            if not reached:
                raise UsageError(_nothing(original.name, missed, portable=portable))
            show(f"Saving {output.name}")
            copy.save(temporary)
        show("Comparing outputs and gradients with the original")
        with silenced(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            again = load_model(str(temporary), trust=trust, ignore_memory=True)
            with foreign(model, "cannot be run on random input", "see that Keras can run it"):
                found = agreement(original, again, network.input_shapes)
        if found.fault:
            raise InternalError(
                f"the converted model does not match {model} on random input: {found.fault}; "
                "nothing was saved"
            )
    _report(original.name, output, found, reached, missed, portable=portable)


def _report(
    name: str,
    output: Path,
    found: ConversionAgreement,
    reached: list[str],
    missed: list[str],
    *,
    portable: bool,
) -> None:
    """Says what was converted and how it compares."""
    from groupconv_cli.cli.output import write_sentences
    from groupconv_cli.units import bytes_text, decimal_text, percent_text
    from groupconv_cli.words import joined, plural

    now = "stock Keras layers" if portable else "fast layers"
    compared = (
        "Reloaded and compared with the original: max difference "
        f"{decimal_text(found.difference)} (outputs up to {decimal_text(found.largest)})"
        if found.is_finite
        else "Not compared: an output of the original has no finite number for random input."
    )
    lines = [
        f"Converted {name}: {plural(len(reached), 'grouped convolution')} to {now}.",
        f"Saved {output} ({bytes_text(output.stat().st_size)}). {compared}",
        f"Gradients of the weights were not compared: {found.left_out}."
        if found.gradients is None
        else f"Gradients of the weights: max difference {percent_text(found.gradients)}.",
    ]
    if missed:
        lines.append(f"Unchanged, because of custom classes: {joined(missed)}.")
    if not portable:
        lines.append("To load it: import groupconv_cli.layers, then keras.models.load_model.")
    write_sentences(lines)


def _nothing(name: str, missed: list[str], *, portable: bool) -> str:
    if portable:
        return f"model {name!r} has none of gconv's fast layers: there is nothing to convert"
    why = f"; these layers have custom classes: {', '.join(missed)}" if missed else ""
    return (
        f"model {name!r} has no grouped convolution of stock Keras: there is nothing to convert"
        f"{why}\n  gconv has no faster layers for depthwise and dense convolutions"
    )
