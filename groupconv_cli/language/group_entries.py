"""The entry `groups:` of a spec: group counts of convolutions, by their names."""

from __future__ import annotations

from collections.abc import Collection

from groupconv_cli.analysis.regroup import Count, RegroupError, regrouped_by_name
from groupconv_cli.errors import Diagnostic, Problems, SpecError
from groupconv_cli.language.nodes import Entry, describe, in_words
from groupconv_cli.language.scope import Scope, UnknownValue
from groupconv_cli.language.values import is_computed, is_nothing, plain, sound_entries
from groupconv_cli.network import Network
from groupconv_cli.ops.kinds import Groups, KindError, Value


def check_groups(
    entries: dict[str, Entry], names: Collection[str], problems: Problems
) -> dict[str, Entry]:
    """The counts that are sound, or depend on variables; what is wrong goes to `problems`."""
    given = []
    for pattern, entry in entries.items():
        if is_nothing(entry.value):
            problems.add(f"the groups of {pattern!r} are empty", entry.place)
        else:
            given.append(entry)
    return sound_entries(
        given,
        "the groups of {!r}",
        lambda entry: _count(entry.key, entry, plain(entry.value)),
        names,
        problems,
    )


def apply_groups(network: Network, entries: dict[str, Entry], scope: Scope) -> Network:
    """The network with the counts of `groups:`.

    Raises SpecError, at its place, for a count or a pattern that does not fit.
    """
    counts: dict[str, Count] = {}
    for pattern, entry in entries.items():
        try:
            counts[pattern] = _count(pattern, entry, scope.value(entry.value))
        except UnknownValue:  # noted when the spec was checked
            continue
    try:
        return regrouped_by_name(network, counts)
    except RegroupError as error:
        place = entries[error.pattern].place
        raise SpecError(Diagnostic(error.message, place, error.hint)) from None


def _count(pattern: str, entry: Entry, value: Value) -> Count:
    try:
        return Groups().convert(value)
    except KindError as error:
        tree = entry.value
        computed = is_computed(tree)
        received = f"{describe(tree)} is {in_words(value)}" if computed else f"got {describe(tree)}"
        message = f"the groups of {pattern!r} must be {error.message}; {received}"
        raise SpecError(Diagnostic(message, tree.place, error.hint)) from None
