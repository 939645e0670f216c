"""Arithmetic in specs."""

from __future__ import annotations

from fractions import Fraction

import pytest

from groupconv_cli.language.expressions import ExpressionError, evaluate, is_arithmetic, names

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
        ("min($a, $b, 5)", 4),
        ("max($half, $third)", Fraction(1, 2)),
        ("floor(-$half)", -1),
        ("ceil($a / $b)", 2),
        ("round($half)", 0),
        ("round($a / $b + $third)", 2),
        ("$yes and $a > 5", True),
        ("not $yes or $a < $b", False),
        ("not ($a == $b)", True),
        ("true and not false", True),
        ("$a if $yes else $b", 6),
        ("1 if $a < $b else 2 if $b < 3 else 3", 3),
        ("$word if $yes else $none", "relu"),
        ("$a / 0 if not $yes else 1", 1),
        ("$yes or $word == 1 / 0", True),
        ("2 * max($a, $b) - 1", 11),
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
        ("min($a)", "min cannot take 1 argument", 0),
        ("round($a, 2)", "round cannot take 2 arguments", 0),
        ("max($a, $word)", "needs numbers, got 'relu'", 0),
        ("round_to($a, 0)", "needs a divisor above 0", 0),
        ("$a and $yes", "'and' needs true or false, got 6", 3),
        ("not $word", "'not' needs true or false, got 'relu'", 0),
        ("1 if $a else 2", "'if' needs true or false, got 6", 2),
        ("1 if $yes", "has an 'if' without an 'else'", 9),
        ("max(1, $a", "ends too early", 9),
        ("roundto($a, 8)", "'roundto' has no meaning", 0),
        ("$a and", "ends too early", 6),
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


@pytest.mark.parametrize(
    ("text", "remedy", "value"),
    [
        ("1 if $a else 2", "$a != 0", 1),
        ("not $b", "$b != 0", False),
        ("$yes == 1", "$yes", True),
        ("0 != $yes", "not $yes", False),
    ],
)
def test_a_number_is_neither_true_nor_false(text: str, remedy: str, value: object) -> None:
    """What the error names in its place works."""
    with pytest.raises(ExpressionError) as error:
        evaluate(text, VALUES.__getitem__)
    assert remedy in (error.value.hint or "")
    mended = f"1 if {remedy} else 2" if " if " in text else remedy
    if text.startswith("not"):
        mended = f"not ({remedy})"
    assert evaluate(mended, VALUES.__getitem__) == value


def test_words_and_nothing_differ_from_true() -> None:
    assert evaluate("$word == $yes", VALUES.__getitem__) is False
    assert evaluate("$none != $yes", VALUES.__getitem__) is True
    assert evaluate("$yes == true", VALUES.__getitem__) is True


def test_names_with_their_offsets() -> None:
    assert names("$a * (2 + $b)") == [("a", 0), ("b", 10)]


def make_divisible(v: float, divisor: int = 8) -> int:
    """As in TensorFlow's slim/nets/mobilenet/conv_blocks.py, word for word."""
    new_v = max(divisor, int(v + divisor / 2) // divisor * divisor)
    if new_v < 0.9 * v:
        new_v += divisor
    return int(new_v)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2 * 4", True),
        ("8 if true else 4", True),
        ("true and 3 > 2", True),
        ("not false", True),
        ("min(8, 4) * 2", True),
        ("relu", False),
        ("true", False),
        ("1.2.3", False),
        ("same", False),
        ("a (b)", False),
    ],
)
def test_what_is_an_expression_without_variables(text: str, expected: bool) -> None:
    assert is_arithmetic(text) is expected


@pytest.mark.parametrize("divisor", [4, 8, 16])
def test_round_to_is_the_rule_of_the_mobilenets(divisor: int) -> None:
    """Widths of the papers, at every multiplier that they have and some more."""
    for width in (3, 8, 16, 24, 32, 40, 48, 64, 72, 96, 112, 120, 160, 184, 200, 320, 960, 1280):
        for percent in (10, 25, 35, 50, 75, 100, 110, 130, 140, 200):
            found = evaluate(f"round_to({width} * $w / 100, {divisor})", {"w": percent}.__getitem__)
            assert found == make_divisible(width * percent / 100, divisor), (width, percent)


def test_a_function_that_is_not_there_is_told_which_are() -> None:
    with pytest.raises(ExpressionError) as near:
        evaluate("roundto($a, 8)", VALUES.__getitem__)
    assert near.value.hint == "did you mean 'round_to'?"
    with pytest.raises(ExpressionError) as far:
        evaluate("sqrt($a)", VALUES.__getitem__)
    assert far.value.hint.startswith("there are round_to(x, 8), round(x), floor(x)")


def test_values_that_are_equal_but_of_another_type_are_computed_again() -> None:
    assert evaluate("$a + 1", {"a": 1}.__getitem__) == 2
    assert evaluate("$a + 1", {"a": 1.0}.__getitem__) == 2
    with pytest.raises(ExpressionError, match="needs numbers, got true"):
        evaluate("$a + 1", {"a": True}.__getitem__)
