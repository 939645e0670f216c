"""Hints for values and layers of a spec that are not what they should be."""

from __future__ import annotations

import re
from collections.abc import Collection

from groupconv_cli.language.expressions import ExpressionError, parse
from groupconv_cli.language.nodes import ScalarNode, Tree
from groupconv_cli.ops import LAYERS, Arg
from groupconv_cli.ops.kinds import NONE, Choice, LayerChoice
from groupconv_cli.words import meant, without_confusables

LIKE_AN_EXPRESSION = re.compile(r"^[A-Za-z_]\w*\s*\(|\d\s*[-+*/%^&|<>=(]|\d\s+(and|or|if)\b")
"""Text that seems to be meant as an expression, if it is none."""

WORDS_FOR_NONE = ("none", "no", "off", "false")


def value_hint(key: str, tree: Tree, declared: Arg, names: Collection[str]) -> str | None:
    """What would be right in place of a literal value, where it can be told."""
    if not isinstance(tree, ScalarNode):
        return None
    if tree.text in names:
        return f"did you mean '${tree.text}'?"
    if why := why_no_expression(tree.text):
        return why
    looks = without_confusables(tree.text)
    if looks != tree.text and looks.isascii():
        return meant(tree.text, looks)
    if declared.default is None and tree.text.lower() in WORDS_FOR_NONE:
        if isinstance(declared.kind, LayerChoice):
            return f"to use no {key}, write {key}: {NONE}"
        if isinstance(declared.kind, Choice):
            return f"to use no {key}, leave it out"
    return None


def why_no_expression(text: str) -> str | None:
    """What is wrong with a text that seems to be meant as an expression."""
    if not LIKE_AN_EXPRESSION.search(text):
        return None
    try:
        parse(text)
    except ExpressionError as error:
        return f"{error.message}; {error.hint}" if error.hint else error.message
    return None


def example(layer: str) -> str | None:
    """An example of the layer from the docstring of its class."""
    registered = LAYERS.get(layer)
    for line in (registered.cls.__doc__ or "").splitlines() if registered else ():
        if line.strip().startswith("Example: "):
            return f"for example: {line.strip().removeprefix('Example: ').strip('`')}"
    return None
