"""Writes composites: `residual` and `parallel` with their lists of layers, and all others."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack
from typing import Any, NamedTuple

from groupconv_cli.codegen.arguments import Arguments, evaluated
from groupconv_cli.codegen.calls import NAME, written
from groupconv_cli.codegen.file import SIDE, Unwritable, names_in
from groupconv_cli.codegen.layers import Layer, Test, helper, label_of, write_layer
from groupconv_cli.codegen.layout import literal
from groupconv_cli.codegen.names import Label, fixed
from groupconv_cli.codegen.symbols import Code, Whole, shape_of, text_of
from groupconv_cli.language.nodes import Tree
from groupconv_cli.language.spec import Branch, Item, Items
from groupconv_cli.language.trace import Use
from groupconv_cli.language.values import is_expression
from groupconv_cli.ops import LAYERS, Op, Shape
from groupconv_cli.ops.activation import activation as activation_op
from groupconv_cli.ops.base import Composite, Tensor
from groupconv_cli.ops.composite import MERGES, Parallel, Residual
from groupconv_cli.ops.conv import Conv
from groupconv_cli.ops.merge import Add
from groupconv_cli.ops.norm import BatchNorm
from groupconv_cli.ops.shape import Split


class Composites(Arguments):
    """A function that can write composites."""

    def items(self, items: Items, uses: Sequence[Use], source: str, target: str) -> str:
        """Writes a list of items; returns the variable that has its output."""
        raise NotImplementedError

    def composite(self, item: Item, uses: Sequence[Use], source: str, target: str) -> str:
        """Writes a composite; returns the variable that has its output."""
        cls = LAYERS[item.layer].cls
        if issubclass(cls, Residual):
            return self._residual(item, uses, source, target)
        if issubclass(cls, Parallel):
            return self._parallel(item, uses, source, target)
        if not issubclass(cls, Composite):
            raise TypeError(item.layer)
        return self._other(item, cls, uses, source, target)

    def _own_nodes(self, use: Use) -> list[int]:
        """The nodes that the composite itself made, without those of the items inside it."""
        nodes = self.file.made.nodes
        return [i for i in range(use.first, use.last) if nodes[i].item == use.item.number]

    # residual

    def _residual(self, item: Item, uses: Sequence[Use], source: str, target: str) -> str:
        body = item.args["body"].layers or ()
        with self.keeping(source, target):
            side = self.side()
        with self.keeping(source):
            main = self.items(body, uses, source, side)
        with self.keeping(main):
            return self._sum(item, uses, source, main, target)

    def _sum(self, item: Item, uses: Sequence[Use], source: str, main: str, target: str) -> str:
        body, given = item.args["body"].layers or (), item.args.get("shortcut")
        differ = [_end(use, body) != use.inputs[0].shape for use in uses]
        short = source
        if given is not None and given.layers is not None:
            with self.scope("shortcut"):
                short = self.items(given.layers, uses, source, target)
            differ = [False] * len(uses)
        word = "identity"
        if given is not None and given.layers is None:
            words = {evaluated(use, given.tree) for use in uses}
            if len(words) > 1:
                raise Unwritable
            word = words.pop()
        if word == "if_same" and any(differ):
            if not all(differ):
                with self.arm(f"{source}.shape == {main}.shape"):
                    self._add(item, uses, [main, source], main)
            return self._activated(item, uses, main, target)
        if any(differ):
            if all(differ):
                self._project(body, uses, source, main, target)
            else:
                self.assign(target, source)
                with self.arm(f"{source}.shape != {main}.shape"):
                    there = [use for use, differs in zip(uses, differ, strict=True) if differs]
                    self._project(body, there, target, main, target)
            short = target
        self._add(item, uses, [main, short], target)
        return self._activated(item, uses, target, target)

    def _add(self, item: Item, uses: Sequence[Use], sources: Sequence[str], target: str) -> None:
        self._own_layer(uses, Add(), "add", sources, target)

    def _own_layer(
        self, uses: Sequence[Use], op: Op, called: str, sources: Sequence[str], target: str
    ) -> None:
        nodes = self.file.made.nodes
        layers = []
        for use in uses:
            index = next((i for i in self._own_nodes(use) if nodes[i].op.op == called), None)
            layers.append(None if index is None else Layer(op, fixed(called), index))
        there = [layer for layer in layers if layer is not None]
        write_layer(self, there, sources, target, [])

    def _activated(self, item: Item, uses: Sequence[Use], source: str, target: str) -> str:
        if "activation" not in item.args:
            return source
        layers = []
        for use, values in zip(uses, self.values(item, uses, source), strict=True):
            op = activation_op(values["activation"])
            layers.append(Layer(op, label_of(op), self._own_nodes(use)[-1]))
        write_layer(self, layers, [source], target, self.tests(item, uses, source))
        return target

    def _project(
        self, body: Items, uses: Sequence[Use], source: str, main: str, target: str
    ) -> None:
        """Writes the shortcut into another shape, by a helper of the file."""
        stride = self._stride(body, uses, source, main)
        nodes = self.file.made.nodes
        own = [i for use in uses for i in self._own_nodes(use) if nodes[i].op.op == "conv"]
        groups: Any = 1
        if not self.file.regrouped.isdisjoint(own):
            self.file.table.update(own)
            groups = Whole.of(2, Code('REGROUPED.get(f"{name}.conv", 1)'))
        filters, step = Whole.of(1, Code("filters")), Whole.of(2, Code("strides"))
        conv = Conv(filters=filters, kernel=(1,), stride=(step,), groups=groups, bias=False)
        called = helper(
            self.file,
            "project",
            ["filters", "strides=1"],
            [(conv, "{name}.conv"), (BatchNorm(), "{name}.batch_norm")],
            nodes[own[0]].input_shapes[0],
            "A shortcut into another shape: a 1×1 convolution and a norm.",
        )
        strides = [] if stride is None else [f"strides={stride}"]
        name = self.name(fixed("shortcut"))
        self.line(target, called, [source, f"{main}.shape[-1]", *strides, f"name={name}"])

    def _stride(self, body: Items, uses: Sequence[Use], source: str, main: str) -> str | None:
        """The code of the stride of a projection; None if it is 1."""
        nodes = self.file.made.nodes
        convs = [
            next(nodes[i] for i in self._own_nodes(use) if nodes[i].op.op == "conv") for use in uses
        ]
        strides = [node.op.window.stride if node.op.window else (1,) for node in convs]
        if all(set(stride) == {1} for stride in strides):
            return None
        if all(len(set(stride)) == 1 for stride in strides):
            numbers = [stride[0] for stride in strides]
            for tree in _strides_in(body):
                if names_in(tree) <= {"in", *self.known()} and numbers == [
                    evaluated(use, tree) for use in uses
                ]:
                    return self.code(tree, source).text
            if len(set(numbers)) == 1:
                return str(numbers[0])
            ends = [(use.inputs[0].shape or (1,), _end(use, body) or (1,)) for use in uses]
            if all(-(-x[0] // y[0]) == n for (x, y), n in zip(ends, numbers, strict=True)):
                return f"-(-{source}.shape[1] // {main}.shape[1])"
        if len(set(strides)) == 1:
            return literal(strides[0])
        raise Unwritable

    # parallel

    def _parallel(self, item: Item, uses: Sequence[Use], source: str, target: str) -> str:
        branches = item.args["branches"].branches or ()
        there = [
            [use for use in uses if branch.when is None or evaluated(use, branch.when)]
            for branch in branches
        ]
        is_fixed = all(len(own) in (0, len(uses)) for own in there)
        merge = _the_same(
            evaluated(use, item.args["merge"].tree) if "merge" in item.args else "concat"
            for use in uses
        )
        shares = self._shares(item, uses, source, sum(map(bool, there)))
        if shares and not is_fixed:
            raise Unwritable
        with ExitStack() as kept:
            kept.enter_context(self.keeping(source))
            listed, outputs = self.fresh("branches"), list[str]()
            if not is_fixed:
                self.line(listed, "[]")
            for number, (branch, own) in enumerate(zip(branches, there, strict=True), 1):
                if not own:
                    continue
                part = shares[len(outputs)] if shares else None
                if len(own) == len(uses):
                    made = self._branch(branch, number, own, source, part, len(outputs))
                    outputs.append(made)
                    kept.enter_context(self.keeping(made))
                    if not is_fixed:
                        self.line("", f"{listed}.append", [made])
                    continue
                if branch.when is None:
                    raise Unwritable
                with self.arm(self.code(branch.when, source).text):
                    made = self._branch(branch, number, own, source, None, 0)
                    self.line("", f"{listed}.append", [made])
        if is_fixed:
            self._own_layer(uses, MERGES[merge](), merge, outputs, target)
        else:
            (call,) = written([MERGES[merge]().calls(NAME)], by_shape=False) or []
            self.lines += call.line(target, listed, self.name(fixed(merge)), self.depth)
        return target

    def _branch(
        self,
        branch: Branch,
        number: int,
        uses: Sequence[Use],
        source: str,
        part: Sequence[tuple[int, int]] | None,
        place: int,
    ) -> str:
        """Writes a branch, which is the branch at `place` of those that are there."""
        with self.scope(f"branch_{number}"):
            variable = self.fresh(f"branch_{number}")
            if part is None:
                return self.items(branch.layers, uses, source, variable)
            layers = []
            for use, (start, count) in zip(uses, part, strict=True):
                nodes = self.file.made.nodes
                splits = [i for i in self._own_nodes(use) if nodes[i].op.op == "split"]
                op = Split(start=start, count=count)
                layers.append(Layer(op, fixed("split"), splits[place]))
            write_layer(self, layers, [source], variable, [])
            return self.items(branch.layers, uses, variable, variable)

    def _shares(
        self, item: Item, uses: Sequence[Use], source: str, count: int
    ) -> list[list[tuple[int, int]]]:
        """The start and the count of the channels of each branch, in each use; none if unsplit."""
        if "split" not in item.args:
            return []
        by_use: list[list[tuple[int, int]]] = []
        for use, values in zip(uses, self.values(item, uses, source), strict=True):
            split = values["split"]
            if not split:
                by_use.append([])
                continue
            if not isinstance(split, tuple):
                channels = shape_of(source, use.inputs[0].shape or ())[-1]
                split = (channels // count,) * count
            starts = [0]
            for share in split[:-1]:
                starts.append(starts[-1] + share)
            by_use.append(list(zip(starts, split, strict=True)))
        _the_same(len(each) for each in by_use)
        return [list(each) for each in zip(*by_use, strict=True)]

    # all others

    def _other(
        self, item: Item, cls: type[Composite], uses: Sequence[Use], source: str, target: str
    ) -> str:
        rows = [
            self._recorded(cls(**values), use, source)
            for use, values in zip(uses, self.values(item, uses, source), strict=True)
        ]
        if len({tuple((row.label.text, row.inputs) for row in each) for each in rows}) > 1:
            raise Unwritable
        self._graph(rows, source, target, self.tests(item, uses, source))
        return target

    def _recorded(self, layer: Composite, use: Use, source: str) -> list[_Row]:
        nodes = self._own_nodes(use)
        recorder = _Recorder([self.file.made.nodes[i].shape for i in nodes])
        layer.expand(recorder, Tensor(0, shape_of(source, use.inputs[0].shape or ())))
        return [
            _Row(op, label_of(op), index, inputs)
            for (op, inputs), index in zip(recorder.rows, nodes, strict=True)
        ]

    def _graph(
        self, rows: Sequence[Sequence[_Row]], source: str, target: str, tests: Sequence[Test]
    ) -> None:
        """Writes the layers of a composite, which are the same in all uses."""
        first = rows[0]
        last_read = {0: 0}
        for number, row in enumerate(first):
            last_read |= dict.fromkeys(row.inputs, number)
            if any(f"{source}." in text_of(getattr(row.op, key)) for key in row.op.args):
                last_read[0] = number
        variables = {0: source}
        for number, row in enumerate(first):
            sources = [variables[each] for each in row.inputs]
            live = {variables[t] for t, read in last_read.items() if read > number and t <= number}
            into = target
            if number + 1 < len(first):
                taken = live if target == source else {*live, source}
                with self.keeping(*taken):
                    into = self.fresh(target, *SIDE)
            layers = [
                Layer(each[number].op, each[number].label, each[number].node) for each in rows
            ]
            write_layer(self, layers, sources, into, tests)
            variables[number + 1] = into


class _Row(NamedTuple):
    """A layer of a composite."""

    op: Op
    label: Label
    node: int
    inputs: tuple[int, ...]
    """What it reads: 0 is the input of the composite, 1 the output of its first layer."""


class _Recorder:
    """A builder that notes the layers of a composite."""

    def __init__(self, shapes: Sequence[Shape]) -> None:
        self.shapes = shapes
        self.rows: list[tuple[Op, tuple[int, ...]]] = []

    def add(self, op: Op, *inputs: Tensor) -> Tensor:
        """Notes a layer."""
        self.rows.append((op, tuple(each.node for each in inputs)))
        return Tensor(len(self.rows), self.shapes[len(self.rows) - 1])

    def walk(self, layers: Any, x: Tensor) -> Tensor:
        """Only `residual` and `parallel` have lists of layers."""
        raise Unwritable

    def scope(self, name: str) -> AbstractContextManager[None]:
        """Only `residual` and `parallel` have levels of names."""
        raise Unwritable

    def strides_since(self, start: Tensor, end: Tensor) -> tuple[int, ...]:
        """Only `residual` needs them."""
        raise Unwritable


def _end(use: Use, items: Items) -> Shape | None:
    """The shape after a list of items in one use of the composite around it."""
    numbers = {item.number for item in items}
    for inner in reversed(use.uses):
        if inner.item.number in numbers:
            return inner.output.shape
    return use.inputs[0].shape


def _the_same(values: Iterable[Any]) -> Any:
    """The value that all uses have. Raises Unwritable if they differ."""
    different = set(values)
    if len(different) > 1:
        raise Unwritable
    return different.pop()


def _strides_in(items: Items) -> Iterator[Tree]:
    """Expressions of items that may be a stride: those of that name first."""
    computed = [
        (key, given.tree)
        for item in items
        for key, given in item.args.items()
        if given.layers is None and given.branches is None and is_expression(given.tree)
    ]
    yield from (tree for key, tree in computed if key == "stride")
    yield from (tree for key, tree in computed if key != "stride")
