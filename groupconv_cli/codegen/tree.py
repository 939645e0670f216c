"""Nests the flat network again: calls of Keras, uses of functions, and repeats.

A part of the tree becomes a statement. `Plan` says which groups of layers become functions. The
layers of all other groups belong to the group around them.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from groupconv_cli.errors import UsageError
from groupconv_cli.network import Network, Node, Step
from groupconv_cli.ops.calls import LayerCall

Tensor = tuple[int, int]
"""The output of a call: the index of its node, and the number of the call in that node."""

Key = tuple[Any, ...]
"""The origin of a function: a block, an item of the spec, or an op."""

ROOT: Key = ()
MANY_CALLS = 3
"""An op that takes this many layers becomes a function."""

FEW = 3
"""The least turns of a loop. Fewer turns are written out, if their number is fixed."""

NUMBERED = re.compile(r"_\d+$")
BRANCH = re.compile(r"branch_\d+")


class Leaf(NamedTuple):
    """One call of Keras."""

    call: LayerCall
    node: Node
    number: int
    """The number of the call in its node."""
    inputs: tuple[Tensor, ...]
    output: Tensor
    branch: str | None
    """The full name of its branch, if that is part of the same function."""

    @property
    def item(self) -> int:
        """The number of its item in the spec."""
        return self.node.item

    @property
    def kind(self) -> Key:
        """A key that is equal for parts that are alike."""
        return ("call", self.node.op.op, self.number)

    @property
    def name(self) -> str:
        """The full name."""
        return self.call.name


class Group(NamedTuple):
    """A use of a function: layers with one input and one output."""

    key: Key
    name: str
    item: int
    parts: list[Part]
    inputs: tuple[Tensor, ...]
    output: Tensor
    arguments: Mapping[str, Any]
    branch: str | None = None

    @property
    def kind(self) -> Key:
        """A key that is equal for parts that are alike."""
        return ("use", self.key)


class Loop(NamedTuple):
    """Parts that an item of the spec repeats; each turn reads the result of the turn before."""

    item: int
    turns: list[list[Part]]
    inputs: tuple[Tensor, ...]
    output: Tensor
    branch: str | None

    @property
    def kind(self) -> Key:
        """A key that is equal for parts that are alike."""
        return ("loop",)


Part = Leaf | Group | Loop


class Plan:
    """The functions and loops that are not tried again, because they failed."""

    def __init__(self) -> None:
        self.inlined: set[Key] = set()
        self.unrolled: set[Key] = set()
        self.is_flat = False
        """Straight code: no functions, no loops."""

    def inlines(self, key: Key) -> bool:
        """Whether a function is replaced by its layers."""
        return self.is_flat or key in self.inlined

    def unrolls(self, key: Key) -> bool:
        """Whether the repeats in a function are written out, not as loops."""
        return self.is_flat or key in self.unrolled

    def fall_back(self, key: Key) -> bool:
        """Notes that the function of `key` cannot be written. False if nothing is left to try."""
        if key not in self.unrolled:
            self.unrolled.add(key)
            return True
        fresh = key not in self.inlined
        self.inlined.add(key)
        return fresh and key != ROOT


class Tree:
    """The parts of a network under a plan."""

    def __init__(self, network: Network, plan: Plan) -> None:
        self.network = network
        self.plan = plan
        self.calls = [_calls(network, index) for index in range(len(network.nodes))]
        self.entries: list[Tensor] = [(index, 0) for index in network.inputs]
        self.exits = [self.result(index) for index in network.outputs]
        self.groups: dict[Key, list[Group]] = {}
        """Every use of every function."""
        self._readers = _readers(network)
        self._composites = _composites(network)
        origin = network.origin
        self.arguments = origin.arguments if origin else {}
        inner = [index for index in range(len(network.nodes)) if index not in network.inputs]
        self.parts = self._fold(self._parts(inner, 0, None), ROOT)

    def order(self) -> list[Key]:
        """The functions, each after the functions that it uses."""
        ordered: dict[Key, None] = {}

        def place(key: Key) -> None:
            for group in self.groups[key]:
                for used in _used(group.parts):
                    if used not in ordered:
                        place(used)
            ordered[key] = None

        for key in self.groups:
            place(key)
        return list(ordered)

    def result(self, index: int) -> Tensor:
        """The output of a node."""
        return (index, max(len(self.calls[index]) - 1, 0))

    def _parts(self, indices: Sequence[int], level: int, branch: str | None) -> list[Part]:
        nodes, parts = self.network.nodes, []
        at = 0
        while at < len(indices):
            step = _step(nodes[indices[at]], level)
            end = at + 1
            if step is None:
                parts += self._leaves(indices[at], branch)
            else:
                while end < len(indices) and _step(nodes[indices[end]], level) == step:
                    end += 1
                parts += self._group(indices[at:end], level, step, branch)
            at = end
        return parts

    def _leaves(self, index: int, branch: str | None) -> list[Part]:
        node, calls = self.network.nodes[index], self.calls[index]
        key = ("op", node.op.op)
        is_function = len(calls) >= MANY_CALLS and not self.plan.inlines(key)
        inner = None if is_function else branch
        leaves: list[Part] = []
        for number, call in enumerate(calls):
            before = [(index, number - 1)] if number else [self.result(i) for i in node.inputs]
            leaves.append(Leaf(call, node, number, tuple(before), (index, number), inner))
        if not is_function:
            return leaves
        values = {name: getattr(node.op, name) for name in node.op.args}
        inputs = leaves[0].inputs
        return [
            self._use(
                Group(
                    key,
                    node.name,
                    node.item,
                    leaves,
                    inputs,
                    (index, len(calls) - 1),
                    values,
                    branch,
                )
            )
        ]

    def _group(
        self, indices: Sequence[int], level: int, step: Step, branch: str | None
    ) -> list[Part]:
        path = self.network.nodes[indices[0]].path[: level + 1]
        name = ".".join(each.name for each in path)
        is_block = name in self.arguments
        key = ("block", step.kind) if is_block else ("composite", step.kind, step.item)
        is_function = is_block or self._composites[key] > 1
        inside = set(indices)
        inputs = {
            source for index in indices for source in self.network.nodes[index].inputs
        } - inside
        outputs = {index for index in indices if self._readers[index] - inside}
        if not is_function or self.plan.inlines(key) or len(inputs) != 1 or len(outputs) != 1:
            if not is_block and BRANCH.fullmatch(step.kind):
                branch = name
            return self._parts(indices, level + 1, branch)
        parts = self._fold(self._parts(indices, level + 1, None), key)
        entry, result = self.result(inputs.pop()), self.result(outputs.pop())
        values = self.arguments.get(name, {})
        return [self._use(Group(key, name, step.item, parts, (entry,), result, values, branch))]

    def _use(self, group: Group) -> Group:
        self.groups.setdefault(group.key, []).append(group)
        return group

    def _fold(self, parts: list[Part], key: Key) -> list[Part]:
        """The parts, with repeated parts as loops."""
        origin = self.network.origin
        if origin is None or self.plan.unrolls(key):
            return parts
        folded: list[Part] = []
        at = 0
        while at < len(parts):
            item, end = parts[at].item, at + 1
            written = origin.items.get(item)
            if written is not None and written.repeat is not None:
                while end < len(parts) and parts[end].item == item:
                    end += 1
                is_fixed = "$" not in written.repeat
                once = self._loop(parts[at:end], item, is_fixed=is_fixed)
                # In the model itself, parts that are repeated only once are not a loop.
                is_loop = not (key == ROOT and _turns(once) == 1)
                folded += once if is_loop else parts[at:end]
            else:
                folded.append(parts[at])
            at = end
        return folded

    def _loop(self, parts: list[Part], item: int, *, is_fixed: bool) -> list[Part]:
        kinds = [part.kind for part in parts]
        period = next(
            size
            for size in range(1, len(parts) + 1)
            if len(parts) % size == 0 and kinds == kinds[:size] * (len(parts) // size)
        )
        turns = [parts[at : at + period] for at in range(0, len(parts), period)]
        entry = parts[0].inputs[0]
        before = entry
        for turn in turns:
            made = {part.output for part in turn}
            if {source for part in turn for source in part.inputs} - made != {before}:
                return parts
            before = turn[-1].output
        if not is_fixed:
            return [Loop(item, turns, (entry,), before, parts[0].branch)]
        # Few turns are written out. Of many, the first is written out if its names have no number.
        first = [] if NUMBERED.search(_name(turns[0][0])) else turns.pop(0)
        if len(turns) < FEW:
            return parts
        entry = first[-1].output if first else entry
        return [*first, Loop(item, turns, (entry,), before, parts[0].branch)]


def _used(parts: Sequence[Part]) -> Iterator[Key]:
    for part in parts:
        if isinstance(part, Group):
            yield part.key
        elif isinstance(part, Loop):
            for turn in part.turns:
                yield from _used(turn)


def _turns(parts: list[Part]) -> int:
    last = parts[-1]
    return len(last.turns) if len(parts) == 1 and isinstance(last, Loop) else 0


def _name(part: Part) -> str:
    return "" if isinstance(part, Loop) else part.name


def _calls(network: Network, index: int) -> Sequence[LayerCall]:
    if index in network.inputs:
        return ()
    node = network.nodes[index]
    if getattr(node, "shares", None) is not None:
        raise UsageError(f"layer {node.name!r} shares weights; gconv cannot write code for that")
    try:
        return node.op.calls(node.name, *node.input_shapes)
    except NotImplementedError:
        raise UsageError(
            f"layer {node.name!r} is of the kind {node.op.op!r}; gconv cannot write code for that"
        ) from None


def _step(node: Node, level: int) -> Step | None:
    return node.path[level] if level < len(node.path) else None


def _readers(network: Network) -> list[set[int]]:
    readers: list[set[int]] = [set() for _ in network.nodes]
    for index, node in enumerate(network.nodes):
        for source in node.inputs:
            readers[source].add(index)
    for index in network.outputs:
        readers[index].add(-1)
    return readers


def _composites(network: Network) -> Counter[Key]:
    """The number of groups that each item of the spec made."""
    seen = {
        (node.path[: level + 1], step)
        for node in network.nodes
        for level, step in enumerate(node.path)
        if not BRANCH.fullmatch(step.kind) and step.kind != "shortcut"
    }
    return Counter(("composite", step.kind, step.item) for _, step in seen)
