"""The text of a function while it is written: its lines, variables, loops and names of layers."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain

from groupconv_cli.codegen.file import INDICES, SIDE, File, identifier
from groupconv_cli.codegen.layout import Line
from groupconv_cli.codegen.names import Controls, Label, Level, Loop, Name, fixed

_TOKEN = re.compile("\0([0-9]+)([^\0]*)\0")


class Body:
    """A function's text, at the place where the next line is written."""

    def __init__(self, file: File, above: str) -> None:
        """`above` is what stands before the names of its layers, as the inside of an f-string."""
        self.file = file
        self.lines: list[Line] = []
        self.depth = 1
        self.controls: Controls = ()
        self.level = Level(above, "names", 0)
        self.levels = [self.level]
        self.groups: dict[int, str] = {}
        """The codes of the groups of convolutions, by the indices of their nodes."""
        self._names: list[Name] = []
        self.live: list[str] = []

    # Lines

    def line(self, target: str, head: str, arguments: Sequence[str] | None = None) -> None:
        """Adds a line."""
        self.lines.append(Line(self.depth, target, head, arguments))

    def assign(self, target: str, source: str) -> None:
        """Puts a variable into another."""
        if target != source:
            self.line(target, source)

    def resolve(self, text: str) -> str:
        """The text with the names of layers, which are known when the function is complete."""
        return _TOKEN.sub(lambda found: self._names[int(found[1])].code(found[2]), text)

    def settled(self) -> list[str]:
        """The lines of the complete function."""
        return [text for line in self.lines for text in line.text(self.resolve)]

    def settle(self) -> None:
        """Numbers the layers of the complete function."""
        for level in self.levels:
            level.settle()

    # Variables

    def fresh(self, *wanted: str) -> str:
        """A variable that is not in use: one of those wanted, or another."""
        more = (f"{wanted[0]}_{count}" for count in range(2, 100_000))
        return next(name for name in chain(wanted, more) if name not in self.live)

    @contextmanager
    def keeping(self, *variables: str) -> Iterator[None]:
        """Keeps variables from being reused."""
        before = len(self.live)
        self.live += variables
        try:
            yield
        finally:
            del self.live[before:]

    def side(self) -> str:
        """A variable for a side path."""
        return self.fresh(*SIDE)

    # Loops and conditions

    @contextmanager
    def loop(self, head: Callable[[Loop], str]) -> Iterator[Loop]:
        """Writes what follows inside a loop."""
        around = [each.index for each in self.controls if each is not None]
        with self.keeping(*around):
            loop = Loop(self.fresh(*INDICES))
        self.lines.append(Line(self.depth, "", lambda: head(loop)))
        with self._inside(loop):
            yield loop

    @contextmanager
    def arm(self, condition: str | None, *, is_first: bool = True) -> Iterator[None]:
        """Writes what follows in an arm of an `if`; without a condition it is the `else`."""
        word = "if" if is_first else "elif"
        self.line("", "else:" if condition is None else f"{word} {condition}:")
        with self._inside(None):
            yield

    @contextmanager
    def _inside(self, control: Loop | None) -> Iterator[None]:
        outer = self.controls
        self.controls, self.depth = (*outer, control), self.depth + 1
        try:
            yield
        finally:
            self.controls, self.depth = outer, self.depth - 1

    # Names of layers

    def name(self, label: Label, *, more_than_once: bool = False) -> str:
        """The name of one more layer, as a text that `resolve` replaces.

        With `more_than_once`, a counted name goes to a variable.
        """
        return self._name(label, more_than_once=more_than_once).key

    @contextmanager
    def scope(self, label: str) -> Iterator[None]:
        """A level of names below this one."""
        name = self._name(fixed(label), more_than_once=True)
        outer = self.level
        counter = self.fresh("names_2", *(f"names_{count}" for count in range(3, 100)))
        level = Level(name, counter, len(self.controls))
        self.lines.append(
            Line(
                self.depth,
                counter,
                lambda: level.counting,
                is_needed=lambda: level.counts,
            )
        )
        self.levels.append(level)
        self.level = level
        try:
            with self.keeping(counter, name.variable):
                yield
        finally:
            self.level = outer

    def _name(self, label: Label, *, more_than_once: bool) -> Name:
        name = self.level.name(label, self.controls)
        name.key = f"\0{len(self._names)}\0"
        self._names.append(name)
        if more_than_once:
            stem = identifier(re.sub(r"\W", "", label.text))
            name.variable = self.fresh(f"{stem}_name")
            self.lines.append(
                Line(self.depth, name.variable, name.counting, is_needed=lambda: name.is_counted)
            )
        return name


def suffixed(name: str, suffix: str) -> str:
    """The name of a layer, as `name` returns it, with something after it."""
    return name[:-1] + suffix + name[-1] if suffix else name
