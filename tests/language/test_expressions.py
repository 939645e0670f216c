"""Arithmetic in specs."""

from __future__ import annotations

from fractions import Fraction

import pytest

from groupconv_cli.language.expressions import ExpressionError, evaluate, names

NUMBERS = {"a": 6, "b": 4, "half": 0.5, "third": Fraction(1, 3)}
VALUES = NUMBERS | {"word": "relu", "yes": True, "none": None}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("$a + $b", 10),
        ("$a - $b - 1", 1),
        ("$a * ($b + 1)", 30),
        ("2 + $a * $b", 26),
        ("-$a + 10", 4),
        ("$a / $b", Fraction(3, 2)),
        ("$a / 2", 3),
        ("$a // $b", 1),
        ("-7 // 2 + 0 * $a", -4),
        ("64 * $half", 32),
        ("30 * 0.1 + 0 * $a", 3),
        ("$third * 3", 1),
        ("$a == 6", True),
        ("$a != 6", False),
        ("$a < $b", False),
        ("$a >= $b + 2", True),
        ("$word == $word", True),
        ("$word", "relu"),
        ("$yes", True),
        (" $a ", 6),
    ],
)
def test_value(text: str, expected: object) -> None:
    value = evaluate(text, VALUES.__getitem__)
    assert value == expected
    assert type(value) is type(expected)


@pytest.mark.parametrize(
    ("text", "message", "offset"),
    [
        ("$a +", "ends too early", 4),
        ("$a $b", "'b' is out of place", 3),
        ("$a + * 2", "'*' is out of place", 5),
        ("($a", "ends too early", 3),
        ("$a ^ 2", "'^' has no meaning", 3),
        ("$a / 0", "division by zero", 3),
        ("$a // ($b - 4)", "division by zero", 3),
        ("$word + 1", "needs numbers, got 'relu'", 6),
        ("$yes + 1", "needs numbers, got true", 5),
        ("1 - $none", "needs numbers, got nothing", 2),
        ("$", "has no meaning", 0),
        ("1000000000000 * 1000000000000 * $a", "too large for any network", 14),
        ("(" * 40 + "$a" + ")" * 40, "nested too deeply", 0),
        ("$a" + " + 1" * 100, "characters; 200 is the limit", 0),
    ],
)
def test_mistakes_say_what_and_where(text: str, message: str, offset: int) -> None:
    with pytest.raises(ExpressionError, match=message.replace("*", r"\*").replace("^", r"\^")) as e:
        evaluate(text, VALUES.__getitem__)
    assert e.value.offset == offset


def test_names_with_their_offsets() -> None:
    assert names("$a * (2 + $b)") == [("a", 0), ("b", 10)]
