"""Compares the uses of one function and finds the parts that become the same statement.

A statement that some uses lack is conditional. In those uses, statements that read its value read
the value of another statement instead: the two share a variable (`fall`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from typing import Any

from groupconv_cli.codegen.tree import Group, Leaf, Loop, Part, Tensor

Value = int
"""The number of the statement that makes it; -1, -2 … are the inputs of the function."""

ENTRY: Value = -1


class CannotUnify(Exception):
    """Raised if uses are too different for one function, or it could not be written."""


class Context:
    """One use of a function, or one turn of a loop in it."""

    def __init__(
        self,
        parts: Sequence[Part],
        entries: Sequence[Tensor],
        result: Tensor,
        *,
        group: Group | None = None,
        outer: Context | None = None,
        turn: int = 0,
    ) -> None:
        self.parts = parts
        self.values: dict[Tensor, Value] = {tensor: -1 - i for i, tensor in enumerate(entries)}
        self.entries = entries
        self.result = result
        self.group = group
        self.outer = outer
        self.turn = turn

    @property
    def root(self) -> Context:
        """The use of the function in which this is a turn."""
        return self if self.outer is None else self.outer.root

    @property
    def arguments(self) -> Mapping[str, Any]:
        """The values of the spec's names in this use."""
        group = self.root.group
        return group.arguments if group else {}


class Statement:
    """Parts of several uses that become one statement."""

    def __init__(self, parts: dict[Context, Part]) -> None:
        self.parts = parts
        self.inputs: list[Value] = []
        self.fall: Value | None = None
        """The value in the uses that lack the statement, if it is read there."""
        self.body: Draft | None = None

    @property
    def first(self) -> Part:
        """The part of the first use that has it."""
        return next(iter(self.parts.values()))


class Draft:
    """The statements of a function, or of the body of a loop."""

    def __init__(self, contexts: Sequence[Context]) -> None:
        """Raises CannotUnify."""
        self.contexts = contexts
        self.statements = [Statement(parts) for parts in _aligned(contexts)]
        self.tensors: dict[Value, dict[Context, Tensor]] = {}
        for context in contexts:
            for value, tensor in enumerate(context.entries, 1):
                self.tensors.setdefault(-value, {})[context] = tensor
        for number, statement in enumerate(self.statements):
            self._connect(number, statement)
        self.result = self._resolved({each: each.values[each.result] for each in contexts})
        self._handing_on = [
            number for number, each in enumerate(self.statements) if each.fall is not None
        ]
        for number, statement in enumerate(self.statements):
            uses = set(statement.parts)
            statement.inputs = [self._latest(value, uses, number) for value in statement.inputs]
            if statement.fall is not None:
                lacking = set(contexts) - uses
                statement.fall = self._latest(statement.fall, lacking, number)

    def is_partial(self, statement: Statement) -> bool:
        """Whether some uses lack it."""
        return len(statement.parts) < len(self.contexts)

    def tensor(self, value: Value, context: Context) -> Tensor:
        """The tensor of a value in one use. Raises KeyError if there is none."""
        found = self.tensors[value].get(context)
        while found is None:
            fall = self.statements[value].fall if value >= 0 else None
            if fall is None:
                raise KeyError(value)
            value = fall
            found = self.tensors[value].get(context)
        return found

    def _connect(self, number: Value, statement: Statement) -> None:
        counts = {len(part.inputs) for part in statement.parts.values()}
        if len(counts) > 1:
            raise CannotUnify("inputs of another number")
        for slot in range(counts.pop()):
            sources = {}
            for context, part in statement.parts.items():
                if part.inputs[slot] not in context.values:
                    raise CannotUnify("a tensor from elsewhere")
                sources[context] = context.values[part.inputs[slot]]
            statement.inputs.append(self._resolved(sources))
        for context, part in statement.parts.items():
            context.values[part.output] = number
        self.tensors[number] = {each: part.output for each, part in statement.parts.items()}
        if isinstance(statement.first, Loop):
            statement.body = Draft(
                [
                    _turn(context, part, turn)
                    for context, part in statement.parts.items()
                    if isinstance(part, Loop)
                    for turn in range(len(part.turns))
                ]
            )

    def _resolved(self, sources: dict[Context, Value]) -> Value:
        """The value that is read, although some uses lack the statement that makes it."""
        values = set(sources.values())
        latest = max(values)
        if len(values) == 1:
            return latest
        statement = self.statements[latest]
        others = {each: value for each, value in sources.items() if value != latest}
        if any(each in statement.parts for each in others):
            raise CannotUnify("other connections")
        fall = self._resolved(others)
        if statement.fall not in (None, fall):
            raise CannotUnify("other connections")
        statement.fall = fall
        return latest

    def _latest(self, value: Value, uses: set[Context], before: Value) -> Value:
        """The value under its latest name: a statement that these uses lack passes it on."""
        for number in self._handing_on:
            statement = self.statements[number]
            if number < before and statement.fall == value and not uses & set(statement.parts):
                value = number
        return value


def _turn(context: Context, loop: Loop, turn: int) -> Context:
    parts = loop.turns[turn]
    entry = loop.inputs[0] if turn == 0 else loop.turns[turn - 1][-1].output
    return Context(parts, [entry], parts[-1].output, outer=context, turn=turn)


def _aligned(contexts: Sequence[Context]) -> list[dict[Context, Part]]:
    keyed = {context: _keyed(context) for context in contexts}
    before: dict[Any, set[Any]] = {}
    for keys in keyed.values():
        for last, key in zip([None, *keys], keys, strict=False):
            before.setdefault(key, set()).update([] if last is None else [last])
    try:
        order = list(TopologicalSorter(before).static_order())
    except CycleError:
        raise CannotUnify("another order") from None
    return [{each: keys[key] for each, keys in keyed.items() if key in keys} for key in order]


def _keyed(context: Context) -> dict[Any, Part]:
    """Parts by their keys: the item of the spec, and the number of the layer in it."""
    seen: Counter[Any] = Counter()
    keyed = {}
    group = context.root.group
    is_op = group is not None and group.key[0] == "op"  # the same everywhere
    for part in context.parts:
        kind = (0 if is_op else part.item, *part.kind)
        seen[kind] += 1
        keyed[(kind, seen[kind])] = part
    return keyed


def names_of(statement: Statement) -> dict[Context, str]:
    """The full names of the layers that a statement makes, by use."""
    return {
        each: part.name for each, part in statement.parts.items() if isinstance(part, Leaf | Group)
    }
