"""Kinds of value that are sizes: one for each axis, pixels at borders, whole shapes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from groupconv_cli.ops.kinds import EXPRESSION, MAX_SIZE, Int, Kind, KindError, Value, as_whole
from groupconv_cli.words import did_you_mean


class Size(Kind):
    """A whole number, or one per spatial axis; held as a tuple of length 1 or of the rank."""

    per_axis = True

    def __init__(self, minimum: int = 1) -> None:
        self.each = Int(minimum)
        self.words = f"{self.each.words}, or a list of one per spatial axis"

    def convert(self, value: Value) -> tuple[int, ...]:
        values = value if isinstance(value, (list, tuple)) else [value]
        if not 1 <= len(values) <= 3:
            raise KindError(self.words)
        try:
            return tuple(self.each.convert(v) for v in values)
        except KindError:
            raise KindError(self.words) from None

    def schema(self) -> dict[str, Any]:
        one = self.each.schema()
        return {"anyOf": [one, {"type": "array", "items": one, "minItems": 1, "maxItems": 3}]}


class SidesKind(Kind):
    """Pixels on both sides of each axis: one number, or per axis a number or [before, after].

    Held as a tuple of numbers, or of pairs if one of them is a pair.
    """

    per_axis = True
    nesting = 2
    words = "a number of pixels on each side (one, or per axis one or [before, after])"

    def convert(self, value: Value) -> Any:
        each = Int(0)
        axes = value if isinstance(value, (list, tuple)) else [value]
        if not 1 <= len(axes) <= 3:
            raise KindError(self.words)
        pairs = [axis if isinstance(axis, (list, tuple)) else (axis, axis) for axis in axes]
        sides = []
        for number, pair in enumerate(pairs):
            try:
                first, last = map(each.convert, pair)
            except (KindError, ValueError):
                at = number if axes is value else None
                raise KindError(self.words, at=at) from None
            sides.append((first, last))
        if any(isinstance(axis, (list, tuple)) for axis in axes):
            return tuple(sides)
        return tuple(first for first, _ in sides)

    def schema(self) -> dict[str, Any]:
        one = Int(0).schema()
        pair = {"type": "array", "items": one, "minItems": 2, "maxItems": 2}
        axes = {"type": "array", "items": {"anyOf": [one, pair]}, "minItems": 1, "maxItems": 3}
        return {"anyOf": [one, axes]}


class PaddingKind(SidesKind):
    """One of a few words, or pixels on both sides of each axis; equal sides become one number."""

    def __init__(self, options: Sequence[str] = ("same", "valid")) -> None:
        self.options = tuple(options)
        self.words = f"{', '.join(options)}, or {SidesKind.words}"

    def convert(self, value: Value) -> Any:
        if value in self.options:
            return str(value)
        try:
            padding = super().convert(value)
        except KindError as error:
            hint = did_you_mean(str(value), self.options)
            raise KindError(self.words, hint, error.at) from None
        pairs = [side for side in padding if isinstance(side, tuple)]
        if pairs and all(before == after for before, after in pairs):
            return tuple(before for before, _ in pairs)
        return padding

    def schema(self) -> dict[str, Any]:
        return {"anyOf": [{"enum": list(self.options)}, super().schema()]}


class Target(Kind):
    """A shape of up to four axes; one may be -1, which is computed from the others."""

    words = "a list of one to four whole numbers, 1 or more; one may be -1"

    def convert(self, value: Value) -> tuple[int, ...]:
        sizes = [as_whole(v) for v in value] if isinstance(value, (list, tuple)) else []
        known = tuple(size for size in sizes if size is not None)
        sound = all(size == -1 or 1 <= size <= MAX_SIZE for size in known)
        if not 1 <= len(sizes) <= 4 or len(known) < len(sizes) or not sound or known.count(-1) > 1:
            raise KindError(self.words)
        return known

    def schema(self) -> dict[str, Any]:
        one = {"anyOf": [{"type": "integer", "minimum": -1}, EXPRESSION]}
        return {"type": "array", "items": one, "minItems": 1, "maxItems": 4}
