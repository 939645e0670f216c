"""What to search for and among what, and what is said if that means nothing."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from numbers import Integral, Real
from typing import NamedTuple, TypeGuard

from groupconv_cli.analysis.regroup import DEPTHWISE, Count
from groupconv_cli.analysis.search.solver import require_solver
from groupconv_cli.analysis.search.units import ALL
from groupconv_cli.errors import UsageError
from groupconv_cli.policy.choosing import KEEP, PER, TIME_LIMIT
from groupconv_cli.policy.limits import Ceiling, ceiling
from groupconv_cli.policy.times import TIMES
from groupconv_cli.policy.totals import BUDGETED
from groupconv_cli.words import did_you_mean, joined

MAX_POINTS = 100
"""The most budgets of a frontier."""

RANGE = re.compile(r"[0-9]{1,18} ?- ?[0-9]{1,18}")
"""A range of candidates."""


class SearchOptions(NamedTuple):
    """What to search for, and among what."""

    keep: str = "connections"
    per: str = "item"
    only: str | None = None
    except_: str | None = None
    groups: Collection[Count] | None = None
    allow_unmixed: bool = False
    frontier: int | None = None
    time_limit: float = TIME_LIMIT
    dtype: str | None = None


def check(limits: Mapping[str, object], options: SearchOptions) -> list[Ceiling]:
    """What the limits mean. Raises the errors of `search` that need no network."""
    _check(options)
    known = (*BUDGETED, *TIMES)
    given: object = limits
    if not isinstance(given, Mapping):
        raise UsageError(f"a budget is a mapping, such as {{'macs': '50%'}}; got {given!r}")
    ceilings = [ceiling(name, limits[name]) for name in known if limits.get(name) is not None]
    unknown = [name for name in limits if name not in known]
    if unknown or not ceilings:
        raise _no_budget(unknown)
    require_solver()
    return ceilings


def _check(options: SearchOptions) -> None:
    for what, given, known in (("keep", options.keep, KEEP), ("per", options.per, PER)):
        if given not in tuple(known):  # may be no key: a list
            hint = did_you_mean(str(given), known) or f"there are {joined(list(known))}"
            raise UsageError(f"--{what} {given!r} means nothing; {hint}")
    if options.groups is not None and not options.groups:
        raise UsageError(
            "there is no number of groups to choose from: groups is empty",
            "without it, all that divide the channels are tried",
        )
    for count in options.groups or ():
        if not _is_candidate(count):
            raise UsageError(
                "a candidate is a whole number, 1 or more, a range such as 2-8, 'all' or "
                f"'depthwise'; got {count!r}"
            )
    points: object = options.frontier
    if points is not None and not (_is_whole(points) and 2 <= points <= MAX_POINTS):
        raise UsageError(f"a frontier has 2 to {MAX_POINTS} budgets; got {points!r}")
    seconds: object = options.time_limit
    if not (_is_number(seconds) and seconds > 0):
        raise UsageError(f"the time limit must be a number of seconds above 0; got {seconds!r}")


def _is_candidate(count: object) -> bool:
    if isinstance(count, str):
        return count in (ALL, DEPTHWISE) or RANGE.fullmatch(count) is not None
    return _is_whole(count) and count >= 1


def _is_whole(value: object) -> TypeGuard[int]:
    return isinstance(value, Integral) and not isinstance(value, bool)


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, Real) and not isinstance(value, bool)


def _no_budget(unknown: list[str]) -> UsageError:
    listed = joined([*BUDGETED, *TIMES], "or")
    if unknown:
        hint = did_you_mean(str(unknown[0]), [*BUDGETED, *TIMES]) or f"there are {listed}"
        return UsageError(f"no budget is called {unknown[0]!r}; {hint}")
    return UsageError(
        f"a search needs a budget of {listed}",
        "half of the MACs, for example: --max-macs 50%, or in Python {'macs': '50%'}",
    )
