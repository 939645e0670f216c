"""The public functions. The command line calls these and nothing deeper."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from numbers import Integral, Real
from os import PathLike, fspath
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from groupconv_cli.analysis.report import Comparison, Summary, VariantComparison
from groupconv_cli.errors import Source, UsageError
from groupconv_cli.models.model_file import ModelFile
from groupconv_cli.models.recognize import is_model
from groupconv_cli.network import Network, refuse_model

if TYPE_CHECKING:
    import keras

    from groupconv_cli.analysis.diff import Diff
    from groupconv_cli.analysis.measurement import (
        GroupMeasurement,
        LayerMeasurement,
        MeasureSettings,
        Progress,
    )
    from groupconv_cli.exporters.exporter import Export
    from groupconv_cli.exporters.formats import Quantization
    from groupconv_cli.language.spec_file import SpecFile
    from groupconv_cli.lint.report import CheckReport

    Model: TypeAlias = Any  # a keras.Model; Keras ships no types
    AnySource = str | PathLike[str] | Mapping[str, object] | SpecFile | ModelFile | Model
    """What a network can be read from: a path, the name of a bundled config or of a function of
    keras.applications, the spec itself, or a Keras model."""

    AnySpec = Network | AnySource
    """A network, or what `load` makes one of."""


def load(
    spec: AnySource,
    *,
    settings: Mapping[str, object] | None = None,
    variant: str | None = None,
    trust: bool = False,
) -> Network:
    """Reads a spec: a path, the name of a bundled config, or the spec itself as a mapping.

    `settings` gives other values to variables of the spec, as `--set` does; `variant` picks one
    of the spec's variants. The name of a bundled config may imply a variant: `resnet50`.

    A model goes wherever a spec does: a `keras.Model`, the path of a `.keras` or `.h5` file, or
    `keras:MobileNetV2` for any of keras.applications. Its one setting is `input`, the sizes that
    it leaves open; an application takes the arguments of its function besides. `trust` lets Keras
    run code that a file brings.

    Raises SpecError with every mistake of the spec and its place, UsageError if there is no
    such spec, variable or variant or a model cannot be read, and for a model EnvironmentProblem
    if TensorFlow is missing.
    """
    file = _read(spec, trust=trust)
    if isinstance(file, ModelFile):
        return file.network(settings, variant)
    return file.network(_texts(settings), variant)


def analyze(spec: AnySpec, *, dtype: str = "float32") -> Summary:
    """Shapes, parameters, MACs and memory of every layer and of the whole, beside g=1.

    `dtype` is that of weights and activations: float32, float16, bfloat16 or float64. All numbers
    are for one sample.

    Raises what `load` raises, and UsageError for an unknown dtype.
    """
    from groupconv_cli.analysis.summary import summarize

    return summarize(_network(spec), dtype)


def compare(
    spec: AnySpec,
    groups: Iterable[int | str] | str = "all",
    *,
    only: str | None = None,
    dtype: str = "float32",
) -> Comparison:
    """The network as written, at g = 1, and at each of `groups` ('all': every one that divides).

    `only` is a glob on full layer names that chooses the convolutions to sweep.

    Raises what `load` raises, and UsageError if nothing can be swept or a number is below 1.
    """
    from groupconv_cli.analysis.sweep import sweep

    return sweep(_network(spec), groups, only=only, dtype=dtype)


def diff(old: AnySpec, new: AnySpec, *, dtype: str = "float32") -> Diff:
    """What changed from one network to another: layers added, removed and changed, and totals.

    Layers are set against one another by what they are; their names do not matter.

    Raises what `load` raises for either, and UsageError for an unknown dtype.
    """
    from groupconv_cli.analysis.diff import diff_networks

    return diff_networks(_network(old), _network(new), dtype)


def check(
    *specs: str | PathLike[str],
    rules: Mapping[str, str] | None = None,
    budget: Mapping[str, int | str] | None = None,
    variant: str | None = None,
    settings: Mapping[str, object] | None = None,
    dtype: str = "float32",
    strict: bool = False,
    trust: bool = False,
) -> CheckReport:
    """Checks specs: their mistakes, what rules find in them, and their budgets.

    A spec is a path, a folder, a glob, the name of a bundled config or `-`; none at all is the
    folder this runs in. `rules` gives rules another level, off, warning or error, by their codes;
    `budget` has limits of params, macs, flops or memory, as numbers or text such as '30M'. Both
    win over what specs say. With `strict` warnings are errors, and with `trust` code that a model's
    file brings may run. What is wrong with a spec is in the report.

    Raises UsageError for an unknown rule, level, limit or dtype, SpecError for a mistake in a
    pyproject.toml.
    """
    from groupconv_cli.dtypes import bytes_per_value
    from groupconv_cli.lint.check import CheckOptions, check_specs
    from groupconv_cli.policy.amounts import BUDGETED, AmountError, amount
    from groupconv_cli.policy.limits import BudgetLimit
    from groupconv_cli.policy.rules import RuleError, Severities, known_code, known_severity

    bytes_per_value(dtype)
    levels: Severities = {}
    limits: dict[str, BudgetLimit] = {}
    try:
        for code, level in (rules or {}).items():
            levels[known_code(code)] = known_severity(level)
    except RuleError as error:
        raise UsageError(f"{error.message}\n  {error.hint}") from None
    for key, value in (budget or {}).items():
        if key not in BUDGETED:
            raise UsageError(f"no budget is called {key!r}; there are {', '.join(BUDGETED)}")
        try:
            limits[key] = BudgetLimit(key, amount(key, value))
        except AmountError as error:
            hint = f"\n  {error.hint}" if error.hint else ""
            raise UsageError(f"the limit of {key} must be {error}; got {value!r}{hint}") from None
    options = CheckOptions(levels, limits, variant, _texts(settings), dtype, strict, trust)
    return check_specs([fspath(spec) for spec in specs], options)


def build(
    spec: AnySpec,
    *,
    fast: bool = False,
    seed: int | None = None,
    weights: str | PathLike[str] | None = None,
) -> keras.Model:
    """The Keras model: of stock Keras layers, or with `fast` accelerated.

    Its weights are random, the same ones for the same `seed`, or those of a `.weights.h5` or
    `.keras` file. A seed leaves Python's, NumPy's and TensorFlow's own generators as they were.
    Every layer's output shape and the parameters are checked against the analysis.

    Raises what `load` raises, UsageError if the file's weights are not those of the network,
    EnvironmentProblem if TensorFlow is missing, and InternalError if the built model differs from
    the analysis.
    """
    from groupconv_cli.builder.build_model import build_model
    from groupconv_cli.builder.seed import seeded
    from groupconv_cli.models.weights import check_weights_file, load_weights

    network = _network(spec)
    if weights is not None:
        check_weights_file(Path(weights))
    with seeded(seed):
        model = build_model(network)
    if weights is not None:
        load_weights(model, Path(weights))
    if fast:
        from groupconv_cli.models.convert import make_fast

        make_fast(model)
    return model


def python_code(spec: AnySpec) -> str:
    """The network as a Python file that needs Keras alone, for who goes on without gconv.

    Its `build()` makes the layers that `build` here does, with their names: blocks of the spec are
    functions in it, repeats loops, variables constants. It is formatted for 88 columns.

    Raises what `load` raises, and UsageError for a layer that there is no code for.
    """
    from groupconv_cli.codegen import network_code

    return network_code(_network(spec))


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

    `to` names the format where the ending doesn't: keras, saved_model, tflite, onnx or python.
    `quantize` is for TFLite: float16, dynamic or int8, the last with `calibration`: an array of
    shape (samples, *input), or for several inputs a list or a mapping of some.

    The file is loaded again and compared with the model on random input; what was found is in the
    result's `agreement`, which is None where nothing is installed that runs the format.

    With `ignore_memory` it is tried even where there seems to be too little memory.

    Raises what `load` raises, UsageError if the path exists and `force` is not given, or the format
    cannot express the model or has no such quantization; EnvironmentProblem if a package is
    missing, or the file differs from the model.
    """
    from groupconv_cli.exporters.formats import (
        check_quantization,
        check_sizes,
        require_packages,
        reserved,
        targets,
    )
    from groupconv_cli.runtime import load_keras

    wanted = targets([Path(path)], [] if to is None else [to], "")
    formats = [target.format for target in wanted]
    check_quantization(quantize, formats, calibrated=calibration is not None)
    require_packages(formats)
    load_keras()
    import keras

    from groupconv_cli.analysis.totals import total
    from groupconv_cli.exporters.calibration import Input, given_samples
    from groupconv_cli.exporters.exporter import (
        ExportOptions,
        ExportSubject,
        check_model,
        export_all,
    )

    file = None if isinstance(model, Network) else _read(model)
    if isinstance(model, keras.Model):
        subject = ExportSubject(model)
    elif isinstance(file, ModelFile):
        subject = ExportSubject(file.load(ignore_memory=ignore_memory))
    else:
        network = _network(model)
        check_sizes(formats, total(network).weight_bytes)
        subject = ExportSubject(build(network), network)
    check_model(subject.model)
    check_sizes(formats, 4 * subject.model.count_params())
    samples = None
    if calibration is not None:
        inputs = [Input(each.name, tuple(each.shape[1:])) for each in subject.model.inputs]
        samples = given_samples(calibration, inputs)
    options = ExportOptions(quantize, samples, ignore_memory)
    with reserved(wanted, force=force) as places:
        (written,) = export_all(subject, places, options)
    return written


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


def measure(
    spec: AnySpec,
    groups: Iterable[int | str] | str = "all",
    *,
    only: str | None = None,
    settings: MeasureSettings | None = None,
    progress: Progress | None = None,
) -> GroupMeasurement:
    """The rows of `compare`, timed on this machine: inference, training steps and peak memory.

    `settings` says for which batch and dtype, how often, and with what. `progress` is told what
    goes on, the seconds that have gone, and those that all will take; of rows that are the same
    computation one is measured.

    Raises what `compare` raises, UsageError for a device that is not there, and
    EnvironmentProblem if TensorFlow is missing or memory is short. KeyboardInterrupt during the
    rounds ends them: the result is not `complete`.
    """
    from groupconv_cli.analysis.sweep import networks, sweep
    from groupconv_cli.runtime import load_keras

    settings = settings or _default_settings()
    network = _network(spec)
    refuse_model(network)
    rows = networks(network, sweep(network, groups, only=only, dtype=settings.dtype))
    load_keras()
    from groupconv_cli.benchmark.measure import measure_networks

    return measure_networks(rows, settings, progress or _silent)


def measure_layers(
    spec: AnySpec, *, settings: MeasureSettings | None = None, progress: Progress | None = None
) -> LayerMeasurement:
    """Every layer of the network by itself, timed on this machine, and the network as a whole.

    Raises what `load` and `measure` raise.
    """
    from groupconv_cli.runtime import load_keras

    settings = settings or _default_settings()
    network = _network(spec)
    refuse_model(network)
    load_keras()
    from groupconv_cli.benchmark.measure import measure_layers as measured

    return measured(network, settings, progress or _silent)


def _default_settings() -> MeasureSettings:
    from groupconv_cli.analysis.measurement import MeasureSettings

    return MeasureSettings()


def _silent(what: str, done: float, total: float) -> None:
    """Says nothing of the progress."""


def compare_variants(
    spec: AnySource, *, settings: Mapping[str, object] | None = None, dtype: str = "float32"
) -> VariantComparison:
    """The network at each variant of the spec, beside its own g=1 baseline.

    The name of a bundled config may imply a variant; it means the whole family here. A variant
    that makes no network is a row that says why.

    Raises UsageError for a spec without variants, and what `load` raises where that is wrong with
    every variant.
    """
    from groupconv_cli.analysis.variants import compare_networks

    file = _read(spec)
    return compare_networks(file.name, file.networks(_texts(settings)), dtype)


def _network(spec: AnySpec) -> Network:
    return spec if isinstance(spec, Network) else load(spec)


def _read(spec: AnySource, *, trust: bool = False) -> SpecFile | ModelFile:
    from groupconv_cli.language.spec_file import SpecFile
    from groupconv_cli.sources.locate import locate

    if isinstance(spec, SpecFile | ModelFile):
        return spec
    keras = sys.modules.get("keras")
    if keras is not None and isinstance(spec, keras.Model):
        return ModelFile(spec)
    if isinstance(spec, Mapping):
        return SpecFile(Source("<mapping>", _as_text(spec)))
    name = fspath(spec)
    if is_model(name):
        return ModelFile(name, trust=trust)
    found = locate(name)
    return SpecFile(found.source, found.variant)


def _texts(settings: Mapping[str, object] | None) -> dict[str, str]:
    return {
        name: value if isinstance(value, str) else _as_text(value)
        for name, value in (settings or {}).items()
    }


def _as_text(value: object) -> str:
    """A plain Python value as YAML, so that mistakes in it have a place to point at."""
    import yaml

    text: str = yaml.safe_dump(_plain(value), sort_keys=False)
    return text


def _plain(value: object) -> object:
    """The value in the types that YAML has; numbers may be of any kind (NumPy's too)."""
    if isinstance(value, str | bool | int | float) or value is None:
        return value
    if isinstance(value, Integral):
        return int(value)
    if isinstance(value, Real):
        return float(value)
    if isinstance(value, Mapping):
        return {_plain(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    raise UsageError(f"a spec cannot hold {value!r}")
