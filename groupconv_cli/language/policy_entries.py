"""The entries of a spec that are about its check: `budget:` and `rules:`."""

from __future__ import annotations

from collections.abc import Collection

from groupconv_cli.errors import Diagnostic, Problems, SpecError
from groupconv_cli.language.nodes import Entry, ScalarNode, describe, in_words
from groupconv_cli.language.scope import Scope, UnknownValue
from groupconv_cli.language.values import is_computed, is_nothing, report_unknown, sound_entries
from groupconv_cli.policy.amounts import AmountError, amount
from groupconv_cli.policy.limits import BudgetLimit
from groupconv_cli.policy.rules import RuleError, Severities, known_code, known_severity
from groupconv_cli.policy.totals import BUDGETED


def check_rules(entries: dict[str, Entry], problems: Problems) -> Severities:
    """The levels that a spec gives to rules."""
    levels: Severities = {}
    for code, entry in entries.items():
        place, value = entry.place, entry.value
        try:
            known_code(code)
            place = value.place
            levels[code] = known_severity(
                value.text if isinstance(value, ScalarNode) else describe(value)
            )
        except RuleError as error:
            problems.add(error.message, place, error.hint)
    return levels


def check_budget(
    entries: dict[str, Entry], names: Collection[str], problems: Problems
) -> dict[str, Entry]:
    """The limits of a spec that are valid, or depend on variables."""
    report_unknown(
        entries, BUDGETED, "no budget is called", f"there are {', '.join(BUDGETED)}", problems
    )
    given = [
        entry for key, entry in entries.items() if key in BUDGETED and not is_nothing(entry.value)
    ]

    def convert(entry: Entry) -> int:
        tree = entry.value
        return _amount(entry.key, entry, tree.value if isinstance(tree, ScalarNode) else None)

    return sound_entries(given, "the budget of {}", convert, names, problems)


def limits(entries: dict[str, Entry], scope: Scope) -> dict[str, BudgetLimit]:
    """The limits with their variables replaced.

    Raises SpecError if a value is not an amount.
    """
    found = {}
    for key, entry in entries.items():
        try:
            value = scope.value(entry.value)
        except UnknownValue:  # noted when the spec was checked
            continue
        found[key] = BudgetLimit(key, _amount(key, entry, value), entry.place)
    return found


def _amount(key: str, entry: Entry, value: object) -> int:
    try:
        return amount(key, value)
    except AmountError as error:
        tree = entry.value
        received = (
            f"{describe(tree)} is {in_words(value)}"
            if is_computed(tree)
            else f"got {describe(tree)}"
        )
        message = f"the budget of {key} must be {error.message}; {received}"
        raise SpecError(Diagnostic(message, tree.place, error.hint)) from None
