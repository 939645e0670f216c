"""A search is exact: no choice is better, held against trying every one of them."""

from __future__ import annotations

import os
from math import log2
from random import Random

import pytest
from search_networks import MOST, candidates, every_choice, hard_to_mix, of, random_network, units
from specs import nightly_but

from groupconv_cli import UnreachableBudget, search
from groupconv_cli.network import Network

NETWORKS = 300


@pytest.mark.parametrize("seed", nightly_but(range(1), range(20)))
def test_no_choice_is_better(seed: int) -> None:
    random = Random(seed)
    done = 0
    while done < int(os.environ.get("GCONV_NETWORKS", NETWORKS)) // 20:
        network = random_network(random)
        per = random.choice(["item", "layer", "layer"])
        number = 1
        for unit in units(network, per):
            number *= len(candidates(network, unit))
        if not 1 < number <= MOST:
            continue
        done += 1
        compare_with_every_choice(random, network, per)


@pytest.mark.parametrize("seed", nightly_but(range(1), range(20)))
def test_no_choice_that_mixes_is_better(seed: int) -> None:
    """Networks with little between grouped convolutions, and budgets that are hard to keep."""
    random = Random(1000 + seed)
    done = 0
    while done < int(os.environ.get("GCONV_NETWORKS", NETWORKS)) // 60:
        network = hard_to_mix(random)
        number = 1
        for unit in units(network, "layer"):
            number *= len(candidates(network, unit))
        if not 1 < number <= 6 * MOST:
            continue
        done += 1
        compare_with_every_choice(random, network, "layer", tight=True)


def compare_with_every_choice(
    random: Random, network: Network, per: str, *, tight: bool = False
) -> None:
    keep = "connections" if tight else random.choice(["connections", "params", "macs"])
    metrics = random.sample(["params", "macs", "flops", "memory"], random.randint(1, 3))
    unmixed = not tight and random.random() < 0.3
    found = list(every_choice(network, per, unmixed=unmixed))
    costs = [{m: of(m, made) for m in metrics} for _, made in found]
    written = {m: of(m, network) for m in metrics}
    budget = {}
    for metric in metrics:
        each = sorted({cost[metric] for cost in costs} or {written[metric]})
        low, high = each[0], each[-1]
        budget[metric] = random.choice([*each, low + (high - low) * random.randint(0, 9) // 9])
        if tight:  # near the least that is possible
            budget[metric] = random.choice(each[: 1 + len(each) // 5])
    every_value = [
        -sum(log2(g) for g in chosen.values()) if keep == "connections" else of(keep, made)
        for chosen, made in found
    ]
    values = [
        value
        for value, cost in zip(every_value, costs, strict=True)
        if all(cost[m] <= budget[m] for m in metrics)
    ]
    options = {"keep": keep, "per": per, "allow_unmixed": unmixed}
    if not values:
        with pytest.raises(UnreachableBudget):
            search(network, budget, **options)
        return
    report = search(network, budget, **options)
    assert report.optimal
    assert report.value == pytest.approx(max(values), rel=1e-12, abs=1e-9)
    # The choice is one of those, and has that value and those costs.
    at = {i: report.choice[network.nodes[i].name] for unit in units(network, per) for i in unit}
    (made,) = [made for chosen, made in found if chosen == at]
    assert [node.op for node in made.nodes] == [node.op for node in report.network.nodes]
    assert {each.metric: each.used for each in report.budgets} == {m: of(m, made) for m in metrics}
    assert all(each.used <= each.limit for each in report.budgets)
    # Of the choices with that value it costs least; params count a little too.
    first = report.budgets[0].metric
    same = [
        cost[first]
        for value, cost in zip(every_value, costs, strict=True)
        if value == pytest.approx(report.value, rel=1e-12, abs=1e-9)
        and all(cost[m] <= budget[m] for m in metrics)
    ]
    every = [cost[first] for cost in costs]
    assert of(first, made) - min(same) <= 1e-3 * (max(every) - min(every))
    # The single counts are among the choices of `per="network"`.
    uniform = [
        c
        for c, m in every_choice(network, "network", unmixed=unmixed)
        if all(of(x, m) <= budget[x] for x in metrics)
    ]
    assert (report.uniform is not None) == bool(uniform)
    changing = [i for unit in units(network, per) for i in unit]
    for single in report.singles:
        made = network.regrouped(dict.fromkeys(changing, single.groups))
        assert single.used == tuple(of(each.metric, made) for each in report.budgets)
    allowed = {c[changing[0]] for c, _ in every_choice(network, "network", unmixed=unmixed)}
    assert {each.groups for each in report.singles if each.is_allowed} == allowed
