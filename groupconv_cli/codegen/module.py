"""Writes the whole file: constants, helpers, a function for each block, and `build`."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from groupconv_cli.codegen import layout
from groupconv_cli.codegen.breaking import broken_statement
from groupconv_cli.codegen.calls import WrittenCall, calls_of, written
from groupconv_cli.codegen.file import (
    MAIN_FUNCTION,
    RESERVED,
    File,
    Unwritable,
    identifier,
    used_helpers,
)
from groupconv_cli.codegen.function import Function, Functions
from groupconv_cli.codegen.layout import Line, literal, quoted
from groupconv_cli.errors import UsageError
from groupconv_cli.files import file_stem
from groupconv_cli.language.expand import Expansion
from groupconv_cli.network import Network
from groupconv_cli.ops.base import shape_text
from groupconv_cli.words import plural


def structured(network: Network, origin: Expansion, *, exact: bool) -> str:
    """The file with functions and loops, as the spec has them.

    With `exact` the numbers are computed without rounding. Raises Unwritable.
    """
    file = File(network, origin, exact=exact)
    functions: Functions = {}
    main = Function(file, functions, [file.use])
    there = {item.name for item in file.spec.layers if file.use.of(item)}
    named = [output.name for output in file.spec.outputs if output.name in there]
    result = main.body(file.spec.layers, "x", named)
    main.settle()
    shapes = []
    for entry in file.spec.inputs.values():
        sizes = main.code(entry.value, "").text
        shapes.append(f"({sizes[1:-1]})" if sizes.startswith("[") else f"tuple({sizes})")
    outputs = dict.fromkeys(main.tensors[-1][each] for each in named)
    lines = [
        *_beginning(network, list(zip(main.inputs, shapes, strict=True))),
        *main.first_lines(),
        *main.settled(),
        *_end(network, main.inputs, list(outputs) or [result]),
    ]
    definitions = ["\n".join(each.text) for each in functions.values()]
    constants = [
        line
        for name, code in file.constants().items()
        for line in broken_statement(f"{name} = {code}", 0)
    ]
    if file.table:
        counts = [
            f"{quoted(network.nodes[index].name)}: {network.nodes[index].groups}"
            for index in sorted(file.table & file.regrouped)
        ]
        constants += [
            "# Other numbers of groups, by the names of convolutions.",
            *layout.collection("REGROUPED = {", counts, "}", 0),
        ]
    helpers = [*file.helpers.values(), *definitions, "\n".join(lines)]
    body = "\n\n\n".join(helpers)
    return _file(network, constants, [*used_helpers(body), *helpers])


def flat(network: Network) -> str:
    """The file with a statement for each layer. Raises UsageError if one cannot be written."""
    last_read = {index: len(network.nodes) for index in network.outputs}
    for number, node in enumerate(network.nodes):
        last_read |= {i: max(number, last_read.get(i, 0)) for i in node.inputs}
    shapes = dict(zip(network.inputs, network.open_inputs or network.input_shapes, strict=True))
    variables: dict[int, str] = {}
    live: dict[str, int] = {}
    """The last reader of each variable in use."""
    lines: list[Line] = []
    inputs: list[tuple[str, str]] = []
    for number, node in enumerate(network.nodes):
        live = {name: last for name, last in live.items() if last > number}
        if number in shapes:
            variables[number] = "inputs" if len(shapes) == 1 else _free(identifier(node.name), live)
            live[variables[number]] = len(network.nodes)
            inputs.append((variables[number], literal(shapes[number])))
            continue
        variable = "x" if "x" not in live else _free(identifier(node.name), live)
        sources = [variables[i] for i in node.inputs]
        given = f"[{', '.join(sources)}]" if node.op.merges else sources[0]
        for call in _calls(network, number):
            lines += call.line(variable, given, quoted(node.name + call.suffix), 1)
            given = variable
        variables[number] = variable
        live[variable] = last_read.get(number, 0)
    text = "\n".join(
        [
            *_beginning(network, inputs),
            *(each for line in lines for each in line.text(str)),
            *_end(
                network,
                *([variables[i] for i in ends] for ends in (network.inputs, network.outputs)),
            ),
        ]
    )
    return _file(network, [], [*used_helpers(text), text])


def _calls(network: Network, index: int) -> list[WrittenCall]:
    node, is_open = network.nodes[index], network.open_inputs is not None
    if node.shares is not None:
        raise UsageError(f"layer {node.name!r} shares weights; gconv cannot write code for that")
    try:
        own = calls_of(node.op, node.input_shapes, is_open=is_open)
    except Unwritable:
        raise UsageError(
            f"layer {node.name!r} is of the kind {node.op.op!r}; gconv cannot write code for that"
        ) from None
    return written([own], by_shape=True) or []


def _free(name: str, taken: Collection[str]) -> str:
    count = 1
    while (free := name if count == 1 else f"{name}_{count}") in RESERVED or free in taken:
        count += 1
    return free


def _beginning(network: Network, inputs: Sequence[tuple[str, str]]) -> list[str]:
    """The first lines of `build`; `inputs` has the variables of the inputs and their shapes."""
    lines = [f"def {MAIN_FUNCTION}():", '    """The model, with random weights."""']
    for (variable, shape), index in zip(inputs, network.inputs, strict=True):
        arguments = [shape, f"name={quoted(network.nodes[index].name)}"]
        lines += layout.call(f"{variable} = keras.Input", arguments, "", 1)
    return lines


def _end(network: Network, inputs: Sequence[str], outputs: Sequence[str]) -> list[str]:
    """The last lines of `build`."""
    ends = [each[0] if len(each) == 1 else f"[{', '.join(each)}]" for each in (inputs, outputs)]
    arguments = [*ends, f"name={quoted(file_stem(network.name))}"]
    return layout.call("return keras.Model", arguments, "", 1)


def _file(network: Network, constants: Sequence[str], definitions: Sequence[str]) -> str:
    """The whole file."""
    call = f'if __name__ == "__main__":\n    {MAIN_FUNCTION}().summary()'
    body = "\n\n\n".join([*definitions, call])
    everything = "\n".join([*constants, body])
    words = {name for name in ("ceil", "floor") if f"{name}(" in everything}
    imports = ["from fractions import Fraction"] if "Fraction(" in everything else []
    imports += [f"from math import {', '.join(sorted(words))}"] if words else []
    imports += ["", "import keras"] if imports else ["import keras"]
    used = [name for name in ("layers", "ops") if re.search(rf"\b{name}\.", body)]
    imports += [f"from keras import {', '.join(used)}"] if used else []
    head = [f'"""{_title(network)}', "", *_summary(network), '"""', "", *imports, ""]
    if constants:
        head += [*constants, ""]
    return "\n".join([*head, "", body]) + "\n"


def _title(network: Network) -> str:
    name = network.name.replace("\\", "/").replace('"', "'")
    text = "".join(char if char.isprintable() else " " for char in name)
    return f"{text[:60]} in Keras."


def _summary(network: Network) -> list[str]:
    nodes = network.nodes
    params = sum(node.cost.params for node in nodes)
    if network.open_inputs is not None:
        return [f"{plural(len(network.layers), 'layer')}, {params:,} parameters."]
    macs = sum(node.cost.macs or 0 for node in nodes)
    shapes = [
        " and ".join(shape_text(nodes[index].shape) for index in indices)
        for indices in (network.inputs, network.outputs)
    ]
    count = plural(len(network.layers), "layer")
    return [
        f"Input {shapes[0]}, output {shapes[1]}; {count}.",
        f"{params:,} parameters; {macs:,} multiply-accumulates for one sample.",
    ]
