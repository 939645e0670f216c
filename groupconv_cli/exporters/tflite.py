"""TFLite, plain or quantized. Each grouped convolution is one `CONV_2D`."""

from __future__ import annotations

import re
import warnings
from importlib.util import find_spec
from math import inf
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import tensorflow as tf

from groupconv_cli.errors import UsageError
from groupconv_cli.exporters.comparison import Arrays
from groupconv_cli.exporters.converter import ConversionError, convert
from groupconv_cli.exporters.exporter import ExportOptions, ExportSubject, Runtime
from groupconv_cli.exporters.samples import random_inputs, some_of
from groupconv_cli.exporters.serving import output_names, save_serving
from groupconv_cli.exporters.stand_ins import stand_in
from groupconv_cli.fastconv.choice import traced_as_single_op
from groupconv_cli.keras_internals import all_layers
from groupconv_cli.models.convert import accelerated
from groupconv_cli.models.tracing import clean_name
from groupconv_cli.words import joined

RANDOM_SAMPLES = 100
"""The number of random samples for ranges if there are no real samples."""

TOLERANCES = {None: 1e-5, "float16": 1e-2, "dynamic": 0.25, "int8": 0.25}


class TFLite:
    """A file for LiteRT."""

    def write(self, subject: ExportSubject, path: Path, options: ExportOptions) -> None:
        """Converts the model for a fixed batch, because delegates refuse unknown sizes.

        `int8` quantizes weights, activations, inputs and outputs. `dynamic` quantizes only weights,
        in layers of 1,024 and more. `float16` stores weights in half precision.

        Raises UsageError if the model has an operation that TFLite lacks, in int8 or at all.
        """
        _refuse_quantized(subject.model)
        _refuse_infinite(subject.model, options)
        with TemporaryDirectory() as folder:
            with accelerated(subject.model, stand_in), traced_as_single_op(2):
                save_serving(subject.model, Path(folder), options.batch)
            try:
                convert(
                    "tflite",
                    "TFLite",
                    saved_model=folder,
                    output=str(path.absolute()),
                    quantize=options.quantize,
                    inputs=[tensor.name for tensor in subject.model.inputs],
                    batch=options.batch,
                    samples=_saved_samples(subject, options, Path(folder)),
                )
            except ConversionError as error:
                missing = _missing_operations(str(error))
                if not missing:
                    raise
                kind = "int8 TFLite" if options.quantize == "int8" else "TFLite"
                raise UsageError(
                    f"the model cannot be converted to {kind}, which has no {joined(missing)}"
                ) from error

    def load(self, path: Path, subject: ExportSubject) -> Runtime | None:
        """Loads it with LiteRT, or with the interpreter of TensorFlow if that still has one."""
        found = _interpreter(path)
        if found is None:
            return None
        name, interpreter = found
        runner = interpreter.get_signature_runner()
        reads, gives = runner.get_input_details(), runner.get_output_details()
        names = [tensor.name for tensor in subject.model.inputs]
        written = output_names(subject.model)

        def run(inputs: Arrays) -> Arrays:
            batches, count = [], len(inputs[0])
            size = int(reads[names[0]]["shape"][0])
            for first in range(0, count, size):
                part = some_of([values[first:] for values in inputs], size)
                values = {
                    name: _quantized(value, reads[name])
                    for name, value in zip(names, part, strict=True)
                }
                outputs = runner(**values)
                batches.append([_real(outputs[each], gives[each]) for each in written])
            return [np.concatenate(column)[:count] for column in zip(*batches, strict=True)]

        return Runtime(name, run)

    def tolerance(self, options: ExportOptions) -> float:
        """The tolerance: in float32 for the order of sums, else for rounding.

        Half precision rounds a weight by 1/2,048 of itself. Eight bits round by 1/254 of the
        largest value of a tensor or a filter, once in every layer. A wrong file differs by about 1.
        If int8 has its ranges from random numbers, any difference is allowed: the values of most
        untrained networks vanish, and int8 turns them into zeros.
        """
        if options.quantize == "int8" and options.calibration is None:
            return inf
        return TOLERANCES[options.quantize]


def _refuse_quantized(model: Any) -> None:
    """Raises UsageError for layers that Keras has quantized: the converter fails on their sums."""
    for layer in all_layers(model):
        mode = getattr(layer, "quantization_mode", None)
        if mode is not None:
            raise UsageError(
                f"the model cannot be converted to TFLite, because Keras has quantized its layer "
                f"{clean_name(layer.name)!r} to {mode}",
                "export the model as it was before, with --quantize int8",
            )


def _refuse_infinite(model: Any, options: ExportOptions) -> None:
    """Raises UsageError if weights are not finite, because quantization needs their ranges."""
    if options.quantize is None:
        return
    for variable in model.variables:
        values = np.asarray(variable)
        if values.dtype.kind == "f" and not np.isfinite(values).all():
            raise UsageError(
                f"the weights {variable.path!r} hold values that are not finite; such a model "
                f"cannot be quantized to {options.quantize}"
            )


def _saved_samples(subject: ExportSubject, options: ExportOptions, folder: Path) -> str | None:
    """A file of the samples for the ranges of int8, one array per input in order.

    They are a whole number of batches.
    """
    if options.quantize != "int8":
        return None
    samples = options.calibration
    if samples is None:
        samples = random_inputs(subject.model, RANDOM_SAMPLES, seed=1, shapes=subject.sizes)
    samples = some_of(samples, -(-len(samples[0]) // options.batch) * options.batch)
    path = folder / "samples.npz"
    np.savez(path, **{f"{number:06}": array for number, array in enumerate(samples)})
    return str(path)


def _missing_operations(message: str) -> list[str]:
    """The operations that the converter does not support, from its message."""
    found = re.findall(r"'(?:tf|tfl)\.(\w+)' op is neither", message)
    found += re.findall(r"Quantization not yet supported for op: '?(\w+)", message)
    return sorted(set(found))


def _interpreter(path: Path) -> tuple[str, Any] | None:
    if find_spec("ai_edge_litert") is not None:
        from ai_edge_litert import interpreter as litert

        version = _version("ai-edge-litert")
        return f"LiteRT {version}", litert.Interpreter(model_path=str(path))
    if hasattr(tf.lite, "Interpreter"):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it warns that it will be removed
            return f"TensorFlow Lite {tf.__version__}", tf.lite.Interpreter(model_path=str(path))
    return None


def _version(package: str) -> str:
    from importlib.metadata import version

    return version(package)


def _quantized(values: Any, detail: dict[str, Any]) -> Any:
    scale, zero = detail["quantization"]
    if detail["dtype"] is not np.int8 or not scale:
        return values.astype(detail["dtype"])
    return np.clip(np.round(values / scale + zero), -128, 127).astype(np.int8)


def _real(values: Any, detail: dict[str, Any]) -> Any:
    scale, zero = detail["quantization"]
    if detail["dtype"] is not np.int8 or not scale:
        return values
    return (values.astype(np.float32) - zero) * scale


EXPORTER = TFLite()
