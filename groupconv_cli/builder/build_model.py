"""Network → keras.Model of stock layers, checked node by node against the analysis."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any

from groupconv_cli.analysis.totals import total
from groupconv_cli.errors import InternalError
from groupconv_cli.files import file_stem
from groupconv_cli.network import Network, Node, refuse_foreign
from groupconv_cli.runtime import as_shipped, deep, load_keras, quiet, start_devices

if TYPE_CHECKING:
    import keras


def build_model(network: Network, input_dtype: str = "float32") -> keras.Model:
    """A functional model whose layers have the names of the network's nodes.

    If Keras has no layer for a node, it becomes several layers; the last one has the node's name.

    Raises EnvironmentProblem if TensorFlow is missing, InternalError if the model differs from
    the analysis, and UsageError for layers that are not in the spec language.
    """
    refuse_foreign(network)
    load_keras()
    start_devices()
    return _built(network, input_dtype)


@as_shipped()
@quiet()
@deep()
def _built(network: Network, input_dtype: str) -> keras.Model:
    import keras

    tensors: list[Any] = []
    is_open = network.open_inputs is not None
    declared = network.open_inputs or network.input_shapes
    shapes = dict(zip(network.inputs, declared, strict=True))
    for index, node in enumerate(network.nodes):
        if index in shapes:
            tensors.append(keras.Input(shapes[index], name=node.name, dtype=input_dtype))
        else:
            tensors.append(_apply(node, [tensors[source] for source in node.inputs], is_open))
        _check_shape(node, tensors[-1])
    model = keras.Model(
        inputs=_one_or_all([tensors[i] for i in network.inputs]),
        outputs=_one_or_all([tensors[i] for i in network.outputs]),
        name=file_stem(network.name),
    )
    _check_params(network, model)
    return model


def _one_or_all(tensors: list[Any]) -> Any:
    """The only tensor, or the list: a model of a list of one tensor would return a list."""
    return tensors[0] if len(tensors) == 1 else tensors


def _apply(node: Node, inputs: list[Any], is_open: bool) -> Any:
    x: Any = inputs if node.op.merges else inputs[0]
    for layer in node.op.build(node.name, *node.input_shapes, is_open=is_open):
        if node.is_frozen:
            layer.trainable = False
        x = layer(x)
    return x


def _check_shape(node: Node, tensor: Any) -> None:
    built = tuple(tensor.shape[1:])
    if len(built) != len(node.shape) or any(
        size not in (None, expected) for size, expected in zip(built, node.shape, strict=True)
    ):
        raise InternalError(
            f"layer {node.name!r} has the output shape {built} in Keras, {node.shape} in the "
            "analysis"
        )


def _check_params(network: Network, model: keras.Model) -> None:
    """Raises InternalError unless each layer has as many weights as in the analysis."""
    for node in network.layers:
        if not node.cost.params:
            continue
        layer = model.get_layer(node.name)
        non_trainable = sum(prod(weight.shape) for weight in layer.non_trainable_weights)
        built = (layer.count_params(), non_trainable)
        if built != (node.cost.params, node.cost.non_trainable):
            raise InternalError(
                f"layer {node.name!r} has {built[0]:,} parameters ({built[1]:,} of them not "
                f"trainable) in Keras, {node.cost.params:,} ({node.cost.non_trainable:,}) in the "
                "analysis"
            )
    built_total, analyzed = model.count_params(), total(network).params
    if built_total != analyzed:
        raise InternalError(
            f"the model has {built_total:,} parameters in Keras, {analyzed:,} in the analysis"
        )
