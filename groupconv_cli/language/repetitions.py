"""The repetitions of an item, by `repeat` or by the rows of `each`."""

from __future__ import annotations

from collections.abc import Iterator

from groupconv_cli.errors import Diagnostic, SpecError
from groupconv_cli.language.nodes import Entry, Tree
from groupconv_cli.language.scope import Scope
from groupconv_cli.language.spec import Item
from groupconv_cli.language.values import NESTING
from groupconv_cli.language.wrong_value import not_a
from groupconv_cli.ops.kinds import Value, as_whole
from groupconv_cli.words import plural


def repetitions(item: Item, scope: Scope, channels: int | None) -> Iterator[Scope]:
    """The names and values of each repetition of an item in a scope; `$i` counts them from 0.

    `channels` enter the first one. Raises SpecError and UnknownValue.
    """
    is_counted = not scope.knows("i")
    if item.each is not None:
        for number, row in enumerate(_rows(item.each, scope, channels)):
            yield scope.within({**row, "i": number} if is_counted else row)
    elif item.repeat is not None:
        for number in range(_count(item.repeat, scope, channels)):
            yield scope.within({"i": number} if is_counted else {})


def _rows(each: dict[str, Entry], scope: Scope, channels: int | None) -> list[dict[str, Value]]:
    columns: dict[str, list[Value]] = {}
    for name, entry in each.items():
        value = scope.value(entry.value, channels, 1 + NESTING)
        if not isinstance(value, list):
            raise SpecError(not_a(f"{name} of each", "a list", entry.value, value))
        columns[name] = value
        first = next(iter(columns))
        if len(value) != len(columns[first]):
            raise SpecError(
                Diagnostic(
                    f"{name} of each has {plural(len(value), 'value')}, and {first} has "
                    f"{len(columns[first])}",
                    entry.value.place,
                    "every list of each has a value for every row",
                )
            )
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _count(tree: Tree, scope: Scope, channels: int | None) -> int:
    value = scope.value(tree, channels)
    count = as_whole(value)
    if count is None or count < 0:
        raise SpecError(not_a("repeat", "a whole number, 0 or more", tree, value))
    return count
