"""Writes the whole file: constants, helpers, a function for each block, and `build`."""

from __future__ import annotations

import builtins
import keyword
import re
from collections.abc import Mapping
from typing import Any

from groupconv_cli.codegen import layout
from groupconv_cli.codegen.align import CannotUnify, Context, Draft
from groupconv_cli.codegen.expressions import ATOM, Code, NoCode, constant
from groupconv_cli.codegen.function import INDEX, Function, Module
from groupconv_cli.codegen.tree import ROOT, Key, Plan, Tensor, Tree
from groupconv_cli.codegen.values import OuterScope
from groupconv_cli.codegen.variables import MAIN, SIDE
from groupconv_cli.files import file_stem
from groupconv_cli.network import Network
from groupconv_cli.ops.base import Shape, shape_text
from groupconv_cli.origin import Provenance
from groupconv_cli.words import plural

MAIN_FUNCTION = "build"
HELPERS = {
    "Names": '''class Names:
    """Names of layers: conv, conv_2, conv_3 … behind a prefix."""

    def __init__(self, prefix=""):
        self.prefix = prefix
        self.counts = {}

    def __call__(self, kind):
        count = self.counts[kind] = self.counts.get(kind, 0) + 1
        return f"{self.prefix}{kind}" if count == 1 else f"{self.prefix}{kind}_{count}"
''',
    "named": '''def named(x, name):
    """Names the operation that made x, as a layer is named by its argument."""
    x._keras_history.operation.name = name
    return x
''',
}
RESERVED = {
    *keyword.kwlist,
    *keyword.softkwlist,
    *dir(builtins),
    *SIDE,
    *HELPERS,
    MAIN,
    MAIN_FUNCTION,
    INDEX,
    "l",  # linters refuse it, because it looks like 1
    "channels",
    "inputs",
    "keras",
    "layers",
    "model",
    "name",
    "names",
    "ops",
    "outputs",
}


class Failed(Exception):
    """Raised if a function cannot be written under the plan."""

    def __init__(self, key: Key) -> None:
        super().__init__(key)
        self.key = key


def module_text(network: Network, plan: Plan) -> str:
    """The file under a plan. Raises Failed."""
    return _Writer(network, plan).text()


class _Writer:
    def __init__(self, network: Network, plan: Plan) -> None:
        self.network = network
        self.tree = Tree(network, plan)
        self.origin = network.origin or Provenance({}, {}, {}, {})
        self.constants: dict[str, Any] = {}
        self.taken: dict[str, Key] = {}
        """The names of functions, and their keys."""
        for key in self.tree.groups:
            self.taken[self._function_name(key)] = key
        outer = OuterScope(self._constant, self._name)
        self.module = Module(self.origin, self._shape, outer, {}, set())

    def text(self) -> str:
        definitions = []
        for key in self.tree.order():
            contexts = [
                Context(each.parts, each.inputs, each.output, group=each)
                for each in self.tree.groups[key]
            ]
            name = next(name for name, own in self.taken.items() if own == key)
            function = self._function(key, name, contexts)
            self.module.functions[key] = function
            definitions.append("\n".join(function.text()))
        root = Context(self.tree.parts, self.tree.entries, self.tree.exits[0])
        entries = self._entry_names()
        main = self._function(ROOT, MAIN_FUNCTION, [root], entries)
        definitions.append(self._main(main, entries))
        used = [HELPERS[name].rstrip() for name in HELPERS if name in self.module.helpers]
        body = "\n\n\n".join([*used, *definitions, _CALL])
        return f"{self._head(body)}{body}\n"

    def _function(
        self, key: Key, name: str, contexts: list[Context], inputs: list[str] | None = None
    ) -> Function:
        if key[:1] == ("block",):
            declared: Mapping[str, str | None] = self.origin.blocks.get(key[1], {})
        else:
            group = contexts[0].group
            declared = dict.fromkeys(group.arguments) if group else {}
        try:
            return Function(
                name,
                Draft(contexts),
                self.module,
                declared,
                inputs=inputs or (),
                by_axis=key[:1] == ("op",),
            )
        except CannotUnify as error:
            raise Failed(key) from error

    def _entry_names(self) -> list[str]:
        if len(self.tree.entries) == 1:
            return ["inputs"]
        names: list[str] = []
        for index, _ in self.tree.entries:
            base = self._name(self.network.nodes[index].name)
            count = 1 + sum(name.startswith(base) for name in names)
            names.append(base if count == 1 else f"{base}_{count}")
        return names

    def _head(self, body: str) -> str:
        words = set(re.findall(r"\w+", body))
        used = [name for name in ("layers", "ops") if f"{name}." in body]
        imports = ["import keras", *([f"from keras import {', '.join(used)}"] if used else [])]
        lines = [f'"""{self._title()}', "", *self._summary(), '"""', "", *imports, ""]
        values = [
            f"{name} = {layout.literal(self.constants[name])}"
            for each in self.origin.variables
            if (name := self._upper(each)) in words
        ]
        if values:
            lines += [*values, ""]
        return "\n".join([*lines, "", ""])

    def _title(self) -> str:
        name = self.network.name.replace("\\", "/").replace('"', "'")
        text = "".join(char if char.isprintable() else " " for char in name)
        return f"{text[:60]} in Keras."

    def _summary(self) -> list[str]:
        nodes = self.network.nodes
        params = sum(node.cost.params for node in nodes)
        macs = sum(node.cost.macs or 0 for node in nodes)
        shapes = [
            " and ".join(shape_text(nodes[index].shape) for index in indices)
            for indices in (self.network.inputs, self.network.outputs)
        ]
        count = plural(len(self.network.layers), "layer")
        return [
            f"Input {shapes[0]}, output {shapes[1]}; {count}.",
            f"{params:,} parameters; {macs:,} multiply-accumulates for one sample.",
        ]

    def _main(self, function: Function, entries: list[str]) -> str:
        lines = [f"def {MAIN_FUNCTION}():", '    """The model, with random weights."""']
        for name, (index, _) in zip(entries, self.tree.entries, strict=True):
            node = self.network.nodes[index]
            arguments = [layout.literal(node.shape), f"name={layout.quoted(node.name)}"]
            lines += layout.call(f"{name} = keras.Input", arguments, "", 1)
        lines += function.beginning()
        lines += [text for line in function.lines for text in line.text()]
        given = entries[0] if len(entries) == 1 else f"[{', '.join(entries)}]"
        label = layout.quoted(file_stem(self.network.name))
        arguments = [given, function.result, f"name={label}"]
        return "\n".join([*lines, *layout.call("return keras.Model", arguments, "", 1)])

    def _shape(self, tensor: Tensor) -> Shape | None:
        index, number = tensor
        if self.tree.result(index) != (index, number):
            return None
        return self.network.nodes[index].shape

    # Names

    def _constant(self, name: str) -> Code:
        if name not in self.origin.variables:
            raise NoCode(name)
        value = self.origin.variables[name]
        if not isinstance(value, str | int | float | bool):
            raise NoCode(name)
        text = self._upper(name)
        self.constants[text] = value
        return Code(text, ATOM, constant(value).value)

    def _upper(self, name: str) -> str:
        text = re.sub(r"\W", "_", name, flags=re.ASCII).upper()
        return f"{text}_" if text in self.taken or text in RESERVED else text

    def _name(self, name: str) -> str:
        text = re.sub(r"\W", "_", name, flags=re.ASCII)
        text = f"_{text}" if text[:1].isdigit() else text
        return f"{text}_" if text in RESERVED or text in self.taken else text

    def _function_name(self, key: Key) -> str:
        text = re.sub(r"\W", "_", str(key[1]), flags=re.ASCII)
        base = f"{text}_block" if text in RESERVED else text
        count = 1
        while (name := base if count == 1 else f"{base}_{count}") in self.taken:
            count += 1
        return name


_CALL = f"""if __name__ == "__main__":
    {MAIN_FUNCTION}().summary()"""
