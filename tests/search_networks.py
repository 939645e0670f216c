"""Random small networks for searches: few enough choices of groups that all can be tried."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from math import gcd
from random import Random

from groupconv_cli import SpecError, analyze, load
from groupconv_cli.analysis.channel_mixing import follow
from groupconv_cli.network import Network

MOST = 250
"""The most choices that are tried for one network."""


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


def hard_to_mix(random: Random) -> Network:
    """Chains and residuals of convolutions with many divisors, and now and then a shuffle."""
    width = random.choice([4, 8, 6, 12])
    layers: list = [{"conv": {"filters": width, "kernel": 1}}]
    for _ in range(random.randint(1, 3)):
        kind = random.random()
        one = {"conv": {"filters": width, "kernel": random.choice([1, 3])}}
        if kind < 0.4:
            layers.append(one)
        elif kind < 0.5:
            layers += ["channel_shuffle", one] if len(layers) > 2 else [one, "relu"]
        elif kind < 0.6:
            layers.append({"depthwise_conv": {"kernel": 3, "norm": "batch"}})
        else:
            body = [one] * random.choice([1, 2])
            shortcut = random.choice(["identity", "identity", "project"])
            layers.append({"residual": {"body": body, "shortcut": shortcut, "activation": "relu"}})
    layers.append({"conv": {"filters": width, "kernel": 1}})
    try:
        return load({"input": [4, 4, 3], "layers": layers})
    except SpecError:  # a shuffle without groups before it
        return hard_to_mix(random)


# Every choice, one after the other


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


def every_choice(
    network: Network, per: str, *, unmixed: bool
) -> Iterator[tuple[dict[int, int], Network]]:
    """Each choice that mixes what the network as written mixes, and its network."""
    grouped = units(network, per)
    written = pairs(network)
    for counts in product(*(candidates(network, unit) for unit in grouped)):
        chosen = {i: g for unit, g in zip(grouped, counts, strict=True) for i in unit}
        changed = {i: g for i, g in chosen.items() if network.nodes[i].groups != g}
        made = network.regrouped(changed) if changed else network
        if unmixed or pairs(made) <= written:
            yield chosen, made
