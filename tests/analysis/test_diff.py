"""What changed between two networks: alignment, sums, limits, git revisions, and the command."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from random_specs import specs
from running import run_gconv
from specs import examples

from groupconv_cli import SpecError, UsageError, analyze, diff, load
from groupconv_cli.analysis import align as aligning
from groupconv_cli.analysis.align import counted, runs
from groupconv_cli.analysis.diff import diff_networks
from groupconv_cli.analysis.growth import verdicts
from groupconv_cli.network import Network
from groupconv_cli.policy.limits import parse_limits
from groupconv_cli.policy.totals import IN_EVERY_LIMIT
from groupconv_cli.render.diff import diff_view

try_many = settings(
    max_examples=examples(15), deadline=None, suppress_health_check=list(HealthCheck)
)


# Sums, which hold whatever the alignment


def check_sums(old, new) -> None:
    """The layers' differences are the totals', and every layer of both sides is told of once."""
    result = diff(old, new)
    before, after = analyze(old), analyze(new)
    assert (result.before, result.after) == (before.totals, after.totals)
    assert sum(layer.params for layer in result.layers) == after.params - before.params
    assert sum(layer.macs for layer in result.layers) == after.macs - before.macs
    gone = [layer.old.name for layer in result.layers if layer.old]
    come = [layer.new.name for layer in result.layers if layer.new]
    assert len(gone) + result.unchanged == len(before.layers)
    assert len(come) + result.unchanged == len(after.layers)
    assert len(set(gone)) == len(gone)
    assert len(set(come)) == len(come)
    for exact in (True, False):
        tables = diff_view(result, exact=exact).tables
        rows = [
            row.cells for table in tables if table.columns[0].key == "sign" for row in table.rows
        ]
        assert sum(cells[2] for cells in rows) == after.params - before.params
        assert sum(cells[3] for cells in rows) == after.macs - before.macs


@try_many
@given(specs(), specs())
def test_the_changes_of_layers_are_the_change_of_the_totals(old, new) -> None:
    check_sums(old, new)


@try_many
@given(specs(), st.data())
def test_an_item_left_out_or_said_twice(spec, data) -> None:
    layers = spec["layers"]
    place = data.draw(st.integers(0, len(layers) - 1))
    for other in (layers[:place] + layers[place + 1 :], layers[:place] + layers[place:][:1] * 2):
        try:
            new = load({**spec, "layers": other})
        except SpecError:
            continue
        if new.layers:
            check_sums(spec, new)
            check_sums(new, spec)


@try_many
@given(specs())
def test_a_network_does_not_differ_from_itself(spec) -> None:
    result = diff(spec, spec)
    assert result.is_same
    assert (result.layers, result.renamed) == ((), ())
    assert result.unchanged == len(analyze(spec).layers)
    nested = {**spec, "layers": ["part"], "blocks": {"part": {"layers": spec["layers"]}}}
    moved_into_a_block = diff(spec, nested)
    assert moved_into_a_block.is_same
    assert len(moved_into_a_block.renamed) == result.unchanged


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("resnet50", "resnext50_32x4d"),
        ("resnet18", "mobilenet_v2"),
        ("vgg16", "basic"),
        ("shufflenet_v1_g3", "shufflenet_v1_g8"),
    ],
)
def test_sums_of_published_networks(old: str, new: str) -> None:
    check_sums(old, new)
    check_sums(new, old)


# What is told of an edit


def conv(filters: int = 16, **more) -> dict:
    return {"conv": {"filters": filters, "kernel": 3, "groups": 4, **more}}


PLAIN = [conv(), "batch_norm", "relu"] * 4 + ["global_avg_pool", {"dense": {"units": 10}}]


def net(*layers, shape=(16, 16, 16)) -> Network:
    return load({"input": list(shape), "layers": list(layers)})


def own(result) -> list:
    """Status, names and what was written differently of each change that does not just follow."""
    consequences = ("input_shapes", "output_shape", "params", "macs")
    return [
        (
            layer.status,
            layer.layer.name,
            {f.field: (f.old, f.new) for f in layer.fields if f.field not in consequences},
        )
        for layer in result.layers
        if not layer.follows
    ]


def replaced(place: int, *items) -> list:
    return [*PLAIN[:place], *items, *PLAIN[place + 1 :]]


@pytest.mark.parametrize(
    ("layers", "told"),
    [
        ([conv(24), *PLAIN], [("added", "conv", {})]),
        (PLAIN[1:], [("removed", "conv", {})]),
        ([*PLAIN[:6], "channel_shuffle", *PLAIN[6:]], [("added", "channel_shuffle", {})]),
        (replaced(4, {"layer_norm": {}}), [("changed", "layer_norm", {"op": ("batch_norm",) * 0})]),
        (replaced(5, "swish"), [("changed", "swish", {"op": ("relu", "swish")})]),
        (replaced(3, conv(groups=8)), [("changed", "conv_2", {"groups": (4, 8)})]),
        (replaced(3, conv(24)), [("changed", "conv_2", {"filters": (16, 24)})]),
        (replaced(0, conv(kernel=5)), [("changed", "conv", {"kernel": ((3, 3), (5, 5))})]),
        (replaced(0, conv(stride=2)), [("changed", "conv", {"stride": ((1, 1), (2, 2))})]),
        (replaced(0, conv(dilation=2)), [("changed", "conv", {"dilation": ((1, 1), (2, 2))})]),
        (replaced(0, conv(bias=False)), [("changed", "conv", {"bias": (True, False)})]),
        (replaced(0, conv(padding=1)), [("changed", "conv", {"padding": ("same", (1, 1))})]),
        (
            replaced(0, conv(padding=[[0, 1], 1])),
            [("changed", "conv", {"padding": ("same", ((0, 1), (1, 1)))})],
        ),
        (replaced(0, conv(kernel=[3, 3], dilation=[1, 1])), []),
        (
            replaced(13, {"dense": {"units": 11, "bias": False}}),
            [("changed", "dense", {"units": (10, 11), "bias": (True, False)})],
        ),
        (
            [{**item, "conv": {**item["conv"], "groups": 2}} if "conv" in item else item
             for item in PLAIN],
            [("changed", f"conv{n}", {"groups": (4, 2)}) for n in ("", "_2", "_3", "_4")],
        ),
    ],
)  # fmt: skip
def test_an_edit_is_told_as_it_was_made(layers: list, told: list) -> None:
    found = own(diff(net(*PLAIN), net(*layers)))
    expected = [
        (status, name, {"op": ("batch_norm", "layer_norm")} if name == "layer_norm" else fields)
        for status, name, fields in told
    ]
    assert found == expected


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (conv(padding=1), conv(padding=[[1, 1]])),
        (conv(padding=[[0, 1]]), conv(padding=[[0, 1], [0, 1]])),
        ({"zero_pad": {"padding": 0, "after": 1}}, {"zero_pad": {"padding": [[0, 1], [0, 1]]}}),
        ({"crop": {"cropping": [[1, 2]]}}, {"crop": {"cropping": 1, "after": 2}}),
        ("softmax", {"softmax": {"groups": 1}}),
    ],
)
def test_two_ways_to_write_one_layer_are_no_difference(one, other) -> None:
    assert not diff(net(one), net(other)).layers


def test_pixels_on_both_sides_are_told_as_they_are_written() -> None:
    change = own(diff(net(conv(padding=1)), net(conv(padding=[[0, 1], 1]))))
    assert change == [("changed", "conv", {"padding": ((1, 1), ((0, 1), (1, 1)))})]


def test_a_layer_with_a_wider_input_follows() -> None:
    result = diff(net(*PLAIN), net(*replaced(3, conv(24))))
    following = {layer.layer.name: layer for layer in result.layers if layer.follows}
    assert set(following) == {"batch_norm_2", "relu_2", "conv_3"}
    assert following["conv_3"].params == (24 - 16) // 4 * 9 * 16
    assert result.renamed == ()


def test_a_block_between_renames_what_comes_after() -> None:
    result = diff("resnet50", "resnet101")
    assert {layer.status for layer in result.layers} == {"added"}
    assert len(result.layers) == len(load("resnet101").layers) - len(load("resnet50").layers)


def test_a_layer_in_another_place_is_moved() -> None:
    pool, drop = "max_pool", {"dropout": {"rate": 0.5}}
    result = diff(net(drop, conv(), "relu", pool), net(conv(), "relu", drop, pool))
    assert own(result) == [("moved", "dropout", {})]
    twice = diff(net(drop, *PLAIN), net(*PLAIN[:3], drop, *PLAIN[3:6], drop, *PLAIN[6:]))
    assert [status for status, *_ in own(twice)] == ["removed", "added", "added"]


def test_another_connection_is_a_change() -> None:
    """The same layers in the same order, but the sum takes another tensor."""

    def unit(*body) -> dict:
        return {"residual": {"body": list(body)}}

    old = net("relu", unit("relu", "relu"))
    add = old.nodes[-1]
    assert add.op.op == "add"
    nodes = (*old.nodes[:-1], add._replace(inputs=(add.inputs[0], 2)))
    result = diff(old, Network("other", nodes, old.inputs, old.outputs))
    ((status, name, fields),) = own(result)
    assert (status, name) == ("changed", "residual.add")
    assert fields["inputs"][0][1] != fields["inputs"][1][1]
    several = Network("other", old.nodes, old.inputs, (2, *old.outputs))
    ((_, name, fields),) = own(diff(old, several))
    assert (name, fields) == (old.nodes[2].name, {"is_output": (False, True)})


def test_without_an_old_network_all_is_added() -> None:
    new = net(*PLAIN)
    result = diff_networks(None, new)
    assert result.is_new
    assert not result.is_same
    assert result.count("added") == len(new.layers)
    assert result.before.params == result.before.peak_bytes == 0
    assert verdicts(parse_limits(["0%"]), result) == ()


# Alignment


def longest(old: list, new: list) -> int:
    """Length of the longest common subsequence, by the textbook."""
    row = [0] * (len(new) + 1)
    for a in old:
        before = row
        row = [0]
        for j, b in enumerate(new):
            row.append(before[j] + 1 if a == b else max(row[j], before[j + 1]))
    return row[-1]


KEYS = st.lists(st.integers(0, 4), max_size=14)


@pytest.mark.parametrize("match", [runs, counted])
@given(old=KEYS, new=KEYS)
def test_pairs_are_equal_and_never_cross(match, old: list, new: list) -> None:
    pairs = match(old, new)
    assert all(old[a] == new[b] for a, b in pairs)
    assert all(a < c and b < d for (a, b), (c, d) in pairwise(pairs))
    assert bool(pairs) == bool(set(old) & set(new))
    assert len(pairs) <= longest(old, new)


@given(st.permutations(range(9)), st.permutations(range(9)))
def test_where_nothing_repeats_the_most_pairs_are_found(old: list, new: list) -> None:
    assert len(counted(old, new)) == longest(old, new)


def test_what_repeats_itself_too_often_is_counted(monkeypatch) -> None:
    monkeypatch.setattr(aligning, "MAX_REPEATS", 11)
    assert runs("aaaa", "aabba") == counted("aaaa", "aabba") == [(0, 0), (1, 1), (3, 4)]
    monkeypatch.setattr(aligning, "MAX_REPEATS", 12)
    assert runs("aaaa", "aabba") == [(0, 0), (1, 1), (2, 4)]


# Limits


@pytest.mark.parametrize(
    ("text", "before", "allowed"),
    [
        ("params=5%", 100, 105),
        ("params=5%", 19, 19),
        ("macs=0.5%", 1000, 1005),
        ("macs=0", 7, 7),
        ("flops=250%", 2, 7),
        ("params=100k", 1, 100_001),
        ("params = 1.5M", 0, 1_500_000),
        ("weights=2MB", 0, 2_000_000),
        ("memory=1KiB", 0, 1024),
        ("memory=0", 5, 5),
        ("memory=10", 5, 15),
        ("memory=1KB", 0, 1000),
        ("params=1m", 0, 1_000_000),
        ("activations=1.5GiB", 0, 3 << 29),
    ],
)
def test_what_a_limit_allows(text: str, before: int, allowed: int) -> None:
    (limit,) = parse_limits([text])
    assert limit.metric == text.partition("=")[0].strip()
    assert limit.allowed(before) == allowed


def test_a_limit_of_its_own_stands_in_for_the_general_one() -> None:
    limits = parse_limits(["5%", "macs=10%", "macs=1G"])
    named = [(limit.metric, limit.text) for limit in limits]
    assert named == [("params", "5%"), ("memory", "5%"), ("macs", "10%"), ("macs", "1G")]
    assert [limit.metric for limit in parse_limits(["1%"])] == list(IN_EVERY_LIMIT)
    assert parse_limits(["1%"])[0].amount == Fraction(1, 100)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("5", "a limit is a percentage, such as 5%, or has a name, such as params=100k; got '5'"),
        ("", "a limit is a percentage"),
        ("100k", "a limit is a percentage"),
        ("-5%", "got '-5%'"),
        ("params=", "got 'params='"),
        ("params=-1", "got 'params=-1'"),
        ("params=1MB", "got 'params=1MB'\n  did you mean 1M?"),
        ("memory=1M", "got 'memory=1M'\n  did you mean 1MB?"),
        ("weights=1M", "must be a percentage, such as 5%, or a number of bytes, or one with B, kB"),
        ("params=1.5", "must be a percentage, such as 5%, or a whole number; got"),
        ("memory=nan%", "got 'memory=nan%'"),
        ("params=1e400", "got 'params=1e400'"),
        ("parms=5%", "cannot limit 'parms' in 'parms=5%'; did you mean 'params'?"),
        ("size=5%", "there are params, macs, flops, weights, activations and memory"),
    ],
)
def test_limits_that_are_none(text: str, message: str) -> None:
    with pytest.raises(UsageError) as raised:
        parse_limits([text])
    assert message in str(raised.value)


@pytest.mark.parametrize(
    ("limit", "status"),
    [
        ("params=14719", 1),
        ("params=14720", 0),
        ("params=315%", 1),
        ("params=316%", 0),
        ("5%", 1),
        ("100000%", 0),
    ],
)
def test_a_broken_limit_is_status_1(limit: str, status: int) -> None:
    """block has 19,392 parameters and basic 4,672."""
    result = run_gconv("diff", "basic", "block", "--fail-if-larger", limit)
    assert result.status == status
    assert ("over" in result.out) == bool(status)
    assert ("gconv: error: Params went from 4,672 to 19,392" in result.err) == bool(status)


def test_what_becomes_smaller_breaks_no_limit() -> None:
    assert run_gconv("diff", "block", "basic", "--fail-if-larger", "0%").status == 0


# What is no difference


CONV = {"filters": 8, "kernel": 3}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (["swish"], ["silu"]),
        (["hard_swish"], ["hard_silu"]),
        ([{"conv": {**CONV, "activation": "swish"}}], [{"conv": {**CONV, "activation": "silu"}}]),
        *(
            (
                [{"conv": {"filters": 8, "kernel": 1, "stride": stride, "padding": "same"}}],
                [{"conv": {"filters": 8, "kernel": 1, "stride": stride, "padding": other}}],
            )
            for stride in (1, 2)
            for other in ("valid", 0)
        ),
        (
            [{"parallel": {"split": True, "branches": [[], ["relu"]]}}],
            [
                {"slice": {"count": 4}, "name": "a"},
                {"slice": {"start": 4, "count": 4}, "from": "input"},
                "relu",
                {"concat": None, "from": ["a", -1]},
            ],
        ),
    ],
)
def test_two_ways_to_write_the_same(old, new) -> None:
    result = diff(*({"input": [9, 9, 8], "layers": layers} for layers in (old, new)))
    assert (result.is_same, result.layers) == (True, ())


def test_of_ways_that_are_the_same_only_the_change_is_told() -> None:
    old, new = (
        {"input": [9, 9, 8], "layers": [{"conv": {"filters": 8, "kernel": 1, **more}}]}
        for more in ({"padding": "same"}, {"padding": "valid", "groups": 2})
    )
    (change,) = diff(old, new).layers
    assert [field.field for field in change.fields] == ["groups", "params", "macs"]


def branches(order: list[int], *, each: bool = True) -> dict[str, object]:
    """Three convolutions side by side, concatenated in an order."""
    if each:
        convs = [{"conv": {**CONV, "dilation": "$d"}, "from": "input", "each": {"d": [1, 2, 3]}}]
    else:
        convs = [{"conv": CONV, "from": "input", "repeat": 3}]
    return {"input": [9, 9, 8], "layers": [*convs, {"concat": None, "from": order}]}


@pytest.mark.parametrize("each", [True, False])
def test_the_order_in_which_branches_are_written_is_no_difference(each: bool) -> None:
    old = load(branches([-1, -2, -3], each=each))
    turned = [0, 3, 2, 1, 4]
    nodes = [old.nodes[i] for i in turned]
    nodes[4] = nodes[4]._replace(inputs=(1, 2, 3))
    new = old.replace(nodes=tuple(nodes), origin=None)
    for pair in ((old, new), (new, old)):
        result = diff(*pair)
        assert (result.is_same, result.layers, result.renamed) == (True, (), ())


def test_branches_that_are_joined_in_another_order_are_a_difference() -> None:
    (change,) = diff(branches([-1, -2, -3]), branches([-1, -3, -2])).layers
    assert [field.field for field in change.fields] == ["inputs"]


def test_the_heading_names_all_inputs() -> None:
    def net(*more: str) -> dict[str, object]:
        merge = {"concat": None, "from": ["a", "b"]}
        return {"inputs": {"a": [4, 4, 2], "b": [4, 4, 3]}, "layers": [merge, *more]}

    title = diff_view(diff(net(), net("relu"))).title
    assert "· inputs 4×4×2 and 4×4×3 ·" in title
    changed = diff_view(diff(net(), {"input": [4, 4, 2], "layers": ["relu"]})).title
    assert "· inputs 4×4×2 and 4×4×3 → 4×4×2 ·" in changed
