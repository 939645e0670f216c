"""Writes lists of items: what each reads, and the loops and conditions around it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack

from groupconv_cli.codegen.breaking import INDENT, WIDTH
from groupconv_cli.codegen.composites import Composites
from groupconv_cli.codegen.file import SIDE, Unwritable
from groupconv_cli.codegen.layout import Line, tuple_code
from groupconv_cli.codegen.names import Loop
from groupconv_cli.codegen.symbols import Code
from groupconv_cli.language.nodes import Entry, ScalarNode, SequenceNode
from groupconv_cli.language.spec import Item, Items
from groupconv_cli.language.trace import Use

ORDINALS = ("last", "second_last", "third_last")
"""Variables with the latest outputs, for items that read several of them over and over. If they
read more, the variables have short names: they all stand in one line."""

MAX_ROWS = 60
"""The longest list that stands in the head of a loop."""


class Lists(Composites):
    """A function that can write lists of items."""

    inputs: list[str]
    """The variables of what the function gets."""
    tensors: list[dict[str, str]]
    """The variables of named tensors, for the list that is written and for those around it."""

    def once(self, item: Item, uses: Sequence[Use], sources: Sequence[str], target: str) -> str:
        """Writes an item as it is in one repetition; returns the variable of its output."""
        raise NotImplementedError

    def items(
        self,
        items: Items,
        uses: Sequence[Use],
        source: str,
        target: str,
        outputs: Iterable[str] = (),
    ) -> str:
        """Writes a list of items; returns the variable that has its output.

        `uses` are the uses of what is around the list. `target` may be overwritten. `outputs` are
        names whose variables are needed after the list.
        """
        named = {*outputs, *names_read(items)}
        reaches = _reaches(items)
        fixed = {*self.live, *self.inputs}
        self.tensors.append({})
        recent = [source]
        with ExitStack() as kept:
            for item, reach in zip(items, reaches, strict=True):
                with self.keeping(*recent[len(recent) + 1 - reach :]):
                    into = self.fresh(target, *SIDE)
                if item.name in named and self._is_apart(item, uses):
                    variable = self.fresh(self.file.local(item.name))
                    self.assign(variable, self._sources(item, recent)[0])
                    kept.enter_context(self.keeping(variable))
                    self._item(item, uses, recent, reach, (into, fixed), variable)
                    self.tensors[-1][item.name] = variable
                    continue
                if item.name in named:
                    into = self.fresh(self.file.local(item.name))
                self._item(item, uses, recent, reach, (into, fixed))
                if item.name in named:
                    self._keep(item.name, item, uses, recent, into)
                    kept.enter_context(self.keeping(into))
        if not outputs:
            self.tensors.pop()
        return recent[-1]

    def _is_apart(self, item: Item, uses: Sequence[Use]) -> bool:
        """Whether the name of an item may stand for something else than what comes before.

        So it is where the item is left out and would have read another tensor than the one before.
        """
        is_off = [not outer.of(item) for outer in uses]
        reads_on = item.reads in (None, (-1,))
        return any(is_off) and not all(is_off) and item.each is None and not reads_on

    def _keep(
        self, name: str, item: Item, uses: Sequence[Use], recent: Sequence[str], variable: str
    ) -> None:
        """Keeps the output of an item in a variable, for items that read it by name."""
        is_off = [not outer.of(item) for outer in uses]
        if any(is_off) and item.reads not in (None, (-1,)):
            if not all(is_off):
                raise Unwritable  # it has the output of an item that is not the one before it
            sources = self._sources(item, recent)
            self.assign(variable, sources[0])
        else:
            self.assign(variable, recent[-1])
        self.tensors[-1][name] = variable

    def _sources(self, item: Item, recent: Sequence[str]) -> list[str]:
        """The variables that an item reads."""
        return [self._source(read, recent) for read in item.reads or (-1,)]

    def _source(self, read: str | int, recent: Sequence[str]) -> str:
        if isinstance(read, int):
            if -read > len(recent):
                raise Unwritable
            return recent[read]
        lists = [each for each in reversed(self.tensors) if read in each]
        if not lists:
            raise Unwritable
        return lists[0][read]

    def _item(
        self,
        item: Item,
        around: Sequence[Use],
        recent: list[str],
        reach: int,
        variables: tuple[str, set[str]],
        named: str = "",
    ) -> None:
        """Writes one item, with its repetitions, and adds its outputs to the recent ones.

        The last `reach` of these are read later. `variables` are the one to write to, and those
        that must not change. `named` is another variable that gets the output if there is one.
        """
        target, fixed = variables
        uses = [use for outer in around for use in outer.of(item)]
        if not uses:
            return  # it is nowhere in the network
        repeat = item.repeat
        is_once = repeat is None or (isinstance(repeat, ScalarNode) and repeat.value == 1)
        is_sometimes = item.when is not None and any(not outer.of(item) for outer in around)
        if item.each is None and is_once and not is_sometimes:
            recent.append(self.once(item, uses, self._sources(item, recent), target))
            return
        window = max(reach, _distance(item))
        held = self._held(recent, window, target, fixed)

        def turn() -> None:
            sources = self._sources(item, held)
            if window == 1:
                self.assign(target, self.once(item, uses, sources, target))
                return
            with self.keeping(*held, target):
                made = self.once(item, uses, sources, self.fresh("new", *SIDE))
            self.line(", ".join(held), ", ".join([*held[1:], made]))

        def turns() -> None:
            if item.each is None and is_once:
                turn()
            else:
                self._loop(item, around, uses, self._sources(item, held)[0], turn)
            if named:
                self.assign(named, held[-1])

        if is_sometimes and item.each is None:
            self._when(item, self._sources(item, held)[0], turns)
        else:
            turns()
        recent[-window:] = held

    def _held(
        self, recent: Sequence[str], window: int, target: str, fixed: Iterable[str]
    ) -> list[str]:
        """Variables with the latest outputs, which a loop or a condition may change."""
        if window == 1:
            self.assign(target, recent[-1])
            return [target]
        latest = [*[recent[0]] * window, *recent][-window:]
        held = self._ordinals(window, fixed)
        names, values = ", ".join(held), ", ".join(latest)
        if len(INDENT) * self.depth + len(f"{names} = {values}") <= WIDTH:
            self.line(names, values)
            return held
        held = self._ordinals(window, (*fixed, *latest))
        for name, value in zip(held, latest, strict=True):
            self.line(name, value)
        return held

    def _ordinals(self, window: int, fixed: Iterable[str]) -> list[str]:
        """Variables for the latest outputs, the last one last."""
        held: list[str] = []
        for number in range(window, 0, -1):
            wanted = ORDINALS[number - 1 : number] if window <= len(ORDINALS) else ()
            with self.keeping(*fixed, *held):
                held.append(self.fresh(*wanted, *SIDE))
        return held

    def _when(self, item: Item, source: str, write: Callable[[], None]) -> None:
        """Writes what is there only if the item's `when` is true."""
        if item.when is not None:
            with self.arm(self.code(item.when, source).text):
                write()

    def _loop(
        self,
        item: Item,
        around: Sequence[Use],
        uses: Sequence[Use],
        source: str,
        write: Callable[[], None],
    ) -> None:
        """Writes the repetitions of an item as a loop."""
        outer = next(use for use in around if use.of(item))
        counts = "i" in uses[0].scope.values and not outer.inside.knows("i")
        rows: dict[str, Code] = {}
        if item.each is not None:
            rows = self._columns(item.each, uses, source)
            iterated = self._iterated(item.each, rows, source)
        elif item.repeat is not None:
            iterated = f"range({self.whole(item.repeat, source)})"
        names = [code.text for code in rows.values()]
        with self.keeping(*names), self.loop(_head(names, iterated)) as loop:
            self.rows.append((loop if counts else None, rows))
            if item.each is not None and item.when is not None:
                self._when(item, source, write)
            else:
                write()
            self.rows.pop()

    def _columns(self, each: dict[str, Entry], uses: Sequence[Use], source: str) -> dict[str, Code]:
        """The variables of a loop over rows."""
        columns = {}
        for name, entry in each.items():
            if isinstance(entry.value, SequenceNode):
                items = [self.code(item, source) for item in entry.value.items]
                is_whole = all(code.is_whole for code in items)
            else:
                is_whole = all(isinstance(use.scope.values[name], int | str) for use in uses)
            columns[name] = Code(self.file.local(name), is_whole=is_whole)
        return columns

    def _iterated(self, each: dict[str, Entry], names: dict[str, Code], source: str) -> str:
        """What a loop over rows goes through."""
        trees = [entry.value for entry in each.values()]
        lists = [
            [self.code(item, source).text for item in tree.items]
            for tree in trees
            if isinstance(tree, SequenceNode)
        ]
        if len(lists) < len(trees):
            codes = [self.code(tree, source).text for tree in trees]
            return codes[0] if len(codes) == 1 else f"zip({', '.join(codes)})"
        rows = lists[0]
        if len(lists) > 1:
            rows = [tuple_code(row) for row in zip(*lists, strict=True)]
        text = f"[{', '.join(rows)}]"
        longest = f"for i, ({', '.join(code.text for code in names.values())}) in enumerate():"
        if len(text) <= min(MAX_ROWS, WIDTH - len(INDENT) * self.depth - len(longest)):
            return text
        variable = self.fresh("rows")
        self.lines.append(Line(self.depth, variable, "[", rows, "]"))
        return variable


def _head(names: Sequence[str], iterated: str) -> Callable[[Loop], str]:
    """The head of a loop over rows, or over numbers if it has no names."""
    row = names[0] if len(names) == 1 else f"({', '.join(names)})"

    def head(loop: Loop) -> str:
        if not names:
            return f"for {loop.index if loop.uses_index else '_'} in {iterated}:"
        if loop.uses_index:
            return f"for {loop.index}, {row} in enumerate({iterated}):"
        return f"for {', '.join(names)} in {iterated}:"

    return head


def _reaches(items: Items) -> list[int]:
    """How many of the outputs up to each item the items after it read by distance, at least 1."""
    reaches = [1]
    for item in reversed(items[1:]):
        is_plain = item.when is None and item.repeat is None and item.each is None
        reaches.append(max(1, _distance(item), reaches[-1] - is_plain))
    return reaches[len(items) - 1 :: -1] if items else []


def _distance(item: Item) -> int:
    """How far back an item reads in its list."""
    return max([1, *(-read for read in item.reads or () if isinstance(read, int))])


def names_read(items: Items) -> Iterator[str]:
    """The names that items read, those inside them included."""
    for item in items:
        yield from (read for read in item.reads or () if isinstance(read, str))
        for given in item.args.values():
            yield from names_read(given.layers or ())
            for branch in given.branches or ():
                yield from names_read(branch.layers)
