"""Numbers and words that know the code that computes them.

The layers of Keras that an op becomes are stated once, in `calls` of the op. Given such numbers,
`calls` states the code too: `self.filters` comes out as `4 * planes`, and `x[-1] // groups` as
`x.shape[-1] // groups`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import add, floordiv, mul, sub
from typing import Any, NamedTuple, Self

from groupconv_cli.codegen.layout import literal, tuple_code
from groupconv_cli.ops.calls import Initializer

CHOICE, OR, AND, NOT, COMPARISON, SUM, PRODUCT, SIGN, ATOM = range(9)
"""How tightly the outermost operator of a code binds."""


class Code(NamedTuple):
    """The text of an expression in Python."""

    text: str
    level: int = ATOM
    is_whole: bool = True
    """Whether a number that it gives is an int."""

    def within(self, level: int) -> str:
        """The text as an operand of an operator of this level, in parentheses if necessary."""
        return self.text if self.level >= level else f"({self.text})"


def infix(left: Code, operator: str, right: Code, level: int) -> Code:
    """Two operands with an operator that is evaluated from the left."""
    text = f"{left.within(level)} {operator} {right.within(level + 1)}"
    return Code(text, level, left.is_whole and right.is_whole)


class Coded:
    """What all values with a code have."""

    code: Code
    plain: Any
    """The value without the code."""
    of_shape: bool
    """Whether it comes from the shape of a tensor, and not from an expression of the spec."""

    @classmethod
    def of(cls, value: Any, code: Code, *, of_shape: bool = False) -> Self:
        """A value with its code."""
        made = cls(value)  # type: ignore[call-arg]  # it is a number, a word or a tuple as well
        made.code, made.plain, made.of_shape = code, plain(value), of_shape
        return made


def _operation(symbol: str, compute: Callable[[int, int], int], level: int) -> tuple[Any, Any]:
    """An operator of whole numbers, with the number on its left side and on its right."""
    neutral = 0 if level == SUM else 1

    def made(left: int, right: int) -> int:
        if type(right) is int and right == neutral:
            return left
        if type(left) is int and left == neutral and symbol in "+*":
            return right
        codes = [
            each.code if isinstance(each, Whole) else Code(str(each)) for each in (left, right)
        ]
        of_shape = any(isinstance(each, Whole) and each.of_shape for each in (left, right))
        value = compute(int(left), int(right))
        return Whole.of(value, infix(codes[0], symbol, codes[1], level), of_shape=of_shape)

    return made, lambda right, left: made(left, right)


class Whole(Coded, int):
    """A whole number or a truth value with its code. Arithmetic with it gives code too."""

    __add__, __radd__ = _operation("+", add, SUM)
    __sub__, __rsub__ = _operation("-", sub, SUM)
    __mul__, __rmul__ = _operation("*", mul, PRODUCT)
    __floordiv__, __rfloordiv__ = _operation("//", floordiv, PRODUCT)


class Real(Coded, float):
    """A number with its code."""


class Word(Coded, str):
    """A word with its code."""


class Sizes(Coded, tuple[Any, ...]):
    """A tuple with its code."""


def coded(value: Any, code: Code, written: Any = None, *, exact: bool = False) -> Any:
    """A plain value of an argument with its code. Other values are returned as they are.

    A tuple is of a list with this code if `written`, the value before it was converted, is a list;
    else it repeats a number. With `exact` a number that is not whole is a fraction in the code.
    """
    if isinstance(value, int):
        return Whole.of(value, code if code.is_whole else Code(f"int({code.text})"))
    if isinstance(value, float):
        is_float = not (code.is_whole or exact)
        return Real.of(value, code if is_float else Code(f"float({code.text})"))
    if isinstance(value, str):
        return Word.of(value, code)
    if isinstance(value, tuple) and isinstance(written, list):
        return Sizes.of(_items(value, code), Code(f"tuple({code.text})"))
    if isinstance(value, tuple):
        return tuple(coded(each, code, exact=exact) for each in value)
    return value


def _items(value: tuple[Any, ...], code: Code) -> list[Any]:
    """The items of a list with this code. A list among them stays one, as it is in the code."""
    codes = [Code(f"{code.text}[{number}]") for number in range(len(value))]
    return [
        Sizes.of(_items(each, code), code) if isinstance(each, tuple) else coded(each, code)
        for each, code in zip(value, codes, strict=True)
    ]


def shape_of(variable: str, shape: Sequence[int]) -> Sizes:
    """The shape of a tensor in a variable."""
    axes = [*range(1, len(shape)), -1]
    sizes = [
        Whole.of(size, Code(f"{variable}.shape[{axis}]"), of_shape=True)
        for axis, size in zip(axes, shape, strict=True)
    ]
    return Sizes.of(sizes, Code(f"{variable}.shape[1:]"), of_shape=True)


def plain(value: Any) -> Any:
    """A value without codes."""
    if isinstance(value, Coded):
        return value.plain
    if isinstance(value, tuple | list):
        return tuple(plain(each) for each in value)
    return value


def text_of(value: Any) -> str:
    """The text of a value, which is its code if it has one."""
    if isinstance(value, Coded):
        return value.code.text
    if isinstance(value, Initializer):
        return f"keras.initializers.{value.function}({text_of(value.value)})"
    if isinstance(value, tuple):
        return tuple_code([text_of(each) for each in value])
    return literal(value)
