"""A search that ends before a proof: it has a choice all the same, and keeps its limit."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import count, product
from math import log2, prod
from random import Random
from typing import Any

import pytest
from search_networks import (
    MOST,
    candidates,
    every_choice,
    hard_to_mix,
    of,
    pairs,
    random_network,
    units,
)

from groupconv_cli import UnreachableBudget, load, search
from groupconv_cli.analysis.search import knapsack, repair
from groupconv_cli.analysis.search.knapsack import Budget, Outcome
from groupconv_cli.analysis.search.repair import Limit, LocalSearch, Terms, until
from groupconv_cli.analysis.search.solver import NO_BOUND, Solution
from groupconv_cli.analysis.search.unreachable import unreachable


@pytest.fixture
def without_solver(monkeypatch: pytest.MonkeyPatch) -> None:
    """The solver finds nothing, and a look at the clock takes a millisecond."""

    def solve(*_: object) -> Solution:
        return Solution(None, NO_BOUND, is_proven=False)

    clock = count()

    def monotonic() -> float:
        return next(clock) / 1000

    monkeypatch.setattr(knapsack, "solve", solve)
    monkeypatch.setattr(knapsack, "monotonic", monotonic)
    monkeypatch.setattr(repair, "monotonic", monotonic)


@pytest.mark.usefixtures("without_solver")
@pytest.mark.parametrize(
    ("name", "regroup", "share", "seconds"),
    [
        ("mobilenet_v2", {}, 50, 0.3),
        pytest.param("resnext50_32x4d", {"*": 1}, 5, 1, marks=pytest.mark.nightly),
    ],
)
def test_a_choice_is_found_where_the_rule_binds_hard(
    name: str, regroup: dict[str, int | str], share: int, seconds: float
) -> None:
    network = load(name, regroup=regroup)
    found = search(network, {"macs": f"{share}%"}, per="layer", time_limit=seconds)
    assert not found.optimal
    assert found.bound > found.value
    assert of("macs", found.network) <= of("macs", network) * share / 100
    assert pairs(found.network) <= pairs(network)


@pytest.mark.usefixtures("without_solver")
def test_local_search_alone_comes_near_the_best_choice() -> None:
    """On small networks, held against every choice: allowed, never better, and seldom far."""
    random, done, best_found = Random(7), 0, 0
    while done < 20:
        network = hard_to_mix(random) if random.random() < 0.6 else random_network(random)
        if not 1 < prod(len(candidates(network, unit)) for unit in units(network, "layer")) <= MOST:
            continue
        limit = int(of("params", network) * random.choice([0.5, 0.7, 0.9]))
        values = [
            -sum(map(log2, chosen.values()))
            for chosen, made in every_choice(network, "layer", unmixed=False)
            if of("params", made) <= limit
        ]
        if not values:
            continue
        done += 1
        found = search(network, {"params": limit}, per="layer", time_limit=2)
        assert of("params", found.network) <= limit
        assert pairs(found.network) <= pairs(network)
        assert found.value <= max(values) + 1e-9
        best_found += found.value >= max(values) - 1e-9
    assert best_found >= 18


def bookkeeping(search: LocalSearch) -> tuple[list[float], list[int], set[int]]:
    used = [
        sum(row[c] for row, c in zip(limit.rows, search.choice, strict=True))
        for limit in search.limits
    ]
    hits = [sum(search.choice[u] in among for u, among in terms) for terms in search.terms]
    full = {n for n, terms in enumerate(search.terms) if hits[n] == len(terms)}
    return used, hits, full


def random_problem(random: Random) -> tuple[list[Limit], list[Terms]]:
    sizes = [random.randint(2, 4) for _ in range(5)]
    limits = []
    for _ in range(2):
        rows = [[random.randint(0, 9) for _ in range(size)] for size in sizes]
        limits.append(Limit(rows, random.randint(18, 30), 4.0))
    conflicts: list[Terms] = []
    for _ in range(4):
        units = random.sample(range(5), random.randint(1, 3))
        conflicts.append(
            [(u, frozenset(random.sample(range(sizes[u]), sizes[u] - 1))) for u in units]
        )
    return limits, conflicts


def test_steps_keep_count_and_find_what_there_is() -> None:
    random = Random(3)
    solved = possible = 0
    for _ in range(40):
        limits, conflicts = random_problem(random)
        search = LocalSearch(limits, conflicts[:2], [0] * 5)
        search.add(conflicts[2:])
        for _ in range(500):
            if search.is_allowed:
                break
            search.step()
        used, hits, full = bookkeeping(search)
        assert (search.used, search.hits, set(search.broken)) == (used, hits, full)

        def allowed(choice: tuple[int, ...], limits: list[Limit] = limits) -> bool:
            within = all(sum(map(_at, limit.rows, choice)) <= limit.most for limit in limits)
            return within and not any(
                all(choice[u] in among for u, among in terms)
                for terms in conflicts  # noqa: B023
            )

        possible += any(map(allowed, product(*(range(len(row)) for row in limits[0].rows))))
        solved += search.is_allowed
        assert search.is_allowed == allowed(tuple(search.choice))
    assert solved == possible
    assert 20 < solved < 40


def _at(row: list[float], candidate: int) -> float:
    return row[candidate]


def test_time_ends_the_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(repair, "monotonic", lambda: 5.0)
    impossible = LocalSearch([Limit([[1, 2]], 0, 1.0)], [], [1])
    assert not until(5.0, impossible)
    assert until(0.0, LocalSearch([Limit([[1, 2]], 1, 1.0)], [], [0]))


def test_the_least_is_said_only_if_it_is_proven() -> None:
    budget = Budget("macs", 10, 0, ((20, 30),))

    def least(*, proven: bool) -> Callable[[Budget, tuple[Budget, ...]], Outcome]:
        return lambda metric, others: Outcome((0,), 0.0, proven)

    def said_of(found: Callable[[Budget, tuple[Budget, ...]], Outcome]) -> str:
        return str(unreachable([budget], found, lambda _: {"conv": 1}, None, seconds=90))

    assert "the least possible is 20" in said_of(least(proven=True))
    said = said_of(least(proven=False))
    assert "was found in time" in said
    assert "--time-limit 900" in said
    assert "least" not in said


def least_of(
    costs: Sequence[Sequence[int]],
) -> Callable[[Budget, tuple[Budget, ...]], Outcome]:
    """What costs least, by trying every choice. `costs` has those of a unit's candidates."""

    def least(metric: Budget, others: tuple[Budget, ...]) -> Outcome:
        within = [
            (number,)
            for number in range(len(costs[0]))
            if all(other.is_kept((number,)) for other in others)
        ]
        return Outcome(min(within, key=metric.used, default=None), 0.0, is_proven=True)

    return least


@pytest.mark.parametrize(
    ("costs", "said"),
    [
        # The last two exclude each other, whatever the first is.
        ([(1, 2), (10, 30), (30, 10)], "within 20 FLOPs, the least possible is 30 params"),
        # Each two exclude each other.
        (
            [(10, 30, 30), (30, 10, 30), (30, 30, 10)],
            "within 20 FLOPs, the least possible is 30 params",
        ),
        # Each two can be kept.
        (
            [(10, 10, 30), (10, 30, 10), (30, 10, 10)],
            "within the rest, the least possible is 30 MACs",
        ),
    ],
)
def test_budgets_that_exclude_each_other_are_found(costs: list[tuple[int, ...]], said: str) -> None:
    metrics = ("macs", "params", "flops")
    budgets = [Budget(metric, 20, 0, (row,)) for metric, row in zip(metrics, costs, strict=True)]
    error = unreachable(budgets, least_of(costs), lambda _: {"conv": 1}, None, is_proven=True)
    assert error.message == (
        f"no choice of groups is within all of 20 MACs, 20 params and 20 FLOPs: {said}"
    )


def test_what_is_proven_impossible_is_not_said_to_need_time() -> None:
    """Nothing more is proven when the time is over, and it is not needed."""
    budgets = [Budget("macs", 20, 0, ((10, 30),)), Budget("params", 20, 0, ((30, 10),))]

    nothing = Outcome(None, 0.0, is_proven=False)
    error = unreachable(budgets, lambda *_: nothing, lambda _: {"conv": 1}, None, is_proven=True)
    assert (error.message, error.hint) == (
        "no choice of groups is within 20 MACs and 20 params",
        None,
    )


def test_counts_that_all_keep_channels_apart_are_said_to_break_the_rule() -> None:
    layers = [{"conv": {"filters": 16, "kernel": 1}}] * 3
    network = load({"input": [4, 4, 3], "layers": layers})
    with pytest.raises(UnreachableBudget) as raised:
        search(network, {"macs": "100%"}, groups=[4])
    assert raised.value.message == "every choice of groups breaks rule GC101"
    assert "--allow-unmixed" in (raised.value.hint or "")
    found = search(network, {"macs": "100%"}, groups=[4], allow_unmixed=True)
    assert set(found.choice.values()) == {4}


def test_no_bound_is_below_its_value(monkeypatch: pytest.MonkeyPatch) -> None:
    """The solver's bounds have its rounding, and values are exact."""
    best = knapsack.Search.best

    def rounded(self: knapsack.Search, *args: Any) -> Outcome:
        outcome = best(self, *args)
        return outcome._replace(bound=outcome.bound + 1e-9, is_proven=False)

    monkeypatch.setattr(knapsack.Search, "best", rounded)
    report = search("block", {"macs": "90%"}, frontier=3)
    assert report.frontier is not None
    for each in (report, *report.frontier.points):
        assert each.bound >= each.value
