"""A search is exact: no choice is better, held against trying every one of them."""

from __future__ import annotations

import os
from itertools import product
from math import gcd, log2
from random import Random

import pytest

from groupconv_cli import SpecError, UnreachableBudget, analyze, load, search
from groupconv_cli.analysis.channel_mixing import follow
from groupconv_cli.network import Network

MOST = 250
"""The most choices that are tried for one network."""

NETWORKS = 300


def conv(random: Random, channels: int | None = None) -> dict:
    filters = channels or random.choice([4, 6, 8, 12])
    made = {"filters": filters, "kernel": random.choice([1, 3])}
    if random.random() < 0.3:
        made["groups"] = 2
    return {"conv": made}


def item(random: Random, channels: int, depth: int = 0) -> dict | str:
    kind = random.random()
    if kind < 0.45 or depth > 1:
        made = conv(random)
        if random.random() < 0.3:
            made = {"conv": made["conv"] | {"filters": channels}, "repeat": 2}
        return made
    if kind < 0.55:
        return {"depthwise_conv": {"kernel": 3, "multiplier": random.choice([1, 2])}}
    if kind < 0.63:
        return random.choice(["relu", "channel_shuffle", {"channel_shuffle": {"groups": 2}}])
    if kind < 0.85:
        body = [conv(random) for _ in range(random.choice([1, 2]))] + [conv(random, channels)]
        if random.random() < 0.3:
            body.insert(1, "channel_shuffle")
        return {"residual": {"body": body, "shortcut": random.choice(["identity", "project"])}}
    branches = [[conv(random, 4)], random.choice([[], [conv(random, 4)]])]
    if random.random() < 0.3 and channels % 2 == 0:
        return {"parallel": {"branches": branches, "split": channels // 2}}
    return {"parallel": {"branches": branches}}


def random_network(random: Random) -> Network:
    """A small network: chains, residuals, branches, shuffles, repeats and shared lines."""
    while True:
        layers: list = [conv(random)]
        for _ in range(random.randint(1, 3)):
            layers.append(
                item(
                    random,
                    layers[-1].get("conv", {"filters": 8})["filters"]
                    if isinstance(layers[-1], dict)
                    else 8,
                )
            )
        spec = {"input": [6, 6, random.choice([1, 4])], "layers": layers}
        try:
            network = load(spec)
        except SpecError:
            continue
        if sum(node.op.is_convolution for node in network.nodes) > 1:
            return network


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


@pytest.mark.parametrize("seed", range(10))
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


def compare_with_every_choice(random: Random, network: Network, per: str) -> None:
    keep = random.choice(["connections", "params", "macs"])
    metrics = random.sample(["params", "macs", "flops", "memory"], random.randint(1, 3))
    unmixed = random.random() < 0.3
    found = list(every_choice(network, per, unmixed=unmixed))
    costs = [{m: of(m, made) for m in metrics} for _, made in found]
    written = {m: of(m, network) for m in metrics}
    budget = {}
    for metric in metrics:
        each = sorted({cost[metric] for cost in costs} or {written[metric]})
        low, high = each[0], each[-1]
        budget[metric] = random.choice([*each, low + (high - low) * random.randint(0, 9) // 9])
    values = []
    for (chosen, made), cost in zip(found, costs, strict=True):
        if all(cost[m] <= budget[m] for m in metrics):
            if keep == "connections":
                values.append(-sum(log2(g) for g in chosen.values()))
            else:
                values.append(of(keep, made))
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
    # The single counts are among the choices of `per="network"`.
    uniform = [
        c
        for c, m in every_choice(network, "network", unmixed=unmixed)
        if all(of(x, m) <= budget[x] for x in metrics)
    ]
    assert (report.uniform is not None) == bool(uniform)
