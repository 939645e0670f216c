"""Writing a model in a format, and holding the file, loaded again, against the model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, cast

import numpy as np

from groupconv_cli.builder.memory import check_run
from groupconv_cli.errors import EnvironmentProblem, GconvError, UsageError
from groupconv_cli.exporters.formats import Format, Quantization, Target, size_of
from groupconv_cli.models.to_network import clean_name, first_line
from groupconv_cli.runtime import silenced

if TYPE_CHECKING:
    from groupconv_cli.network import Network

Arrays = list[Any]
"""NumPy arrays, one per input or output of a model, in its order."""

SAMPLES = 3
"""How many are compared. More than one, so that a batch is one."""


LITTLE = 1e-4
"""A spread of outputs that a wrong file could hide in: ten times what float32 may be off."""


class ExportSubject(NamedTuple):
    """What is exported."""

    model: Any
    """A functional `keras.Model` or a `keras.Sequential` whose input shapes are known."""
    network: Network | None = None
    """What it was built from, for formats that are made of that."""


class ExportOptions(NamedTuple):
    """What is asked of formats that have a choice."""

    quantize: Quantization | None = None
    calibration: Arrays | None = None
    """Samples of each input that int8 takes the ranges of values from; None is random ones."""
    ignore_memory: bool = False
    """Whether to try even what seems not to fit in memory."""


class Runtime(NamedTuple):
    """A file loaded again."""

    name: str
    """What runs it, with its version."""
    run: Callable[[Arrays], Arrays]
    """The outputs of a batch of inputs."""


class Exporter(Protocol):
    """What the module of a format has as its `EXPORTER`."""

    def write(self, subject: ExportSubject, path: Path, options: ExportOptions) -> None:
        """Writes the model. Raises UsageError if the format cannot express it."""

    def load(self, path: Path, subject: ExportSubject) -> Runtime | None:
        """Loads the file as its users would; None where what runs it is not installed."""

    def tolerance(self, options: ExportOptions) -> float:
        """The difference from the model's outputs that is allowed, over the largest of them."""


class ExportAgreement(NamedTuple):
    """How far a file, loaded again, is from the model."""

    runtime: str
    difference: float
    """The largest, between outputs of the file and of the model."""
    largest: float
    """The largest output of the model, without its sign."""
    relative: float
    """The difference over the largest, of the output where that is worst."""
    spread: float
    """How far the model's outputs for one sample are from those for another, over the largest;
    infinite where there is one sample only."""
    is_finite: bool = True
    """Whether every output of the model has a finite number: without one there is nothing to
    compare."""

    @property
    def says_little(self) -> bool:
        """Whether the outputs are nearly the same for any input, as in many untrained networks."""
        return self.is_finite and self.spread < LITTLE


class Export(NamedTuple):
    """One file or folder that was written."""

    path: Path
    format: Format
    size: int
    agreement: ExportAgreement | None
    """None where the format's runtime is not installed."""


def export_all(
    subject: ExportSubject,
    places: Sequence[tuple[Target, Path]],
    options: ExportOptions,
    show: Callable[[str], None] = lambda _: None,
) -> list[Export]:
    """Writes the model to every place in the target's format, and compares each with the model.

    `places` are what `formats.reserved` gives: if this raises, nothing is left of them. `show` is
    told what is being done.

    Raises UsageError if a format cannot express the model, EnvironmentProblem if a file does not
    compute what the model does.
    """
    check_model(subject.model)
    if subject.network is not None:
        check_run(subject.network, SAMPLES, ignore=options.ignore_memory)
    samples = sample_inputs(subject.model, options)
    with silenced():
        expected = _expected(subject.model, samples)
    done = []
    for target, temporary in places:
        show(f"Writing {target.path.name}")
        exporter = exporter_of(target.format)
        with silenced():
            _write(exporter, subject, target, temporary, options)
        show(f"Checking {target.path.name}")
        with silenced():
            agreement = _agreement(exporter, subject, target, temporary, samples, expected, options)
        done.append(Export(target.path, target.format, size_of(temporary), agreement))
    return done


def exporter_of(wanted: Format) -> Exporter:
    """What writes and loads a format."""
    return cast(Exporter, import_module(f"{__package__}.{wanted.name}").EXPORTER)


def check_model(model: Any) -> None:
    """Raises UsageError unless it is a model whose inputs are known: what there is to trace."""
    import keras

    if not isinstance(model, keras.Model):
        raise UsageError(f"needs a Keras model, got {type(model).__name__}")
    if not getattr(model, "inputs", None):
        raise UsageError(
            f"model {model.name!r} has no known inputs: export needs a functional model, or a "
            "Sequential with an Input"
        )
    for tensor in model.inputs:
        if None in tensor.shape[1:]:
            raise UsageError(
                f"input {tensor.name!r} has the shape {tuple(tensor.shape)}: export needs all "
                "sizes but the batch's"
            )


def sample_inputs(model: Any, options: ExportOptions) -> Arrays:
    """What the comparison reads: of the calibration's samples where there are some, else random."""
    if options.calibration is not None:
        return [array[:SAMPLES] for array in options.calibration]
    return random_inputs(model, SAMPLES, seed=0)


def random_inputs(
    model: Any, count: int, *, seed: int, shapes: Sequence[tuple[int, ...]] | None = None
) -> Arrays:
    """So many samples of each input: normal ones, or 0 and 1 where it takes whole numbers.

    `shapes` are those of a sample of each input, for models that leave sizes open.

    Raises UsageError for an input of text.
    """
    random = np.random.default_rng(seed)
    arrays = []
    shapes = [tensor.shape[1:] for tensor in model.inputs] if shapes is None else shapes
    for tensor, sample in zip(model.inputs, shapes, strict=True):
        if tensor.dtype == "string":
            raise UsageError(
                f"input {clean_name(tensor.name)!r} takes text: no random input for it"
            )
        shape = (count, *sample)
        dtype = np.dtype(tensor.dtype)
        whole = dtype.kind in "iub"
        values = random.integers(0, 2, shape) if whole else random.standard_normal(shape)
        arrays.append(values.astype(dtype))
    return arrays


def outputs_of(model: Any, inputs: Arrays) -> Arrays:
    """The model's outputs, computed as it stands."""
    import keras

    outputs = model(as_argument(model, inputs), training=False)
    return [np.asarray(output) for output in keras.tree.flatten(outputs)]


def as_argument(model: Any, inputs: Sequence[Any]) -> Any:
    """The inputs as a functional model takes them: alone, in a list, or by their names."""
    import keras

    structure = getattr(model, "input", None)
    if isinstance(structure, dict | list | tuple):
        return keras.tree.pack_sequence_as(structure, list(inputs))
    return inputs[0] if len(inputs) == 1 else list(inputs)


def _expected(model: Any, samples: Arrays) -> Arrays:
    try:
        return outputs_of(model, samples)
    except Exception as error:
        # TensorFlow refuses layers that Keras can make: a stride beyond 2^31, an input of nothing.
        raise UsageError(f"model {model.name!r} cannot be run: {first_line(error)}") from error


def _write(
    exporter: Exporter, subject: ExportSubject, target: Target, path: Path, options: ExportOptions
) -> None:
    try:
        exporter.write(subject, path, options)
    except (GconvError, OSError, MemoryError):
        raise
    except Exception as error:
        # Converters raise errors of any kind, and print the rest.
        raise EnvironmentProblem(
            f"the model cannot be converted to {target.format.title}: {first_line(error)}"
        ) from error


def _agreement(
    exporter: Exporter,
    subject: ExportSubject,
    target: Target,
    path: Path,
    samples: Arrays,
    expected: Arrays,
    options: ExportOptions,
) -> ExportAgreement | None:
    """Raises EnvironmentProblem if the file cannot be run or differs by more than it may."""
    refused = f"{target.path.name} was not kept, because it does not match the model: "
    try:
        runtime = exporter.load(path, subject)
        if runtime is None:
            return None
        found = runtime.run(samples)
    except Exception as error:
        raise EnvironmentProblem(
            f"{refused}{target.format.title} cannot run it: {first_line(error)}"
        ) from error
    agreement = measured(runtime.name, found, expected)
    allowed = exporter.tolerance(options)
    if agreement.relative > allowed:
        raise EnvironmentProblem(
            f"{refused}in {runtime.name} its max difference is {agreement.relative:.2g} of the "
            f"largest output, and {allowed:g} is allowed"
        )
    return agreement


def measured(runtime: str, found: Arrays, expected: Arrays) -> ExportAgreement:
    """How far the arrays found are from those expected.

    What is not finite has no distance: it must be the same in the same places.
    """
    if [array.shape for array in found] != [array.shape for array in expected]:
        return ExportAgreement(runtime, float("inf"), 0.0, float("inf"), float("inf"))
    differences, sizes, relative, spreads = [0.0], [0.0], [0.0], [0.0]
    for one, other in zip(found, expected, strict=True):
        a, b = np.asarray(one, np.float64), np.asarray(other, np.float64)
        with np.errstate(invalid="ignore"):
            apart = np.where((a == b) | (np.isnan(a) & np.isnan(b)), 0.0, np.abs(a - b))
        difference = float(np.nan_to_num(apart, nan=np.inf, posinf=np.inf).max(initial=0.0))
        size = float(np.abs(b[np.isfinite(b)]).max(initial=0.0))
        differences.append(difference)
        sizes.append(size)
        relative.append(difference / size if size else float("inf") if difference else 0.0)
        spreads.append(_spread(b, size))
    is_finite = all(bool(np.isfinite(array).any()) for array in expected)
    return ExportAgreement(
        runtime, max(differences), max(sizes), max(relative), max(spreads), is_finite
    )


def _spread(output: Any, size: float) -> float:
    if len(output) < 2 or not size:
        return float("inf")
    with np.errstate(invalid="ignore"):
        apart = np.abs(output - output[:1])
    return float(np.nan_to_num(apart, nan=np.inf).max(initial=0.0)) / size
