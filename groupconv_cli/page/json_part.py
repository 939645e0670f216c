"""A part of a JSON document, which knows its place and checks what is taken from it."""

from __future__ import annotations

from collections.abc import Iterator
from math import isfinite
from typing import Any

from groupconv_cli.words import shortened

LARGEST = 10**30
"""No count or size of a network is as large, and larger ones would be no numbers for charts."""

MOST = 10**6
"""The most entries of a list."""

MOST_AXES = 64
"""The most sizes of a shape, as in NumPy."""


class WrongPart(Exception):
    """A part is not what it should be; the message names its place."""


class Part:
    """A value of JSON."""

    def __init__(self, value: Any, place: str) -> None:
        self.value = value
        self.place = place

    def _wrong(self, right: str) -> WrongPart:
        got = "null" if self.value is None else shortened(repr(self.value))
        return WrongPart(f"{self.place or 'the document'} must be {right}; got {got}")

    def __getitem__(self, name: str) -> Part:
        if not isinstance(self.value, dict):
            raise self._wrong("an object")
        place = f"{self.place}.{name}" if self.place else name
        if name not in self.value:
            raise WrongPart(f"{place} is missing")
        return Part(self.value[name], place)

    def get(self, name: str) -> Part | None:
        """The part of that name; None if it is missing or null."""
        if isinstance(self.value, dict) and self.value.get(name) is not None:
            return self[name]
        return None

    def items(self, least: int = 0) -> Iterator[Part]:
        """The entries of a list that has at least so many."""
        if not isinstance(self.value, list) or not least <= len(self.value) <= MOST:
            raise self._wrong(f"a list with {least} or more entries" if least else "a list")
        for index, each in enumerate(self.value):
            yield Part(each, f"{self.place}[{index}]")

    def entries(self) -> Iterator[tuple[str, Part]]:
        """The names and parts of an object."""
        if not isinstance(self.value, dict):
            raise self._wrong("an object")
        for name in self.value:
            yield name, self[name]

    def text(self) -> str:
        """A text."""
        if not isinstance(self.value, str):
            raise self._wrong("a text")
        return self.value

    def text_or_none(self) -> str | None:
        """A text or null."""
        return None if self.value is None else self.text()

    def texts(self) -> tuple[str, ...]:
        """A list of texts."""
        return tuple(each.text() for each in self.items())

    def one_of(self, *names: str | None) -> str | None:
        """One of these texts."""
        if self.value not in names:
            shown = ["null" if name is None else name for name in names]
            raise self._wrong(f"one of {', '.join(shown)}")
        return None if self.value is None else self.text()

    def flag(self) -> bool:
        """True or false."""
        if not isinstance(self.value, bool):
            raise self._wrong("true or false")
        return self.value

    def whole(self) -> int:
        """A whole number, 0 or more."""
        is_whole = isinstance(self.value, int) and not isinstance(self.value, bool)
        if not is_whole or not 0 <= self.value < LARGEST:
            raise self._wrong("a whole number, 0 or more")
        return int(self.value)

    def positive(self) -> int:
        """A whole number, 1 or more."""
        if self.whole() < 1:
            raise self._wrong("a whole number, 1 or more")
        return self.whole()

    def whole_or_none(self) -> int | None:
        """A whole number, 0 or more, or null."""
        return None if self.value is None else self.whole()

    def number(self) -> float:
        """A number."""
        is_number = isinstance(self.value, int | float) and not isinstance(self.value, bool)
        if not is_number or not abs(self.value) < LARGEST or not isfinite(self.value):
            raise self._wrong("a number")
        return float(self.value)

    def above_zero(self) -> float:
        """A number above 0."""
        if not self.number() > 0:
            raise self._wrong("a number above 0")
        return self.number()

    def count(self) -> int | str:
        """A number of groups, or a word in its place."""
        if isinstance(self.value, str):
            return self.one_of("as written", "depthwise") or ""
        return self.positive()

    def shape(self, least: int = 0) -> tuple[int, ...]:
        """A list of at least so many sizes. A number by itself has none."""
        sizes = tuple(each.whole() for each in self.items(least=least))
        if len(sizes) > MOST_AXES:
            raise self._wrong(f"a list with at most {MOST_AXES} entries")
        return sizes
