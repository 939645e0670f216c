"""Arithmetic and logic in specs: `$groups * $width`, `round_to($w * 0.75, 8)`, `$stride == 2`.

Numbers are exact: decimals and quotients are fractions, so 30 * 0.1 is 3 and not almost 3.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from groupconv_cli.errors import HintedError
from groupconv_cli.language.functions import FUNCTIONS
from groupconv_cli.language.nodes import in_words
from groupconv_cli.ops.kinds import MAX_SIZE, Value
from groupconv_cli.words import did_you_mean

if TYPE_CHECKING:
    from fractions import Fraction

MAX_LENGTH = 200
MAX_DEPTH = 30

WORDS = ("and", "or", "not", "if", "else", "true", "false")
"""Words with a meaning of their own."""

_TOKEN = re.compile(
    r"\s*(?:(?P<number>\d+(?:\.\d*)?|\.\d+)|\$(?P<name>[A-Za-z_]\w*)"
    rf"|(?P<word>(?:{'|'.join([*WORDS, *FUNCTIONS])})\b)"
    r"|(?P<operator>//|==|!=|<=|>=|[-+*/<>(),]))"
)
ARITHMETIC = re.compile(
    r"[-\s(]*\d[\d.]*[\s)]*([-+*/<>]|==|!=)[-+*/<>=!\d.\s()]*"
    rf"|\s*({'|'.join(FUNCTIONS)})\s*\(.*"
    r"|\s*not\s+(true|false)\s*"
)
"""Text without variables that is still arithmetic or a comparison of numbers."""

WORD = re.compile(r"[A-Za-z_]\w*")
_CALLED = re.compile(r"[A-Za-z_]\w*\s*\(")
WORDS_HINT = "words can be compared only as variables: vars: {word: relu}, then $act == $word"
CHARACTERS_HINT = (
    "expressions have numbers, $names, + - * / //, comparisons, and, or, not, `a if c else b`, "
    "parentheses and functions"
)

BARE_NAME = re.compile(r"\$([A-Za-z_]\w*)")

Lookup = Callable[[str], Value]


class ExpressionError(HintedError):
    """A mistake in an expression, and its offset in the text."""

    def __init__(self, message: str, offset: int = 0, hint: str | None = None) -> None:
        super().__init__(message, hint)
        self.offset = offset


class Token(NamedTuple):
    """A word of an expression. In the tree it is the name of a variable."""

    kind: str
    text: str
    offset: int


class Operation(NamedTuple):
    """An operator and its two operands. Operands are trees, names or exact numbers."""

    operator: str
    left: Any
    right: Any
    offset: int


class Logic(NamedTuple):
    """`and`, `or`, `not` or `if` on truth values. The operands of `a if c else b` are c, a, b."""

    operator: str
    operands: tuple[Any, ...]
    offset: int


class Call(NamedTuple):
    """A function of numbers."""

    function: str
    arguments: tuple[Any, ...]
    offset: int


@lru_cache(maxsize=4096)
def is_arithmetic(text: str) -> bool:
    """Whether a text without variables is an expression all the same: `2 * 4`, `8 if true else 4`.

    A call of a function that does not exist is one too, so that it gets an error that says so.
    """
    if ARITHMETIC.fullmatch(text):
        return True
    try:
        tokens = _tokens(text)
    except ExpressionError:
        return False
    return len(tokens) > 1 and any(token.kind != "number" for token in tokens)


def names(text: str) -> list[tuple[str, int]]:
    """The variables of an expression with their offsets. Raises ExpressionError."""
    return [(token.text, token.offset) for token in _tokens(text) if token.kind == "name"]


def evaluate(text: str, lookup: Lookup) -> Value:
    """The value of an expression: any value for a bare `$name`, else a number or a truth value.

    Raises ExpressionError for text that is not an expression, operands that are not numbers,
    division by zero, and results that are too large; and the errors of `lookup`.
    """
    bare = BARE_NAME.fullmatch(text.strip())
    if bare:
        return lookup(bare.group(1))
    # Variables are looked up before the arithmetic: they may be expressions too, and their depths
    # would add up during it.
    values = {name: lookup(name) for name, _ in names(text)}
    if any(isinstance(value, list | dict) for value in values.values()):
        return _value(parse(text), values.__getitem__)
    return _computed(text, tuple(values), *values.values())


@lru_cache(maxsize=4096, typed=True)  # 1, 1.0 and true differ
def _computed(text: str, names: tuple[str, ...], *values: Value) -> Value:
    """The value of an expression with these values of its names, computed once for repeats."""
    return _value(parse(text), dict(zip(names, values, strict=True)).__getitem__)


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
            raise _meaningless(text, at)
        kind = match.lastgroup or ""
        tokens.append(Token(kind, match.group(kind), match.start(kind) - (kind == "name")))
        at = match.end()
    return tuple(tokens)


def _meaningless(text: str, at: int) -> ExpressionError:
    """The error for a character or a word that has no meaning."""
    stray = WORD.match(text, at)
    word = stray.group() if stray else text[at]
    hint = WORDS_HINT if stray else CHARACTERS_HINT
    if _CALLED.match(text, at):
        near = did_you_mean(word, FUNCTIONS)
        hint = near or f"there are {', '.join(each.signature for each in FUNCTIONS.values())}"
    return ExpressionError(f"{word!r} has no meaning in the expression {text!r}", at, hint)


@lru_cache(maxsize=4096)
def parse(text: str) -> Any:
    """The tree of an expression. Raises ExpressionError if the text is not an expression."""
    parser = _Parser(text)
    tree = parser.choice(0)
    if parser.at < len(parser.tokens):
        parser.fail()
    return tree


class _Parser:
    """Recursive descent: choice > or > and > not > comparison > sum > product > sign > atom."""

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

    def taken(self, *texts: str) -> Token | None:
        if self.at < len(self.tokens):
            token = self.tokens[self.at]
            if token.kind in ("operator", "word") and token.text in texts:
                self.at += 1
                return token
        return None

    def needed(self, text: str) -> None:
        if not self.taken(text):
            if text == "else" and self.at >= len(self.tokens):
                raise ExpressionError(
                    f"the expression {self.text!r} has an 'if' without an 'else'",
                    len(self.text),
                    "a choice has both: 8 if $wide else 4",
                )
            self.fail()

    def choice(self, depth: int) -> Any:
        self.check(depth)
        value = self.either(depth)
        if token := self.taken("if"):
            condition = self.either(depth)
            self.needed("else")
            other = self.choice(depth + 1)
            return Logic("if", (condition, value, other), token.offset)
        return value

    def either(self, depth: int) -> Any:
        left = self.both(depth)
        while token := self.taken("or"):
            left = Logic("or", (left, self.both(depth)), token.offset)
        return left

    def both(self, depth: int) -> Any:
        left = self.opposite(depth)
        while token := self.taken("and"):
            left = Logic("and", (left, self.opposite(depth)), token.offset)
        return left

    def opposite(self, depth: int) -> Any:
        self.check(depth)
        if token := self.taken("not"):
            return Logic("not", (self.opposite(depth + 1),), token.offset)
        return self.comparison(depth)

    def comparison(self, depth: int) -> Any:
        left = self.sum(depth)
        comparisons = ("==", "!=", "<", "<=", ">", ">=")
        if token := self.taken(*comparisons):
            compared = Operation(token.text, left, self.sum(depth), token.offset)
            if another := self.taken(*comparisons):
                raise ExpressionError(
                    f"{another.text!r} compares a comparison in the expression {self.text!r}",
                    another.offset,
                    "combine two comparisons with and: 3 < $a and $a < 7",
                )
            return compared
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

    def check(self, depth: int) -> None:
        if depth > MAX_DEPTH:
            raise ExpressionError(f"the expression {self.text!r} is nested too deeply")

    def sign(self, depth: int) -> Any:
        self.check(depth)
        if token := self.taken("-", "+"):
            return Operation(token.text, 0, self.sign(depth + 1), token.offset)
        if self.taken("("):
            inner = self.choice(depth + 1)
            self.needed(")")
            return inner
        if token := self.taken("true", "false"):
            return token.text == "true"
        if token := self.taken(*FUNCTIONS):
            return self.call(token, depth)
        if self.at >= len(self.tokens) or self.tokens[self.at].kind in ("operator", "word"):
            self.fail()
        token = self.tokens[self.at]
        self.at += 1
        return exact(token.text) if token.kind == "number" else token

    def call(self, name: Token, depth: int) -> Any:
        self.needed("(")
        arguments = [self.choice(depth + 1)]
        while self.taken(","):
            arguments.append(self.choice(depth + 1))
        self.needed(")")
        function = FUNCTIONS[name.text]
        most = len(arguments) if function.most is None else function.most
        if not function.least <= len(arguments) <= most:
            count = f"{len(arguments)} argument{'s' * (len(arguments) > 1)}"
            raise ExpressionError(
                f"{name.text} cannot take {count}", name.offset, f"write {function.signature}"
            )
        return Call(name.text, tuple(arguments), name.offset)


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
    if isinstance(tree, Logic):
        return _truth_value(tree, lookup)
    if isinstance(tree, Call):
        arguments = [_value(argument, lookup) for argument in tree.arguments]
        _check_numbers(tree.function, arguments, tree.offset)
        if tree.function == "round_to" and arguments[1] <= 0:
            raise ExpressionError("round_to needs a divisor above 0", tree.offset)
        return _bounded(FUNCTIONS[tree.function].compute(*arguments), tree.offset)
    if not isinstance(tree, Operation):
        return tree
    left, right = _value(tree.left, lookup), _value(tree.right, lookup)
    if tree.operator in ("==", "!="):
        _check_comparable(tree, left, right)
        return (left == right) is (tree.operator == "==")
    _check_numbers(tree.operator, [left, right], tree.offset)
    if tree.operator in ("/", "//") and right == 0:
        raise ExpressionError("division by zero", tree.offset)
    if tree.operator == "/":
        from fractions import Fraction

        result: Any = Fraction(left) / Fraction(right)
    else:
        result = _ARITHMETIC[tree.operator](left, right)
    return result if isinstance(result, bool) else _bounded(result, tree.offset)


def _truth_value(tree: Logic, lookup: Lookup) -> Value:
    """The value of and, or, not, if. Operands that do not matter are not computed."""
    if tree.operator == "if":
        condition, value, other = tree.operands
        return _value(value if _truth(condition, tree, lookup) else other, lookup)
    if tree.operator == "not":
        return not _truth(tree.operands[0], tree, lookup)
    left, right = tree.operands
    if _truth(left, tree, lookup) is (tree.operator == "or"):
        return tree.operator == "or"
    return _truth(right, tree, lookup)


def _truth(operand: Any, tree: Logic, lookup: Lookup) -> bool:
    value = _value(operand, lookup)
    if not isinstance(value, bool):
        hint = truth_hint(f"${operand.text}" if isinstance(operand, Token) else "$a", value)
        raise ExpressionError(
            f"{tree.operator!r} needs true or false, got {in_words(value)}", tree.offset, hint
        )
    return value


def truth_hint(text: str, value: Value) -> str | None:
    """What to write in place of a number where true or false is needed."""
    if isinstance(value, (bool, str, list, tuple, dict)) or value is None:
        return None
    return f"a number is neither, not even 0 or 1; a comparison is one of them: {text} != 0"


def _check_comparable(tree: Operation, left: Value, right: Value) -> None:
    """Raises ExpressionError for true or false beside a number, which would never be equal."""
    for truth, other in ((left, right), (right, left)):
        is_number = not isinstance(other, (bool, str, list, tuple, dict)) and other is not None
        if isinstance(truth, bool) and is_number:
            operand = tree.left if truth is left else tree.right
            text = f"${operand.text}" if isinstance(operand, Token) else "$a"
            raise ExpressionError(
                f"{tree.operator!r} cannot compare {in_words(truth)} with the number "
                f"{in_words(other)}",
                tree.offset,
                f"what is true or false stands by itself: {text}, or not {text}",
            )


def _check_numbers(operator: str, operands: list[Value], offset: int) -> None:
    for operand in operands:
        if isinstance(operand, (bool, str, list, tuple, dict)) or operand is None:
            raise ExpressionError(f"{operator!r} needs numbers, got {in_words(operand)}", offset)


def _bounded(result: Any, offset: int) -> int | Fraction:
    if result.denominator > MAX_SIZE or not -MAX_SIZE <= result <= MAX_SIZE:
        raise ExpressionError("the result is too large for any network", offset)
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
