"""Keras code: a Python file that does not need gconv."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

from groupconv_cli.errors import UsageError
from groupconv_cli.exporters.comparison import Arrays
from groupconv_cli.exporters.exporter import Exporter, ExportOptions, ExportSubject, Runtime
from groupconv_cli.exporters.samples import outputs_of


class _Python:
    """The code of `codegen`. It has no weights, so the model that it builds has random weights."""

    def write(self, subject: ExportSubject, path: Path, options: ExportOptions) -> None:
        """Writes the code. Raises UsageError if the model has no network."""
        from groupconv_cli.codegen import network_code

        if subject.network is None:
            raise UsageError(
                "a Keras model cannot be written as Python code",
                "give the spec in its place: export(spec, path)",
            )
        path.write_text(network_code(subject.network), encoding="utf-8")

    def load(self, path: Path, subject: ExportSubject) -> Runtime | None:
        """Runs the file, and copies the weights of the subject into the model that it builds."""
        import keras

        model: Any = runpy.run_path(str(path))["build"]()
        for layer in model.layers:
            if not layer.weights:
                continue
            # Layers are matched by name: a model that was read may have them in another order.
            layer.set_weights(subject.model.get_layer(layer.name).get_weights())

        def run(inputs: Arrays) -> Arrays:
            return outputs_of(model, inputs)

        return Runtime(f"Keras {keras.__version__}", run)

    def tolerance(self, options: ExportOptions) -> float:
        """A small tolerance: the kernels are the same."""
        return 1e-6


EXPORTER: Exporter = _Python()
