"""Keras code: a Python file that needs nothing of gconv."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

from groupconv_cli.errors import UsageError
from groupconv_cli.exporters.exporter import (
    Arrays,
    Exporter,
    ExportOptions,
    ExportSubject,
    Runtime,
    outputs_of,
)


class _Python:
    """The code that `codegen` writes. It holds no weights: the model it builds has random ones."""

    def write(self, subject: ExportSubject, path: Path, options: ExportOptions) -> None:
        """Writes the code. Raises UsageError for a model that there is no network of."""
        from groupconv_cli.codegen import network_code

        if subject.network is None:
            raise UsageError("Python code is written of a spec, or of a model that was read as one")
        path.write_text(network_code(subject.network), encoding="utf-8")

    def load(self, path: Path, subject: ExportSubject) -> Runtime | None:
        """Runs the file, and gives the model that it builds the weights of the other."""
        import keras

        model: Any = runpy.run_path(str(path))["build"]()
        for layer in model.layers:
            if not layer.weights:
                continue
            # By name: a model that was read may have its layers in another order.
            layer.set_weights(subject.model.get_layer(layer.name).get_weights())

        def run(inputs: Arrays) -> Arrays:
            return outputs_of(model, inputs)

        return Runtime(f"Keras {keras.__version__}", run)

    def tolerance(self, options: ExportOptions) -> float:
        """The kernels are the same."""
        return 1e-6


EXPORTER: Exporter = _Python()
