"""ONNX, by way of tf2onnx. Each grouped convolution is one `Conv` node with its `group`."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

from groupconv_cli.exporters.comparison import Arrays
from groupconv_cli.exporters.converter import convert
from groupconv_cli.exporters.exporter import ExportOptions, ExportSubject, Runtime
from groupconv_cli.exporters.onnx_graph import (
    name_open_sizes,
    name_outputs,
    output_layers,
    refuse_foreign,
    set_groups_of_volumes,
    set_output_padding,
)
from groupconv_cli.exporters.serving import save_serving
from groupconv_cli.fastconv.choice import traced_as_single_op
from groupconv_cli.models.convert import accelerated

BATCH = "batch"
"""The name of the first size of every input and output, which is open."""


class Onnx:
    """A file for onnxruntime and others."""

    def write(self, subject: ExportSubject, path: Path, options: ExportOptions) -> None:
        """Exports the model with a batch of any size, its inputs and outputs named as in Keras.

        Keras' own convolution with groups is a call of a TensorFlow function, which no ONNX runtime
        knows. So the convolution of `groupconv_cli.layers` is traced.

        Raises UsageError if the model has an operation that ONNX lacks.
        """
        import onnx

        model = subject.model
        with TemporaryDirectory() as folder:
            with accelerated(model), traced_as_single_op(2, 3):
                save_serving(model, Path(folder), None, flat=True)
            converted = Path(folder, "converted.onnx")
            convert("onnx", "ONNX", saved_model=folder, output=str(converted))
            proto = onnx.load(converted)
        refuse_foreign(proto.graph)
        set_groups_of_volumes(proto)
        set_output_padding(proto.graph)
        name_outputs(proto.graph, output_layers(model))
        for value in (*proto.graph.input, *proto.graph.output):
            value.type.tensor_type.shape.dim[0].dim_param = BATCH
        name_open_sizes(proto.graph)
        onnx.checker.check_model(proto, full_check=True)
        onnx.save(proto, path)

    def load(self, path: Path, subject: ExportSubject) -> Runtime | None:
        """Loads it with onnxruntime, if that is installed."""
        if find_spec("onnxruntime") is None:
            return None
        import onnxruntime

        session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
        names = [each.name for each in session.get_inputs()]

        def run(inputs: Arrays) -> Arrays:
            found: Arrays = session.run(None, dict(zip(names, inputs, strict=True)))
            return found

        return Runtime(f"onnxruntime {onnxruntime.__version__}", run)

    def tolerance(self, options: ExportOptions) -> float:
        """The tolerance of float32: it has 7 digits, and sums in another order lose two."""
        return 1e-5


EXPORTER = Onnx()
