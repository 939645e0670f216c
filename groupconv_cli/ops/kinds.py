"""The kinds of value an argument of a layer can have.

A kind converts a value of a spec to the value of an op. It also describes the values that it
accepts, in words and as JSON Schema. So the same object serves the reader, the error messages, the
schema and the documentation.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import isnan
from typing import Any

from groupconv_cli.errors import HintedError
from groupconv_cli.words import did_you_mean, joined

Value = Any
"""A plain value from a spec: int, float, Fraction, bool, str, list, dict or None."""

NONE = "none"
"""The word for no layer at all."""

MAX_SIZE = 10**15
"""The largest number: nothing larger could ever be built."""

EXPRESSION = {
    "type": "string",
    "pattern": r"\$|^[-(\s]*[0-9].*[-+*/<>=]|^\s*[a-z_]+\s*\(|^\s*not\s|\s(and|or|if)\s",
}
"""JSON Schema of a scalar that is computed from variables."""


class KindError(HintedError):
    """A value of the wrong kind; the message completes the sentence '<arg> must be …'.

    `at` is the place in a list of the value that is wrong, if it is not the list itself.
    """

    def __init__(self, message: str, hint: str | None = None, at: int | None = None) -> None:
        super().__init__(message, hint)
        self.at = at


def as_whole(value: Value) -> int | None:
    """`value` as an int if it is a whole number (64, 64.0, Fraction(64)), else None."""
    if isinstance(value, (bool, str)) or value is None:
        return None
    if isinstance(value, int):
        return value
    try:
        whole = int(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return whole if whole == value else None


class Kind:
    """One kind of value. Subclasses give `convert`, `words` and `schema`."""

    words: str
    """The accepted values in words, to complete '<arg> must be …'."""

    per_axis = False
    """Whether a list of one value per spatial axis is accepted."""

    nesting = 1
    """How deep lists may be in each other."""

    def convert(self, value: Value) -> Any:
        """The value for the op. Raises KindError if the value is not of this kind."""
        raise KindError(self.words)

    def schema(self) -> dict[str, Any]:
        """JSON Schema of the accepted values, expressions included."""
        return {}


class Int(Kind):
    """A whole number, `minimum` or more."""

    def __init__(self, minimum: int = 1) -> None:
        self.minimum = minimum
        self.words = f"a whole number, {minimum} or more"

    def convert(self, value: Value) -> int:
        whole = as_whole(value)
        if whole is None or whole < self.minimum:
            raise KindError(self.words)
        if whole > MAX_SIZE:
            raise KindError(f"{self.words}, and at most {MAX_SIZE:,}")
        return whole

    def schema(self) -> dict[str, Any]:
        return {"anyOf": [{"type": "integer", "minimum": self.minimum}, EXPRESSION]}


class Real(Kind):
    """A number between `low` and `high`; `below_high` excludes `high` itself."""

    def __init__(
        self, low: float | None = None, high: float | None = None, *, below_high: bool = False
    ) -> None:
        self.low, self.high, self.below_high = low, high, below_high
        at_least = "" if low is None else f", {low:g} or more"
        at_most = "" if high is None else f", {'below' if below_high else 'at most'} {high:g}"
        self.words = f"a number{at_least}{at_most}"

    def convert(self, value: Value) -> float:
        if isinstance(value, (bool, str)) or value is None:
            raise KindError(self.words)
        try:
            number = float(value)
        except (TypeError, ValueError, OverflowError):
            raise KindError(self.words) from None
        too_low = self.low is not None and number < self.low
        too_high = self.high is not None and (
            number >= self.high if self.below_high else number > self.high
        )
        if isnan(number) or too_low or too_high:
            raise KindError(self.words)
        return number

    def schema(self) -> dict[str, Any]:
        number: dict[str, Any] = {"type": "number"}
        if self.low is not None:
            number["minimum"] = self.low
        if self.high is not None:
            number["exclusiveMaximum" if self.below_high else "maximum"] = self.high
        return {"anyOf": [number, EXPRESSION]}


class Odd(Int):
    """An odd number, 1 or more."""

    def __init__(self) -> None:
        super().__init__(1)
        self.words = "an odd number, 1 or more"

    def convert(self, value: Value) -> int:
        number = super().convert(value)
        if number % 2 == 0:
            raise KindError(self.words)
        return number

    def schema(self) -> dict[str, Any]:
        number = {"type": "integer", "minimum": 1, "not": {"multipleOf": 2}}
        return {"anyOf": [number, EXPRESSION]}


class PerChannel(Kind):
    """A number, or a list of one for each channel; held as a float or a tuple."""

    words = "a number, or a list of one for each channel"

    def convert(self, value: Value) -> float | tuple[float, ...]:
        if not isinstance(value, (list, tuple)):
            try:
                return Real().convert(value)
            except KindError:
                raise KindError(self.words) from None
        try:
            numbers = tuple(Real().convert(each) for each in value)
        except KindError:
            raise KindError(self.words) from None
        if not numbers:
            raise KindError(self.words)
        return numbers

    def schema(self) -> dict[str, Any]:
        one = Real().schema()
        return {"anyOf": [one, {"type": "array", "items": one, "minItems": 1}]}


class Flag(Kind):
    """true or false."""

    words = "true or false"

    def convert(self, value: Value) -> bool:
        if not isinstance(value, bool):
            raise KindError(self.words)
        return value

    def schema(self) -> dict[str, Any]:
        return {"anyOf": [{"type": "boolean"}, EXPRESSION]}


class Choice(Kind):
    """One of a few words."""

    def __init__(self, options: Sequence[str]) -> None:
        self.options = tuple(options)
        self.words = joined(self.options, "or")

    def convert(self, value: Value) -> str:
        if value in self.options:
            return str(value)
        raise KindError(self.words, did_you_mean(str(value), self.options))

    def schema(self) -> dict[str, Any]:
        return {"anyOf": [{"enum": list(self.options)}, EXPRESSION]}


class LayerChoice(Kind):
    """A layer by a short word, `none`, or the word with arguments; held as an op, or None.

    The long form is a mapping of the one word to arguments: `{batch: {epsilon: 1.0e-3}}`.
    """

    def __init__(self, layers: Mapping[str, Callable[[], Any]], names: Mapping[str, str]) -> None:
        """`layers` makes each with its default arguments; `names` are those of the language."""
        self.layers = layers
        self.names = names
        self.words = f"{joined([*layers, NONE], 'or')}, or a norm with arguments"

    def convert(self, value: Value) -> Any:
        if value == NONE:
            return None
        if isinstance(value, str) and value in self.layers:
            return self.layers[value]()
        meant = {name: word for word, name in self.names.items()}.get(str(value))
        if meant:
            raise KindError(joined([*self.layers, NONE], "or"), f"did you mean {meant!r}?")
        hint = did_you_mean(str(value), [*self.layers, NONE])
        raise KindError(joined([*self.layers, NONE], "or"), hint)

    def schema(self) -> dict[str, Any]:
        long = {
            "type": "object",
            "minProperties": 1,
            "maxProperties": 1,
            "additionalProperties": False,
            "properties": {
                word: {"$ref": f"#/definitions/{name}"} for word, name in self.names.items()
            },
        }
        return {"anyOf": [{"enum": [*self.layers, NONE]}, EXPRESSION, long]}


class Shares(Kind):
    """true or false, or the number of channels of each share."""

    words = "true or false, or a list of numbers of channels"

    def convert(self, value: Value) -> bool | tuple[int, ...]:
        if isinstance(value, bool):
            return value
        if not isinstance(value, list | tuple) or not value:
            raise KindError(self.words)
        try:
            return tuple(Int().convert(each) for each in value)
        except KindError:
            raise KindError(f"{self.words}, each 1 or more") from None

    def schema(self) -> dict[str, Any]:
        shares = {"type": "array", "minItems": 1, "items": Int().schema()}
        return {"anyOf": [{"type": "boolean"}, EXPRESSION, shares]}


class Groups(Kind):
    """A whole number, or the word `depthwise`: as many groups as input channels."""

    words = "a whole number, 1 or more, or the word depthwise"

    def convert(self, value: Value) -> int | str:
        if value == "depthwise":
            return "depthwise"
        try:
            return Int().convert(value)
        except KindError:
            raise KindError(self.words, did_you_mean(str(value), ("depthwise",))) from None

    def schema(self) -> dict[str, Any]:
        return {"anyOf": [{"const": "depthwise"}, Int().schema()]}


class Fixed(Kind):
    """One whole number and no other, because Keras supports no other."""

    def __init__(self, number: int, why: str, hint: str) -> None:
        self.number = number
        self.hint = hint
        self.words = f"{number} ({why})"

    def convert(self, value: Value) -> int:
        if as_whole(value) != self.number:
            raise KindError(self.words, self.hint)
        return self.number

    def schema(self) -> dict[str, Any]:
        return {"anyOf": [{"const": self.number}, EXPRESSION]}


class Layers(Kind):
    """A list of layers, kept unchanged for the expansion."""

    words = "a list of layers"

    def convert(self, value: Value) -> Any:
        return value

    def schema(self) -> dict[str, Any]:
        return {"$ref": "#/definitions/layers"}


class Branches(Layers):
    """A list of lists of layers; an empty list is the identity.

    A branch in the form `{when: …, layers: […]}` is there only if its condition is true.
    """

    words = "a list of branches, each a list of layers"

    def schema(self) -> dict[str, Any]:
        layers = {"$ref": "#/definitions/layers"}
        optional = {
            "type": "object",
            "required": ["when", "layers"],
            "additionalProperties": False,
            "properties": {"when": {"anyOf": [{"type": "boolean"}, EXPRESSION]}, "layers": layers},
        }
        return {"type": "array", "minItems": 1, "items": {"anyOf": [layers, optional]}}


class LayersOr(Layers):
    """A list of layers, or one of a few words that stand for a list."""

    def __init__(self, options: Sequence[str]) -> None:
        self.choice = Choice(options)
        self.words = f"{', '.join(self.choice.options)}, or a list of layers"

    def convert(self, value: Value) -> str:
        """One of the words. Lists of layers are recognized earlier, before values are computed."""
        try:
            return self.choice.convert(value)
        except KindError as error:
            raise KindError(self.words, error.hint) from None

    def schema(self) -> dict[str, Any]:
        return {"anyOf": [*self.choice.schema()["anyOf"], {"$ref": "#/definitions/layers"}]}
