"""`gconv build`: writes the model of a spec in the formats of Keras and of other runtimes."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from groupconv_cli import api
from groupconv_cli.cli.options import (
    DEFAULT_READING,
    ExceptOption,
    ForceOption,
    OnlyOption,
    SpecOptions,
    complete_spec,
    file_name,
    members,
    parse_count,
    parse_regroup,
    parse_settings,
)
from groupconv_cli.cli.run import command
from groupconv_cli.errors import UsageError
from groupconv_cli.exporters import formats
from groupconv_cli.words import joined


class To(StrEnum):
    """Formats of a model."""

    vars().update(members(formats.NAMES))


class Quantize(StrEnum):
    """Ways to make a model smaller."""

    vars().update(members(formats.QUANTIZATIONS))


def model_name(text: str) -> Path:
    """The path of a model that will be written. Only a SavedModel may have the path of a folder.

    Raises UsageError for any other path of a folder.
    """
    path = Path(text)
    return file_name(text) if path.suffix.lower() in formats.ENDINGS else path


def _titles(some: Sequence[formats.Format]) -> str:
    return joined([each.title for each in some], "or")


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
            help=f"{joined(formats.NAMES, 'or')}: the format, if no ending gives it. "
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
            help="Samples of real input, to find the ranges of values for int8.",
            show_default=False,
        ),
    ] = None,
    groups: Annotated[
        str | None,
        typer.Option(
            "--groups",
            "-g",
            metavar="N",
            help="Build the row of `gconv compare` with that number of groups, or 'depthwise'.",
            show_default=False,
        ),
    ] = None,
    only: OnlyOption = None,
    except_: ExceptOption = None,
    fast: Annotated[
        bool,
        typer.Option(
            "--fast",
            help="Use gconv's fast grouped convolutions. A .keras file then needs gconv to load, "
            "and a SavedModel needs a machine like this one. Other formats stay the same.",
        ),
    ] = False,
    batch: Annotated[
        int | None,
        typer.Option(
            "--batch",
            metavar="N",
            min=1,
            max=10**6,
            help=f"For {_titles(formats.BATCHED)}: samples in a batch. Default: 1.",
            show_default=False,
        ),
    ] = None,
    dynamic: Annotated[
        bool,
        typer.Option(
            "--dynamic",
            help=f"For {_titles(formats.CONVERTED)}: leave the height and width of the input open.",
        ),
    ] = False,
    ignore_memory: Annotated[
        bool,
        typer.Option("--ignore-memory", help="Build it even if memory seems too small."),
    ] = False,
    reading: SpecOptions = DEFAULT_READING,
) -> None:
    """Build the model of a spec, check it against the analysis, and save it.

    SPEC may be a Keras model. It is then read with its weights and saved in other formats.

    Each saved file is loaded again and compared with the Keras model on random input. A .keras
    file has stock layers only, so it loads without gconv. In the other formats a grouped
    convolution is one operation with groups.

    \b
    Examples:
      gconv build resnext50_32x4d
      gconv build net.yaml -o net.keras -o net.onnx --weights trained.weights.h5
      gconv build net.yaml -o net.py
      gconv build net.yaml --groups 8 --only 'stage_3.*' -o net_g8.keras
      gconv build net.yaml --to python -o -
      gconv build keras:MobileNetV2 -o mobilenet.onnx --weights trained.weights.h5
      gconv build net.yaml -o net.tflite --quantize int8 --calibrate samples.npz
    """
    from groupconv_cli.cli.output import note, write, write_sentences
    from groupconv_cli.cli.present import is_stdout
    from groupconv_cli.cli.progress import spinner
    from groupconv_cli.render.build import build_sentences

    prints = any(map(is_stdout, output or ()))
    if prints and (to, len(output or ())) != (["python"], 1):
        raise UsageError(
            "-o - is for Python code only: gconv build SPEC --to python -o -",
            "other formats need a file, such as -o net.keras",
        )
    count = parse_count(groups, (only, except_))
    api.import_modules(reading.modules or (), note)
    file = api.open_spec(spec, trust=reading.trust, or_bundled=False, note=note)
    with spinner() as show:
        report = api.build_files(
            file,
            output or (),
            to or (),
            weights=weights,
            seed=init_seed,
            fast=fast,
            quantize=next((each for each in formats.QUANTIZATIONS if each == quantize), None),
            calibration=calibrate,
            batch=batch,
            dynamic=dynamic,
            ignore_memory=ignore_memory,
            settings=parse_settings(reading.settings),
            variant=reading.variant,
            regroup=parse_regroup(reading.regroup),
            groups=count,
            only=only,
            except_=except_,
            force=force,
            progress=show,
        )
    if quantize == formats.CALIBRATED and calibrate is None:
        note(
            "warning: int8 takes its ranges from random numbers, because there is no --calibrate; "
            "use this file only to measure speed and size"
        )
    if prints:
        write(report.printed)
    else:
        write_sentences(build_sentences(report))
