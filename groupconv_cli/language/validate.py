"""Tree → Spec: checks everything that can be checked without shapes.

All mistakes are collected. A layer that cannot be used stays in the spec as an unsound item, so
that the expansion can continue and find other mistakes.
"""

from __future__ import annotations

from pathlib import Path

from groupconv_cli.errors import Place, Problems, Source
from groupconv_cli.language.group_entries import check_groups
from groupconv_cli.language.items import BESIDE_KEYS, NAME, NAME_HINT, VARIABLE, ItemChecker
from groupconv_cli.language.nodes import (
    Entry,
    MappingNode,
    ScalarNode,
    SequenceNode,
    Tree,
    describe,
)
from groupconv_cli.language.policy_entries import check_budget, check_rules
from groupconv_cli.language.reads import Readable
from groupconv_cli.language.spec import Block, Items, Output, Spec
from groupconv_cli.language.values import NESTING, examine, is_nothing, report_unknown
from groupconv_cli.ops import LAYERS, OPS
from groupconv_cli.policy.rules import Severities
from groupconv_cli.words import did_you_mean, joined

TOP_KEYS = (
    *("name", "input", "inputs", "vars", "variants", "blocks", "layers", "outputs"),
    *("groups", "budget", "rules"),
)
BLOCK_KEYS = ("params", "inputs", "layers")
INPUT = "input"
"""The name of the only input of a spec that names none."""

MAX_ENDS = 100
"""The most inputs, and the most outputs, of a network or a block."""

MAX_BLOCK_DEPTH = 40
MAX_NAME_LENGTH = 100
MAX_VARIANTS = 200


def check(tree: Tree, source: Source, problems: Problems) -> Spec:
    """The spec, as far as it can be read. Its mistakes go to `problems`.

    Raises SpecError if nothing can be read: the file is not a mapping, or lacks its input or its
    layers.
    """
    if not isinstance(tree, MappingNode):
        hint = "a spec is a mapping with at least `input:` and `layers:`"
        problems.stop(f"expected a mapping, got {describe(tree)}", tree.place, hint)
    checker = _Checker(source, tree.entries, problems)
    has_input = INPUT in tree.entries or "inputs" in tree.entries
    if not has_input or "layers" not in tree.entries:
        meant = checker.unknown_keys(tree.entries, TOP_KEYS, "a spec")
        if not tree.has_merge:
            checker.missing_keys(tree, meant)
        raise problems.error()
    return checker.spec()


class _Checker:
    def __init__(self, source: Source, entries: dict[str, Entry], problems: Problems) -> None:
        self.source = source
        self.entries = entries
        self.problems = problems
        self.problem = problems.add

    def spec(self) -> Spec:
        self.unknown_keys(self.entries, TOP_KEYS, "a spec")
        variables = self._variables()
        names = set(variables)
        variants = self._variants(names)
        entering = self._inputs(names)
        bodies = self._block_bodies()
        params = {name: self._params(body, names) for name, (_, body) in bodies.items()}
        inputs = {name: self._block_inputs(body) for name, (_, body) in bodies.items()}
        items = ItemChecker(params, inputs, self.problems)
        blocks = {
            name: Block(
                name,
                place,
                params[name],
                self._block_layers(items, name, place, body, names),
                inputs[name],
            )
            for name, (place, body) in bodies.items()
        }
        layers, readable = self._layers(items, names, entering)
        for name in self._endless(items):
            # Its uses have unknown shapes; expanding it would not end.
            blocks[name] = blocks[name]._replace(layers=(items.unsound(blocks[name].place),))
        return Spec(
            source=self.source,
            name=self._name(),
            inputs=entering,
            outputs=self._outputs(readable, items.named),
            vars=variables,
            variants=variants,
            blocks=blocks,
            layers=layers,
            groups=check_groups(
                self._mapping(self.entries.get("groups"), "patterns of layer names to counts"),
                names,
                self.problems,
            ),
            budget=self._budget(names),
            rules=self._rules(),
        )

    # Keys and simple values

    def unknown_keys(
        self, entries: dict[str, Entry], known: tuple[str, ...], what: str
    ) -> set[str]:
        has = f"{what} has {', '.join(known)}"
        return report_unknown(entries, known, "unknown key", has, self.problems)

    def missing_keys(self, tree: Tree, meant: set[str]) -> None:
        examples = {"input": "[224, 224, 3]", "layers": "a list of layers, each with a dash"}
        for key, example in examples.items():
            if key == INPUT and "inputs" in self.entries:
                continue
            if key not in self.entries and key not in meant:
                self.problem(f"{key!r} is missing", tree.place, f"add {key}: {example}")

    def _mapping(self, entry: Entry | None, what: str, hint: str | None = None) -> dict[str, Entry]:
        if entry is None or is_nothing(entry.value):
            return {}
        if isinstance(entry.value, MappingNode):
            return entry.value.entries
        message = f"{entry.key} must be a mapping of {what}, got {describe(entry.value)}"
        self.problem(message, entry.value.place, hint)
        return {}

    def _name(self) -> str:
        default = Path(self.source.name).stem if self.source.name[:1] != "<" else "network"
        if "name" not in self.entries or is_nothing(self.entries["name"].value):
            return default
        tree = self.entries["name"].value
        text = tree.text if isinstance(tree, ScalarNode) else ""
        if text.strip() and text.isprintable() and len(text) <= MAX_NAME_LENGTH:
            return text
        words = f"name must be one line of text, {MAX_NAME_LENGTH} characters at most"
        self.problem(f"{words}; got {describe(tree)}", tree.place)
        return default

    # Inputs and outputs

    def _inputs(self, names: set[str]) -> dict[str, Entry]:
        """The sizes of each input by its name."""
        if "inputs" not in self.entries:
            entry = self.entries[INPUT]
            examine(entry.value, names, INPUT, self.problems)
            return {INPUT: entry}
        entry = self.entries["inputs"]
        if INPUT in self.entries:
            hint = "input: is for a network with one, inputs: names each"
            self.problem("a spec has input or inputs, not both", self.entries[INPUT].place, hint)
        is_list = isinstance(entry.value, SequenceNode)
        one = f"for one input: input: {describe(entry.value)}" if is_list else None
        inputs = self._mapping(entry, "names to sizes", one)
        if not inputs:
            if isinstance(entry.value, MappingNode) or is_nothing(entry.value):
                example = "for example: inputs: {image: [224, 224, 3], sound: [16000, 1]}"
                self.problem("inputs names no input", entry.place, example)
            raise self.problems.error()
        if len(inputs) > MAX_ENDS:
            self.problems.stop(f"{len(inputs):,} inputs; at most {MAX_ENDS}", entry.place)
        for name, each in inputs.items():
            if not NAME.fullmatch(name):
                self.problem(f"{name!r} cannot name an input", each.place, NAME_HINT)
            examine(each.value, names, f"the input {name!r}", self.problems)
        return inputs

    def _outputs(self, readable: Readable, elsewhere: set[str]) -> tuple[Output, ...]:
        """The items whose outputs are the network's."""
        entry = self.entries.get("outputs")
        if entry is None or is_nothing(entry.value):
            return ()
        trees = entry.value.items if isinstance(entry.value, SequenceNode) else (entry.value,)
        if len(trees) > MAX_ENDS:
            self.problems.stop(f"{len(trees):,} outputs; at most {MAX_ENDS}", entry.place)
        outputs: dict[str, Output] = {}
        for tree in trees:
            if not isinstance(tree, ScalarNode) or not isinstance(tree.value, str):
                example = "for example: outputs: [p3, p4], where items have these names"
                message = f"outputs must be a list of names of items, got {describe(tree)}"
                self.problem(message, tree.place, example)
            elif why := readable.why_not(tree.text, elsewhere):
                message = f"outputs has {why[0].replace('and no item before it', 'and no item')}"
                hint = why[1]
                if tree.text in elsewhere:
                    hint = "outputs are items of the network's own list of layers"
                self.problem(message, tree.place, hint)
            elif tree.text in outputs:
                self.problem(f"outputs has {tree.text!r} twice", tree.place)
            else:
                outputs[tree.text] = Output(tree.text, tree.place)
        if not trees:
            self.problem("outputs names no item", entry.place, "leave outputs out for the last one")
        return tuple(outputs.values())

    def _block_inputs(self, body: dict[str, Entry]) -> tuple[str, ...]:
        """The names of the tensors that a block reads, if it names them."""
        entry = body.get("inputs")
        if entry is None or is_nothing(entry.value):
            return ()
        example = "for example: inputs: [x, skip]"
        if not isinstance(entry.value, SequenceNode):
            message = f"inputs of a block must be a list of names, got {describe(entry.value)}"
            self.problem(message, entry.value.place, example)
            return ()
        if not 1 <= len(entry.value.items) <= MAX_ENDS:
            message = f"a block has 1 to {MAX_ENDS} inputs, not {len(entry.value.items):,}"
            self.problem(message, entry.place, example)
            return ()
        names: dict[str, None] = {}
        for tree in entry.value.items:
            if not isinstance(tree, ScalarNode) or not NAME.fullmatch(tree.text):
                self.problem(f"{describe(tree)} cannot name an input", tree.place, NAME_HINT)
            elif tree.text in names:
                self.problem(f"the block has two inputs {tree.text!r}", tree.place)
            else:
                names[tree.text] = None
        return tuple(names)

    # Variables

    def _variables(self) -> dict[str, Entry]:
        variables = self._mapping(self.entries.get("vars"), "names to values")
        self._values(variables, set(variables), "variable")
        return variables

    def _values(self, entries: dict[str, Entry], names: set[str], what: str) -> None:
        for name, entry in entries.items():
            if not VARIABLE.fullmatch(name) or name == "in":
                hint = (
                    "ASCII letters, digits and _; `$in` is always the number of channels coming in"
                )
                self.problem(f"{name!r} cannot name a {what}", entry.place, hint)
            examine(entry.value, names, f"the {what} {name!r}", self.problems, NESTING)

    def _variants(self, names: set[str]) -> dict[str, dict[str, Entry]]:
        variants = {}
        declared = self._mapping(self.entries.get("variants"), "names to sets of variables")
        if len(declared) > MAX_VARIANTS:
            message = f"{len(declared):,} variants; a spec has at most {MAX_VARIANTS}"
            self.problems.stop(message, self.entries["variants"].place)
        for name, variant in declared.items():
            if not name.strip() or not name.isprintable():
                self.problem("a variant needs a name of visible characters", variant.place)
            variants[name] = self._mapping(variant, "variables to values")
            for key, entry in variants[name].items():
                if key not in names:
                    message = f"variant {name!r} sets {key!r}, which is not a variable"
                    hint = did_you_mean(key, names) or "declare it under `vars:`"
                    self.problem(message, entry.place, hint)
                examine(entry.value, names, f"the variable {key!r}", self.problems, NESTING)
        return variants

    # Budgets and rules

    def _budget(self, names: set[str]) -> dict[str, Entry]:
        declared = self._mapping(self.entries.get("budget"), "names to limits")
        return check_budget(declared, names, self.problems)

    def _rules(self) -> Severities:
        declared = self._mapping(self.entries.get("rules"), "codes to levels")
        return check_rules(declared, self.problems)

    # Blocks and layers

    def _block_bodies(self) -> dict[str, tuple[Place, dict[str, Entry]]]:
        bodies = {}
        declared = self._mapping(self.entries.get("blocks"), "names to layers with parameters")
        for name, entry in declared.items():
            if name in LAYERS or name in OPS:
                self.problem(
                    f"a block cannot be called {name!r}: that is the name of a layer", entry.place
                )
            elif name in BESIDE_KEYS or not NAME.fullmatch(name):
                hint = f"ASCII letters, digits, _ and -, but not {joined(BESIDE_KEYS, 'or')}"
                self.problem(f"{name!r} cannot name a block", entry.place, hint)
            body = self._mapping(entry, "params and layers")
            self.unknown_keys(body, BLOCK_KEYS, "a block")
            # A body that is not a mapping was reported already, so missing layers are not.
            place = entry.place if isinstance(entry.value, MappingNode) else entry.value.place
            bodies[name] = (place, body)
        return bodies

    def _params(self, body: dict[str, Entry], names: set[str]) -> dict[str, Entry]:
        params = self._mapping(body.get("params"), "names to defaults (empty: required)")
        self._values(params, names | set(params) | {"in"}, "parameter")
        return params

    def _block_layers(
        self,
        items: ItemChecker,
        name: str,
        place: Place,
        body: dict[str, Entry],
        names: set[str],
    ) -> Items:
        if "layers" not in body:
            self.problem(f"the block {name!r} has no layers", place)
            return (items.unsound(place),)
        known = names | set(items.block_params[name])
        inputs = items.block_inputs[name]
        layers, readable = items.layers(body["layers"].value, known, name, inputs)
        for unread in [each for each in inputs[1:] if each not in readable.read]:
            hint = "read it with from:, or leave it out"
            message = f"nothing reads the input {unread!r} of the block {name!r}"
            self.problem(message, body["inputs"].value.place, hint)
        return layers

    def _layers(
        self, items: ItemChecker, names: set[str], inputs: dict[str, Entry]
    ) -> tuple[Items, Readable]:
        entry = self.entries["layers"]
        layers, readable = items.layers(entry.value, names, None, inputs)
        if not layers:
            self.problem("the network has no layers", entry.place)
        return layers, readable

    def _endless(self, items: ItemChecker) -> set[str]:
        """Reports blocks that use themselves, also through others, or are nested too deep."""
        depths: dict[str, int] = {}
        endless: set[str] = set()

        def depth(name: str, trail: tuple[str, ...]) -> int:
            if name in depths:
                return depths[name]
            depths[name] = 1
            trail = (*trail, name)
            for used, place in items.uses.get(name, ()):
                if used in trail:
                    loop = " → ".join([*trail[trail.index(used) :], used])
                    self.problem(f"the block {used!r} uses itself: {loop}", place)
                    endless.add(name)
                elif len(trail) > MAX_BLOCK_DEPTH or depth(used, trail) >= MAX_BLOCK_DEPTH:
                    self.problem(f"blocks are nested more than {MAX_BLOCK_DEPTH} deep", place)
                    endless.add(name)
                else:
                    depths[name] = max(depths[name], depths[used] + 1)
            return depths[name]

        for name in items.block_params:
            depth(name, ())
        return endless
