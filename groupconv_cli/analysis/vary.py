"""One spec with several values of its variables, each row at its own cost or all at the same."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import product
from math import prod
from typing import NamedTuple

from groupconv_cli.analysis.equal import cost_of, nearest
from groupconv_cli.analysis.growth_proof import Growth, grows
from groupconv_cli.analysis.regroup import Count
from groupconv_cli.analysis.report import AS_WRITTEN, CompareRow, Comparison, Equal
from groupconv_cli.analysis.sweep import (
    MAX_ROWS,
    Choice,
    Sweep,
    check_size,
    choose,
    counts_of,
    is_same,
    with_groups,
)
from groupconv_cli.analysis.totals import total
from groupconv_cli.errors import SpecError, UsageError
from groupconv_cli.network import Network
from groupconv_cli.ops.kinds import Value, as_whole
from groupconv_cli.policy.totals import METRICS
from groupconv_cli.words import did_you_mean, joined

Settings = Mapping[str, Value]


class Family(NamedTuple):
    """A spec that makes a network for each set of values of its variables."""

    name: str
    variables: Settings
    """The values as written."""
    network: Callable[[Settings], Network]
    """The network with other values. Raises SpecError or UsageError if there is none."""
    growth: Callable[[str, Settings], Growth]
    """What the text of the spec says about a variable, with these values of others."""


class GroupChoice(NamedTuple):
    """The numbers of groups of each row, and the layers that have them; see `sweep`."""

    groups: Iterable[int | str] | str | int | None = None
    """None means that groups are as written."""
    only: str | None = None
    except_: str | None = None


class Wanted(NamedTuple):
    """The cost that should be that of the network as written."""

    metric: str
    by: str | None
    """The variable that changes for it."""
    at_most: bool = False


def vary(
    family: Family,
    names: Mapping[str, tuple[Value, ...]],
    wanted: Wanted | None = None,
    choice: GroupChoice | None = None,
    *,
    dtype: str | None = None,
    tell: Callable[[str], None] | None = None,
) -> Sweep:
    """A row for the network as written, then one for every combination of values and groups.

    With `wanted`, every row has the value of one more variable with which it costs as much as the
    network as written, or nearly so: see `nearest` in `equal.py`. A combination that makes no
    network is a row that says why. `tell` is called with what is being tried.

    Raises UsageError for a variable that the spec does not have, one that cannot be searched, and
    too many rows; and the errors of `sweep`.
    """
    choice = choice or GroupChoice()
    _check_names(family, names, wanted)
    combinations = prod(len(values) for values in names.values())
    if combinations > MAX_ROWS:
        raise UsageError(
            f"{' × '.join(str(len(values)) for values in names.values())} values are "
            f"{combinations:,} combinations; a comparison has at most {MAX_ROWS} rows"
        )
    written = family.network({})
    equal = None if wanted is None else _equal(family, names, wanted, written)
    shown = [*names, *([equal.by] if equal else [])]
    settings = {name: family.variables[name] for name in shown}
    row = CompareRow(
        groups=AS_WRITTEN,
        totals=total(written, dtype),
        is_as_written=True,
        settings=settings,
        equal_ratio=1.0 if equal else None,
    )
    rows, networks = [row], [(0, written)]
    pairs = list(_pairs(family, names, choice, written))
    check_size(len(pairs), written, "rows", "name fewer values")
    for values, count in pairs:
        maker = _Maker(family, values, count, choice)
        row, made = _row(maker, equal, written, dtype, tell)
        if made is not None:
            networks.append((len(rows), made))
        rows.append(row)
    swept = _swept(written, choice)
    report = Comparison(
        name=written.name,
        inputs=written.input_shapes,
        dtype=dtype or written.dtype,
        rows=tuple(rows),
        swept=tuple(written.nodes[i].name for i in swept.chosen),
        held=tuple(
            node.name
            for i, node in enumerate(written.nodes)
            if swept.rule and node.op.is_convolution and i not in swept.chosen
        ),
        rule=swept.rule,
        apart=tuple(written.nodes[i].name for i in swept.apart),
        vary=dict(names),
        equal=equal,
    )
    return Sweep(report, tuple(networks))


class _Maker:
    """Makes the networks of one row: its values and groups, and any value of one more variable."""

    def __init__(
        self, family: Family, values: Settings, count: Count | None, choice: GroupChoice
    ) -> None:
        self.family = family
        self.values = values
        self.count = count
        self.choice = choice

    def make(self, more: Settings) -> Network | str:
        """The network, or why there is none."""
        try:
            network = self.family.network({**self.values, **more})
            if self.count is None:
                return network
            only, except_ = self.choice.only, self.choice.except_
            return with_groups(network, self.count, only=only, except_=except_)
        except SpecError as error:
            return error.diagnostics[0].message
        except UsageError as error:
            return error.message

    def grows(self, name: str) -> Callable[[Network, Network], bool] | None:
        """What `nearest` needs to know about costs between two networks; None if it is not known.

        Which layers get other groups may depend on their channels, unless a pattern names them.
        """
        growth = self.family.growth(name, self.values)
        if not growth.is_sure or (self.count is not None and self.choice.only is None):
            return None
        return lambda low, high: grows(low, high, projects=growth.projects)


def _row(
    maker: _Maker,
    equal: Equal | None,
    written: Network,
    dtype: str | None,
    tell: Callable[[str], None] | None,
) -> tuple[CompareRow, Network | None]:
    groups = AS_WRITTEN if maker.count is None else maker.count
    settings: dict[str, Value] = dict(maker.values)
    ratio, searched = None, None
    if equal is None:
        made = maker.make({})
    else:

        def trial(value: int) -> Network | str:
            if tell:
                told = [f"{name}={given}" for name, given in settings.items()]
                told += [] if maker.count is None else [f"groups {maker.count}"]
                tell(f"Trying {', '.join([*told, f'{equal.by}={value}'])}")
            return maker.make({equal.by: value})

        start = as_whole(maker.family.variables[equal.by]) or 0
        found = nearest(trial, equal, start, maker.grows(equal.by))
        searched = found.covered
        if found.value is None or found.cost is None:
            made = found.reason
        else:
            settings[equal.by] = found.value
            made = maker.make({equal.by: found.value})
            ratio = found.cost / equal.target if equal.target else None
    if isinstance(made, str):
        row = CompareRow(
            groups=groups,
            totals=None,
            reason=made,
            settings=settings,
            searched_to=searched,
        )
        return row, None
    row = CompareRow(
        groups=groups,
        totals=total(made, dtype),
        is_as_written=is_same(made, written),
        settings=settings,
        equal_ratio=ratio,
        searched_to=searched,
    )
    return row, made


def _pairs(
    family: Family, names: Mapping[str, tuple[Value, ...]], choice: GroupChoice, written: Network
) -> Iterator[tuple[Settings, Count | None]]:
    """The values and the groups of each row."""
    given = choice.groups
    if given is not None and not isinstance(given, str | int):
        given = list(given)
    for values in product(*names.values()):
        settings = dict(zip(names, values, strict=True))
        if given is None:
            yield settings, None
            continue
        made = _Maker(family, settings, None, choice).make({})
        network = written if isinstance(made, str) else made
        for count in counts_of(network, given, only=choice.only, except_=choice.except_):
            yield settings, count


def _swept(written: Network, choice: GroupChoice) -> Choice:
    if choice.groups is None:
        return Choice([], "", [])
    return choose(written, choice.only, choice.except_)


def _check_names(
    family: Family, names: Mapping[str, tuple[Value, ...]], wanted: Wanted | None
) -> None:
    """Raises UsageError for a variable that the spec does not have, or that varies twice."""
    known = list(family.variables)
    for name in [*names, *([wanted.by] if wanted and wanted.by else [])]:
        if name not in known:
            has = f"its variables are {', '.join(known)}" if known else "it has no variables"
            raise UsageError(
                f"{family.name} has no variable {name!r}; {did_you_mean(name, known) or has}"
            )
    for name, values in names.items():
        if not values:
            raise UsageError(f"there is no value for the variable {name!r} to take")
    if wanted and wanted.by in names:
        raise UsageError(
            f"{wanted.by!r} has values of its own, so it cannot change to make costs equal"
        )


def _equal(
    family: Family,
    names: Mapping[str, tuple[Value, ...]],
    wanted: Wanted,
    written: Network,
) -> Equal:
    target = cost_of(written, wanted.metric)
    title = METRICS[wanted.metric].title
    if wanted.by is None:
        able = [n for n in family.variables if n not in names and _changes(family, n, wanted)]
        listed = (
            f"these whole-number variables change the {title}: {joined(able)}"
            if able
            else (f"no whole-number variable of {family.name} changes the {title}")
        )
        raise UsageError(f"to make the {title} equal, a variable must change: --by NAME", listed)
    value = family.variables[wanted.by]
    if as_whole(value) is None or isinstance(value, bool):
        raise UsageError(f"--by needs a variable with a whole number; {wanted.by} is {value!r}")
    return Equal(wanted.metric, wanted.by, target, wanted.at_most)


def _changes(family: Family, name: str, wanted: Wanted) -> bool:
    """Whether another whole value of the variable changes the cost."""
    value = as_whole(family.variables[name])
    if value is None or isinstance(family.variables[name], bool):
        return False
    target = cost_of(family.network({}), wanted.metric)
    maker = _Maker(family, {}, None, GroupChoice())
    for other in (value + 1, value - 1, 2 * value, value // 2):
        made = maker.make({name: other}) if other >= 0 else ""
        if isinstance(made, Network) and cost_of(made, wanted.metric) != target:
            return True
    return False
