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
    from groupconv_cli.exporters.agreement import Agreement


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
        typer.Option("--portable", help="The way back: stock layers, for where gconv is not."),
    ] = False,
    force: ForceOption = False,
    settings: SetOption = None,
    trust: TrustOption = False,
) -> None:
    """Save a Keras model with grouped convolutions that are fast.

    Weights, names and outputs stay; what is saved is loaded again, and its outputs and gradients
    are compared with the original's on random input. To load the file, groupconv_cli.layers has to
    be imported; --portable makes a file for where gconv is not installed.

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
            f"{model} is no Keras model (a .keras or .h5 file, or keras:NAME)\n"
            f"  of a spec, gconv build {model} --fast makes a fast model"
        )
    if output.suffix != ".keras":
        raise UsageError(f"FILE must be a name that ends in .keras, got {output.name!r}")
    values = parse_settings(settings)
    ModelFile(model, trust=trust).check()
    with written_whole(output, force=force) as temporary, spinner("Loading TensorFlow") as show:
        from groupconv_cli.runtime import load_keras, silenced

        load_keras()
        from groupconv_cli.builder.memory import check_run
        from groupconv_cli.exporters.agreement import BATCH, agreement
        from groupconv_cli.foreign import foreign
        from groupconv_cli.models import convert
        from groupconv_cli.models.load import load_model, model_network
        from groupconv_cli.models.safety import SAVE_AGAIN

        show(f"Reading {model}")
        network = model_network(model, values, trust=trust)
        check_run(network, BATCH)
        original = load_model(model, values, trust=trust, compiled=True)
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
            again = load_model(str(temporary), trust=trust)
            with foreign(model, "cannot be run on random input", "see that Keras can run it"):
                found = agreement(original, again, network.input_shapes)
        if found.fault:
            raise InternalError(
                f"the converted model differs from {model} on random input: {found.fault}; "
                "nothing was saved"
            )
    _report(original.name, output, found, reached, missed, portable=portable)


def _report(
    name: str,
    output: Path,
    found: Agreement,
    reached: list[str],
    missed: list[str],
    *,
    portable: bool,
) -> None:
    """Says what was converted and how it compares."""
    from groupconv_cli.cli.output import write_sentences
    from groupconv_cli.units import bytes_text, decimal_text, percent_text
    from groupconv_cli.words import joined, plural

    now = "Keras' own again" if portable else "fast now"
    lines = [
        f"Converted {name}: {plural(len(reached), 'convolution')} with groups "
        f"{'is' if len(reached) == 1 else 'are'} {now}.",
        "Checked: loaded again, its outputs differ from the original's by at most "
        f"{decimal_text(found.difference)} on random input, where they reach "
        f"{decimal_text(found.largest)}."
        if found.is_finite
        else "Not compared: an output of the original has no finite number for random input.",
        f"Gradients of its weights were not compared: {found.left_out}."
        if found.gradients is None
        else f"Gradients of its weights differ by at most {percent_text(found.gradients)}.",
    ]
    if missed:
        lines.append(f"Left as they are, their classes being not Keras': {joined(missed)}.")
    lines.append(f"Saved {output} ({bytes_text(output.stat().st_size)}).")
    if not portable:
        lines.append("To load it: import groupconv_cli.layers, then keras.models.load_model.")
    write_sentences(lines)


def _nothing(name: str, missed: list[str], *, portable: bool) -> str:
    if portable:
        return f"model {name!r} has none of gconv's fast layers: there is nothing to convert"
    why = f"; of a class of their own are {', '.join(missed)}" if missed else ""
    return (
        f"model {name!r} has no grouped convolution of Keras' own: nothing to make fast{why}"
        "\n  depthwise and dense convolutions are as fast in Keras as they get"
    )
