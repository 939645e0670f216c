"""Whether a network can be trained, and on this data."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import NamedTuple

from groupconv_cli.errors import UsageError
from groupconv_cli.network import Network, Node, refuse_foreign
from groupconv_cli.ops.base import Shape, shape_text
from groupconv_cli.sources.catalogue import BUNDLED, find
from groupconv_cli.training.samples import Data

SIZE_OF_OUTPUT = {"dense": "units", "conv": "filters"}
"""The argument with the number of output channels, by op."""


class Varied(NamedTuple):
    """What differs in the rows of a comparison, which no --set can set for all of them."""

    names: frozenset[str]
    """The variables of --vary."""
    input: bool
    """Whether their inputs differ."""


FIXED = Varied(frozenset(), False)


def check_trainable(network: Network) -> None:
    """Raises UsageError for a network of which no training to classify is defined.

    It needs one input and one output with known sizes, a number for each class, and weights.
    """
    refuse_foreign(network)
    name = network.name
    if network.open_inputs is not None:
        listed = ",".join("?" if size is None else str(size) for size in network.open_inputs[0])
        raise UsageError(
            f"{name} leaves sizes of its input open: {listed}; training needs all of them",
            "give them: --set input=224,224,3, with your sizes",
        )
    for what, ends in (("inputs", network.inputs), ("outputs", network.outputs)):
        if len(ends) != 1:
            raise UsageError(
                f"{name} has {len(ends)} {what}; training is for networks with one input and one "
                "output, a number for each class"
            )
    output = network.nodes[network.outputs[0]].shape
    if len(output) != 1:
        raise UsageError(
            f"the output of {name} is {shape_text(output)}; training needs one number for each "
            "class",
            "end it with global_avg_pool and dense: {units: CLASSES}",
        )
    if not any(node.cost.params > node.cost.non_trainable for node in network.nodes):
        raise UsageError(f"{name} has no weights that training changes")


def check_fits(data: Data, network: Network, *, row: str = "", varied: Varied = FIXED) -> None:
    """Raises UsageError unless the network can be trained on the data.

    Its input must have the shape of a sample, and its output a number for each class. `row` is the
    name of its row if it may be the only one that does not fit.
    """
    check_trainable(network)
    problems: dict[str, str] = {}
    wanted, given = network.input_shape, data.shape
    name = f"{network.name} in the row {row}" if row else network.name
    if given != wanted:
        problem = (
            f"the input of {name} is {shape_text(wanted)}, and the samples of {data.name} are "
            f"{shape_text(given)}"
        )
        problems[problem] = (
            f"all rows are trained on the same samples, so each must have the input "
            f"{shape_text(given)}"
            if varied.input
            else _input_that_fits(network, given)
        )
    units = network.nodes[network.outputs[0]].shape[0]
    if units != data.classes:
        problem = f"{name} has {units:,} outputs, and {data.name} has {data.classes:,} classes"
        problems[problem] = _output_that_fits(network, data.classes, varied)
    if problems:
        raise UsageError("; ".join(problems), "; ".join(problems.values()))


def check_rows_fit(data: Data, rows: Mapping[str, Network], varied: Collection[str]) -> None:
    """Raises UsageError unless every network can be trained on the data.

    `rows` has them by the names of their rows, and `varied` the variables that differ in the rows.
    """
    for network in rows.values():
        check_trainable(network)
    inputs = {network.input_shape for network in rows.values()}
    ends = {(each.input_shape, each.nodes[each.outputs[0]].shape) for each in rows.values()}
    for row, network in rows.items():
        check_fits(
            data,
            network,
            row=row if len(ends) > 1 else "",
            varied=Varied(frozenset(varied), len(inputs) > 1),
        )


def check_batch(data: Data, batch: int) -> None:
    """Raises UsageError for a batch of more samples than there are."""
    samples = len(data.x_train)
    if batch > samples:
        raise UsageError(
            f"a batch of {batch:,} is more than the {samples:,} training samples of {data.name}",
            f"--batch {samples} takes all of them in each step",
        )


def _input_that_fits(network: Network, given: Shape) -> str:
    wanted = network.input_shape
    shape = (*given, 1) if len(given) + 1 == len(wanted) else given
    if len(shape) != len(wanted) or network.origin is None:
        return f"the data must be samples×{shape_text(wanted)}"
    name = network.nodes[network.inputs[0]].name
    return f"give the network this input: --set {name}={','.join(map(str, shape))}"


def _output_that_fits(network: Network, classes: int, varied: Varied) -> str:
    """What to change: a variable if the last layer has its size from one, else the layer."""
    last = _last_layer(network)
    if last is None or network.origin is None:
        return f"its last layer must be dense: {{units: {classes}}}"
    argument = SIZE_OF_OUTPUT[last.op.op]
    text = f"{last.op.op}: {{{argument}: {classes}}}"
    if last.place is None:
        return f"its last layer must be {text}"
    line = last.place.source.text.splitlines()[last.place.line - 1]
    if variable := re.search(rf"\b{argument}:\s*\$(\w+)\s*[,}}]", line):
        instead = f" in place of --vary {variable[1]}" if variable[1] in varied.names else ""
        return f"--set {variable[1]}={classes}{instead} sets the last layer"
    source = last.place.source.name
    must = f"its layer {last.name!r} must be {text}"
    if not source.endswith(BUNDLED):
        return f"{must} ({source}:{last.place.line})"
    name = network.name if find(network.name) else source.removesuffix(BUNDLED)
    return f"gconv init {name} -o net.yaml writes a copy to change: {must}"


def _last_layer(network: Network) -> Node | None:
    """The layer that sets the number of outputs, if layers after it keep its channels."""
    node = network.nodes[network.outputs[0]]
    while node.op.op not in SIZE_OF_OUTPUT:
        if len(node.inputs) != 1 or node.input_shapes[0][-1] != node.shape[-1]:
            return None
        node = network.nodes[node.inputs[0]]
    return node
