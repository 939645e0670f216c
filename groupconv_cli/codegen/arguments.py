"""The arguments of items as code: names of the spec become parameters, constants and variables."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from groupconv_cli.codegen.body import Body
from groupconv_cli.codegen.file import File, Unwritable, names_in
from groupconv_cli.codegen.layers import Test
from groupconv_cli.codegen.layout import Line, tuple_code
from groupconv_cli.codegen.names import Loop
from groupconv_cli.codegen.symbols import Code, Whole, coded
from groupconv_cli.errors import SpecError
from groupconv_cli.language.nodes import ScalarNode, SequenceNode, Tree
from groupconv_cli.language.scope import UnknownValue
from groupconv_cli.language.spec import Block, Item
from groupconv_cli.language.trace import Use
from groupconv_cli.language.values import is_computed, is_nothing
from groupconv_cli.ops import LAYERS, Arg
from groupconv_cli.ops.kinds import LayerChoice, as_whole


class Arguments(Body):
    """A function that knows what the names of the spec are in it."""

    def __init__(self, file: File, uses: Sequence[Use], block: Block | None) -> None:
        """`uses` are those of the block; without a block the function builds the model."""
        super().__init__(file, "" if block is None else "{name}")
        self.uses = uses
        self.block = block
        self.parameters: dict[str, str | None] = {}
        """The parameters that are used, with their defaults in code; None if they have none."""
        self.beginning: list[Line] = []
        """The lines that compute parameters from others."""
        self.reads_channels = False
        """Whether the channels of what the function gets are used."""
        self.rows: list[tuple[Loop | None, dict[str, Code]]] = []
        """The names of the rows of each loop around, and the loop if `$i` counts its turns."""
        self._codes: dict[str, Code] = {}
        self.live += [] if block is None else [file.local(name) for name in block.params]

    # Names

    def lookup(self, name: str, source: str) -> Code:
        """The code of a name of the spec; `source` is the variable that the item reads."""
        for loop, row in reversed(self.rows):
            if name in row:
                return row[name]
            if name == "i" and loop is not None:
                loop.uses_index = True
                return Code(loop.index)
        if name == "in":
            return Code(f"{source}.shape[-1]" if self.block is None else self._channels())
        if self.block is not None and name in self.block.params:
            return self._parameter(name, self.block)
        return self.file.constant(name)

    def known(self) -> set[str]:
        """All names of the spec that can be looked up here."""
        rows = {name for _, row in self.rows for name in row}
        return {*rows, *(self.block.params if self.block else ()), *self.file.entries}

    def _channels(self) -> str:
        self.reads_channels = True
        return "channels"

    def is_whole(self, name: str) -> bool:
        """Whether a parameter is a whole number in every use, so that uses give an int."""
        return all(as_whole(_named(use, name)) is not None for use in self.uses)

    def _parameter(self, name: str, block: Block) -> Code:
        if name in self._codes:
            return self._codes[name]
        local = self.file.local(name)
        code = self._codes[name] = Code(local, is_whole=self.is_whole(name))
        tree = block.params[name].value
        if is_nothing(tree):
            self.parameters[name] = None
            return code

        def lookup(inner: str) -> Code:
            return self.file.constant(name) if inner == name else self.lookup(inner, "x")

        for each in sorted(names_in(tree) - {name}):  # first, so that their depths do not add up
            lookup(each)
        default = self._default(tree, lookup)
        text = default.text
        if code.is_whole and not default.is_whole:
            text = f"int({text})"
        if not self._depends_on_call(tree, name, block):
            self.parameters[name] = text
            return code
        is_given = any(name in use.item.args for use in self.uses)
        if is_given:
            self.parameters[name] = "None"
            self.beginning.append(Line(1, "", f"if {local} is None:"))
        self.beginning.append(Line(1 + is_given, local, text))
        return code

    def _default(self, tree: Tree, lookup: Callable[[str], Code]) -> Code:
        """The code of a default, a tuple for a list: a list would be shared by all calls."""
        if not isinstance(tree, SequenceNode):
            return self.file.translator.code(tree, lookup)
        items = [self._default(item, lookup) for item in tree.items]
        return Code(tuple_code([item.text for item in items]), is_whole=False)

    def _depends_on_call(self, tree: Tree, name: str, block: Block) -> bool:
        """Whether a default needs other parameters or what the function gets."""
        names = {each for each in names_in(tree) if each != name}
        return bool(names & {"in", *block.params})

    # Values

    def code(self, tree: Tree, source: str) -> Code:
        """The code of a value; `source` is the variable that the item reads."""
        return self.file.translator.code(tree, lambda name: self.lookup(name, source))

    def whole(self, tree: Tree, source: str) -> str:
        """The code of a value that is a whole number."""
        if isinstance(tree, ScalarNode) and isinstance(tree.value, float):
            return str(int(tree.value))
        code = self.code(tree, source)
        return code.text if code.is_whole else f"int({code.text})"

    def values(self, item: Item, uses: Sequence[Use], source: str) -> list[dict[str, Any]]:
        """The arguments of a layer in each use, with their codes. Lists of layers are left out."""
        registered = LAYERS[item.layer]
        rows: list[dict[str, Any]] = [dict(registered.preset) for _ in uses]
        for key, given in item.args.items():
            declared = registered.args[key]
            if given.layers is not None and isinstance(declared.kind, LayerChoice):
                inner = given.layers[0]
                layer = LAYERS[inner.layer]
                column = [
                    layer.cls(**layer.preset, **each) for each in self.values(inner, uses, source)
                ]
            elif given.layers is None and given.branches is None:
                column = self._column(given.tree, declared, uses, source)
            else:
                continue
            for row, value in zip(rows, column, strict=True):
                row[key] = value
        return rows

    def _column(self, tree: Tree, declared: Arg, uses: Sequence[Use], source: str) -> list[Any]:
        """The values of an argument in each use, with their code."""
        kind = declared.kind
        if not is_computed(tree):
            return [kind.convert(evaluated(uses[0], tree, kind.nesting))] * len(uses)
        written = [evaluated(use, tree, kind.nesting) for use in uses]
        return [self._coded(kind.convert(each), each, tree, source) for each in written]

    def _coded(self, value: Any, written: Any, tree: Tree, source: str) -> Any:
        """A value with its code; `written` is the value before it was converted for the op."""
        if not is_computed(tree):
            return value
        if isinstance(tree, SequenceNode) and len(value) == len(tree.items):
            parts = zip(value, written, tree.items, strict=True)
            return tuple(self._coded(*part, source) for part in parts)
        return coded(value, self.code(tree, source), written, exact=self.file.translator.exact)

    def tests(self, item: Item, uses: Sequence[Use], source: str) -> list[Test]:
        """What can tell the uses of an item apart: its computed arguments."""
        return [
            Test(key, self.code(given.tree, source), [evaluated(use, given.tree) for use in uses])
            for key, given in item.args.items()
            if given.layers is None and given.branches is None and is_computed(given.tree)
        ]

    def groups_before(self, use: Use, uses: Sequence[Use]) -> int:
        """The groups of the nearest convolution before a layer, with their code."""
        nodes = self.file.made.nodes
        sources = [self._of_same_call(nodes[each.first].groups_from, each) for each in uses]
        groups = [self.file.network.nodes[each.first].groups or 1 for each in uses]
        number = self.file.network.nodes[use.first].groups or 1
        codes = {None if index is None else self.groups.get(index) for index in sources}
        code = codes.pop() if len(codes) == 1 else None
        if code is not None and ".shape" not in code:
            return Whole.of(number, Code(code))
        if len(set(groups)) == 1:
            return number
        for name in self.block.params if self.block else ():
            if all(_named(each, name) == count for each, count in zip(uses, groups, strict=True)):
                return Whole.of(number, self.lookup(name, ""))
        raise Unwritable

    def _of_same_call(self, index: int | None, use: Use) -> int | None:
        """The index of a node, if the call of this function that has the use made it."""
        call = next(each for each in self.uses if each.first <= use.first < each.last)
        return index if index is not None and index >= call.first else None


def evaluated(use: Use, tree: Tree, nesting: int = 2) -> Any:
    """The value of a tree in one use; `nesting` is how deep lists may be in each other."""
    shape = use.inputs[0].shape
    return use.scope.value(tree, None if shape is None else shape[-1], nesting)


def _named(use: Use, name: str) -> Any:
    """The value of a parameter in one use of its block; None if it has none."""
    try:
        return use.inside.named(name, ScalarNode(None, "", use.item.place))
    except (SpecError, UnknownValue):
        return None
