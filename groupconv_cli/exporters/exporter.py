"""Writes a model in a format, loads the file again and compares it with the model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, cast

from groupconv_cli.builder.memory import check_run
from groupconv_cli.errors import EnvironmentProblem, GconvError, UsageError
from groupconv_cli.exporters.comparison import LITTLE, Arrays, ExportAgreement, measured, worst
from groupconv_cli.exporters.fixed_sizes import has_open_sizes, opened, sizes_of, with_sizes
from groupconv_cli.exporters.float32 import (
    HALF_TOLERANCE,
    float32_copy,
    has_other_floats,
    in_float32,
    is_half,
)
from groupconv_cli.exporters.formats import Format, Quantization, Target, size_of
from groupconv_cli.exporters.samples import (
    Trial,
    number_of_samples,
    random_inputs,
    some_of,
    trial,
)
from groupconv_cli.foreign import first_line
from groupconv_cli.runtime import silenced
from groupconv_cli.sources.open import Tell, silent

if TYPE_CHECKING:
    from groupconv_cli.network import Network
    from groupconv_cli.ops.base import Shape


VANISHING = 1e-6
"""Outputs below this may vanish in 8 bits: 2e-6 has been seen to stay, and 1e-12 to vanish."""


class ExportSubject(NamedTuple):
    """The model to export."""

    model: Any
    """A functional `keras.Model` or a `keras.Sequential` whose input shapes are known."""
    network: Network | None = None
    """The network from which it was built, for formats that are made from the network."""
    is_built: bool = False
    """Whether it was built from that network, and not read."""
    sizes: Sequence[Shape] | None = None
    """The shapes of its inputs, if its own leave sizes open; None means its own."""


class ExportOptions(NamedTuple):
    """Options for formats that have a choice."""

    quantize: Quantization | None = None
    calibration: Arrays | None = None
    """Samples of each input, to find the ranges of values for int8; None means random samples."""
    ignore_memory: bool = False
    """Whether to continue even if memory seems too small."""
    batch: int = 1
    """The samples of a batch, in formats that fix it."""
    dynamic: bool = False
    """Whether height and width stay open, in formats that a converter writes."""


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
    sizes: tuple[Shape, ...] = ()
    """The sizes of the first input at which a file with open sizes was compared."""


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
    model, network = subject.model, subject.network
    check_model(model, network)
    sizes, count = sizes_of(model, network), number_of_samples(options.batch)
    if network is not None:
        check_run(network, count, ignore=options.ignore_memory)
    with silenced():
        inputs = (
            random_inputs(model, count, seed=0, shapes=sizes)
            if options.calibration is None
            else some_of(options.calibration, count)
        )
        half = HALF_TOLERANCE if is_half(model) else 0
        own = _Reference(subject, [trial(model, inputs)], options, half)
        other, through = own, None
        if any(target.format.is_converted for target, _ in places):
            other, through = _for_converters(own, sizes)
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
        done.append(Export(target.path, target.format, size, agreement, copy, used.sizes))
    return done


class _Reference(NamedTuple):
    """The model that files are compared with, and what it computes."""

    subject: ExportSubject
    trials: list[Trial]
    options: ExportOptions
    least: float
    """The difference that its precision explains, whatever the format."""

    @property
    def sizes(self) -> tuple[Shape, ...]:
        """The sizes of the first input in each trial, if there are several."""
        several = [tuple(each.inputs[0].shape[1:]) for each in self.trials]
        return tuple(several) if len(several) > 1 else ()


def _for_converters(
    own: _Reference, sizes: Sequence[Shape]
) -> tuple[_Reference, ExportAgreement | None]:
    """The model as converters take it: of float32, and of fixed sizes unless they are to be open.

    The second value is how far a float32 copy is from the model; None if there is no copy.
    """
    model = own.subject.model
    other = own
    if own.options.dynamic:
        built_from = own.subject.network if own.subject.is_built else None
        made, larger = opened(model, built_from, sizes)
        subject = own.subject._replace(model=made, sizes=sizes)
        other = own._replace(subject=subject, trials=[*own.trials, larger])
    elif has_open_sizes(model):
        made = with_sizes(model, sizes)
        other = own._replace(subject=own.subject._replace(model=made))
    return _float32(other) if has_other_floats(model) else (other, None)


def _float32(own: _Reference) -> tuple[_Reference, ExportAgreement]:
    """The same of a float32 copy. Raises EnvironmentProblem if that computes something else."""
    model = float32_copy(own.subject.model)
    options = own.options
    if options.calibration is not None:
        options = options._replace(calibration=in_float32(options.calibration))
    trials = [trial(model, in_float32(each.inputs)) for each in own.trials]
    apart = worst(
        [
            measured("Keras", copied.expected, each.expected)
            for copied, each in zip(trials, own.trials, strict=True)
        ]
    )
    if apart.relative > max(own.least, LITTLE):
        raise EnvironmentProblem(
            f"a float32 copy of model {own.subject.model.name!r} does not match it: its max "
            f"difference is {apart.relative:.2g} of the largest output, and "
            f"{max(own.least, LITTLE):g} is allowed"
        )
    return _Reference(own.subject._replace(model=model), trials, options, 0), apart


def exporter_of(wanted: Format) -> Exporter:
    """The exporter of a format, which writes and loads it."""
    return cast(Exporter, import_module(f"{__package__}.{wanted.name}").EXPORTER)


def check_model(model: Any, network: Network | None = None) -> None:
    """Raises UsageError unless it is a model with known inputs, which tracing needs.

    The sizes that it leaves open may be those of a network.
    """
    import keras

    if not isinstance(model, keras.Model):
        raise UsageError(f"needs a Keras model, got {type(model).__name__}")
    if not getattr(model, "inputs", None):
        raise UsageError(
            f"model {model.name!r} has no known inputs: export needs a functional model, or a "
            "Sequential with an Input"
        )
    for tensor in model.inputs:
        if None in tensor.shape[1:] and network is None:
            raise UsageError(
                f"input {tensor.name!r} has the shape {tuple(tensor.shape)}: export needs all "
                "sizes but the batch's"
            )


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


def _why_quantized(options: ExportOptions, agreement: ExportAgreement) -> str | None:
    """Why a quantized file is far from the model, if its outputs are the reason."""
    if options.quantize is None or not 0 < agreement.largest < VANISHING:
        return None
    return (
        f"the largest output of the model is {agreement.largest:.2g}, and {options.quantize} turns "
        "values so near 0 into 0; an untrained model may have such outputs: quantize it with "
        "trained weights"
    )


def _agreement(
    exporter: Exporter, target: Target, path: Path, reference: _Reference
) -> ExportAgreement | None:
    """Raises EnvironmentProblem if the file cannot be run or differs by more than it may."""
    refused = f"{target.path.name} was not kept, because it does not match the model: "
    try:
        runtime = exporter.load(path, reference.subject)
        if runtime is None:
            return None
        found = [runtime.run(each.inputs) for each in reference.trials]
    except Exception as error:
        raise EnvironmentProblem(
            f"{refused}{target.format.title} cannot run it: {first_line(error)}"
        ) from error
    agreement = worst(
        [
            measured(runtime.name, outputs, each.expected)
            for outputs, each in zip(found, reference.trials, strict=True)
        ]
    )
    allowed = max(exporter.tolerance(reference.options), reference.least)
    if agreement.relative > allowed:
        raise EnvironmentProblem(
            f"{refused}in {runtime.name} its max difference is {agreement.relative:.2g} of the "
            f"largest output, and {allowed:g} is allowed",
            _why_quantized(reference.options, agreement),
        )
    return agreement
