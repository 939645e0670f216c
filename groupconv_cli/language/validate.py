"""Tree → Spec: checks everything that can be checked without shapes.

All mistakes are collected. A layer that cannot be used stays in the spec as an unsound item, so
that the expansion can continue and find other mistakes.
"""

from __future__ import annotations

from pathlib import Path

from groupconv_cli.errors import Place, Problems, Source
from groupconv_cli.language.group_entries import check_groups
from groupconv_cli.language.items import BESIDE_KEYS, NAME, VARIABLE, ItemChecker
from groupconv_cli.language.nodes import Entry, MappingNode, ScalarNode, Tree, describe
from groupconv_cli.language.policy_entries import check_budget, check_rules
from groupconv_cli.language.spec import Block, Items, Spec
from groupconv_cli.language.values import examine, is_nothing, report_unknown
from groupconv_cli.ops import LAYERS, OPS
from groupconv_cli.policy.rules import Severities
from groupconv_cli.words import did_you_mean, joined

TOP_KEYS = ("name", "input", "vars", "variants", "blocks", "layers", "groups", "budget", "rules")
BLOCK_KEYS = ("params", "layers")
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
    if any(key not in tree.entries for key in ("input", "layers")):
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
        examine(self.entries["input"].value, names, "input", self.problems)
        bodies = self._block_bodies()
        params = {name: self._params(body, names) for name, (_, body) in bodies.items()}
        items = ItemChecker(params, self.problems)
        blocks = {
            name: Block(
                name, place, params[name], self._block_layers(items, name, place, body, names)
            )
            for name, (place, body) in bodies.items()
        }
        layers = self._layers(items, names)
        for name in self._endless(items):
            # Its uses have unknown shapes; expanding it would not end.
            blocks[name] = blocks[name]._replace(layers=(items.unsound(blocks[name].place),))
        return Spec(
            source=self.source,
            name=self._name(),
            input=self.entries["input"].value,
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
            if key not in self.entries and key not in meant:
                self.problem(f"{key!r} is missing", tree.place, f"add {key}: {example}")

    def _mapping(self, entry: Entry | None, what: str) -> dict[str, Entry]:
        if entry is None or is_nothing(entry.value):
            return {}
        if isinstance(entry.value, MappingNode):
            return entry.value.entries
        message = f"{entry.key} must be a mapping of {what}, got {describe(entry.value)}"
        self.problem(message, entry.value.place)
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
            examine(entry.value, names, f"the {what} {name!r}", self.problems)

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
                examine(entry.value, names, f"the variable {key!r}", self.problems)
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
        return items.layers(body["layers"].value, names | set(items.block_params[name]), name)

    def _layers(self, items: ItemChecker, names: set[str]) -> Items:
        entry = self.entries["layers"]
        layers = items.layers(entry.value, names, None)
        if not layers:
            self.problem("the network has no layers", entry.place)
        return layers

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
