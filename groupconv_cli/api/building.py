"""Building: Keras models and files of them, checked against the analysis and compared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from groupconv_cli.analysis.regroup import regrouped_by_name
from groupconv_cli.api.reading import network_of
from groupconv_cli.network import Network, refuse_model
from groupconv_cli.sources.open import open_spec, silent

if TYPE_CHECKING:
    import keras

    from groupconv_cli.analysis.regroup import Count
    from groupconv_cli.api.reading import AnySpec
    from groupconv_cli.exporters.build_files import BuildReport, ModelSource
    from groupconv_cli.exporters.convert_file import Conversion
    from groupconv_cli.exporters.exporter import Export
    from groupconv_cli.exporters.formats import Quantization
    from groupconv_cli.sources.open import AnySource, Settings, Tell


def build(
    spec: AnySpec,
    *,
    fast: bool = False,
    seed: int | None = None,
    weights: str | PathLike[str] | None = None,
    ignore_memory: bool = False,
) -> keras.Model:
    """The Keras model: of stock Keras layers, or with `fast` accelerated.

    Its weights are random, the same ones for the same `seed`, or those of a `.weights.h5` or
    `.keras` file. A seed leaves Python's, NumPy's and TensorFlow's own generators as they were.
    Every layer's output shape and the parameters are checked against the analysis. With
    `ignore_memory` it is tried even where there seems to be too little memory.

    Raises what `load` raises, UsageError if the file's weights are not those of the network,
    EnvironmentProblem if TensorFlow or memory is missing, and InternalError if the built model
    differs from the analysis.
    """
    from groupconv_cli.exporters.build_files import BuildOptions, ModelSource, build_one

    options = BuildOptions(
        weights=None if weights is None else Path(weights),
        seed=seed,
        fast=fast,
        ignore_memory=ignore_memory,
    )
    return build_one(ModelSource(network_of(spec)), options)


def python_code(spec: AnySpec) -> str:
    """The network as a Python file that needs Keras alone, for who goes on without gconv.

    Its `build()` makes the layers that `build` here does, with their names: blocks of the spec are
    functions in it, repeats loops, variables constants. It is formatted for 88 columns.

    Raises what `load` raises, and UsageError for a layer that there is no code for.
    """
    from groupconv_cli.codegen import network_code

    return network_code(network_of(spec))


def export(
    model: keras.Model | AnySpec,
    path: str | PathLike[str],
    *,
    to: str | None = None,
    force: bool = False,
    quantize: Quantization | None = None,
    calibration: Any = None,
    ignore_memory: bool = False,
) -> Export:
    """Writes a Keras model, or that of a spec, in the format that the path's ending tells.

    A model's file is loaded with its weights; the path of one goes wherever a spec's does.

    `to` names the format where the ending doesn't: docs/export.md has a table of them. `quantize`
    makes the file smaller, in formats that can. int8 takes `calibration`: an array of shape
    (samples, *input), or for several inputs a list or a mapping of some.

    The file is loaded again and compared with the model on random input; what was found is in the
    result's `agreement`, which is None where nothing is installed that runs the format.

    With `ignore_memory` it is tried even where there seems to be too little memory.

    Raises what `load` raises, UsageError if the path exists and `force` is not given, or the format
    cannot express the model or has no such quantization; EnvironmentProblem if a package is
    missing, or the file differs from the model.
    """
    from groupconv_cli.exporters.build_files import BuildOptions, build_files

    options = BuildOptions(quantize=quantize, calibration=calibration, ignore_memory=ignore_memory)
    formats = [] if to is None else [to]
    report = build_files(_model_source(model), [Path(path)], formats, options, force=force)
    (written,) = report.exports
    return written


def build_files(
    spec: AnySource | None,
    paths: Sequence[Path],
    to: Sequence[str] = (),
    *,
    weights: Path | None = None,
    seed: int | None = None,
    fast: bool = False,
    quantize: Quantization | None = None,
    calibration: Any = None,
    ignore_memory: bool = False,
    settings: Settings | None = None,
    variant: str | None = None,
    regroup: Mapping[str, Count] | None = None,
    force: bool = False,
    trust: bool = False,
    progress: Tell = silent,
) -> BuildReport:
    """Builds or reads the model once and writes it to every path, as `export` does to one.

    `to` names formats where no ending gives them; without paths they are files in this folder.
    What would go to the path - is the report's `printed`.

    Raises what `load`, `build` and `export` raise.
    """
    from groupconv_cli.exporters.build_files import BuildOptions, ModelSource
    from groupconv_cli.exporters.build_files import build_files as build_all
    from groupconv_cli.models.model_file import ModelFile

    file = open_spec(spec, trust=trust, or_bundled=False)
    network = regrouped_by_name(file.network(settings, variant, progress=progress), regroup or {})
    if regroup:
        refuse_model(network)
    source = ModelSource(network, file if isinstance(file, ModelFile) else None, settings)
    options = BuildOptions(weights, seed, fast, quantize, calibration, ignore_memory)
    return build_all(source, paths, to, options, force=force, progress=progress)


def accelerate(model: keras.Model) -> keras.Model:
    """A copy of any Keras model in which every grouped convolution is fast.

    It has the same weights, names and outputs, and is compiled and trained as far as the model
    was. The layers are those of `groupconv_cli.layers`, so a file of it loads where this package
    is imported. A layer of a class of its own that derives from Keras' convolution stays as it is,
    and so does one that calls `keras.ops.conv` with groups; a warning names them.

    Raises UsageError if Keras cannot save and load the model, as one of a class without
    `get_config`, and EnvironmentProblem if TensorFlow is missing.
    """
    from groupconv_cli.runtime import load_keras

    load_keras()
    from groupconv_cli.models.convert import accelerate_model

    return accelerate_model(model)


def portable(model: keras.Model) -> keras.Model:
    """A copy of an accelerated model with stock layers, for where this package is not installed.

    Raises UsageError if Keras cannot clone the model, and EnvironmentProblem if TensorFlow is
    missing.
    """
    from groupconv_cli.runtime import load_keras

    load_keras()
    from groupconv_cli.models.convert import portable_model

    return portable_model(model)


def accelerate_file(
    model: str,
    path: Path,
    *,
    portable: bool = False,
    force: bool = False,
    ignore_memory: bool = False,
    settings: Settings | None = None,
    trust: bool = False,
    progress: Tell = silent,
) -> Conversion:
    """Saves the model of a file with its grouped convolutions fast, or with `portable` stock.

    The saved file is loaded again, and its outputs and gradients are compared with the original's.

    Raises what `accelerate` and `portable` raise, EnvironmentProblem if memory is short, and
    InternalError if the two differ; nothing is saved then.
    """
    from groupconv_cli.exporters.convert_file import convert_file

    return convert_file(
        model,
        path,
        portable=portable,
        force=force,
        ignore_memory=ignore_memory,
        settings=settings,
        trust=trust,
        progress=progress,
    )


def _model_source(spec: AnySpec) -> ModelSource:
    """What a model is made of: the file that has it, if one has."""
    from groupconv_cli.exporters.build_files import ModelSource
    from groupconv_cli.models.model_file import ModelFile

    if isinstance(spec, Network):
        return ModelSource(spec)
    file = open_spec(spec)
    if isinstance(file, ModelFile) and not (file.is_file or file.is_application):
        return ModelSource(model=file.model)
    return ModelSource(file.network(), file if isinstance(file, ModelFile) else None)
