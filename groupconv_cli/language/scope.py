"""Values of variables and parameters while a spec is expanded."""

from __future__ import annotations

from groupconv_cli.errors import Diagnostic, SpecError
from groupconv_cli.language import expressions as expr
from groupconv_cli.language.nodes import Entry, ScalarNode, SequenceNode, Tree
from groupconv_cli.language.values import NESTING, is_expression, point
from groupconv_cli.ops.kinds import Value

MAX_CHAIN = 40


class UnknownValue(Exception):
    """Raised for a value that depends on a shape which an earlier mistake left unknown."""


class Scope:
    """Names and their values: those of a block, then those of the scope around it.

    Values are computed when they are first used, so variables may use one another in any order.
    `channels` is the value of `$in`; None means that it depends on the layer that uses it.
    """

    def __init__(
        self,
        entries: dict[str, Entry],
        outer: Scope | None = None,
        values: dict[str, Value] | None = None,
        channels: int | None = None,
        *,
        is_block: bool = False,
    ) -> None:
        self.entries = entries
        self.outer = outer
        self._root: Scope | None = None if outer is None else outer.root
        self.values = values or {}
        self.channels = channels
        self.is_block = is_block
        self._working: list[str] = []

    @property
    def root(self) -> Scope:
        """The scope of the spec's own variables."""
        return self._root or self

    def knows(self, name: str) -> bool:
        """Whether the name is known here."""
        here = name in self.values or name in self.entries
        return here or (self.outer is not None and self.outer.knows(name))

    def within(self, values: dict[str, Value]) -> Scope:
        """This scope with additional names, for one repetition of an item."""
        return Scope({}, self, values, self.channels, is_block=self.is_block)

    def value(self, tree: Tree, channels: int | None = None, nesting: int = NESTING) -> Value:
        """The plain value of a tree with its expressions computed; `channels` enter the layer.

        `nesting` is how deep lists may be in each other.

        Raises SpecError for an expression that has no value, or UnknownValue if that follows from
        an earlier mistake.
        """
        if isinstance(tree, SequenceNode):
            if nesting == 1 and any(isinstance(item, SequenceNode) for item in tree.items):
                raise UnknownValue  # noted when the spec was checked
            values = [self.value(item, channels, nesting - 1) for item in tree.items]
            if any(_depth(value) >= nesting for value in values):
                one = "a list within a list is not a value"
                message = one if nesting == 1 else "these lists are nested too deeply"
                raise SpecError(Diagnostic(message, tree.place))
            return values
        if not isinstance(tree, ScalarNode):
            raise UnknownValue  # noted when the spec was checked
        if not is_expression(tree):
            return tree.value

        def lookup(name: str) -> Value:
            if name != "in":
                return self.named(name, tree)
            entering = self.channels if self.is_block else channels
            if entering is None:
                raise UnknownValue
            return entering

        try:
            return expr.evaluate(tree.text, lookup)
        except expr.ExpressionError as error:
            place = point(tree, error.offset)
            raise SpecError(Diagnostic(error.message, place, error.hint)) from None

    def named(self, name: str, asked_by: Tree) -> Value:
        """The value of a variable or parameter."""
        if name in self.values:
            return self.values[name]
        if name not in self.entries:
            if self.outer is None:
                raise UnknownValue  # noted when the spec was checked
            return self.outer.named(name, asked_by)
        if self._working[-1:] == [name] and self.outer is not None:
            return self.outer.named(name, asked_by)  # params: {act: $act} passes a variable on
        if name in self._working or len(self._working) > MAX_CHAIN:
            chain = " → ".join([*self._working[:6], name])
            hint = None
            if self._working[-1:] == [name]:
                hint = f"its value cannot use ${name} itself; write the value that is meant"
            raise SpecError(
                Diagnostic(f"the variable {name!r} has no value: {chain}", asked_by.place, hint)
            )
        self._working.append(name)
        try:
            self.values[name] = self.value(self.entries[name].value)
        finally:
            self._working.pop()
        return self.values[name]


def _depth(value: Value) -> int:
    """How deep lists are in each other: 0 for no list."""
    return 1 + max(map(_depth, value), default=0) if isinstance(value, list) else 0
