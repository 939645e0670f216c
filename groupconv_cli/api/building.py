"""Building: Keras models and their files, checked against the analysis and compared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from groupconv_cli.api.reading import load
from groupconv_cli.network import Network, refuse_foreign
from groupconv_cli.sources.open import open_spec, silent

if TYPE_CHECKING:
    import keras

    from groupconv_cli.analysis.measurement import MeasureSettings
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
    """The Keras model, of stock Keras layers, or with `fast` of fast layers.

    Its weights are random, always the same for the same `seed`, or come from a `.weights.h5` or
    `.keras` file. A seed does not change the generators of Python, NumPy and TensorFlow. Every
    layer's output shape and parameters are checked against the analysis. With `ignore_memory` the
    model is built even if memory seems too small.

    Raises the errors of `load`, UsageError if the file's weights do not fit the network,
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
    return build_one(ModelSource(_buildable(spec)), options)


def python_code(spec: AnySpec) -> str:
    """The network as a Python file that needs only Keras, not gconv.

    Its function `build()` makes the same layers as `build` here, with the same names. Blocks of the
    spec are functions, repeats are loops, and variables are constants. The file is formatted for
    88 columns.

    Raises the errors of `load`, and UsageError for a layer that cannot be written as code.
    """
    from groupconv_cli.codegen import network_code

    return network_code(_buildable(spec))


def export(
    model: keras.Model | AnySpec,
    path: str | PathLike[str],
    *,
    to: str | None = None,
    force: bool = False,
    quantize: Quantization | None = None,
    calibration: Any = None,
    batch: int | None = None,
    dynamic: bool = False,
    ignore_memory: bool = False,
) -> Export:
    """Writes a Keras model, or the model of a spec, in the format of the path's ending.

    The path of a model's file can stand wherever a spec can. The model is loaded with its weights.

    `to` names the format if the ending does not; docs/export.md has a table of formats. `quantize`
    makes the file smaller, in formats that support it. int8 takes `calibration`: an array of shape
    (samples, *input), or for several inputs a list or a mapping of arrays. `batch` is the
    batch of a TFLite file, which is 1 without it. With `dynamic`, TFLite and ONNX files take
    images of any height and width, and are compared at two sizes.

    The file is loaded again and compared with the model on random input. The result's `agreement`
    has the differences. It is None if the runtime of the format is not installed.

    With `ignore_memory` the model is written even if memory seems too small.

    Raises the errors of `load`; UsageError if the path exists and `force` is not given, the format
    cannot express the model, or it does not have the quantization; EnvironmentProblem if a package
    is missing, or the file differs from the model.
    """
    from groupconv_cli.exporters.build_files import BuildOptions, build_files

    options = BuildOptions(
        quantize=quantize,
        calibration=calibration,
        ignore_memory=ignore_memory,
        batch=batch,
        dynamic=dynamic,
    )
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
    batch: int | None = None,
    dynamic: bool = False,
    ignore_memory: bool = False,
    settings: Settings | None = None,
    variant: str | None = None,
    regroup: Mapping[str, Count] | None = None,
    groups: Count | None = None,
    only: str | None = None,
    except_: str | None = None,
    force: bool = False,
    trust: bool = False,
    progress: Tell = silent,
) -> BuildReport:
    """Builds or reads the model once and writes it to every path, as `export` does for one path.

    `to` names formats if no ending gives them. Without paths, files are written in this folder. The
    text for the path - is in the report's `printed`.

    Raises the errors of `load`, `build` and `export`.
    """
    from groupconv_cli.exporters.build_files import BuildOptions, ModelSource
    from groupconv_cli.exporters.build_files import build_files as build_all
    from groupconv_cli.models.model_file import ModelFile

    file = open_spec(spec, trust=trust, or_bundled=False)
    network = load(
        file,
        settings=settings,
        variant=variant,
        regroup=regroup,
        groups=groups,
        only=only,
        except_=except_,
        progress=progress,
        keep_open=True,
    )
    is_other = bool(regroup) or groups is not None
    if is_other:
        refuse_foreign(network)
    read = file if isinstance(file, ModelFile) and not is_other else None
    source = ModelSource(network, read, settings)
    options = BuildOptions(
        weights, seed, fast, quantize, calibration, ignore_memory, batch, dynamic
    )
    return build_all(source, paths, to, options, force=force, progress=progress)


def accelerate(model: keras.Model) -> keras.Model:
    """A copy of any Keras model in which every grouped convolution is fast.

    The copy has the same weights, names and outputs. It is compiled if the model was, and training
    continues where it stopped. The layers are those of `groupconv_cli.layers`, so a file of the
    copy loads if that module is imported. Layers of custom classes that derive from Keras'
    convolution, or that call `keras.ops.conv` with groups, stay unchanged; a warning names them.

    Raises UsageError if Keras cannot save and load the model, for example if a class has no
    `get_config`, and EnvironmentProblem if TensorFlow is missing.
    """
    from groupconv_cli.runtime import load_keras

    load_keras()
    from groupconv_cli.models.convert import accelerate_model

    return accelerate_model(model)


def portable(model: keras.Model) -> keras.Model:
    """A copy of an accelerated model with stock Keras layers, which loads without this package.

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
    measuring: MeasureSettings | None = None,
    progress: Tell = silent,
) -> Conversion:
    """Saves the model of a file with fast grouped convolutions, or with `portable` stock ones.

    The saved file is loaded again, and its outputs and gradients are compared with the original's.
    `measuring` are the settings of `measure_conversion`, if it is called next: they set the threads
    and the device.

    Raises the errors of `accelerate` and `portable`, EnvironmentProblem if memory is short, and
    InternalError if the two differ. Nothing is saved if there is an error.
    """
    from groupconv_cli.exporters.convert_file import convert_file

    with _placed(measuring):
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


def _placed(settings: MeasureSettings | None) -> AbstractContextManager[object]:
    """Runs the block where the settings ask for, if there are any."""
    if settings is None:
        return nullcontext()
    from groupconv_cli.runtime import load_keras

    load_keras()
    from groupconv_cli.benchmark.machine import placed

    return placed(settings)


def _model_source(spec: AnySpec) -> ModelSource:
    """The source of a model: its file, if it has one."""
    from groupconv_cli.exporters.build_files import ModelSource
    from groupconv_cli.models.model_file import ModelFile

    if isinstance(spec, Network):
        return ModelSource(spec)
    file = open_spec(spec)
    if isinstance(file, ModelFile) and not (file.is_file or file.is_application):
        return ModelSource(model=file.model)
    network = file.network(keep_open=True)
    return ModelSource(network, file if isinstance(file, ModelFile) else None)


def _buildable(spec: AnySpec) -> Network:
    """The network itself, or that of a SPEC, whose open sizes stay open."""
    return spec if isinstance(spec, Network) else open_spec(spec).network(keep_open=True)
