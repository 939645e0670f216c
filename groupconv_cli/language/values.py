"""Helpers for values of the tree: their content, their variables, and places in them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from enum import Enum

from groupconv_cli.errors import Place, Problems, SpecError
from groupconv_cli.language import expressions as expr
from groupconv_cli.language.keras_words import argument_meant
from groupconv_cli.language.nodes import (
    Entry,
    MappingNode,
    ScalarNode,
    SequenceNode,
    Tree,
    describe,
)
from groupconv_cli.ops.kinds import Value
from groupconv_cli.ops.norm import NORMS
from groupconv_cli.words import meant, suggest

_DECLARE = "declare it under `vars:`, or as a parameter of the block"


NESTING = 2
"""How deep lists in a variable may be in each other: as in `padding: [[0, 1], [0, 1]]`."""


def is_nothing(tree: Tree) -> bool:
    """Whether a value is empty."""
    return isinstance(tree, ScalarNode) and tree.value is None


def is_expression(tree: Tree) -> bool:
    """Whether the tree is a scalar to compute: it has a variable or is arithmetic on numbers."""
    if not isinstance(tree, ScalarNode) or not isinstance(tree.value, str):
        return False
    return "$" in tree.text or expr.is_arithmetic(tree.text)


def is_computed(tree: Tree) -> bool:
    """Whether the tree is a scalar to compute, or a list with such scalars."""
    if isinstance(tree, SequenceNode):
        return any(map(is_computed, tree.items))
    return is_expression(tree)


def plain(tree: Tree) -> Value:
    """The plain value of a tree without expressions."""
    if isinstance(tree, ScalarNode):
        return tree.value
    if isinstance(tree, SequenceNode):
        return [plain(item) for item in tree.items]
    return {key: plain(entry.value) for key, entry in tree.entries.items()}


def point(tree: ScalarNode, offset: int) -> Place:
    """The place of a character inside a scalar, if the scalar is in the file as written."""
    if tree.plain:
        return tree.place._replace(column=tree.place.column + offset)
    return tree.place


class Content(Enum):
    """The content of a value that should be a scalar or a list of scalars."""

    LITERAL = 1
    COMPUTED = 2
    """It has expressions, all of which are valid."""
    UNSOUND = 3


def examine(
    tree: Tree, names: Iterable[str], what: str, problems: Problems, nesting: int = 1
) -> Content:
    """The content of a value. Notes mistakes in its expressions; `names` are the variables.

    `nesting` is how deep lists may be in each other.
    """
    if isinstance(tree, MappingNode):
        message = f"{what} must be a value, got {describe(tree)}"
        problems.add(message, tree.place, _norm_hint(tree))
        return Content.UNSOUND
    if isinstance(tree, SequenceNode):
        if _depth(tree) > nesting:
            deep = "a list within a list" if nesting == 1 else "lists that are nested too deeply"
            problems.add(f"{what} must be a value, got {deep}", tree.place)
            return Content.UNSOUND
        contents = [examine(item, names, what, problems, nesting - 1) for item in tree.items]
        return max(contents, key=lambda content: content.value, default=Content.LITERAL)
    if not is_expression(tree):
        return Content.LITERAL
    try:
        used = expr.names(tree.text)
    except expr.ExpressionError as error:
        problems.add(error.message, point(tree, error.offset), error.hint)
        return Content.UNSOUND
    unknown = [(name, offset) for name, offset in used if name not in names]
    for name, offset in unknown:
        hint = _variable_hint(name, names)
        problems.add(f"unknown variable '${name}'", point(tree, offset), hint)
    return Content.UNSOUND if unknown else Content.COMPUTED


def _depth(tree: Tree) -> int:
    """How deep lists are in each other: 1 for a list without others."""
    if not isinstance(tree, SequenceNode):
        return 0
    return 1 + max(map(_depth, tree.items), default=0)


def _norm_hint(tree: MappingNode) -> str | None:
    """What to write in place of a variable that holds a norm with arguments."""
    for word, entry in tree.entries.items():
        if word in NORMS:
            known = NORMS[word].args
            inner = entry.value.entries if isinstance(entry.value, MappingNode) else {}
            name = next((key for key in inner if key in known), next(iter(known)))
            return (
                "variables hold values; write the norm on the layer, with a variable for each "
                f"argument: norm: {{{word}: {{{name}: ${name}}}}}"
            )
    return None


def sound_entries(
    entries: Iterable[Entry],
    what: str,
    convert: Callable[[Entry], object],
    names: Iterable[str],
    problems: Problems,
) -> dict[str, Entry]:
    """The entries that are sound, or depend on variables; mistakes go to `problems`.

    `convert` raises SpecError for a literal value that the entry cannot have. `what` names an entry
    in messages, with {} for its key.
    """
    sound = {}
    for entry in entries:
        content = examine(entry.value, names, what.format(entry.key), problems)
        if content is Content.LITERAL:
            try:
                convert(entry)
            except SpecError as error:
                for problem in error.diagnostics:
                    problems.add(*problem[:3])
                continue
        if content is not Content.UNSOUND:
            sound[entry.key] = entry
    return sound


def _variable_hint(name: str, names: Iterable[str]) -> str:
    if name == "in":
        return "`$in` has a meaning only inside layers"
    near = suggest(name, set(names) - {"in"})
    return meant(name, near, "$") if near else _DECLARE


def report_unknown(
    entries: dict[str, Entry], known: Collection[str], message: str, has: str, problems: Problems
) -> set[str]:
    """Notes every unknown key; returns the known keys that they seem to mean.

    `has` lists the known keys, for unknown keys that resemble none of them.
    """
    found = set()
    for key, entry in entries.items():
        if key not in known:
            name, colon, value = key.partition(":")
            if colon and name in known:  # YAML needs a blank there
                near, hint = name, f"put a space after the colon: {name}: {value}"
            else:
                near = argument_meant(key, known) or suggest(key, known) or ""
                hint = meant(key, near) if near else has
            problems.add(f"{message} {key!r}", entry.place, hint)
            found.add(near)
    return found
