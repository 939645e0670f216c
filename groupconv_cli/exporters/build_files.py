"""Makes a model once from a network or a Keras model, writes it in each format, compares the files.

`gconv build` and `groupconv_cli.export` both use it. Impossible requests are refused before
TensorFlow is loaded, and if one file fails, no file is left.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from groupconv_cli.builder.memory import building
from groupconv_cli.errors import UsageError
from groupconv_cli.exporters.formats import (
    Format,
    check_quantization,
    check_shapes,
    check_sizes,
    require_packages,
    reserved,
    targets,
)
from groupconv_cli.files import file_stem
from groupconv_cli.models.model_file import ModelFile
from groupconv_cli.models.weights import check_weights_file, load_weights
from groupconv_cli.network import Network, refuse_foreign
from groupconv_cli.runtime import FRAMEWORK, load_keras, require
from groupconv_cli.sources.open import Tell, silent

if TYPE_CHECKING:
    import keras

    from groupconv_cli.exporters.comparison import Arrays
    from groupconv_cli.exporters.exporter import Export
    from groupconv_cli.exporters.formats import Quantization


class ModelSource(NamedTuple):
    """The source of a model: a network, a model's file and its network, or a model in memory."""

    network: Network | None = None
    file: ModelFile | None = None
    settings: Mapping[str, object] | None = None
    """Sizes and arguments for the file."""
    model: keras.Model | None = None
    """A model in memory, used unchanged. There is no network then."""

    @property
    def name(self) -> str:
        """The name of the model."""
        return self.network.name if self.network else str(getattr(self.model, "name", "model"))


class BuildOptions(NamedTuple):
    """Options for making and writing a model."""

    weights: Path | None = None
    """A file of trained weights."""
    seed: int | None = None
    """The seed for random weights that are the same each time."""
    fast: bool = False
    """Whether its grouped convolutions are gconv's fast layers."""
    quantize: Quantization | None = None
    calibration: Any = None
    """Samples for int8: the path of a .npz file, or arrays for `calibration.given_samples`."""
    ignore_memory: bool = False
    """Whether to continue even if memory seems too small."""
    batch: int | None = None
    """The samples of a batch, in formats that fix it; None means 1."""
    dynamic: bool = False
    """Whether height and width stay open, in formats that a converter writes."""


class BuildReport(NamedTuple):
    """The model that was made, its files, and how they were checked."""

    name: str
    layers: int
    params: int
    is_read: bool
    """Whether it is a Keras model that was read, and not built from a spec."""
    is_random: bool
    """Whether a model that was read has random weights."""
    options: BuildOptions
    exports: tuple[Export, ...]
    printed: str
    """The file's text, if the only target is standard output."""


def build_files(
    source: ModelSource,
    paths: Sequence[Path],
    to: Sequence[str],
    options: BuildOptions,
    *,
    force: bool = False,
    progress: Tell = silent,
) -> BuildReport:
    """Makes the model and writes it to every path, in the formats of `formats.targets`.

    `progress` is called with a description of slow steps.

    Raises UsageError if a file cannot be written as requested, EnvironmentProblem if a package or
    memory is missing, or a file differs from the model, and InternalError if the model differs from
    the network.
    """
    wanted = targets(paths, to, file_stem(source.name))
    formats = [target.format for target in wanted]
    _check(source, formats, options)
    samples = _samples(source, options.calibration) if source.network else None
    # The targets are opened first, so that no work is done whose result cannot be kept.
    with reserved(wanted, force=force) as places:
        progress("Loading TensorFlow")
        load_keras()
        from groupconv_cli.exporters.exporter import (
            ExportOptions,
            ExportSubject,
            check_model,
            export_all,
        )

        if source.model is not None:
            check_model(source.model)
            samples = _samples(source, options.calibration)
        model = _made(source, options, progress)
        check_sizes(formats, 4 * model.count_params())
        exports = export_all(
            ExportSubject(model, source.network, is_built=source.file is None),
            places,
            ExportOptions(
                options.quantize,
                samples,
                options.ignore_memory,
                options.batch or 1,
                options.dynamic,
            ),
            progress,
        )
        to_stdout = str(wanted[0].path) == "-"
        printed = places[0][1].read_text(encoding="utf-8") if to_stdout else ""
    return BuildReport(
        name=source.name,
        layers=len(source.network.layers if source.network else model.layers),
        params=model.count_params(),
        is_read=source.file is not None or source.model is not None,
        is_random=bool(source.file and source.file.has_random_weights and options.weights is None),
        options=options,
        exports=tuple(exports),
        printed=printed,
    )


def build_one(source: ModelSource, options: BuildOptions) -> keras.Model:
    """Only the model. Raises the errors of `build_files` about the model."""
    if options.weights is not None:
        check_weights_file(options.weights)
    load_keras()
    return _made(source, options, silent)


def _check(source: ModelSource, formats: list[Format], options: BuildOptions) -> None:
    """Raises UsageError or EnvironmentProblem for failures that are known before any work."""
    if source.network and any(each.name == "python" for each in formats):
        refuse_foreign(source.network)
    check_quantization(options.quantize, formats, calibrated=options.calibration is not None)
    check_shapes(formats, batch=options.batch, dynamic=options.dynamic)
    if options.seed is not None and source.file and not source.file.has_random_weights:
        raise UsageError(f"{source.file.name} has weights already; a seed is for random weights")
    if source.network and source.network.open_inputs:
        for each in formats:
            if each.is_converted:
                raise UsageError(
                    f"{each.name} needs the sizes of the input, which {source.name} leaves open",
                    "give them: --set input=224,224,3, with your sizes",
                )
    require(*FRAMEWORK, "psutil")
    require_packages(formats)
    if source.network:
        check_sizes(formats, 4 * sum(node.cost.params for node in source.network.nodes))
    if options.weights is not None:
        check_weights_file(options.weights)


def _samples(source: ModelSource, calibration: Any) -> Arrays | None:
    """The checked samples of each input. Raises UsageError if they do not fit the model."""
    if calibration is None:
        return None
    from groupconv_cli.exporters.calibration import Input, given_samples, read_samples

    if source.network:
        entries = [source.network.nodes[index] for index in source.network.inputs]
        inputs = [Input(node.name, node.shape) for node in entries]
    else:
        tensors = getattr(source.model, "inputs", ())
        inputs = [Input(each.name, tuple(each.shape[1:])) for each in tensors]
    if isinstance(calibration, Path):
        return read_samples(calibration, inputs)
    return given_samples(calibration, inputs)


def _made(source: ModelSource, options: BuildOptions, progress: Tell) -> keras.Model:
    """The model, with its weights."""
    from groupconv_cli.builder.build_model import build_model
    from groupconv_cli.builder.seed import seeded
    from groupconv_cli.models.carry import carry_weights

    with seeded(options.seed):
        if source.file is not None:
            progress(f"Reading {source.name}")
            model = source.file.load(source.settings, ignore_memory=options.ignore_memory)
        elif source.network is not None:
            progress(f"Building {source.name}")
            with building(source.network, ignore=options.ignore_memory):
                model = build_model(source.network)
        else:
            model = source.model
    if options.weights is not None and source.file is None and source.network is not None:
        carry_weights(model, source.network, options.weights)
    elif options.weights is not None:
        load_weights(model, options.weights)
    if options.fast:
        from groupconv_cli.models.convert import make_fast

        make_fast(model)
    return model
