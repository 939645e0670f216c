"""TensorFlow's SavedModel: a folder that needs no Keras to run."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from groupconv_cli.exporters.comparison import Arrays
from groupconv_cli.exporters.exporter import ExportOptions, ExportSubject, Runtime
from groupconv_cli.exporters.serving import save_serving


class SavedModel:
    """A folder for TensorFlow."""

    def write(self, subject: ExportSubject, path: Path, options: ExportOptions) -> None:
        """Writes the model for inference, with the endpoint `serve` and a batch of any size.

        Stock layers compute groups by XLA on every machine. Fast layers keep the kernels that are
        best on this machine.
        """
        save_serving(subject.model, path, None)

    def load(self, path: Path, subject: ExportSubject) -> Runtime:
        """Loads it with TensorFlow."""
        loaded = tf.saved_model.load(str(path))

        def run(inputs: Arrays) -> Arrays:
            outputs = loaded.serve(*map(tf.convert_to_tensor, inputs))
            return [np.asarray(output) for output in keras.tree.flatten(outputs)]

        return Runtime(f"TensorFlow {tf.__version__}", run)

    def tolerance(self, options: ExportOptions) -> float:
        """A small tolerance: the kernels are those of Keras, but in an optimised graph."""
        return 1e-5


EXPORTER = SavedModel()
