"""What tf2onnx writes, mended: its graph has what ONNX has no word for, or not as ONNX has it."""

from __future__ import annotations

from typing import Any

from groupconv_cli.errors import UsageError

SIZES = {1: ("length",), 2: ("height", "width"), 3: ("depth", "height", "width")}
"""The names of the sizes between the batch and the channels, by their number."""


def refuse_foreign(graph: Any) -> None:
    """Raises UsageError for operations without a conversion, which tf2onnx passes on unchanged."""
    from onnx import defs

    known = {schema.name for schema in defs.get_all_schemas()}
    foreign = sorted({node.op_type for node in graph.node} - known)
    if foreign:
        raise UsageError(f"the model cannot be converted to ONNX, which has no {foreign[0]}")


def set_groups_of_volumes(proto: Any) -> None:
    """Sets the groups of 3-D convolutions, which tf2onnx omits, from the kernel's channels."""
    from onnx import shape_inference

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
        _set(node, group=groups)


def set_output_padding(graph: Any) -> None:
    """Makes output padding of the negative padding of transposed convolutions, which ONNX refuses.

    tf2onnx writes it where a kernel is smaller than its stride, and divides it between both ends.
    TensorFlow has all of it at the far end.
    """
    for node in graph.node:
        if node.op_type != "ConvTranspose":
            continue
        pads = next((list(each.ints) for each in node.attribute if each.name == "pads"), [])
        if all(pad >= 0 for pad in pads):
            continue
        axes = range(len(pads) // 2)
        total = [pads[axis] + pads[axis + len(axes)] for axis in axes]
        kept = [0 if total[index % len(axes)] < 0 else pad for index, pad in enumerate(pads)]
        _set(node, pads=kept, output_padding=[max(0, -each) for each in total])


def _set(node: Any, **attributes: Any) -> None:
    from onnx import helper

    kept = [each for each in node.attribute if each.name not in attributes]
    del node.attribute[:]
    made = [helper.make_attribute(name, value) for name, value in attributes.items()]
    node.attribute.extend([*kept, *made])


def name_open_sizes(graph: Any) -> None:
    """Names the open sizes of inputs, which tf2onnx numbers: height and width, or the like."""
    for value in graph.input:
        sizes = value.type.tensor_type.shape.dim
        spatial = list(sizes)[1:-1]
        words = SIZES.get(len(spatial), ())
        before = f"{value.name}_" if len(graph.input) > 1 else ""
        for size, word in zip(spatial, words, strict=False):
            if not size.dim_value:
                size.dim_param = before + word


def output_layers(model: Any) -> list[str]:
    """The keys of outputs that are a dict; else the names of the layers that they come from."""
    import keras

    from groupconv_cli.exporters.serving import output_names

    if isinstance(model, keras.Sequential):
        return [model.layers[-1].name]
    if isinstance(model.output, dict):
        return output_names(model)
    return list(model.output_names)


def name_outputs(graph: Any, names: list[str]) -> None:
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
