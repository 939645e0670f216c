"""Arithmetic in specs: `$groups * $width`, `$out // 4`, `$stride == 2`.

Numbers are exact: decimals and quotients are fractions, so 30 * 0.1 is 3 and not almost 3.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from groupconv_cli.language.nodes import in_words
from groupconv_cli.ops.kinds import MAX_SIZE, Value

if TYPE_CHECKING:
    from fractions import Fraction

MAX_LENGTH = 200
MAX_DEPTH = 30

_TOKEN = re.compile(
    r"\s*(?:(?P<number>\d+(?:\.\d*)?|\.\d+)|\$(?P<name>[A-Za-z_]\w*)"
    r"|(?P<operator>//|==|!=|<=|>=|[-+*/<>()]))"
)
ARITHMETIC = re.compile(r"[-\s(]*\d[\d.]*[\s)]*([-+*/<>]|==|!=)[-+*/<>=!\d.\s()]*")
"""Text without variables that is arithmetic or a comparison of numbers all the same."""

WORD = re.compile(r"[A-Za-z_]\w*")
WORDS_HINT = "words can be compared only as variables: vars: {word: relu}, then $act == $word"
CHARACTERS_HINT = "expressions have numbers, $names, + - * / //, comparisons and parentheses"

BARE_NAME = re.compile(r"\$([A-Za-z_]\w*)")

Lookup = Callable[[str], Value]


class ExpressionError(Exception):
    """What is wrong with an expression, and how far into its text."""

    def __init__(self, message: str, offset: int = 0, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.offset = offset
        self.hint = hint


class Token(NamedTuple):
    """A word of an expression; in its tree the name of a variable."""

    kind: str
    text: str
    offset: int


class Operation(NamedTuple):
    """Two operands and what is between them. Operands are trees, names or exact numbers."""

    operator: str
    left: Any
    right: Any
    offset: int


def names(text: str) -> list[tuple[str, int]]:
    """The variables of an expression with their offsets. Raises ExpressionError."""
    return [(token.text, token.offset) for token in _tokens(text) if token.kind == "name"]


def evaluate(text: str, lookup: Lookup) -> Value:
    """The value of an expression: of a bare `$name` whatever that is, else a number or truth.

    Raises ExpressionError for text that is not an expression, operands that are not numbers,
    division by zero, and results beyond any size; and whatever `lookup` raises.
    """
    bare = BARE_NAME.fullmatch(text.strip())
    if bare:
        return lookup(bare.group(1))
    # Variables are looked up before the arithmetic, not amid it: they may be expressions too, and
    # the depths of all would add up.
    values = {name: lookup(name) for name, _ in names(text)}
    return _value(parse(text), values.__getitem__)


@lru_cache(maxsize=4096)
def _tokens(text: str) -> tuple[Token, ...]:
    if len(text) > MAX_LENGTH:
        raise ExpressionError(f"an expression of {len(text)} characters; {MAX_LENGTH} is the limit")
    tokens: list[Token] = []
    at = 0
    end = len(text.rstrip())
    while at < end:
        match = _TOKEN.match(text, at)
        if match is None:
            at += len(text[at:]) - len(text[at:].lstrip())
            stray = WORD.match(text, at)
            word = stray.group() if stray else text[at]
            message = f"{word!r} has no meaning in the expression {text!r}"
            raise ExpressionError(message, at, WORDS_HINT if stray else CHARACTERS_HINT)
        kind = match.lastgroup or ""
        tokens.append(Token(kind, match.group(kind), match.start(kind) - (kind == "name")))
        at = match.end()
    return tuple(tokens)


@lru_cache(maxsize=4096)
def parse(text: str) -> Any:
    """The tree of an expression. Raises ExpressionError for what is none."""
    parser = _Parser(text)
    tree = parser.comparison(0)
    if parser.at < len(parser.tokens):
        parser.fail()
    return tree


class _Parser:
    """Recursive descent: comparison > sum > product > sign > atom."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = _tokens(text)
        self.at = 0

    def fail(self) -> None:
        if self.at >= len(self.tokens):
            raise ExpressionError(f"the expression {self.text!r} ends too early", len(self.text))
        token = self.tokens[self.at]
        raise ExpressionError(
            f"{token.text!r} is out of place in the expression {self.text!r}", token.offset
        )

    def taken(self, *operators: str) -> Token | None:
        if self.at < len(self.tokens):
            token = self.tokens[self.at]
            if token.kind == "operator" and token.text in operators:
                self.at += 1
                return token
        return None

    def comparison(self, depth: int) -> Any:
        left = self.sum(depth)
        if token := self.taken("==", "!=", "<", "<=", ">", ">="):
            return Operation(token.text, left, self.sum(depth), token.offset)
        return left

    def sum(self, depth: int) -> Any:
        left = self.product(depth)
        while token := self.taken("+", "-"):
            left = Operation(token.text, left, self.product(depth), token.offset)
        return left

    def product(self, depth: int) -> Any:
        left = self.sign(depth)
        while token := self.taken("*", "/", "//"):
            left = Operation(token.text, left, self.sign(depth), token.offset)
        return left

    def sign(self, depth: int) -> Any:
        if depth > MAX_DEPTH:
            raise ExpressionError(f"the expression {self.text!r} is nested too deeply")
        if token := self.taken("-", "+"):
            return Operation(token.text, 0, self.sign(depth + 1), token.offset)
        if self.taken("("):
            inner = self.comparison(depth + 1)
            if not self.taken(")"):
                self.fail()
            return inner
        if self.at >= len(self.tokens) or self.tokens[self.at].kind == "operator":
            self.fail()
        token = self.tokens[self.at]
        self.at += 1
        return exact(token.text) if token.kind == "number" else token


def exact(number: str | float) -> int | Fraction:
    """A number without rounding: an int if it is whole, else a Fraction of the decimal."""
    text = str(number)
    if text.isdigit():
        return int(text)
    from fractions import Fraction

    return _whole_if_possible(Fraction(text))


def _whole_if_possible(number: int | Fraction) -> int | Fraction:
    return int(number) if number.denominator == 1 else number


def _value(tree: Any, lookup: Lookup) -> Value:
    if isinstance(tree, Token):
        value = lookup(tree.text)
        if isinstance(value, float):
            return exact(value)
        return value
    if not isinstance(tree, Operation):
        return tree
    left, right = _value(tree.left, lookup), _value(tree.right, lookup)
    if tree.operator in ("==", "!="):
        return (left == right) is (tree.operator == "==")
    for operand in (left, right):
        if isinstance(operand, (bool, str, list, tuple, dict)) or operand is None:
            raise ExpressionError(
                f"{tree.operator!r} needs numbers, got {in_words(operand)}", tree.offset
            )
    if tree.operator in ("/", "//") and right == 0:
        raise ExpressionError("division by zero", tree.offset)
    if tree.operator == "/":
        from fractions import Fraction

        result: Any = Fraction(left) / Fraction(right)
    else:
        result = _ARITHMETIC[tree.operator](left, right)
    if isinstance(result, bool):
        return result
    if result.denominator > MAX_SIZE or not -MAX_SIZE <= result <= MAX_SIZE:
        raise ExpressionError("the result is too large for any network", tree.offset)
    return _whole_if_possible(result)


_ARITHMETIC: dict[str, Callable[[Any, Any], Any]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "//": lambda a, b: a // b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}
