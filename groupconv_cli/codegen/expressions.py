"""Expressions of specs as expressions of Python."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from math import isfinite
from typing import Any

from groupconv_cli.codegen.layout import literal
from groupconv_cli.codegen.symbols import (
    AND,
    ATOM,
    CHOICE,
    COMPARISON,
    NOT,
    OR,
    PRODUCT,
    SIGN,
    SUM,
    Code,
    infix,
)
from groupconv_cli.language.expressions import (
    BARE_NAME,
    Call,
    Logic,
    Operation,
    Token,
    parse,
)
from groupconv_cli.language.nodes import ScalarNode, SequenceNode, Tree
from groupconv_cli.language.values import is_expression

Lookup = Callable[[str], Code]

LEVELS = {"+": SUM, "-": SUM, "*": PRODUCT, "/": PRODUCT, "//": PRODUCT}


class Translator:
    """Writes expressions. With `exact`, decimals are fractions, as they are in gconv."""

    def __init__(self, *, exact: bool) -> None:
        self.exact = exact

    def code(self, tree: Tree, lookup: Lookup) -> Code:
        """The code of a value of a spec; `lookup` has the codes of names."""
        if isinstance(tree, SequenceNode):
            items = [self.code(item, lookup).text for item in tree.items]
            return Code(f"[{', '.join(items)}]")
        if not isinstance(tree, ScalarNode):
            raise TypeError(type(tree).__name__)
        if not is_expression(tree):
            return self.number(tree.value)
        bare = BARE_NAME.fullmatch(tree.text.strip())
        return lookup(bare.group(1)) if bare else self._tree(parse(tree.text), lookup)

    def number(self, value: Any) -> Code:
        """A plain value; in exact code a decimal is a fraction."""
        if not isinstance(value, float | Fraction):
            return Code(literal(value), SIGN if isinstance(value, int) and value < 0 else ATOM)
        text = literal(float(value))
        if self.exact and isfinite(value):
            return Code(f'Fraction("{text}")', ATOM, is_whole=False)
        return Code(text, SIGN if value < 0 else ATOM, is_whole=False)

    def _tree(self, tree: Any, lookup: Lookup) -> Code:
        if isinstance(tree, Token):
            return lookup(tree.text)
        if isinstance(tree, Operation):
            return self._operation(tree, lookup)
        if isinstance(tree, Logic):
            return self._logic(tree, lookup)
        if isinstance(tree, Call):
            return self._call(tree, lookup)
        return self.number(tree)

    def _operation(self, tree: Operation, lookup: Lookup) -> Code:
        operator = tree.operator
        if operator in "+-" and tree.left == 0:
            right = self._tree(tree.right, lookup)
            if operator == "+":
                return right
            return Code(f"-{right.within(SIGN)}", SIGN, right.is_whole)
        left = self._tree(tree.left, lookup)
        if operator == "//" and tree.right == 1:
            return Code(f"int({left.text})")
        if operator in ("==", "!=") and isinstance(tree.right, bool):
            if tree.right is (operator == "=="):
                return left
            return Code(f"not {left.within(NOT)}", NOT)
        right = self._tree(tree.right, lookup)
        if operator not in LEVELS:
            sides = f"{left.within(SUM)} {operator} {right.within(SUM)}"
            return Code(sides, COMPARISON)
        made = infix(left, operator, right, LEVELS[operator])
        if operator == "/" and self.exact and made.is_whole:
            return Code(f"Fraction({left.text}, {right.text})", ATOM, is_whole=False)
        return made._replace(is_whole=made.is_whole and operator != "/")

    def _logic(self, tree: Logic, lookup: Lookup) -> Code:
        operands = [self._tree(each, lookup) for each in tree.operands]
        if tree.operator == "not":
            return Code(f"not {operands[0].within(NOT)}", NOT)
        if tree.operator == "if":
            condition, value, other = operands
            text = f"{value.within(OR)} if {condition.within(OR)} else {other.within(CHOICE)}"
            return Code(text, CHOICE, value.is_whole and other.is_whole)
        left, right = operands
        return infix(left, tree.operator, right, AND if tree.operator == "and" else OR)

    def _call(self, tree: Call, lookup: Lookup) -> Code:
        arguments = [self._tree(each, lookup) for each in tree.arguments]
        is_whole = tree.function in ("round", "floor", "ceil") or all(
            each.is_whole for each in arguments[tree.function == "round_to" :]
        )
        text = f"{tree.function}({', '.join(each.text for each in arguments)})"
        return Code(text, ATOM, is_whole)
