"""Whether a variable can only make a network larger, as far as the text of the spec shows it.

A search for a cost relies on this, so whatever is not sure counts as a no. The other half of the
proof, which looks at networks, is in `analysis/growth_proof.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from groupconv_cli.analysis.growth_proof import Growth
from groupconv_cli.language import expressions as expr
from groupconv_cli.language.nodes import Entry, ScalarNode, SequenceNode, Tree
from groupconv_cli.language.spec import Items, Spec
from groupconv_cli.language.values import is_expression, is_nothing

SIZES = ("filters", "units")
"""Arguments of layers with which outputs and costs grow."""

CHANNELS = "in"
"""The name of the channels that enter a layer. They depend on every variable that sizes layers."""

COUNTER = "i"
"""The name of the number of a repetition."""


def growth(spec: Spec, changes: Mapping[str, Entry], name: str) -> Growth:
    """What the spec says about the variable; `changes` replace values of other variables."""
    names = _Names(spec, changes, name)
    lists = [spec.layers, *(block.layers for block in spec.blocks.values())]
    fixed = [*spec.inputs.values(), *spec.groups.values()]
    if any(names.depends(entry.value) for entry in fixed):
        return Growth(False, False)
    found = [_of_items(items, spec, names) for items in lists]
    return Growth(all(each.is_sure for each in found), any(each.projects for each in found))


def _of_items(items: Items, spec: Spec, names: _Names) -> Growth:
    sure, projects = True, False
    for item in items:
        fixed = [item.repeat, item.when, *(e.value for e in (item.each or {}).values())]
        sure = sure and not any(tree is not None and names.depends(tree) for tree in fixed)
        is_block = item.layer in spec.blocks
        for key, given in item.args.items():
            inner = [given.layers] if given.layers is not None else []
            for branch in given.branches or ():
                inner.append(branch.layers)
                sure = sure and not (branch.when is not None and names.depends(branch.when))
            for layers in inner:
                below = _of_items(layers, spec, names)
                sure, projects = sure and below.is_sure, projects or below.projects
            if inner or is_block:  # the values of a block's parameters count where they are used
                continue
            if key == "shortcut" and isinstance(given.tree, ScalarNode):
                sure = sure and given.tree.text != "if_same"
                projects = projects or given.tree.text == "project"
            if names.depends(given.tree):
                sure = sure and key in SIZES and names.rises(given.tree)
    return Growth(sure, projects)


class _Names:
    """Names of variables and parameters. Those of one name count as one, which is on the safe side.

    A name depends on the variable, rises with it, or cannot be negative, if so do all values that
    it has anywhere in the spec.
    """

    def __init__(self, spec: Spec, changes: Mapping[str, Entry], name: str) -> None:
        values: dict[str, list[Tree]] = {}
        for given, tree in _assigned(spec, changes):
            if given != name or tree is not (spec.vars | dict(changes))[name].value:
                values.setdefault(given, []).append(tree)
        self.dependent = {name, CHANNELS}
        while more := {
            each
            for each, trees in values.items()
            if each not in self.dependent and any(map(self.depends, trees))
        }:
            self.dependent |= more
        known = {name, CHANNELS, COUNTER, *values}
        self.natural = set(known)
        _drop(self.natural, lambda each: all(map(self.is_natural, values.get(each, ()))))
        self.rising = set(known)
        _drop(self.rising, lambda each: all(map(self.rises, values.get(each, ()))))

    def depends(self, tree: Tree) -> bool:
        """Whether the value depends on the variable."""
        return any(name in self.dependent for name in _names_in(tree))

    def rises(self, tree: Tree) -> bool:
        """Whether the value never falls if the variable rises."""
        if not self.depends(tree):
            return True
        return isinstance(tree, ScalarNode) and self._rises(expr.parse(tree.text))

    def is_natural(self, tree: Tree) -> bool:
        """Whether the value is a number that is never negative."""
        if not isinstance(tree, ScalarNode):
            return False
        if is_expression(tree):
            return self._is_natural(expr.parse(tree.text))
        return isinstance(tree.value, int | float) and tree.value >= 0

    def _varies(self, part: Any) -> bool:
        return any(name in self.dependent for name in _tokens(part))

    def _rises(self, part: Any) -> bool:
        if not self._varies(part):
            return True
        if isinstance(part, expr.Token):
            return part.text in self.rising
        if isinstance(part, expr.Logic):
            condition, *branches = part.operands
            is_choice = part.operator == "if" and not self._varies(condition)
            return is_choice and all(map(self._rises, branches))
        if isinstance(part, expr.Call):
            first, *rest = part.arguments
            if part.function == "round_to":
                return self._rises(first) and not any(map(self._varies, rest))
            return all(map(self._rises, part.arguments))
        left, right = part.left, part.right
        if part.operator == "+":
            return self._rises(left) and self._rises(right)
        if part.operator == "-":
            return self._rises(left) and not self._varies(right)
        if part.operator == "*":
            return all(self._rises(each) and self._is_natural(each) for each in (left, right))
        if part.operator in ("/", "//"):
            return self._rises(left) and not self._varies(right) and self._is_natural(right)
        return False

    def _is_natural(self, part: Any) -> bool:
        if isinstance(part, expr.Token):
            return part.text in self.natural
        if isinstance(part, expr.Logic):
            return part.operator == "if" and all(map(self._is_natural, part.operands[1:]))
        if isinstance(part, expr.Call):
            return all(map(self._is_natural, part.arguments))
        if isinstance(part, expr.Operation):
            both = self._is_natural(part.left) and self._is_natural(part.right)
            return both and part.operator in ("+", "*", "/", "//")
        return not isinstance(part, bool) and bool(part >= 0)


def _drop(names: set[str], holds: Callable[[str], bool]) -> None:
    """Drops names for which it does not hold, and then those for which it held thanks to them."""
    while failing := {name for name in names if not holds(name)}:
        names -= failing


def _assigned(spec: Spec, changes: Mapping[str, Entry]) -> Iterator[tuple[str, Tree]]:
    """Every value that a name has somewhere: of variables, of parameters, of lists in `each`."""
    for key, entry in (spec.vars | dict(changes)).items():
        yield key, entry.value
    lists = [spec.layers]
    for block in spec.blocks.values():
        lists.append(block.layers)
        yield from ((k, e.value) for k, e in block.params.items() if not is_nothing(e.value))
    for items in lists:
        yield from _assigned_in(items, spec)


def _assigned_in(items: Items, spec: Spec) -> Iterator[tuple[str, Tree]]:
    for item in items:
        for key, entry in (item.each or {}).items():
            trees = entry.value.items if isinstance(entry.value, SequenceNode) else [entry.value]
            yield from ((key, tree) for tree in trees)
        for key, given in item.args.items():
            if item.layer in spec.blocks:
                yield key, given.tree
            for layers in (given.layers, *(branch.layers for branch in given.branches or ())):
                yield from _assigned_in(layers or (), spec)


def _names_in(tree: Tree) -> Iterator[str]:
    if isinstance(tree, ScalarNode):
        if is_expression(tree):
            yield from (name for name, _ in expr.names(tree.text))
        return
    inner = tree.items if isinstance(tree, SequenceNode) else tree.entries.values()
    for each in inner:
        yield from _names_in(each.value if isinstance(each, Entry) else each)


def _tokens(part: Any) -> Iterator[str]:
    """The names in a part of an expression."""
    if isinstance(part, expr.Token):
        yield part.text
    elif isinstance(part, expr.Operation):
        yield from _tokens(part.left)
        yield from _tokens(part.right)
    elif isinstance(part, expr.Logic | expr.Call):
        for each in part.operands if isinstance(part, expr.Logic) else part.arguments:
            yield from _tokens(each)
