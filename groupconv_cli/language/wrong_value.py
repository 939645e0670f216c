"""The problem of a value in a spec that is not what its key needs."""

from __future__ import annotations

from groupconv_cli.errors import Diagnostic
from groupconv_cli.language.nodes import ScalarNode, SequenceNode, Tree, describe, in_words
from groupconv_cli.language.values import is_computed
from groupconv_cli.ops.kinds import Value


def text_of(tree: Tree) -> str:
    """An expression as it is written."""
    return tree.text if isinstance(tree, ScalarNode) else describe(tree)


def part_of(tree: Tree, at: int | None) -> Tree:
    """The item of a list that is wrong; the tree itself if that is no list, or wrong as a whole."""
    return tree if at is None or not isinstance(tree, SequenceNode) else tree.items[at]


def not_a(key: str, words: str, tree: Tree, value: Value, hint: str | None = None) -> Diagnostic:
    """The problem of a key that must have another value."""
    computed = is_computed(tree)
    if isinstance(value, bool) and computed and hint is None and key not in ("when", "repeat"):
        hint = f"it is true or false; a number follows from it as in `8 if {text_of(tree)} else 16`"
    received = f"{describe(tree)} is {in_words(value)}" if computed else f"got {describe(tree)}"
    return Diagnostic(f"{key} must be {words}; {received}", tree.place, hint)
