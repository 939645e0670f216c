"""Lists of layers in the tree → Items: names, arguments and literal values checked."""

from __future__ import annotations

import re
from collections.abc import Collection

from groupconv_cli.errors import Place, Problems
from groupconv_cli.language.item_hints import example, value_hint
from groupconv_cli.language.keras_words import ARGUMENTS_MISSING, layer_meant
from groupconv_cli.language.nodes import (
    Entry,
    MappingNode,
    ScalarNode,
    SequenceNode,
    Tree,
    describe,
)
from groupconv_cli.language.reads import Readable, check_reads, wrong_number
from groupconv_cli.language.spec import Branch, Given, Item, Items, required_params
from groupconv_cli.language.values import (
    NESTING,
    Content,
    examine,
    is_expression,
    is_nothing,
    plain,
    report_unknown,
)
from groupconv_cli.language.wrong_value import part_of
from groupconv_cli.ops import LAYERS, Arg, Registered
from groupconv_cli.ops.kinds import Branches, KindError, LayerChoice, Layers, LayersOr
from groupconv_cli.words import did_you_mean, joined, shortened

BESIDE_KEYS = ("name", "from", "repeat", "each", "when")
SHAPELESS = ("groups", "bias", "norm", "activation", "epsilon", "momentum", "rate", "initial")
"""Arguments that no shape depends on: with their defaults, what follows can be checked."""

BRANCH_KEYS = ("when", "layers")
VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}")
NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,99}")
NAME_HINT = "a name is at most 100 ASCII letters, digits, _ and -, and begins with a letter"
BEGIN_WITH_A_DASH = "begin each layer with a dash: - conv: {filters: 64, kernel: 3}"
NEST_A_BRANCH = "a branch is a list of its own: - [conv: {…}], or - - conv: {…}"


class ItemChecker:
    """Checks the lists of layers of one spec."""

    def __init__(
        self,
        block_params: dict[str, dict[str, Entry]],
        block_inputs: dict[str, tuple[str, ...]],
        problems: Problems,
    ) -> None:
        self.block_params = block_params
        """The parameters of each block, with their defaults."""
        self.block_inputs = block_inputs
        """The names of the tensors that each block reads, if it names them."""
        self.problems = problems
        self.uses: dict[str | None, list[tuple[str, Place]]] = {}
        """The blocks that each block (None: the spec itself) uses, and the places."""
        self.items = 0
        self.named: set[str] = set()
        """The names of all items so far, wherever they are."""
        self._hinted: set[str] = set()

    def layers(
        self, tree: Tree, names: set[str], block: str | None, inputs: Collection[str]
    ) -> tuple[Items, Readable]:
        """The items of a list of layers in `block`, and the names that can be read at its end.

        `names` are the known variables, `inputs` the names of the tensors that enter.
        """
        layers = _List(self, names | {"in"}, block, Readable(names=inputs))
        return layers.items(tree, "layers"), layers.readable

    def once(self, hint: str) -> str | None:
        """The hint for the first time, and None after that."""
        if hint in self._hinted:
            return None
        self._hinted.add(hint)
        return hint

    def unsound(self, place: Place, layer: str = "?") -> Item:
        """An item in place of one that cannot be used."""
        self.items += 1
        return Item(self.items, layer, place, {}, sound=False)


class _List:
    """One list of layers, and the names that are known in it."""

    def __init__(
        self, checker: ItemChecker, names: set[str], block: str | None, readable: Readable
    ) -> None:
        self.checker = checker
        self.names = names
        self.block = block
        self.readable = readable
        self.problem = checker.problems.add

    def items(self, tree: Tree, what: str, hint: str = BEGIN_WITH_A_DASH) -> Items:
        if is_nothing(tree):
            return ()
        if not isinstance(tree, SequenceNode):
            if isinstance(tree, ScalarNode) and tree.text.startswith("$"):
                hint = "variables and parameters hold values; layers to be used again are a block"
            self.problem(f"{what} must be a list of layers, got {describe(tree)}", tree.place, hint)
            return (self.checker.unsound(tree.place),)
        self.readable.begin(tree)
        return tuple(self._item(item) for item in tree.items)

    def _inner(self, tree: Tree, what: str, hint: str = BEGIN_WITH_A_DASH) -> Items:
        """The items of a list inside an item of this one."""
        inner = _List(self.checker, self.names, self.block, Readable(self.readable))
        return inner.items(tree, what, hint)

    def _known(self, layer: str) -> bool:
        return layer in LAYERS or layer in self.checker.block_params

    def _item(self, tree: Tree) -> Item:
        if isinstance(tree, ScalarNode) and isinstance(tree.value, str):
            return self._if_fed(self._use(tree.text, tree.place, None))
        if not isinstance(tree, MappingNode):
            hint = "an item is a layer's name, or its name with a mapping of arguments"
            self.problem(f"expected a layer, got {describe(tree)}", tree.place, hint)
            return self.checker.unsound(tree.place)
        beside = {key: entry for key, entry in tree.entries.items() if key in BESIDE_KEYS}
        layers = [entry for key, entry in tree.entries.items() if key not in BESIDE_KEYS]
        if not layers:
            where = f" beside {joined(list(beside))}" if beside else ""
            self.problem(f"this item has no layer{where}", tree.place)
            return self.checker.unsound(tree.place)
        first = next((entry for entry in layers if self._known(entry.key)), layers[0])
        strays = [entry for entry in layers if entry is not first]
        if self._arguments_beside(strays, first):
            return self.checker.unsound(first.place, first.key)
        for stray in strays:
            near = did_you_mean(stray.key, BESIDE_KEYS)
            hint = near or f"if it is an argument of {first.key}, indent it below {first.key}:"
            if self._known(stray.key):
                hint = "begin each layer with a dash of its own"
            message = f"{stray.key!r} is beside {first.key!r} in one item"
            self.problem(message, stray.place, hint)
        return self._with_beside(first, beside)

    def _with_beside(self, layer: Entry, beside: dict[str, Entry]) -> Item:
        """The use of a layer, with the keys beside it."""
        each = self._each(beside["each"]) if "each" in beside else None
        name = self._name(beside.get("name"))
        self.readable.current = name
        reads = None
        if "from" in beside:
            reads = check_reads(
                beside["from"], self.readable, self.checker.named, self.checker.problems
            )
        inside, repeat = self, self._beside_value(beside.get("repeat"))
        if "each" in beside or "repeat" in beside:
            names = self.names | set(each or ()) | {"i"}
            inside = _List(self.checker, names, self.block, self.readable)
        when = inside if "each" in beside else self
        if "each" in beside and "repeat" in beside:
            hint = "put the layers that are to be repeated for each row in a block"
            self.problem("an item has each or repeat, not both", beside["repeat"].place, hint)
        item = inside._use(layer.key, layer.place, layer.value)
        self.readable.done(name)
        if name is not None:
            self.checker.named.add(name)
        item = item._replace(
            name=name,
            name_place=beside["name"].value.place if "name" in beside else None,
            repeat=repeat,
            when=when._beside_value(beside.get("when")),
            each=each,
            reads=reads,
            reads_place=beside["from"].value.place if "from" in beside else None,
        )
        if "from" in beside and reads is None:
            return item._replace(sound=False)
        if "from" not in beside and self._has_stray(layer, "from"):  # which is said of it there
            return item._replace(sound=False)
        return self._if_fed(item)

    def _has_stray(self, layer: Entry, key: str) -> bool:
        """Whether the key stands among the layer's arguments, and is none of them."""
        if not (self._known(layer.key) and isinstance(layer.value, MappingNode)):
            return False
        is_block = layer.key in self.checker.block_params
        known = self.checker.block_params[layer.key] if is_block else LAYERS[layer.key].args
        return key in layer.value.entries and key not in known

    def _if_fed(self, item: Item) -> Item:
        """The item, unsound if its layer reads another number of tensors."""
        if not self._known(item.layer):
            return item
        is_block = item.layer in self.checker.block_params
        inputs = self.checker.block_inputs.get(item.layer, ()) if is_block else None
        wrong = wrong_number(item.layer, inputs, 1 if item.reads is None else len(item.reads))
        if wrong is None:
            return item
        self.problem(wrong[0], item.reads_place or item.place, wrong[1])
        return item._replace(sound=False)

    def _each(self, entry: Entry) -> dict[str, Entry]:
        """The lists of `each`, by the names of their values."""
        if not isinstance(entry.value, MappingNode) or not entry.value.entries:
            self.problem(
                f"each must be a mapping of names to lists, got {describe(entry.value)}",
                entry.value.place,
                "for example: each: {filters: [64, 128, 256]}",
            )
            return {}
        for name, column in entry.value.entries.items():
            if not VARIABLE.fullmatch(name) or name in ("in", "i"):
                hint = "ASCII letters, digits and _; `$in` and `$i` have meanings of their own"
                self.problem(f"{name!r} cannot name a value of each", column.place, hint)
            if is_nothing(column.value) or not (
                isinstance(column.value, SequenceNode) or is_expression(column.value)
            ):
                self.problem(
                    f"{name} of each must be a list, got {describe(column.value)}",
                    column.value.place,
                )
            else:
                self._examine(column.value, f"{name} of each", 1 + NESTING)
        return entry.value.entries

    def _arguments_beside(self, strays: list[Entry], first: Entry) -> bool:
        """Reports arguments that stand beside their layer and not below it, as one mistake."""
        params = self.checker.block_params.get(first.key, {})
        known = LAYERS[first.key].args.keys() if first.key in LAYERS else params.keys()
        arguments = [stray for stray in strays if stray.key in known]
        if not arguments:
            return False
        words = joined([argument.key for argument in arguments])
        stand = "is" if len(arguments) == 1 else "are"
        self.problem(
            f"{words} {stand} beside {first.key!r} in one item, not below it",
            arguments[0].place,
            f"indent {'it' if len(arguments) == 1 else 'them'} further than {first.key}:",
        )
        return True

    def _use(self, layer: str, place: Place, tree: Tree | None) -> Item:
        if not self._known(layer):
            shown = shortened(layer)
            self.problem(f"unknown layer {shown!r}", place, self._unknown_hint(layer))
            return self.checker.unsound(place, layer)
        args: dict[str, Entry] = {}
        if isinstance(tree, MappingNode):
            if tree.has_merge:  # the reader noted it; the arguments it would give are not known
                return self.checker.unsound(place, layer)
            args = tree.entries
        elif tree is not None and not is_nothing(tree):
            message = f"{layer} takes a mapping of arguments, got {describe(tree)}"
            self.problem(message, tree.place, example(layer))
            return self.checker.unsound(place, layer)
        if layer in self.checker.block_params:
            checked = self._block_args(layer, place, args)
        else:
            checked = self._layer_args(layer, LAYERS[layer], place, args)
        self.checker.items += 1
        return Item(
            number=self.checker.items,
            layer=layer,
            place=place,
            args=checked or {},
            sound=checked is not None,
        )

    def _unknown_hint(self, layer: str) -> str | None:
        blocks = self.checker.block_params
        meant = layer_meant(layer, [*blocks, *LAYERS])
        if meant in LAYERS or meant in blocks:
            return f"did you mean {meant!r}?"
        known = [name for name, registered in LAYERS.items() if not registered.preset]
        listed = f"there are {', '.join([*blocks, *known])} and the activations of Keras"
        return did_you_mean(layer, [*LAYERS, *blocks]) or self.checker.once(listed)

    def _name(self, entry: Entry | None) -> str | None:
        if entry is None:
            return None
        if isinstance(entry.value, ScalarNode) and NAME.fullmatch(entry.value.text):
            return entry.value.text
        self.problem(f"{describe(entry.value)} cannot name a layer", entry.value.place, NAME_HINT)
        return None

    def _beside_value(self, entry: Entry | None) -> Tree | None:
        if entry is None:
            return None
        self._examine(entry.value, entry.key)
        return entry.value

    def _examine(self, tree: Tree, what: str, nesting: int = 1) -> Content:
        return examine(tree, self.names, what, self.checker.problems, nesting)

    def _block_args(
        self, name: str, place: Place, args: dict[str, Entry]
    ) -> dict[str, Given] | None:
        params = self.checker.block_params[name]
        self.checker.uses.setdefault(self.block, []).append((name, place))
        has = f"{name} has {', '.join(params) or 'no parameters'}"
        meant = self._unknown(args, params, f"the block {name!r} has no parameter", name, has)
        for key, entry in args.items():
            self._examine(entry.value, key, NESTING)
        missing = [
            key for key in required_params(params) if key not in args or is_nothing(args[key].value)
        ]
        if set(missing) - meant:
            self.problem(f"the block {name!r} needs {joined(missing)}", place)
        if missing:
            return None
        return {
            key: Given(entry.place, entry.value)
            for key, entry in args.items()
            if key in params and not is_nothing(entry.value)
        }

    def _layer_args(
        self, layer: str, registered: Registered, place: Place, args: dict[str, Entry]
    ) -> dict[str, Given] | None:
        known = registered.args
        takes = f"{layer} takes {', '.join(known) or 'no arguments'}"
        meant = self._unknown(args, known, f"{layer} has no argument", layer, takes)
        sound = True
        checked = {}
        for key, entry in args.items():
            if key not in known:
                continue
            if is_nothing(entry.value) and not isinstance(known[key].kind, Layers):
                if known[key].required:
                    self.problem(f"{key} of {layer} is empty", entry.place)
                    sound = False
            else:
                given, good = self._value(key, entry.value, known[key])
                if good:
                    checked[key] = given
                elif known[key].required or key not in SHAPELESS:
                    sound = False
        missing = [key for key, declared in known.items() if declared.required and key not in args]
        if set(missing) - meant:
            self.problem(f"{layer} needs {joined(missing)}", place, example(layer))
        return checked if sound and not missing else None

    def _unknown(
        self, args: dict[str, Entry], known: Collection[str], message: str, layer: str, has: str
    ) -> set[str]:
        """Notes unknown arguments; returns the known arguments that they seem to mean."""
        stray = {key: entry for key, entry in args.items() if key not in known}
        for key in set(stray) & set(ARGUMENTS_MISSING):
            self.problem(f"{message} {key!r}", stray.pop(key).place, ARGUMENTS_MISSING[key])
        for key in set(stray) & set(BESIDE_KEYS):
            hint = f"write {key}: beside {layer}:, with the same indent, not among its arguments"
            self.problem(f"{message} {key!r}", stray.pop(key).place, hint)
        return report_unknown(stray, known, message, has, self.checker.problems)

    def _value(self, key: str, tree: Tree, declared: Arg) -> tuple[Given, bool]:
        kind = declared.kind
        if isinstance(kind, Branches):
            if not isinstance(tree, SequenceNode) or not tree.items:
                self.problem(f"{key} must be {kind.words}; got {describe(tree)}", tree.place)
                return Given(tree.place, tree, branches=()), False
            branches = tuple(map(self._branch, tree.items))
            return Given(tree.place, tree, branches=branches), True
        if isinstance(kind, Layers):
            is_word = isinstance(tree, ScalarNode) and not is_nothing(tree)
            if not (isinstance(kind, LayersOr) and is_word):
                return Given(tree.place, tree, layers=self._inner(tree, key)), True
            kind = kind.choice
        if isinstance(kind, LayerChoice) and isinstance(tree, MappingNode):
            return self._layer_with_arguments(key, tree, kind)
        content = self._examine(tree, key, kind.nesting)
        if content is Content.LITERAL:
            try:
                kind.convert(plain(tree))
            except KindError as error:
                hint = value_hint(key, tree, declared, self.names) or error.hint
                wrong = part_of(tree, error.at)
                self.problem(
                    f"{key} must be {error.message}; got {describe(wrong)}", wrong.place, hint
                )
                content = Content.UNSOUND
        return Given(tree.place, tree), content is not Content.UNSOUND

    def _branch(self, tree: Tree) -> Branch:
        """A list of layers, or a mapping of `when` and `layers`."""
        if not isinstance(tree, MappingNode) or not set(BRANCH_KEYS) & set(tree.entries):
            return Branch(self._inner(tree, "a branch", NEST_A_BRANCH))
        entries = tree.entries
        has = f"a branch has {joined(BRANCH_KEYS)}"
        report_unknown(entries, BRANCH_KEYS, "a branch has no key", has, self.checker.problems)
        if "layers" not in entries:
            if len(entries) == 1:
                hint = "for example: {when: $wide, layers: [relu]}"
                self.problem("a branch needs layers", tree.place, hint)
            return Branch((self.checker.unsound(tree.place),))
        layers = self._inner(entries["layers"].value, "layers")
        return Branch(layers, self._beside_value(entries.get("when")))

    def _layer_with_arguments(
        self, key: str, tree: MappingNode, kind: LayerChoice
    ) -> tuple[Given, bool]:
        """The long form of an argument that names a layer: `norm: {batch: {epsilon: 1.0e-3}}`."""
        entries = list(tree.entries.values())
        word = next(iter(kind.names))
        example = f"for example: {key}: {{{word}: {{epsilon: 1.0e-3}}}}"
        if len(entries) != 1 or entries[0].key not in kind.names:
            wrong = [entry for entry in entries if entry.key not in kind.names]
            place = wrong[0].place if wrong else tree.place
            near = did_you_mean(wrong[0].key, kind.names) if wrong else None
            self.problem(
                f"{key} must be {kind.words}; got {describe(tree)}", place, near or example
            )
            return Given(tree.place, tree), False
        (entry,) = entries
        if not isinstance(entry.value, MappingNode) and not is_nothing(entry.value):
            message = (
                f"{key}: {entry.key} takes a mapping of arguments, got {describe(entry.value)}"
            )
            self.problem(message, entry.value.place, example)
            return Given(tree.place, tree), False
        item = self._use(kind.names[entry.key], entry.place, entry.value)
        return Given(tree.place, tree, layers=(item,)), item.sound
