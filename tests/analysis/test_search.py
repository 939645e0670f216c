"""A search is exact: no choice is better, held against trying every one of them."""

from __future__ import annotations

import os
from itertools import product
from math import gcd, log2
from random import Random

import pytest
from search_networks import hard_to_mix, random_network
from specs import nightly_but

from groupconv_cli import UnreachableBudget, analyze, search
from groupconv_cli.analysis.channel_mixing import follow
from groupconv_cli.network import Network

MOST = 250
"""The most choices that are tried for one network."""

NETWORKS = 300


def reads_input(network: Network, index: int) -> bool:
    """Whether nothing that computes stands between the input and this layer."""
    node = network.nodes[network.nodes[index].inputs[0]]
    at = network.nodes[index].inputs[0]
    while node.inputs and not node.cost.macs and len(node.inputs) == 1:
        at = node.inputs[0]
        node = network.nodes[at]
    return not node.inputs


def units(network: Network, per: str) -> list[list[int]]:
    convolutions = [
        i
        for i, node in enumerate(network.nodes)
        if node.op.is_convolution and not reads_input(network, i)
    ]
    by_key: dict[object, list[int]] = {}
    for index in convolutions:
        key = {"item": network.nodes[index].item, "layer": index, "network": 0}[per]
        by_key.setdefault(key, []).append(index)
    return list(by_key.values())


def candidates(network: Network, unit: list[int]) -> list[int]:
    nodes = [network.nodes[i] for i in unit]
    shared = gcd(*(n.input_shapes[0][-1] for n in nodes), *(n.shape[-1] for n in nodes))
    shuffled = [n.shape[-1] for n in network.nodes if n.groups_from in unit]
    return [
        g
        for g in range(1, shared + 1)
        if shared % g == 0 and all(channels % g == 0 for channels in shuffled)
    ]


def pairs(network: Network) -> set[tuple[int, int]]:
    return {(each.before, each.after) for each in follow(network).kept_apart}


def of(metric: str, network: Network) -> int:
    totals = analyze(network).totals
    return {
        "params": totals.params,
        "macs": totals.macs,
        "flops": totals.flops,
        "memory": totals.peak_bytes,
    }[metric]


def every_choice(network: Network, per: str, *, unmixed: bool):
    """Each choice that mixes what the network as written mixes, and its network."""
    grouped = units(network, per)
    written = pairs(network)
    for counts in product(*(candidates(network, unit) for unit in grouped)):
        chosen = {i: g for unit, g in zip(grouped, counts, strict=True) for i in unit}
        changed = {i: g for i, g in chosen.items() if network.nodes[i].groups != g}
        made = network.regrouped(changed) if changed else network
        if unmixed or pairs(made) <= written:
            yield chosen, made


@pytest.mark.parametrize("seed", nightly_but(range(4), range(10)))
def test_no_choice_is_better(seed: int) -> None:
    random = Random(seed)
    done = 0
    while done < int(os.environ.get("GCONV_NETWORKS", NETWORKS)) // 10:
        network = random_network(random)
        per = random.choice(["item", "layer", "layer"])
        number = 1
        for unit in units(network, per):
            number *= len(candidates(network, unit))
        if not 1 < number <= MOST:
            continue
        done += 1
        compare_with_every_choice(random, network, per)


@pytest.mark.parametrize("seed", nightly_but(range(3), range(10)))
def test_no_choice_that_mixes_is_better(seed: int) -> None:
    """Networks with little between grouped convolutions, and budgets that are hard to keep."""
    random = Random(1000 + seed)
    done = 0
    while done < int(os.environ.get("GCONV_NETWORKS", NETWORKS)) // 30:
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
