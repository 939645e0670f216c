"""The result of a search that was saved as JSON, read again."""

from __future__ import annotations

from math import inf

from groupconv_cli.analysis.search.report import (
    BudgetUse,
    Frontier,
    FrontierPoint,
    SearchReport,
    SingleCount,
    UniformChoice,
)
from groupconv_cli.analysis.totals import Totals
from groupconv_cli.network import Network
from groupconv_cli.page.json_part import Part
from groupconv_cli.page.saved_totals import shapes_of, totals_of
from groupconv_cli.policy.choosing import KEEP, PER
from groupconv_cli.policy.times import NANOSECONDS, TIMES
from groupconv_cli.policy.totals import BUDGETED, METRICS


def search_of(part: Part) -> SearchReport:
    """The result. Its changes are empty: JSON has the choice, and not what it was before.

    Raises WrongPart for a document in which something is missing or wrong.
    """
    name = part["name"].text()
    before = totals_of(part["before"])
    budgets = tuple(_budget(each, before) for each in part["budgets"].items(least=1))
    uniform = part["uniform"]
    value = part["value"].number()
    bound = part.get("bound")
    points = part.get("frontier")
    return SearchReport(
        name=name,
        inputs=shapes_of(part["inputs"]),
        dtype=part["dtype"].text(),
        keep=part["keep"].one_of(*KEEP) or "",
        per=part["per"].one_of(*PER) or "",
        budgets=budgets,
        value=value,
        bound=inf if bound is None else bound.number(),
        optimal=part["optimal"].flag(),
        is_unmixed_allowed=part["allow_unmixed"].flag(),
        choice={name: count.positive() for name, count in part["choice"].entries()},
        changes=(),
        unchanged=part["unchanged"].texts(),
        before=before,
        after=totals_of(part["after"]),
        uniform=None
        if uniform.get("groups") is None
        else UniformChoice(
            uniform["groups"].positive(), uniform["value"].number(), totals_of(uniform)
        ),
        singles=tuple(_single(each, budgets) for each in part["singles"].items()),
        written_value=part["written_value"].number(),
        frontier=None if points is None else _frontier(points),
        network=Network(name, (), (), ()),
    )


def _budget(part: Part, before: Totals) -> BudgetUse:
    metric = part["metric"].one_of(*BUDGETED, *TIMES) or ""
    if metric in TIMES:
        written = _used(part["written_s"], metric)
    else:
        written = before.metric(METRICS[metric])
    return BudgetUse(metric, _used(part["limit"], metric), _used(part["used"], metric), written)


def _used(part: Part, metric: str) -> int:
    """What is used of a budget: whole, and for times in nanoseconds."""
    return round(part.above_zero() * NANOSECONDS) if metric in TIMES else part.whole()


def _single(part: Part, budgets: tuple[BudgetUse, ...]) -> SingleCount:
    used = list(part["used"].items(least=len(budgets)))
    return SingleCount(
        groups=part["groups"].positive(),
        value=part["value"].number(),
        used=tuple(_used(each, budget.metric) for each, budget in zip(used, budgets, strict=False)),
        is_allowed=part["allowed"].flag(),
    )


def _frontier(part: Part) -> Frontier:
    metric = part["metric"].one_of(*BUDGETED, *TIMES) or ""
    points = []
    for each in part["points"].items(least=1):
        value, optimal = each["value"].number(), each["optimal"].flag()
        limit, used = _used(each["limit"], metric), _used(each["used"], metric)
        points.append(FrontierPoint(limit, used, value, value if optimal else inf, optimal))
    return Frontier(metric, tuple(points))
