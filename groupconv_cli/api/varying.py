"""Choosing: a spec with several values of its variables, also all at the same cost."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from groupconv_cli.errors import UsageError
from groupconv_cli.sources.open import open_spec, silent

if TYPE_CHECKING:
    from groupconv_cli.analysis.regroup import Count
    from groupconv_cli.analysis.report import Comparison
    from groupconv_cli.analysis.sweep import Sweep
    from groupconv_cli.analysis.vary import Family, GroupChoice, Wanted
    from groupconv_cli.ops.kinds import Value
    from groupconv_cli.sources.open import AnySource, Settings, Tell


def vary(
    spec: AnySource,
    names: Mapping[str, Iterable[object]],
    *,
    groups: Iterable[int | str] | str | int | None = None,
    only: str | None = None,
    except_: str | None = None,
    settings: Settings | None = None,
    variant: str | None = None,
    regroup: Mapping[str, Count] | None = None,
    dtype: str | None = None,
) -> Comparison:
    """The network as written, then one row for every combination of values of variables.

    `names` has the values that each variable takes, in the form of `settings`. With `groups`, every
    combination has a row for each number of groups; `only` and `except_` choose the layers as
    `compare` does. A combination that makes no network is a row that says why. The other arguments
    are those of `load`.

    Raises the errors of `load`, and UsageError for a variable that the spec does not have, and for
    too many combinations.
    """
    return vary_sweep(
        spec,
        names,
        groups=groups,
        only=only,
        except_=except_,
        settings=settings,
        variant=variant,
        regroup=regroup,
        dtype=dtype,
    ).report


def equal_cost(
    spec: AnySource,
    metric: str,
    by: str,
    names: Mapping[str, Iterable[object]] | None = None,
    *,
    at_most: bool = False,
    groups: Iterable[int | str] | str | int | None = None,
    only: str | None = None,
    except_: str | None = None,
    settings: Settings | None = None,
    variant: str | None = None,
    regroup: Mapping[str, Count] | None = None,
    dtype: str | None = None,
) -> Comparison:
    """The rows of `vary`, each at the cost of the network as written.

    `metric` is 'macs', 'params' or 'flops'. `by` is a variable with a whole number. Each row has
    the value of it with which the cost is nearest, or with `at_most` nearest without being above.
    Without `names` the rows are those of `compare`, with every possible number of groups if
    `groups` is not given.

    Raises the errors of `vary`, and UsageError for another metric, or a variable without a whole
    number.
    """
    return vary_sweep(
        spec,
        names or {},
        (metric, by, at_most),
        groups=groups,
        only=only,
        except_=except_,
        settings=settings,
        variant=variant,
        regroup=regroup,
        dtype=dtype,
    ).report


def vary_sweep(
    spec: AnySource,
    names: Mapping[str, Iterable[object]],
    wanted: tuple[str, str | None, bool] | None = None,
    *,
    groups: Iterable[int | str] | str | int | None = None,
    only: str | None = None,
    except_: str | None = None,
    settings: Settings | None = None,
    variant: str | None = None,
    regroup: Mapping[str, Count] | None = None,
    dtype: str | None = None,
    tell: Tell = silent,
) -> Sweep:
    """The result of `vary`, or with `wanted` of `equal_cost`, and the networks of its rows.

    `wanted` has the metric, the variable or None, and whether no cost may be above. Without the
    variable the error lists those that could be meant. `tell` is called with what is being tried.
    """
    from groupconv_cli.analysis.vary import GroupChoice, Wanted

    choice = GroupChoice("all" if groups is None and not names else groups, only, except_)
    family = _family(spec, settings, variant, regroup)
    equal = None if wanted is None else Wanted(*wanted)
    return _varied(family, names, equal, choice, dtype, tell)


def _varied(
    family: Family,
    names: Mapping[str, Iterable[object]],
    wanted: Wanted | None,
    choice: GroupChoice,
    dtype: str | None,
    tell: Tell,
) -> Sweep:
    from groupconv_cli.analysis.vary import vary as sweep
    from groupconv_cli.language.plain import from_text

    varied: object = names
    if not isinstance(varied, Mapping):
        raise UsageError(f"what varies is a mapping, such as {{'width': [4, 8]}}; got {names!r}")
    values: dict[str, tuple[Value, ...]] = {}
    for name, given in names.items():
        if isinstance(given, str) or not isinstance(given, Iterable):
            raise UsageError(
                f"the values of {name!r} must be a list, such as [1, 2]; got {given!r}"
            )
        read = [from_text(each) if isinstance(each, str) else each for each in given]
        values[name] = tuple({repr(each): each for each in read}.values())
    if choice.groups is None:
        for option, pattern in (("only", choice.only), ("except", choice.except_)):
            if pattern is not None:
                raise UsageError(f"{option} chooses the layers for groups, and there is no groups")
    return sweep(family, values, wanted, choice, dtype=dtype, tell=tell)


def _family(
    spec: AnySource,
    settings: Settings | None,
    variant: str | None,
    regroup: Mapping[str, Count] | None,
) -> Family:
    from groupconv_cli.analysis.regroup import regrouped_by_name
    from groupconv_cli.analysis.vary import Family
    from groupconv_cli.models.model_file import ModelFile

    file = open_spec(spec)
    if isinstance(file, ModelFile):
        raise UsageError(
            f"{file.name} is a Keras model, which has no variables to vary",
            "`gconv compare --groups` varies the groups of a model",
        )
    given = dict(settings or {})
    return Family(
        name=file.source.name,
        variables=file.variables(given, variant),
        network=lambda values: regrouped_by_name(
            file.network({**given, **values}, variant), regroup or {}
        ),
        growth=lambda name, values: file.growth(name, {**given, **values}, variant),
    )
