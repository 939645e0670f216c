"""Writes a model in a format, loads the file again and compares it with the model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, cast

import numpy as np

from groupconv_cli.builder.memory import check_run
from groupconv_cli.errors import EnvironmentProblem, GconvError, UsageError
from groupconv_cli.exporters.fixed_sizes import has_open_sizes, with_sizes
from groupconv_cli.exporters.float32 import (
    HALF_TOLERANCE,
    float32_copy,
    has_other_floats,
    in_float32,
    is_half,
)
from groupconv_cli.exporters.formats import Format, Quantization, Target, size_of
from groupconv_cli.exporters.inputs import as_argument
from groupconv_cli.foreign import first_line
from groupconv_cli.models.tracing import clean_name
from groupconv_cli.runtime import silenced
from groupconv_cli.sources.open import Tell, silent

if TYPE_CHECKING:
    from groupconv_cli.network import Network

Arrays = list[Any]
"""NumPy arrays, one per input or output of a model, in its order."""

SAMPLES = 3
"""The number of samples that are compared. There are several, so that a real batch is tested."""


LITTLE = 1e-4
"""A spread of outputs in which a wrong file could hide: ten times the tolerance of float32."""


NOWHERE_NEAR = 0.5
"""A difference, over the largest output, of values that have little to do with each other."""


class ExportSubject(NamedTuple):
    """The model to export."""

    model: Any
    """A functional `keras.Model` or a `keras.Sequential` whose input shapes are known."""
    network: Network | None = None
    """The network from which it was built, for formats that are made from the network."""


class ExportOptions(NamedTuple):
    """Options for formats that have a choice."""

    quantize: Quantization | None = None
    calibration: Arrays | None = None
    """Samples of each input, to find the ranges of values for int8; None means random samples."""
    ignore_memory: bool = False
    """Whether to continue even if memory seems too small."""


class Runtime(NamedTuple):
    """A file that was loaded again."""

    name: str
    """The name and the version of the runtime."""
    run: Callable[[Arrays], Arrays]
    """Computes the outputs of a batch of inputs."""


class Exporter(Protocol):
    """The interface of `EXPORTER` in the module of a format."""

    def write(self, subject: ExportSubject, path: Path, options: ExportOptions) -> None:
        """Writes the model. Raises UsageError if the format cannot express it."""

    def load(self, path: Path, subject: ExportSubject) -> Runtime | None:
        """Loads the file as its users would; None if the runtime is not installed."""

    def tolerance(self, options: ExportOptions) -> float:
        """The allowed difference from the model's outputs, as a share of the largest output."""


class ExportAgreement(NamedTuple):
    """The differences between a file that was loaded again and the model."""

    runtime: str
    difference: float
    """The largest difference between outputs of the file and of the model."""
    largest: float
    """The largest output of the model, without its sign."""
    relative: float
    """The difference divided by the largest value, for the output where that is worst."""
    spread: float
    """The difference between the model's outputs for different samples, divided by the largest
    output; infinite if there is only one sample."""
    is_finite: bool = True
    """Whether every output of the model has a finite number. Otherwise there is nothing to
    compare."""

    @property
    def says_little(self) -> bool:
        """Whether the outputs are nearly the same for any input, as in many untrained networks."""
        return self.is_finite and not self.says_nothing and self.spread < LITTLE

    @property
    def says_nothing(self) -> bool:
        """Whether the model's outputs are all 0, or the file's are no nearer to them than 0 is.

        The latter is possible only for formats that allow any difference.
        """
        return self.is_finite and (not self.largest or self.relative > NOWHERE_NEAR)


class Export(NamedTuple):
    """One file or folder that was written."""

    path: Path
    format: Format
    size: int
    agreement: ExportAgreement | None
    """None if the format's runtime is not installed."""
    through: ExportAgreement | None = None
    """How far the float32 copy, which the file was made of, is from the model; None if the file
    was made of the model itself."""


def export_all(
    subject: ExportSubject,
    places: Sequence[tuple[Target, Path]],
    options: ExportOptions,
    show: Tell = silent,
) -> list[Export]:
    """Writes the model to every place in the target's format, and compares each with the model.

    `places` come from `formats.reserved`; if there is an error, no file is left. `show` is called
    with a description of each step.

    Raises UsageError if a format cannot express the model, EnvironmentProblem if a file does not
    compute the same as the model.
    """
    sizes = subject.network.input_shapes if subject.network is not None else None
    check_model(subject.model, sizes)
    if subject.network is not None:
        check_run(subject.network, SAMPLES, ignore=options.ignore_memory)
    samples = sample_inputs(subject.model, options, sizes)
    with silenced():
        half = is_half(subject.model)
        expected = _expected(subject.model, samples)
        own = _Reference(subject, samples, expected, options, HALF_TOLERANCE if half else 0)
        other, through = own, None
        if any(target.format.is_converted for target, _ in places):
            if sizes is not None and has_open_sizes(subject.model):
                fixed = with_sizes(subject.model, sizes)
                other = own._replace(subject=subject._replace(model=fixed))
            if has_other_floats(subject.model):
                other = _float32(other)
                through = measured("Keras", other.expected, own.expected)
    done = []
    for target, temporary in places:
        show(f"Writing {target.path.name}")
        exporter = exporter_of(target.format)
        used = other if target.format.is_converted else own
        with silenced():
            _write(exporter, used.subject, target, temporary, used.options)
        show(f"Checking {target.path.name}")
        with silenced():
            agreement = _agreement(exporter, target, temporary, used)
        size = size_of(temporary)
        copy = through if target.format.is_converted else None
        done.append(Export(target.path, target.format, size, agreement, copy))
    return done


class _Reference(NamedTuple):
    """The model that files are compared with, and what it computes."""

    subject: ExportSubject
    samples: Arrays
    expected: Arrays
    options: ExportOptions
    least: float
    """The difference that its precision explains, whatever the format."""


def _float32(own: _Reference) -> _Reference:
    """The same of a float32 copy. Raises EnvironmentProblem if that computes something else."""
    model = float32_copy(own.subject.model)
    samples, options = in_float32(own.samples), own.options
    if options.calibration is not None:
        options = options._replace(calibration=in_float32(options.calibration))
    expected = _expected(model, samples)
    apart = measured("Keras", expected, own.expected)
    if apart.relative > max(own.least, LITTLE):
        raise EnvironmentProblem(
            f"a float32 copy of model {own.subject.model.name!r} does not match it: its max "
            f"difference is {apart.relative:.2g} of the largest output, and "
            f"{max(own.least, LITTLE):g} is allowed"
        )
    return _Reference(own.subject._replace(model=model), samples, expected, options, 0)


def exporter_of(wanted: Format) -> Exporter:
    """The exporter of a format, which writes and loads it."""
    return cast(Exporter, import_module(f"{__package__}.{wanted.name}").EXPORTER)


def check_model(model: Any, sizes: Sequence[tuple[int, ...]] | None = None) -> None:
    """Raises UsageError unless it is a model with known inputs, which tracing needs."""
    import keras

    if not isinstance(model, keras.Model):
        raise UsageError(f"needs a Keras model, got {type(model).__name__}")
    if not getattr(model, "inputs", None):
        raise UsageError(
            f"model {model.name!r} has no known inputs: export needs a functional model, or a "
            "Sequential with an Input"
        )
    for tensor in model.inputs:
        if None in tensor.shape[1:] and sizes is None:
            raise UsageError(
                f"input {tensor.name!r} has the shape {tuple(tensor.shape)}: export needs all "
                "sizes but the batch's"
            )


def sample_inputs(
    model: Any, options: ExportOptions, sizes: Sequence[tuple[int, ...]] | None = None
) -> Arrays:
    """The inputs for the comparison: samples of the calibration if there are any, else random."""
    if options.calibration is not None:
        return [array[:SAMPLES] for array in options.calibration]
    return random_inputs(model, SAMPLES, seed=0, shapes=sizes)


def random_inputs(
    model: Any, count: int, *, seed: int, shapes: Sequence[tuple[int, ...]] | None = None
) -> Arrays:
    """Random samples of each input: normally distributed, or 0 and 1 for inputs of whole numbers.

    `shapes` are the shapes of a sample of each input, for models that leave sizes open.

    Raises UsageError if an input takes text.
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
    """The outputs of the unchanged model."""
    import keras

    outputs = model(as_argument(model, inputs), training=False)
    return [np.asarray(output) for output in keras.tree.flatten(outputs)]


def _expected(model: Any, samples: Arrays) -> Arrays:
    try:
        return outputs_of(model, samples)
    except Exception as error:
        # TensorFlow refuses layers that Keras can make: a stride beyond 2^31, an empty input.
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
    exporter: Exporter, target: Target, path: Path, reference: _Reference
) -> ExportAgreement | None:
    """Raises EnvironmentProblem if the file cannot be run or differs by more than it may."""
    refused = f"{target.path.name} was not kept, because it does not match the model: "
    try:
        runtime = exporter.load(path, reference.subject)
        if runtime is None:
            return None
        found = runtime.run(reference.samples)
    except Exception as error:
        raise EnvironmentProblem(
            f"{refused}{target.format.title} cannot run it: {first_line(error)}"
        ) from error
    agreement = measured(runtime.name, found, reference.expected)
    allowed = max(exporter.tolerance(reference.options), reference.least)
    if agreement.relative > allowed:
        raise EnvironmentProblem(
            f"{refused}in {runtime.name} its max difference is {agreement.relative:.2g} of the "
            f"largest output, and {allowed:g} is allowed"
        )
    return agreement


def measured(runtime: str, found: Arrays, expected: Arrays) -> ExportAgreement:
    """The differences between the arrays found and those expected.

    Values that are not finite have no difference. They must be the same in the same places.
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
