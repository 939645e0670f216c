"""`gconv build`: the model of a spec, in the formats of Keras and of other runtimes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from groupconv_cli.cli.options import (
    ForceOption,
    SetOption,
    TrustOption,
    VariantOption,
    complete_spec,
    file_name,
    members,
    network_in,
    parse_settings,
    read_spec,
)
from groupconv_cli.cli.run import command
from groupconv_cli.errors import EnvironmentProblem, GconvError, UsageError
from groupconv_cli.exporters import formats
from groupconv_cli.models.model_file import ModelFile
from groupconv_cli.network import Network, refuse_model
from groupconv_cli.words import joined

if TYPE_CHECKING:
    import keras

    from groupconv_cli.exporters.exporter import Export
    from groupconv_cli.language.spec_file import SpecFile


class To(StrEnum):
    """Formats of a model."""

    vars().update(members(formats.NAMES))


class Quantize(StrEnum):
    """Ways to make a model smaller."""

    vars().update(members(formats.QUANTIZATIONS))


def model_name(text: str) -> Path:
    """The path of a model that is to be written; only that of a SavedModel may end as a folder's.

    Raises UsageError for any other.
    """
    path = Path(text)
    return file_name(text) if path.suffix.lower() in formats.ENDINGS else path


@command
def build(
    spec: Annotated[
        str | None,
        typer.Argument(
            metavar="SPEC",
            help="A spec's path, the name of a bundled config, or - for standard input; or a Keras "
            "model: a .keras or .h5 file, or keras:NAME for one of keras.applications. Default: "
            "gconv.yaml in this folder.",
            autocompletion=complete_spec,
            show_default=False,
        ),
    ] = None,
    output: Annotated[
        list[Path] | None,
        typer.Option(
            "--output",
            "-o",
            metavar="PATH",
            parser=model_name,
            help=f"Where to save the model. The ending is the format: "
            f"{', '.join(formats.ENDINGS)}, or none for a {joined(formats.FOLDERS, 'or')} folder. "
            "May be repeated. Default: the spec's name in this folder.",
            show_default=False,
        ),
    ] = None,
    to: Annotated[
        list[To] | None,
        typer.Option(
            "--to",
            metavar="FORMAT",
            help=f"{joined(formats.NAMES, 'or')}: the format where no ending gives it. "
            "May be repeated without -o.",
            show_default=False,
        ),
    ] = None,
    force: ForceOption = False,
    weights: Annotated[
        Path | None,
        typer.Option(
            "--weights",
            metavar="FILE",
            help="Trained weights: a .weights.h5 or .keras file.",
            show_default=False,
        ),
    ] = None,
    init_seed: Annotated[
        int | None,
        typer.Option(
            "--init-seed",
            metavar="N",
            min=0,
            max=2**32 - 1,
            help="Draw the same random weights in every build.",
            show_default=False,
        ),
    ] = None,
    quantize: Annotated[
        Quantize | None,
        typer.Option(
            "--quantize",
            metavar="KIND",
            help=f"{joined(formats.QUANTIZATIONS, 'or')}, for "
            f"{joined([each.ending or each.title for each in formats.QUANTIZED], 'or')}.",
            show_default=False,
        ),
    ] = None,
    calibrate: Annotated[
        Path | None,
        typer.Option(
            "--calibrate",
            metavar="FILE.npz",
            help="Samples of real input, from which int8 takes its ranges of values.",
            show_default=False,
        ),
    ] = None,
    fast: Annotated[
        bool,
        typer.Option(
            "--fast",
            help="Use gconv's fast grouped convolutions. A .keras file then needs gconv to load, "
            "and a SavedModel needs a machine like this one. Other formats stay the same.",
        ),
    ] = False,
    ignore_memory: Annotated[
        bool,
        typer.Option("--ignore-memory", help="Build it even if memory seems too small."),
    ] = False,
    settings: SetOption = None,
    variant: VariantOption = None,
    trust: TrustOption = False,
) -> None:
    """Build the model of a spec, check it against the analysis, and save it.

    SPEC may be a Keras model: it is read with its weights and saved in other formats.

    Each saved file is loaded again and compared with the Keras model on random input. A .keras
    file has stock layers only, so it loads without gconv. In the other formats a grouped
    convolution is one operation with groups.

    \b
    Examples:
      gconv build resnext50_32x4d
      gconv build net.yaml -o net.keras -o net.onnx --weights trained.weights.h5
      gconv build net.yaml -o net.py
      gconv build net.yaml --to python -o -
      gconv build keras:MobileNetV2 -o mobilenet.onnx --weights trained.weights.h5
      gconv build net.yaml -o net.tflite --quantize int8 --calibrate samples.npz
    """
    from groupconv_cli.builder.memory import enough_to_build
    from groupconv_cli.cli.output import note, write, write_sentences
    from groupconv_cli.cli.present import is_stdout
    from groupconv_cli.cli.progress import spinner
    from groupconv_cli.files import file_stem
    from groupconv_cli.models.weights import check_weights_file
    from groupconv_cli.runtime import FRAMEWORK, require

    prints = any(map(is_stdout, output or ()))
    if prints and (to, len(output or ())) != (["python"], 1):
        raise UsageError(
            "-o - is for Python code alone: gconv build SPEC --to python -o -\n"
            "  other formats need a file, such as -o net.keras"
        )
    source = read_spec(spec, trust=trust, or_bundled=False)
    values = parse_settings(settings)
    network = network_in(source, values, variant)
    wanted = formats.targets(output or (), to or (), file_stem(network.name))
    asked = [target.format for target in wanted]
    if any(each.name == "python" for each in asked):
        refuse_model(network)
    _check_quantization(quantize, calibrate, asked)
    require(*FRAMEWORK, "psutil")
    formats.require_packages(asked)
    formats.check_sizes(asked, 4 * sum(node.cost.params for node in network.nodes))
    if weights is not None:
        check_weights_file(weights)
    samples = _samples(network, calibrate)
    if quantize == formats.CALIBRATED and samples is None:
        note(
            "warning: int8 takes its ranges from random numbers, because there is no --calibrate; "
            "such a file is for measuring speed and size, not for use"
        )
    way = "; --ignore-memory builds it anyway"
    enough = enough_to_build(network, ignore=ignore_memory, way=way)
    # The targets are opened first: work whose result cannot be kept is not begun.
    with formats.reserved(wanted, force=force) as places, spinner("Loading TensorFlow") as show:
        from groupconv_cli.runtime import load_keras

        load_keras()
        from groupconv_cli.api import build as build_network
        from groupconv_cli.exporters.exporter import ExportOptions, ExportSubject, export_all

        if isinstance(source, ModelFile):
            show(f"Reading {source.name}")
            with _memory_known(enough):
                model = _read(source, values, fast=fast, seed=init_seed, weights=weights)
        else:
            show(f"Building {network.name}")
            with _memory_known(enough):
                model = build_network(network, fast=fast, seed=init_seed, weights=weights)
        kind = next((each for each in formats.QUANTIZATIONS if each == quantize), None)
        options = ExportOptions(kind, samples, ignore_memory)
        saved = export_all(ExportSubject(model, network), places, options, show)
        code = places[0][1].read_text(encoding="utf-8") if prints else ""
    if prints:
        write(code)
    else:
        write_sentences(_report(source, network, model, saved, weights=weights, fast=fast))


def _check_quantization(
    quantize: Quantize | None, calibrate: Path | None, to: list[formats.Format]
) -> None:
    """Raises UsageError for options that nothing asked for would heed."""
    if quantize is not None and not any(quantize in each.quantizations for each in to):
        raise UsageError(f"--{formats.where_quantized(quantize)}")
    if calibrate is not None and quantize != formats.CALIBRATED:
        raise UsageError(f"--calibrate needs --quantize {formats.CALIBRATED}")


def _samples(network: Network, calibrate: Path | None) -> list[Any] | None:
    """The samples in the file of --calibrate. Raises UsageError if they are not of this network."""
    if calibrate is None:
        return None
    from groupconv_cli.exporters.calibration import Input, read_samples

    entries = [network.nodes[index] for index in network.inputs]
    return read_samples(calibrate, [Input(node.name, node.shape) for node in entries])


@contextmanager
def _memory_known(enough: bool) -> Iterator[None]:
    """Puts what goes wrong inside down to memory where there seemed to be too little of it."""
    try:
        yield
    except Exception as error:
        if enough or isinstance(error, GconvError):
            raise
        # TensorFlow reports a lack of memory in many ways, down to integers that overflow.
        raise EnvironmentProblem(f"there was not enough memory to build it: {error}") from error


def _read(
    source: ModelFile,
    values: dict[str, str],
    *,
    fast: bool,
    seed: int | None,
    weights: Path | None,
) -> keras.Model:
    """The model that stands in place of a spec."""
    from groupconv_cli.builder.seed import seeded
    from groupconv_cli.models.convert import make_fast
    from groupconv_cli.models.weights import load_weights

    if seed is not None and not source.is_application:
        raise UsageError(f"{source.name} has weights already; --init-seed is for random weights")
    with seeded(seed):
        model = source.load(values, ignore_memory=True)  # the network's was looked at before
    if weights is not None:
        load_weights(model, weights)
    if fast:
        make_fast(model)
    return model


def _report(
    source: SpecFile | ModelFile,
    network: Network,
    model: keras.Model,
    saved: list[Export],
    *,
    weights: Path | None,
    fast: bool,
) -> list[str]:
    """What was built, where it lies, and how it was checked."""
    from groupconv_cli.units import bytes_text, decimal_text
    from groupconv_cli.words import plural

    verb = "Read" if isinstance(source, ModelFile) else "Built"
    lines = [
        f"{verb} {network.name}: {plural(len(network.layers), 'layer')}, "
        f"{model.count_params():,} parameters."
    ]
    if not isinstance(source, ModelFile):
        lines.append(
            "Checked: every layer's output shape and parameters in Keras equal the analysis."
        )
    elif source.is_application and weights is None:
        lines.append("Its weights are random.")
    if weights is not None:
        lines.append(f"Weights from {weights}.")
    for each in saved:
        line = f"Saved {each.path} ({bytes_text(each.size)})"
        if each.agreement is None:
            lines.append(f"{line}. Not compared: {each.format.runtime} is not installed.")
            continue
        if not each.agreement.is_finite:
            lines.append(f"{line}. Not compared: an output of the model has no finite number.")
            continue
        difference, largest = map(decimal_text, (each.agreement.difference, each.agreement.largest))
        lines.append(
            f"{line}. Reloaded in {each.agreement.runtime}: max difference {difference} "
            f"(outputs up to {largest})"
        )
    if any(each.agreement is not None and each.agreement.says_little for each in saved):
        lines.append(
            "This comparison shows little: the outputs are nearly the same for any input, as in "
            "many networks without trained weights. With --weights it shows more."
        )
    if fast and any(each.format.name == "keras" for each in saved):
        lines.append("To load it: import groupconv_cli.layers, then keras.models.load_model.")
    if any(each.format.name == "python" for each in saved):
        lines.append("The Python file has no weights: it builds the model with random ones.")
    return lines
