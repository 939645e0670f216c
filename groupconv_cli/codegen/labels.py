"""The names of layers in the code: a text, a text with the turn of a loop in it, or a count.

If neither the uses of a function nor the turns of a loop share a name, the code counts names when
it runs (`names("conv")`), by gconv's rule.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from groupconv_cli.codegen.align import CannotUnify, Context, Draft, Statement, names_of
from groupconv_cli.codegen.layout import quoted
from groupconv_cli.codegen.tree import Loop

NUMBER = re.compile(r"_(\d+)(?=\.|$)")


class Pattern(NamedTuple):
    """A name that contains the number of a loop's turn; the first turn has the number `start`."""

    before: str
    start: int
    after: str


class Labels:
    """The names in one function."""

    def __init__(self, draft: Draft, index: str) -> None:
        """`index` is the variable of loops. Raises CannotUnify if the names follow no rule."""
        self.draft = draft
        self.index = index
        self.starts: dict[Statement, int] = {}
        """The first number of each loop with a variable."""
        self.counted: set[str] = set()
        """The stems of the names that are counted when the code runs."""
        self._patterns: dict[Statement, Pattern | str] = {}
        self._stems: dict[Statement, str] = {}
        self._loops: dict[Statement, Statement] = {}
        """The loop around each statement."""
        self._read(draft, None)
        self._settle()
        for root in draft.contexts:
            self._count(draft, root, {})

    def _settle(self) -> None:
        """Finds the counted names: names without a rule, and names that share a stem or a loop."""
        while True:
            for statement, stem in self._stems.items():
                if statement not in self._patterns:
                    self.counted.add(stem)
            mixed = {
                loop
                for statement, loop in self._loops.items()
                if self._stems[statement] in self.counted
            }
            lost = [each for each in self._patterns if self._loops.get(each) in mixed]
            for statement in lost:
                del self._patterns[statement]
            for loop in mixed:
                self.starts.pop(loop, None)
            if not lost:
                return

    def code(self, statement: Statement) -> str:
        """The code of the name of a statement's layer."""
        stem = self._stems[statement]
        if stem in self.counted:
            return f"names({quoted(stem.lstrip('.'))})"
        pattern = self._patterns[statement]
        if isinstance(pattern, Pattern):
            inside = f"{_braced(pattern.before)}{{{self.index}}}{_braced(pattern.after)}"
            return f"f{quoted(self._prefixed(inside))}"
        if self._is_root:
            return quoted(pattern)
        return f"f{quoted(self._prefixed(_braced(pattern)))}" if pattern else "name"

    def uses_index(self, loop: Statement) -> bool:
        """Whether names in the loop contain its turn."""
        return loop in self.starts

    @property
    def _is_root(self) -> bool:
        return self.draft.contexts[0].group is None

    def _prefixed(self, text: str) -> str:
        return text if self._is_root else "{name}" + text

    def _read(self, draft: Draft, loop: Statement | None) -> None:
        for statement in draft.statements:
            if statement.body is not None:
                self._read(statement.body, statement)
                continue
            names = {each: self._own(each, name) for each, name in names_of(statement).items()}
            stems = {NUMBER.sub("", name) for name in names.values()}
            stem = re.sub(r"_\d+$", "", next(iter(names.values())))
            self._stems[statement] = stem
            if loop is not None:
                self._loops[statement] = loop
            if len(set(names.values())) == 1 and loop is None:
                self._patterns[statement] = next(iter(names.values()))
                continue
            if len(stems) > 1:
                raise CannotUnify("names of several kinds")
            pattern = None if loop is None else _pattern(names)
            if pattern and loop and self.starts.setdefault(loop, pattern.start) == pattern.start:
                self._patterns[statement] = pattern

    def _own(self, context: Context, name: str) -> str:
        group = context.root.group
        if group is None:
            return name
        if not name.startswith(group.name):
            raise CannotUnify("a name from elsewhere")
        return name[len(group.name) :]

    def _count(self, draft: Draft, context: Context, counts: dict[str, int]) -> None:
        for statement, inner in _walk(draft, context):
            stem = self._stems[statement]
            if stem not in self.counted:
                continue
            count = counts[stem] = counts.get(stem, 0) + 1
            name = self._own(inner, names_of(statement)[inner])
            if name != (stem if count == 1 else f"{stem}_{count}"):
                raise CannotUnify("names that are not counted")


def _walk(draft: Draft, context: Context) -> Iterator[tuple[Statement, Context]]:
    for statement in draft.statements:
        part = statement.parts.get(context)
        if isinstance(part, Loop) and statement.body is not None:
            for inner in statement.body.contexts:
                if inner.outer is context:
                    yield from _walk(statement.body, inner)
        elif part is not None:
            yield statement, context


def _pattern(names: dict[Context, str]) -> Pattern | None:
    first, name = next(iter(names.items()))
    for number in NUMBER.finditer(name):
        start = int(number[1]) - first.turn
        pattern = Pattern(name[: number.start() + 1], start, name[number.end() :])
        if start > 1 and all(
            each == f"{pattern.before}{start + context.turn}{pattern.after}"
            for context, each in names.items()
        ):
            return pattern
    return None


def _braced(text: str) -> str:
    return text.replace("{", "{{").replace("}", "}}")
