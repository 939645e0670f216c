"""ONNX, by way of tf2onnx. Each grouped convolution is one `Conv` node with its `group`."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from groupconv_cli.errors import UsageError
from groupconv_cli.exporters.converter import convert
from groupconv_cli.exporters.exporter import Arrays, ExportOptions, ExportSubject, Runtime
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
                save_serving(model, Path(folder), None)
            converted = Path(folder, "converted.onnx")
            convert("onnx", "ONNX", saved_model=folder, output=str(converted))
            proto = onnx.load(converted)
        _refuse_foreign(proto.graph)
        _set_groups_of_volumes(proto)
        _name_outputs(proto.graph, _output_layers(model))
        for value in (*proto.graph.input, *proto.graph.output):
            value.type.tensor_type.shape.dim[0].dim_param = BATCH
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


def _refuse_foreign(graph: Any) -> None:
    """Raises UsageError for operations without a conversion, which tf2onnx passes on unchanged."""
    from onnx import defs

    known = {schema.name for schema in defs.get_all_schemas()}
    foreign = sorted({node.op_type for node in graph.node} - known)
    if foreign:
        raise UsageError(f"the model cannot be converted to ONNX, which has no {foreign[0]}")


def _set_groups_of_volumes(proto: Any) -> None:
    """Sets the groups of 3-D convolutions, which tf2onnx omits, from the kernel's channels."""
    from onnx import helper, shape_inference

    weights = {tensor.name: tensor.dims for tensor in proto.graph.initializer}
    volumes = [
        node
        for node in proto.graph.node
        if node.op_type == "Conv" and len(weights.get(node.input[1], ())) == 5
    ]
    if not volumes:
        return
    graph = shape_inference.infer_shapes(proto).graph
    channels = {
        value.name: value.type.tensor_type.shape.dim[1].dim_value
        for value in (*graph.input, *graph.value_info)
        if len(value.type.tensor_type.shape.dim) == 5
    }
    for node in volumes:
        groups = channels[node.input[0]] // weights[node.input[1]][1]
        kept = [each for each in node.attribute if each.name != "group"]
        del node.attribute[:]
        node.attribute.extend([*kept, helper.make_attribute("group", groups)])


def _output_layers(model: Any) -> list[str]:
    """The names of the layers of the outputs."""
    import keras

    if isinstance(model, keras.Sequential):
        return [model.layers[-1].name]
    return list(model.output_names)


def _name_outputs(graph: Any, names: list[str]) -> None:
    """Renames the outputs, which tf2onnx names after TensorFlow's tensors, such as Identity."""
    taken = {name for node in graph.node for name in (*node.input, *node.output)}
    new = {
        output.name: name
        for output, name in zip(graph.output, names, strict=True)
        if name not in taken and names.count(name) == 1
    }
    for node in graph.node:
        for tensors in (node.input, node.output):
            tensors[:] = [new.get(name, name) for name in tensors]
    for output in graph.output:
        output.name = new.get(output.name, output.name)


EXPORTER = Onnx()
