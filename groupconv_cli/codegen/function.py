"""Writes one function of the code: that of a block, or the one that builds the model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from groupconv_cli.codegen.file import File, function_name
from groupconv_cli.codegen.layers import Layer, label_of, write_layer
from groupconv_cli.codegen.layout import Line, call, quoted
from groupconv_cli.codegen.lists import Lists, names_read
from groupconv_cli.codegen.names import fixed
from groupconv_cli.codegen.symbols import COMPARISON, Code, Whole, shape_of
from groupconv_cli.language.spec import Block, Item, Items
from groupconv_cli.language.trace import Use
from groupconv_cli.ops import LAYERS, Op
from groupconv_cli.ops.activation import activation as activation_op
from groupconv_cli.ops.base import Composite
from groupconv_cli.ops.kinds import NONE

Functions = dict[str, "Function"]


class Function(Lists):
    """A function, written from the items of the spec for all their uses at once."""

    def __init__(
        self, file: File, functions: Functions, uses: Sequence[Use], block: Block | None = None
    ) -> None:
        """`functions` are those of blocks written so far, to which this adds those that it calls.

        Without a block the function is the one that builds the model.
        """
        super().__init__(file, uses, block)
        self.functions = functions
        self.text: list[str] = []
        """The lines of the definition, if it is a block's."""
        names = block.inputs if block else tuple(file.spec.inputs)
        self.inputs = [name if block and name == "x" else file.local(name) for name in names]
        if len(names) < 2:
            self.inputs = ["x" if block else "inputs"]
        self.tensors = [dict(zip(names, self.inputs, strict=False))]
        self.live += self.inputs[1:]

    def write(self, block: Block) -> list[str]:
        """Writes the function of the block; returns its lines."""
        result = self.body(block.layers, "x")
        *before, last = self.lines or [Line(1, "", "")]
        if last.depth == 1 and last.target == result and last.arguments is not None:
            self.lines = [*before, last._replace(target="", head=f"return {last.head}")]
        else:
            self.line("", f"return {result}")
        self.settle()
        used = [name for name in block.params if name in self.parameters]
        self.parameters = {name: self.parameters[name] for name in used}
        required = [name for name, default in self.parameters.items() if default is None]
        given = {name: text for name, text in self.parameters.items() if text is not None}
        local = self.file.local
        signature = [*self.inputs, *map(local, required)]
        signature += [f"{local(name)}={text}" for name, text in given.items()]
        signature += ["*", "name"] if given else ["name"]
        return [
            *call(f"def {function_name(block.name)}", signature, ":", 0),
            *self.first_lines(),
            *self.settled(),
        ]

    def body(self, items: Items, target: str, outputs: Sequence[str] = ()) -> str:
        """Writes the items of the function; returns the variable of the last one's output."""
        # An input that is read by its name must not be overwritten.
        kept = set(self.tensors[0]) & set(names_read(items))
        with self.keeping(*(self.tensors[0][name] for name in kept)):
            return self.items(items, self.uses, self.inputs[0], target, outputs)

    def first_lines(self) -> list[str]:
        """The lines before the first layer."""
        lines = [f"    channels = {self.inputs[0]}.shape[-1]"] if self.reads_channels else []
        lines += [text for line in self.beginning for text in line.text(str)]
        if self.levels[0].counts:
            lines.append(f"    names = {self.level.counting}")
        return lines

    def once(self, item: Item, uses: Sequence[Use], sources: Sequence[str], target: str) -> str:
        """Writes an item as it is in one repetition; returns the variable of its output."""
        if item.layer in self.file.spec.blocks:
            self._call(item, sources, target)
            return target
        if not issubclass(LAYERS[item.layer].cls, Composite):
            self._layers(item, uses, sources, target)
            return target
        (source,) = sources
        if self._is_inside and not (item.name or item.repeat or item.each):
            return self.composite(item, uses, source, target)
        with self.scope(item.name or item.layer):
            return self.composite(item, uses, source, target)

    @property
    def _is_inside(self) -> bool:
        """Whether the names of the current item are on a level of their own."""
        return self.block is not None or self.level is not self.levels[0]

    def _layers(self, item: Item, uses: Sequence[Use], sources: Sequence[str], target: str) -> None:
        """Writes a layer, and the norm and activation that its arguments ask for."""
        source = sources[0]
        cls, tests = LAYERS[item.layer].cls, self.tests(item, uses, source)
        if not issubclass(cls, Op):
            raise TypeError(item.layer)
        named = item.name
        columns: list[list[Layer | None]] = [[], [], []]
        rows = self.values(item, uses, source)
        has_bias = "norm" in item.args and "bias" in cls.args and "bias" not in item.args
        biases = self._biases(item, uses, rows, source) if has_bias else []
        for place, (use, values) in enumerate(zip(uses, rows, strict=True)):
            norm, activation = values.pop("norm", None), values.pop("activation", None)
            if has_bias:
                values["bias"] = biases[place]
            if cls.takes_groups_before and "groups" not in values:
                values["groups"] = self.groups_before(use, uses)
            shapes = self.file.made.nodes[use.first].input_shapes
            cls.resolve(values, *map(shape_of, sources, shapes))
            index = use.first
            columns[0].append(Layer(cls(**values), fixed(named or item.layer), index))
            after = (norm, activation and activation_op(activation))
            for column, op in zip(columns[1:], after, strict=True):
                index += op is not None
                column.append(None if op is None else Layer(op, label_of(op, named), index))
        for key, column in zip(("", "norm", "activation"), columns, strict=True):
            # What asks for the layer tells best whether it is there.
            nearest = sorted(tests, key=lambda test: test.key != key)
            if write_layer(self, column, sources, target, nearest):
                sources = [target]

    def _biases(
        self, item: Item, uses: Sequence[Use], rows: Sequence[dict[str, Any]], source: str
    ) -> list[int]:
        """Whether there is a bias because there is no norm, with its code if uses differ."""
        biases = [row["norm"] is None for row in rows]
        if len(set(biases)) == 1:
            return list(biases)
        code = self.code(item.args["norm"].tree, source)
        asked = Code(f"{code.within(COMPARISON + 1)} == {quoted(NONE)}", COMPARISON)
        return [Whole.of(bias, asked) for bias in biases]

    def _call(self, item: Item, sources: Sequence[str], target: str) -> None:
        """Writes the use of a block."""
        block = self.file.spec.blocks[item.layer]
        function = self.functions.get(block.name)
        if function is None:
            function = Function(self.file, self.functions, self.file.uses[block.name], block)
            function.text = function.write(block)
            self.functions[block.name] = function
        arguments, source = list(sources), sources[0]
        for name in function.parameters:
            if name in item.args:
                tree = item.args[name].tree
                text = self.whole(tree, source) if function.is_whole(name) else None
                text = text or self.code(tree, source).text
                arguments.append(f"{self.file.local(name)}={text}")
        label = self.name(fixed(item.name or item.layer))
        self.line(target, function_name(block.name), [*arguments, f"name={label}"])
