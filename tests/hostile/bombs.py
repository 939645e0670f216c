"""Small specs that mean much: things that grow."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from hostile.words import ESCAPE, Case


def bomb(random: Random) -> str:
    return random.choice(BOMBS)(random)


def _aliases(random: Random) -> str:
    width, depth = random.choice([2, 3, 10, 100]), random.choice([3, 10, 30, 70])
    lines = ["a0: &a0 [relu, relu]"]
    lines += [
        f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * width)}]"
        for level in range(1, depth)
    ]
    where = random.choice(["layers: *a{}", "vars: {{x: *a{}}}\nlayers: [relu]"])
    return "\n".join(lines) + "\ninput: [8, 3]\n" + where.format(depth - 1)


def _self_alias(random: Random) -> str:
    return "input: [8, 3]\nlayers: &a\n  - " + random.choice(
        ["*a", "residual: {body: *a}", "&a *a"]
    )


def _nested_flow(random: Random) -> str:
    depth = random.choice([50, 61, 1000, 100_000])
    opening = random.choice(["[", "{a: ", "[relu, {residual: {body: ", "- ", "? "])
    return "input: [8, 3]\nlayers: " + opening * min(depth, 900_000 // len(opening))


def _nested_layers(random: Random) -> str:
    depth = random.choice([5, 25, 28, 60])
    left, right = random.choice(
        [
            ("{residual: {body: [", "]}}"),
            ("{parallel: {branches: [[", "], []]}}"),
            ("{parallel: {branches: [[", "], [relu], [relu]], merge: concat}}"),
        ]
    )
    return f"input: [8, 8, 4]\nlayers: [{left * depth}relu{right * depth}]"


def _repeats(random: Random) -> str:
    count = random.choice(["1000", "9999", "10000", "49999", "1" + "0" * 12, "1" + "0" * 400])
    layer = random.choice(
        [
            "relu",
            "conv: {filters: 8, kernel: 3, groups: 4, norm: batch, activation: relu}",
            "residual: {body: [conv: {filters: 4, kernel: 1}]}",
            "parallel: {branches: [[relu], [], []], merge: concat}",
            "parallel: {branches: [[relu], []], merge: concat}",
            "dense: {units: $in * 2}",
            "conv: {filters: $in * $in, kernel: 3}",
        ]
    )
    layer = layer if ":" in layer else f"{layer}: {{}}"
    return f"input: [8, 8, 4]\nlayers:\n  - {layer}\n    repeat: {count}\n"


def _block_tower(random: Random) -> str:
    levels, factor = random.choice([(5, 10), (30, 2), (39, 9), (45, 1), (3, 1000), (12, 10_000)])
    body = random.choice(["relu", "conv: {filters: 12, kernel: 1}", "residual: {body: [relu]}"])
    lines = ["blocks:", f"  b0: {{layers: [{body}]}}"]
    lines += [
        f"  b{level}:\n    layers:\n      - b{level - 1}: {{}}\n        repeat: {factor}"
        for level in range(1, levels)
    ]
    return "input: [8, 8, 12]\n" + "\n".join(lines) + f"\nlayers: [b{levels - 1}]\n"


def _block_cycle(random: Random) -> str:
    count = random.choice([1, 2, 3, 200, 3000])
    lines = [f"  b{i}: {{layers: [relu, b{(i + 1) % count}]}}" for i in range(count)]
    return "input: [8, 3]\nblocks:\n" + "\n".join(lines) + "\nlayers: [b0]\n"


def _variable_chain(random: Random) -> str:
    count = random.choice([3, 30, 45, 3000])
    step = random.choice(
        ["${}", "${0} * ${0}", "${} + 1", "${0} * 1000", "${} / 3", "${0} == ${0}"]
    )
    lines = [f"  v{i}: {step.format(f'v{i + 1}')}" for i in range(count)]
    last = random.choice(["3", "0.1", "$v0", "[1, 2]", "1e15", "word"])
    lines.append(f"  v{count}: {last}")
    use = random.choice(["filters: $v0, kernel: 1", "filters: 8, kernel: $v0"])
    return "vars:\n" + "\n".join(lines) + f"\ninput: [8, 8, 4]\nlayers: [conv: {{{use}}}]\n"


def _list_doubling(random: Random) -> str:
    """Variables that are lists of each other, which doubles what they hold."""
    lines = [f"  v{i}: [$v{i + 1}, $v{i + 1}]" for i in range(random.choice([5, 39]))]
    last = f"  v{len(lines)}: {random.choice(['3', '[1, 2]'])}"
    return "vars:\n" + "\n".join([*lines, last]) + "\ninput: $v0\nlayers: [relu]\n"


def _many(random: Random) -> str:
    """Much of one thing, some of it wrong."""
    count = random.choice([100, 2000, 20_000, 60_000])
    thing = random.choice(
        ["relu", "rleu", "x" * 99, "conv", "[]", "3", "name: a", "{relu: , name: r}", ESCAPE]
    )
    if random.random() < 0.3:
        thing = "conv: {filters: 8, kernel: 3, groups: 3}"
    items = "\n".join([f"  - {thing}"] * min(count, 900_000 // len(thing)))
    return f"input: [8, 8, 8]\nlayers:\n{items}\n"


def _many_keys(random: Random) -> str:
    count = random.choice([100, 5000, 30_000])
    keys = "\n".join(f"  k{i}: {random.choice(['1', '$k1', '{g: 2}'])}" for i in range(count))
    where = random.choice(["vars", "variants", "blocks", "layer", "input"])
    return f"input: [8, 3]\nlayers: [relu]\n{where}:\n{keys}\n"


def many_variants(random: Random) -> Case:
    count, repeat = random.choice([(10, 9000), (300, 50), (2000, 9000), (20_000, 10)])
    variants = "\n".join(f"  v{i}: {{g: {1 + i % 8}}}" for i in range(count))
    layer = "conv: {filters: 840, kernel: 3, groups: $g}"
    text = (
        f"input: [8, 8, 840]\nvars: {{g: 1}}\nvariants:\n{variants}\n"
        f"layers:\n  - {layer}\n    repeat: {repeat}\n"
    )
    return Case("", text.encode(), ("compare", "--variants"), plain=False)


def many_rows(random: Random) -> Case:
    """Many numbers of groups for many layers."""
    channels, repeat = random.choice([(55_440, 9000), (720_720, 100), (963_761_198_400, 5)])
    layer = f"conv: {{filters: {channels}, kernel: 3}}"
    after = random.choice(["", "  - channel_shuffle: {groups: 4}\n"])
    text = (
        f"input: [8, 8, {channels}]\nlayers:\n  - relu\n  - {layer}\n    repeat: {repeat}\n{after}"
    )
    counts = random.choice(["all", ",".join(str(n) for n in range(1, 200))])
    return Case("", text.encode(), ("compare", "--groups", counts), plain=False)


def _wide(random: Random) -> str:
    count = random.choice([10, 1000, 9000, 40_000])
    branch = random.choice(["[]", "[relu]", "[conv: {filters: 4, kernel: 1}]"])
    merge = random.choice(["concat", "add", "multiply"])
    split = random.choice(["", ", split: true"])
    branches = ", ".join([branch] * min(count, 900_000 // (len(branch) + 2)))
    return (
        f"input: [8, 8, 4]\nlayers: [parallel: {{branches: [{branches}], merge: {merge}{split}}}]"
    )


def _long(random: Random) -> str:
    size = random.choice([1000, 100_000, 1_000_000, 1_100_000])
    piece = random.choice(["x", "é", "🦆", "\u0301", " ", "$a+", "(", "\t", "#", "-", "\n", "\x1b"])
    text = piece * (size // len(piece.encode()))
    return random.choice(
        [
            "{}",
            "input: [8, 3]\nlayers: [{}]",
            "input: [8, 3]\nlayers: [relu]\nname: '{}'",
            "input: [8, 3]\nlayers: [relu: {{{}: 1}}]",
            "vars: {{a: '{}'}}\ninput: [8, $a]\nlayers: [relu]",
            "input: [8, 3] # {}\nlayers: [rleu]",
        ]
    ).format(text)


BOMBS: tuple[Callable[[Random], str], ...] = (
    *(_aliases, _self_alias, _nested_flow, _nested_layers, _repeats, _block_tower, _block_cycle),
    *(_variable_chain, _list_doubling, _many, _many_keys, _wide, _long),
)
