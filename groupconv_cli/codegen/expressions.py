"""Expressions of the spec as Python, with the values that Python computes for them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from groupconv_cli.codegen.align import Context
from groupconv_cli.codegen.layout import literal
from groupconv_cli.language import expressions as expr

CHOICE, OR, AND, NOT, COMPARISON, SUM, PRODUCT, SIGN, ATOM = range(9)


class Code(NamedTuple):
    """A Python expression, its precedence, and its value in a use of the function."""

    text: str
    level: int
    value: Callable[[Context], Any]

    def within(self, level: int) -> str:
        """The text as an operand of an operator with the precedence `level`."""
        return self.text if self.level >= level else f"({self.text})"


class NoCode(Exception):
    """Raised for a text that is not an expression, or uses names unknown in the function."""


Names = Callable[[str], Code]
"""The Python code for a name of the spec. Raises NoCode for an unknown name."""


def translate(text: str, names: Names, *, whole: bool = False) -> Code:
    """The Python code for an expression of the spec; with `whole`, `/` must leave no remainder.

    Raises NoCode.
    """
    try:
        if not expr.names(text):
            raise NoCode(text)
        return _code(expr.parse(text), names, whole=whole)
    except expr.ExpressionError as error:
        raise NoCode(text) from error


def constant(value: Any) -> Code:
    """A literal."""
    return Code(literal(value), ATOM, lambda _: value)


def same(a: Any, b: Any) -> bool:
    """Whether two values are equal and of the same type, so that Keras sees no difference."""
    return type(a) is type(b) and bool(a == b)


def _code(tree: Any, names: Names, *, whole: bool) -> Code:
    if isinstance(tree, expr.Token):
        return names(tree.text)
    if isinstance(tree, expr.Logic):
        return _logic(tree.operator, [_code(each, names, whole=whole) for each in tree.operands])
    if isinstance(tree, expr.Call):
        return _call(tree.function, [_code(each, names, whole=whole) for each in tree.arguments])
    if isinstance(tree, bool):
        return constant(tree)
    if not isinstance(tree, expr.Operation):
        return constant(tree if isinstance(tree, int) else float(tree))
    left, right = (_code(side, names, whole=whole) for side in (tree.left, tree.right))
    operator = tree.operator
    if operator in "+-" and tree.left == 0:
        sign = Code(f"-{right.within(SIGN)}", SIGN, lambda each: -right.value(each))
        return sign if operator == "-" else right
    if operator == "//" and right.text == "1":
        return Code(f"int({left.text})", ATOM, lambda each: int(left.value(each)))
    operator = "//" if operator == "/" and whole else operator
    level, compute = _OPERATORS[operator]
    text = f"{left.within(max(level, SUM))} {operator} {right.within(level + 1)}"
    return Code(text, level, lambda each: compute(left.value(each), right.value(each)))


def _logic(operator: str, operands: list[Code]) -> Code:
    if operator == "if":
        condition, value, other = operands
        return Code(
            f"{value.within(OR)} if {condition.within(OR)} else {other.text}",
            CHOICE,
            lambda each: value.value(each) if condition.value(each) else other.value(each),
        )
    if operator == "not":
        (operand,) = operands
        return Code(f"not {operand.within(NOT)}", NOT, lambda each: not operand.value(each))
    level = AND if operator == "and" else OR
    left, right = operands
    return Code(
        f"{left.within(level)} {operator} {right.within(level + 1)}",
        level,
        lambda each: (
            left.value(each) and right.value(each)
            if operator == "and"
            else left.value(each) or right.value(each)
        ),
    )


def _call(function: str, arguments: list[Code]) -> Code:
    """A call of a built-in function of Python. Raises NoCode for other functions."""
    if function not in _OF_PYTHON:
        raise NoCode(function)
    compute = _OF_PYTHON[function]
    return Code(
        f"{function}({', '.join(each.text for each in arguments)})",
        ATOM,
        lambda context: compute(*(each.value(context) for each in arguments)),
    )


_OF_PYTHON: dict[str, Callable[..., Any]] = {"min": min, "max": max, "round": round}

_OPERATORS: dict[str, tuple[int, Callable[[Any, Any], Any]]] = {
    "+": (SUM, lambda a, b: a + b),
    "-": (SUM, lambda a, b: a - b),
    "*": (PRODUCT, lambda a, b: a * b),
    "/": (PRODUCT, lambda a, b: a / b),
    "//": (PRODUCT, lambda a, b: a // b),
    "==": (COMPARISON, lambda a, b: a == b),
    "!=": (COMPARISON, lambda a, b: a != b),
    "<": (COMPARISON, lambda a, b: a < b),
    "<=": (COMPARISON, lambda a, b: a <= b),
    ">": (COMPARISON, lambda a, b: a > b),
    ">=": (COMPARISON, lambda a, b: a >= b),
}
