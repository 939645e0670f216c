"""A network's model as it is deployed: its exported file, timed by the runtime that runs it."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from groupconv_cli.builder.build_model import build_model
from groupconv_cli.errors import EnvironmentProblem
from groupconv_cli.exporters.exporter import ExportOptions, ExportSubject, exporter_of
from groupconv_cli.exporters.formats import FORMATS, Format, require_packages
from groupconv_cli.network import Network
from groupconv_cli.runtime import silenced

_FORMATS = {"litert": "tflite", "onnx": "onnx"}
_PACKAGES = {"litert": "ai_edge_litert", "onnx": "onnxruntime"}


def require_runtime(runtime: str) -> str:
    """The name and version of the runtime. Raises EnvironmentProblem if it is not installed."""
    kind = _format(runtime)
    require_packages([kind])
    package = kind.runtime
    if find_spec(_PACKAGES[runtime]) is None:
        raise EnvironmentProblem(
            f"measuring with {runtime} needs {package}, which is not installed",
            f"pip install {package}",
        )
    return f"{'LiteRT' if runtime == 'litert' else 'onnxruntime'} {version(package)}"


class DeployedModel:
    """A network's model with random weights, exported in float32 and loaded by its runtime.

    `forward` runs it on random input of one batch, which `inputs` holds, and `outputs` gives what
    that computes. There is no training.
    """

    train: None = None
    held_bytes = 0

    def __init__(self, network: Network, *, batch: int, runtime: str, threads: int) -> None:
        model = build_model(network)
        generator = np.random.default_rng(0)
        self.inputs = [
            generator.normal(size=(batch, *tensor.shape[1:])).astype("float32")
            for tensor in model.inputs
        ]
        kind = _format(runtime)
        with TemporaryDirectory() as folder:
            path = Path(folder, f"model{kind.ending}")
            with silenced():
                exporter_of(kind).write(ExportSubject(model), path, ExportOptions(batch=batch))
            names = [tensor.name for tensor in model.inputs]
            given = dict(zip(names, self.inputs, strict=True))
            load = _litert if runtime == "litert" else _onnx
            with silenced():
                self.forward, self.outputs = load(path, given, threads)


def _format(runtime: str) -> Format:
    return next(each for each in FORMATS if each.name == _FORMATS[runtime])


Runner = tuple[Callable[[], object], Callable[[], list[Any]]]
"""A function that runs a model, and one that gives its outputs."""


def _litert(path: Path, given: dict[str, Any], threads: int) -> Runner:
    from ai_edge_litert.interpreter import Interpreter

    # From the bytes: the file is gone when the model runs.
    interpreter = Interpreter(model_content=path.read_bytes(), num_threads=threads)
    interpreter.allocate_tensors()
    # An index into the model's tensors for every input, whose names tell which it is.
    runner = interpreter.get_signature_runner()
    indices = {name: detail["index"] for name, detail in runner.get_input_details().items()}
    for name, value in given.items():
        interpreter.set_tensor(indices[name], value)

    def outputs() -> list[Any]:
        interpreter.invoke()
        return [interpreter.get_tensor(each["index"]) for each in interpreter.get_output_details()]

    return interpreter.invoke, outputs


def _onnx(path: Path, given: dict[str, Any], threads: int) -> Runner:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(
        path.read_bytes(), options, providers=["CPUExecutionProvider"]
    )

    def forward() -> list[Any]:
        return list(session.run(None, given))

    return forward, forward
