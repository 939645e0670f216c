"""The variables of values: `x` goes through a function, and branches get their own variables."""

from __future__ import annotations

from collections.abc import Iterable
from math import inf

from groupconv_cli.codegen.align import Draft, Statement, Value
from groupconv_cli.codegen.tree import Leaf

MAIN = "x"
SIDE = ("y", "z", "u", "v", "w")
"""The variables besides `x`, in the order in which they are used."""


class Variables:
    """The variables of a function or of a loop's body while its statements are written."""

    def __init__(
        self,
        draft: Draft,
        entries: dict[Value, str],
        *,
        kept: Iterable[str] = (),
        taken: Iterable[str] = (),
    ) -> None:
        """`kept` are variables that are never reassigned; `taken` belong to the code around."""
        self.draft = draft
        self.names: dict[Value, str] = dict(entries)
        self.order = [MAIN, *entries.values()]
        self.kept = set(kept)
        self.taken = set(taken)
        self.holds: dict[str, Value] = {name: value for value, name in entries.items()}
        self.reads: dict[Value, float] = {}
        """The last statement that reads a value."""
        self.last: dict[Value, float] = {}
        """The last statement up to which the variable must keep a value."""
        for number, statement in enumerate(draft.statements):
            for value in statement.inputs:
                self.reads[value] = number
        self.reads[draft.result] = inf
        self.last.update(self.reads)
        for number, statement in enumerate(draft.statements):
            if statement.fall is not None:
                # If the statement is absent, it passes this value on, which is needed up to here.
                self.last[statement.fall] = max(self.last.get(statement.fall, -inf), number)

    def share(self, value: Value, start: int, end: int) -> tuple[str, str | None]:
        """A variable with `value` that statements `start` to `end` change or leave unchanged.

        If the value is needed after them too, it is a copy. Also returns the original variable.
        """
        name = self.names[value]
        if self.reads.get(value, -inf) <= end and name not in self.kept:
            self.last[value] = max(
                (i for i in range(start, end + 1) if value in self.draft.statements[i].inputs),
                default=start - 1,
            )
            return name, None
        copy = self.fresh(start - 1, SIDE[0])
        if self.reads.get(value, -inf) > end:
            self.taken.add(name)
            self.last[value] = max(
                (i for i in range(start, end + 1) if value in self.draft.statements[i].inputs),
                default=start - 1,
            )
        self.assign(value, copy)
        return copy, name

    def unshare(self, value: Value, original: str | None) -> None:
        """Ends the sharing that `share` began."""
        if original is not None:
            self.taken.discard(original)
            self.names[value] = original
            self.holds[original] = value
            self.last[value] = self.reads.get(value, -inf)

    def live(self, at: int) -> dict[str, Value]:
        """The variables whose value is needed after statement `at`."""
        held = self.holds.items()
        return {name: value for name, value in held if self.last.get(value, -inf) > at}

    def is_free(self, name: str, at: int) -> bool:
        """Whether a variable can be reassigned in statement `at`."""
        if name in self.kept or name in self.taken:
            return False
        return name not in self.holds or self.last.get(self.holds[name], -inf) <= at

    def assign(self, value: Value, name: str) -> str:
        """Puts a value into a variable."""
        self.names[value] = name
        self.holds[name] = value
        if name not in self.order:
            self.order.append(name)
        return name

    def target(self, number: int, statement: Statement) -> str:
        """The variable for the result of a statement."""
        branch = statement.first.branch
        inputs = [self.names[value] for value in statement.inputs]
        if branch is not None and len(inputs) == 1 and self._enters(statement, branch):
            return self.fresh(number, branch.rsplit(".", 1)[-1])
        dying = [name for name in inputs if self.is_free(name, number)]
        if len(inputs) > 1:
            side = [name for name in SIDE if name in self.order]
            plain = [name for name in (MAIN, *side) if self.is_free(name, number)]
            dying = [*plain, *dying]
            if plain:
                return plain[0]
        if dying:
            return min(dying, key=self._age)
        return self.fresh(number, self._purpose(number))

    def fresh(self, number: int, wanted: str) -> str:
        """A variable without a value."""
        names = [MAIN, wanted] if wanted in SIDE else [wanted]
        names += SIDE if wanted in SIDE else [f"{wanted}_{count}" for count in range(2, 99)]
        for name in names:
            if self.is_free(name, number):
                return name
        return next(
            name for count in range(2, 99_999) if self.is_free(name := f"{wanted}_{count}", number)
        )

    def _age(self, name: str) -> int:
        return self.order.index(name)

    def _enters(self, statement: Statement, branch: str) -> bool:
        """Whether a statement is the first of its branch."""
        value = statement.inputs[0]
        if value < 0:
            return True
        before = self.draft.statements[value].first.branch
        return before is None or not f"{before}.".startswith(f"{branch}.")

    def _purpose(self, number: Value) -> str:
        """The purpose of a side path, from the merge in which it ends."""
        value = number
        for later in range(number + 1, len(self.draft.statements)):
            statement = self.draft.statements[later]
            if value not in statement.inputs:
                continue
            if len(statement.inputs) > 1:
                part = statement.first
                scales = isinstance(part, Leaf) and part.node.op.op == "multiply"
                return "scale" if scales and statement.inputs[0] != value else SIDE[0]
            value = later
        return SIDE[0]
