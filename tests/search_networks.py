"""Random small networks for searches: few enough choices of groups that all can be tried."""

from __future__ import annotations

from random import Random

from groupconv_cli import SpecError, load
from groupconv_cli.network import Network


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
