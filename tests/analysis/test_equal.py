"""Rows at equal cost: exact against trying every value, and against published tables.

A longer run: GCONV_EXAMPLES=2000 python -m pytest tests/analysis/test_equal.py
"""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest
from specs import examples

from groupconv_cli import Network, SpecError, UsageError, compare, equal_cost, load, vary
from groupconv_cli.analysis import equal
from groupconv_cli.analysis.equal import EQUALS, cost_of, nearest
from groupconv_cli.analysis.growth_proof import KINDS, grows
from groupconv_cli.analysis.report import Equal
from groupconv_cli.errors import Source
from groupconv_cli.language.spec_file import SpecFile
from groupconv_cli.sources.open import open_spec

# Published tables


def test_the_widths_of_the_resnext_paper() -> None:
    # Xie et al. 2017, tables 2 and 3: d for C = 1, 2, 4, 8, 32, "preserving complexity". They
    # have 14 for C = 8; 13 is nearer by the MACs of the whole network.
    report = equal_cost(
        "resnext", "macs", "width", {"groups": [1, 2, 4, 8, 32]}, variant="50_1x64d"
    )
    assert [row.settings["width"] for row in report.rows[1:]] == [64, 40, 24, 13, 4]
    macs = {d: load("resnext", settings={"groups": 8, "width": d}).nodes for d in (13, 14)}
    off = {
        d: abs(sum(node.cost.macs for node in nodes) - report.rows[0].totals.macs_at_least)
        for d, nodes in macs.items()
    }
    assert off[13] < off[14]


def test_the_widths_of_the_shufflenet_paper() -> None:
    # Zhang et al. 2018, table 1: the channels of stage 2 for 1, 2, 3, 4 and 8 groups, "such that
    # the complexity of the network keeps roughly unchanged".
    published = [144, 200, 240, 272, 384]
    groups = {"groups": [1, 2, 3, 4, 8]}
    below = equal_cost("shufflenet_v1", "macs", "width", groups, variant="g1", at_most=True)
    assert [row.settings["width"] for row in below.rows[1:]] == published


@pytest.mark.nightly
def test_the_nearest_widths_are_those_of_the_shufflenet_paper_but_for_one() -> None:
    """For 4 groups a width is a multiple of 16, and the next one is nearer."""
    groups = {"groups": [1, 2, 3, 4, 8]}
    report = equal_cost("shufflenet_v1", "macs", "width", groups, variant="g1")
    assert [row.settings["width"] for row in report.rows[1:]] == [144, 200, 240, 288, 384]
    assert all(0.9 < row.equal_ratio < 1.1 for row in report.rows)


# Exactness

LAYERS = (
    "- conv: {{filters: {0}, kernel: 3, groups: {1}, norm: batch}}",
    "- conv: {{filters: {0}, kernel: 1}}",
    "- conv: {{filters: {0}, kernel: 1}}\n  when: $w > {2}",
    "- conv: {{filters: {0}, kernel: 1}}\n  repeat: min($w, 3)",
    "- depthwise_conv: {{kernel: 3}}",
    "- batch_norm",
    "- residual: {{body: [conv: {{filters: {0}, kernel: 1, groups: {1}}}], shortcut: project}}",
    "- residual: {{body: [conv: {{filters: {0}, kernel: 1}}], shortcut: if_same}}",
    "- residual: {{body: [conv: {{filters: $in, kernel: 3, groups: {1}}}]}}",
    "- parallel: {{branches: [[conv: {{filters: {0}, kernel: 1}}], []]}}",
    "- squeeze_excite: {{filters: $in // 2}}",
    "- max_pool: {{size: 2}}",
    "- part: {{size: {0}}}",
    "- dense: {{units: {0}}}",
)
SIZES = (
    *("$w", "4 * $w", "$w + 3", "$w * $k", "$w // 2 * 2", "$w * 3 // 4", "2 * $twice", "12"),
    *("round_to($w, 4)", "max($w, 9)", "min($w, 9)", "8 if $k > 3 else $w", "$w * $w // 8"),
    *("40 - $w", "$w - 5", "8 if $w > 7 else 4", "$in", "$in - $w", "$w * ($w - 9)", "$w / 2"),
    *("($w + 1) * (20 - $k)", "$w * $k - $w", "$w // (6 - $k)"),
)


EXAMPLES = examples(20)


def random_spec(chance: random.Random) -> str:
    chosen = [chance.choice(LAYERS) for _ in range(chance.randint(1, 4))]
    layers = [
        each.format(chance.choice(SIZES), chance.choice((1, 1, 2, 3)), chance.randint(2, 20))
        for each in chosen
    ]
    return "\n".join(
        [
            "input: [4, 4, 6]",
            f"vars: {{w: {chance.randint(0, 12)}, k: {chance.randint(1, 7)}, twice: 2 * $w}}",
            "blocks:",
            "  part:",
            "    params: {size, more: $size + $w}",
            "    layers:",
            "    - conv: {filters: $size, kernel: 1}",
            "    - conv: {filters: $more // 2, kernel: 1}",
            "layers:",
            "- conv: {filters: 8, kernel: 1}",
            *layers,
            "- global_avg_pool" if not any("dense" in each for each in layers) else "- relu",
        ]
    )


def maker_of(file: SpecFile) -> Callable[[int], Network | str]:
    def make(value: int) -> Network | str:
        try:
            return file.network({"w": str(value)})
        except SpecError as error:
            return error.diagnostics[0].message

    return make


def by_trying_all(costs: dict[int, int], target: int, start: int, at_most: bool) -> int | None:
    """The value that the rule names, from the costs of all values."""
    fitting = [value for value, cost in costs.items() if not at_most or cost <= target]
    if not fitting:
        return None
    least = min(abs(costs[value] - target) for value in fitting)
    near = [value for value in fitting if abs(costs[value] - target) == least]
    cheapest = [value for value in near if costs[value] == min(costs[each] for each in near)]
    return start if start in cheapest else min(cheapest)


def test_no_other_value_is_nearer(monkeypatch: pytest.MonkeyPatch) -> None:
    """Against trying every value, on random specs whose costs rise, fall, jump or have gaps."""
    for name, value in (("NEAR", 40), ("TIMES", 2), ("MOST", 150)):  # as all are tried here
        monkeypatch.setattr(equal, name, value)
    chance = random.Random(20_161)
    proven = tried = 0
    while tried < EXAMPLES:
        text = random_spec(chance)
        file = SpecFile(Source("random.yaml", text))
        make = maker_of(file)
        made = {value: each for value in range(60) if not isinstance(each := make(value), str)}
        if not made:
            continue
        tried += 1
        metric = chance.choice(EQUALS)
        start = chance.randint(0, 15)
        costs = {value: cost_of(each, metric) for value, each in made.items()}
        # Targets that some value below 30 reaches, so that all above 150 cost more if costs grow.
        middle = [cost for value, cost in costs.items() if value < 30] or list(costs.values())
        target = max(0, chance.choice(middle) + chance.randint(-40, 40))
        at_most = chance.random() < 0.4
        growth = file.growth("w")
        proof = None
        if growth.is_sure:
            proof = lambda low, high, g=growth: grows(low, high, projects=g.projects)  # noqa: E731
        found = nearest(make, Equal(metric, "w", target, at_most), start, proof)
        every = {v: c for v, c in costs.items() if v <= found.covered}
        if found.covered >= 60:
            more = {v: m for v in range(60, 151) if not isinstance(m := make(v), str)}
            every |= {v: cost_of(m, metric) for v, m in more.items() if v <= found.covered}
        proven += found.covered > 150
        assert found.value == by_trying_all(every, target, start, at_most), text
        if found.covered > 150:  # costs never fall, which is what was proven
            rising = [every[value] for value in sorted(every)]
            assert rising == sorted(rising), text
    assert proven > EXAMPLES / 10
    assert proven < EXAMPLES * 9 / 10


@pytest.mark.parametrize(
    ("size", "is_sure"),
    [
        ("$w", True),
        ("$w + 3 * $k", True),
        ("round_to($w * 0.75, 8)", True),
        ("$w if $k > 2 else 2 * $w", True),
        ("$w - $k", True),
        ("$twice * $w // 2", True),
        ("40 - $w", False),
        ("$k - $w", False),
        ("$w if $w > 2 else 2", False),
        ("$k // $w", False),
        ("$w * ($w - 9)", False),
        ("$w * $low", False),
        ("($w - 9) * 2", False),
    ],
)
def test_the_text_of_a_spec_shows_whether_sizes_only_rise(size: str, is_sure: bool) -> None:
    spec = {
        "input": [4, 4, 6],
        "vars": {"w": 4, "k": 3, "twice": "2 * $w", "low": -1},
        "layers": [{"conv": {"filters": size, "kernel": 1}}],
    }
    assert open_spec(spec).growth("w").is_sure is is_sure


@pytest.mark.parametrize(
    "item",
    [
        {"conv": {"filters": 4, "kernel": "$w"}},
        {"conv": {"filters": 12, "kernel": 1, "groups": "$w"}},
        {"conv": {"filters": 4, "kernel": 1}, "repeat": "$w"},
        {"conv": {"filters": 4, "kernel": 1}, "when": "$w > 2"},
        {"conv": {"filters": "$size", "kernel": 1}, "each": {"size": ["$w", 4]}},
        {"residual": {"body": [{"conv": {"filters": 4, "kernel": 1}}], "shortcut": "if_same"}},
    ],
)
def test_whatever_is_not_a_size_is_not_sure(item: dict[str, object]) -> None:
    spec = {"input": [4, 4, 6], "vars": {"w": 4}, "layers": [item]}
    assert not open_spec(spec).growth("w").is_sure


ARGUMENTS: dict[str, dict[str, object]] = {
    "conv": {"filters": 12, "kernel": 3, "groups": 2},
    "depthwise_conv": {"kernel": 3, "multiplier": 2},
    "conv_transpose": {"filters": 5, "kernel": 2},
    "dense": {"units": 7},
    "group_norm": {"groups": 2},
    "dropout": {"rate": 0.5},
    "max_pool": {"size": 2},
    "avg_pool": {"size": 2},
    "zero_pad": {"padding": 1},
    "crop": {"cropping": 1},
    "upsample": {"size": 2},
    "channel_shuffle": {"groups": 2},
}


@pytest.mark.parametrize("kind", sorted(KINDS - {"input"}))
def test_layers_of_which_costs_never_fall_with_their_channels(kind: str) -> None:
    item: object = {kind: ARGUMENTS[kind]} if kind in ARGUMENTS else kind
    if kind in ("add", "multiply", "average", "maximum", "concat"):
        item = {"parallel": {"branches": [["relu"], ["relu"]], "merge": kind}}
    spec = {
        "input": [6, 6, 2],
        "vars": {"w": 4},
        "layers": [{"conv": {"filters": "$w", "kernel": 1}}, item],
    }
    file = open_spec(spec)
    nodes = [file.network({"w": w}).nodes[-1] for w in (2, 4, 6, 12)]
    assert nodes[0].op.op == kind
    for figures in (
        [node.cost.macs for node in nodes],
        [node.cost.params for node in nodes],
        [node.shape[-1] for node in nodes],
    ):
        assert figures == sorted(figures)


# The rows


def test_a_target_beyond_the_first_values_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    first = 32
    monkeypatch.setattr(equal, "NEAR", first)  # a tenth of the values, and of the time
    spec = {
        "input": [1, 1, 1],
        "vars": {"w": 1, "k": 1},
        "layers": [{"dense": {"units": "$k * $w if $w > 0 else 1"}}],
    }
    report = equal_cost(spec, "macs", "w", {"k": [1]}, settings={"w": first * 3})
    assert report.rows[1].settings["w"] == first * 3
    report = equal_cost(spec, "macs", "w", {"k": [2]}, settings={"w": first * 3})
    assert report.rows[1].settings["w"] == first * 3 // 2
    assert report.rows[1].searched_to == first * 3 * 4
    # Limits are doubled as long as no network costs so much.
    report = equal_cost(spec, "macs", "w", {"k": [1]}, settings={"w": 3, "k": 50})
    assert report.rows[1].settings["w"] == 150
    assert report.rows[1].searched_to == first * 8


def test_groups_can_be_brought_to_the_same_cost() -> None:
    report = equal_cost("resnext", "params", "width", groups=[1, 8], only="*.conv_2")
    assert [row.groups for row in report.rows] == ["as written", 1, 8]
    for row in report.rows[1:]:
        built = load("resnext", settings=row.settings, groups=row.groups, only="*.conv_2")
        assert sum(node.cost.params for node in built.nodes) == row.params
        costs = {}
        for other in (row.settings["width"] - 1, row.settings["width"] + 1):
            made = load("resnext", settings={"width": other}, groups=row.groups, only="*.conv_2")
            costs[other] = abs(sum(n.cost.params for n in made.nodes) - report.rows[0].params)
        assert min(costs.values()) > abs(row.params - report.rows[0].params)


def test_a_row_that_cannot_cost_so_little_says_why() -> None:
    spec = {
        "input": [8, 8, 16],
        "vars": {"w": 1, "k": 1},
        "layers": [{"conv": {"filters": "$w * $k", "kernel": 1, "bias": False}}],
    }
    row = equal_cost(spec, "macs", "w", {"k": [4]}, at_most=True).rows[1]
    assert not row.valid
    assert row.reason == ("no value of w costs so little: with w=1 it costs 4,096 macs, the least")


@pytest.mark.parametrize(
    ("metric", "by", "told"),
    [
        ("bytes", "width", "params, macs or flops; got 'bytes'"),
        ("macs", "widht", "has no variable 'widht'; did you mean 'width'?"),
        ("macs", "groups", "'groups' has values of its own"),
    ],
)
def test_what_cannot_be_made_equal_is_refused(metric: str, by: str, told: str) -> None:
    with pytest.raises(UsageError, match=told):
        equal_cost("resnext", metric, by, {"groups": [1, 2]})


def test_a_variable_without_a_whole_number_is_refused() -> None:
    spec = {"input": [8, 8, 16], "vars": {"w": 0.5}, "layers": [{"dense": {"units": "16 * $w"}}]}
    with pytest.raises(UsageError, match=r"w is 0\.5"):
        equal_cost(spec, "macs", "w", groups=None)


def test_varied_rows_are_the_networks_with_these_values() -> None:
    report = vary("resnext", {"groups": [8, 32], "width": [2, 4]}, settings={"depth3": 2})
    assert report.vary == {"groups": (8, 32), "width": (2, 4)}
    pairs = [(row.settings["groups"], row.settings["width"]) for row in report.rows[1:]]
    assert pairs == [(8, 2), (8, 4), (32, 2), (32, 4)]
    for row in report.rows[1:]:
        network = load("resnext", settings={**row.settings, "depth3": 2})
        assert row.macs == sum(node.cost.macs for node in network.nodes)
    assert [row.is_as_written for row in report.rows] == [True, False, False, False, True]
    assert report.baseline == report.rows[0].totals


def test_varied_rows_go_with_groups() -> None:
    report = vary("resnext", {"width": [2, 4]}, groups=[1, 16], only="*.conv_2")
    pairs = [(row.settings["width"], row.groups) for row in report.rows[1:]]
    assert pairs == [(2, 1), (2, 16), (4, 1), (4, 16)]
    alone = compare(load("resnext", settings={"width": 2}), [16], only="*.conv_2").rows[-1]
    assert report.rows[2].totals == alone.totals


def test_too_many_combinations_are_refused() -> None:
    many = {"groups": list(range(1, 21)), "width": list(range(1, 21))}
    with pytest.raises(UsageError, match=r"20 × 20 values are 400 combinations; .* at most 200"):
        vary("resnext", many)
