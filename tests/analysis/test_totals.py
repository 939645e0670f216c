"""Totals, memory and sweeps."""

from __future__ import annotations

from math import prod

import pytest
from published import COUNTS
from running import run_gconv
from specs import layers

from groupconv_cli import UsageError, analyze, compare, load
from groupconv_cli.analysis.alive import most_alive
from groupconv_cli.analysis.totals import total
from groupconv_cli.network import Network
from groupconv_cli.sources.catalogue import families

# Memory


def values(net: Network) -> list[int]:
    """How many values each node writes."""
    return [prod(node.shape) for node in net.nodes]


def alive_by_definition(net: Network) -> int:
    """At every step, the sizes of all tensors written by then and read then or later."""

    def memory(index: int) -> int:
        node = net.nodes[index]
        return memory(node.inputs[0]) if node.op.is_view else index

    most = 0
    for step in range(len(net.nodes)):
        needed = {memory(source) for node in net.nodes[step:] for source in node.inputs}
        needed |= {memory(output) for output in net.outputs} | {memory(step)}
        most = max(most, sum(prod(net.nodes[i].shape) for i in needed if i <= step))
    return most


@pytest.mark.parametrize("name", families())
def test_the_most_activations_alive_at_once(name: str) -> None:
    net = load(name)
    assert most_alive(net, values(net)) == alive_by_definition(net)


def test_peak_memory_by_hand() -> None:
    """While the sum is written, the input of 768 values and both terms are there."""
    net = layers("- residual: {body: [conv: {filters: 12, kernel: 1}]}\n- global_avg_pool")
    assert most_alive(net, values(net)) == 3 * 768
    assert total(net).peak_bytes == 4 * (3 * 768 + 12 * 12 + 12)


def test_layers_that_move_no_data_write_nothing() -> None:
    net = layers("- relu\n- dropout: {rate: 0.5}\n- flatten\n- dense: {units: 10}")
    totals = total(net)
    assert totals.activation_bytes == 4 * (768 + 10)
    assert totals.moved_bytes == 4 * (2 * 768 + 768 + (768 * 10 + 10) + 10)
    assert most_alive(net, values(net)) == alive_by_definition(net) == 2 * 768


@pytest.mark.parametrize("name", ["shufflenet_v1", "unet"])
@pytest.mark.parametrize("dtype", [None, "float16"])
def test_the_bytes_of_layers_add_up_to_those_of_the_network(name: str, dtype: str | None) -> None:
    report = analyze(name, dtype=dtype)
    memory = [layer.memory for layer in report.layers]
    assert sum(each.activations for each in memory) == report.totals.activation_bytes
    assert sum(each.moved for each in memory) == report.totals.moved_bytes
    assert sum(each.weights for each in memory) == report.totals.weight_bytes


def test_the_bytes_of_a_layer_by_hand() -> None:
    report = analyze({"input": [8, 8, 4], "layers": [{"conv": {"filters": 8, "kernel": 3}}]})
    output, weights = 8 * 8 * 8 * 4, (9 * 4 * 8 + 8) * 4
    assert report.layers[0].memory == (output, weights, weights + 8 * 8 * 4 * 4 + output)


def test_intensity_is_flops_per_byte() -> None:
    totals = total(layers("- conv: {filters: 8, kernel: 1, bias: false}"))
    assert totals.flops == 2 * 64 * 12 * 8
    assert totals.intensity == totals.flops / (4 * (64 * 12 + 12 * 8 + 64 * 8))


@pytest.mark.parametrize(
    ("dtype", "size"), [("float64", 8), ("float32", 4), ("float16", 2), ("bfloat16", 2)]
)
def test_memory_goes_by_the_dtype(dtype: str, size: int) -> None:
    summary = analyze("basic", dtype=dtype)
    assert summary.totals.weight_bytes == size * summary.params
    assert summary.totals.activation_bytes == size * 2 * 32 * 32 * 64


def test_an_unknown_dtype() -> None:
    with pytest.raises(UsageError, match="unknown dtype 'int8'; there are float32, float16"):
        analyze("basic", dtype="int8")


# The baseline


def test_the_baseline_of_resnext_is_wide_resnet() -> None:
    """Counts of wide_resnet50_2 in torchvision's weights metadata."""
    baseline = analyze("resnext50_32x4d").baseline
    assert (baseline.trainable_params, baseline.macs) == (68_883_240, 11_398_021_120)


def test_a_shuffle_follows_the_convolution_that_it_takes_its_groups_from() -> None:
    net = layers("- conv: {filters: 24, kernel: 1, groups: 4}\n- channel_shuffle")
    assert [node.groups for node in net.dense().layers] == [1, 1]
    assert [node.groups for node in net.regrouped({1: 6}).layers] == [6, 6]


# Sweeps


def test_each_row_is_the_network_with_that_number_of_groups() -> None:
    text = """
        - conv: {{filters: 48, kernel: 3}}
        - conv: {{filters: 96, kernel: 3, groups: {0}, norm: batch}}
        - depthwise_conv: {{kernel: 5}}
        - conv: {{filters: 24, kernel: 1, groups: {0}}}
        - channel_shuffle
        """
    for row in compare(layers(text.format(4)), [1, 2, 4, 8, 24]).rows[1:]:
        assert row.totals == total(layers(text.format(row.groups)))
    rows = compare("resnext50_32x4d", [1, 32]).rows
    assert [row.groups for row in rows] == ["as written", 1, 32]
    assert rows[0].totals == rows[2].totals
    assert rows[1].macs == COUNTS["resnext50_32x4d"][0].dense_macs


def test_one_group_is_always_a_row_and_the_first() -> None:
    assert [row.groups for row in compare("basic", [4, 8, 4]).rows] == ["as written", 1, 4, 8]
    assert [row.groups for row in compare("basic", [4, 1]).rows] == ["as written", 1, 4]


def test_all_is_every_number_that_divides_all_swept_layers() -> None:
    counts = [row.groups for row in compare("shufflenet_v1", "all").rows[1:]]
    assert counts == [1, 2, 3, 4, 6, 12]
    assert all(row.valid for row in compare("shufflenet_v1", counts).rows)
    others = [count for count in range(1, 61) if count not in counts]
    assert not any(row.valid for row in compare("shufflenet_v1", others).rows[2:])


def test_a_number_that_does_not_divide_is_a_row_that_says_why() -> None:
    row = compare("block", [3]).rows[-1]
    assert (row.groups, row.valid) == (3, False)
    assert (row.params, row.trainable_params, row.macs, row.flops) == (None,) * 4
    assert "3 does not divide the 64 input and 64 output channels of 'conv'" in row.reason
    assert row.reason.endswith("1, 2, 4, 8, 16, 32, 64")


RULES = {
    "grouped": ("conv: {filters: 24, kernel: 1, groups: 4}", "depthwise_conv: {kernel: 3}"),
    "depthwise": ("conv: {filters: 24, kernel: 1}", "conv: {filters: 48, kernel: 3, groups: 24}"),
    "dense": ("conv: {filters: 24, kernel: 1}", "conv: {filters: 48, kernel: 3}"),
}
SWEPT = {"grouped": ["conv_2"], "depthwise": ["conv_3"], "dense": ["conv_2", "conv_3", "conv_4"]}


@pytest.mark.parametrize("rule", RULES)
def test_what_a_sweep_changes(rule: str) -> None:
    middle = "\n".join(f"- {line}" for line in RULES[rule])
    ends = "- conv: {filters: 24, kernel: 3}"
    result = compare(layers(f"{ends}\n{middle}\n{ends}"), [1, 2])
    assert result.rule == rule
    assert list(result.swept) == SWEPT[rule]
    convolutions = ["conv", "conv_2", "conv_3", "conv_4", "depthwise_conv"]
    assert set(result.held) <= set(convolutions) - set(SWEPT[rule])
    assert len(result.held) + len(result.swept) == 4


def test_held_convolutions_stay_as_written_at_one_group() -> None:
    """So g=1 is not the all-dense baseline where something grouped is held."""
    result = compare("shufflenet_v1", [1])
    depthwise = [row for row in analyze("shufflenet_v1").layers if row.is_depthwise]
    dense_too = sum(row.dense_cost.macs - row.macs for row in depthwise)
    assert result.baseline.macs == COUNTS["shufflenet_v1_g3"][0].dense_macs - dense_too


def test_only_names_what_is_swept() -> None:
    result = compare("resnext50_32x4d", [1, 2], only="stage_2.*.conv_2")
    assert result.rule == "only"
    assert len(result.swept) == 4
    assert all(name.startswith("stage_2.bottleneck") for name in result.swept)
    with pytest.raises(UsageError, match=r"matches --only 'nope\*'; the convolutions are conv"):
        compare("block", [1], only="nope*")


def test_a_depthwise_layer_swept_is_a_grouped_convolution_of_the_same_filters() -> None:
    net = layers("- depthwise_conv: {kernel: 3, multiplier: 2}")
    rows = compare(net, "all").rows
    assert [row.groups for row in rows[1:]] == [1, 2, 3, 4, 6, 12]
    assert rows[-1].totals == rows[0].totals
    assert rows[1].macs == 12 * rows[0].macs


def test_a_shuffle_that_follows_makes_a_row_invalid_where_it_cannot() -> None:
    net = layers(
        """
        - parallel:
            branches:
              - [conv: {filters: 24, kernel: 1, groups: 4}]
              - [conv: {filters: 4, kernel: 1}]
        - channel_shuffle
        """
    )
    row = compare(net, [3]).rows[-1]
    assert not row.valid
    assert "groups=3 does not divide the 28 channels of 'channel_shuffle'" in row.reason


def test_nothing_to_sweep() -> None:
    with pytest.raises(UsageError, match="the network has none"):
        compare(layers("- relu"), [1])
    first = layers("- conv: {filters: 8, kernel: 3}")
    with pytest.raises(UsageError, match="the only one reads the input; to vary it: --only conv"):
        compare(first, [1])
    assert compare(first, [4], only="conv").rows[-1].valid


def test_a_comparison_has_at_most_two_hundred_rows() -> None:
    assert len(compare("basic", range(1, 201)).rows) == 201
    with pytest.raises(UsageError, match="201 numbers of groups"):
        compare("basic", range(1, 202))


def test_channels_too_many_to_list_their_divisors() -> None:
    net = layers(
        "- conv: {filters: 999999999989, kernel: 1}\n" * 2, input_shape="[8, 999999999989]"
    )
    assert [row.groups for row in compare(net).rows[1:]] == [1, 999999999989]
    net = layers("- conv: {filters: 1000000000001, kernel: 1}\n" * 2)
    with pytest.raises(UsageError, match="too many divisors"):
        compare(net, only="conv_2")


@pytest.mark.parametrize("groups", [[0], [-1], [True], ["2"], "some"])
def test_groups_that_are_none(groups) -> None:
    with pytest.raises(UsageError, match="groups"):
        compare("basic", groups)


def convolutions(*filters: int) -> dict:
    return {"input": [8, 8, 3], "layers": [{"conv": {"filters": f, "kernel": 3}} for f in filters]}


@pytest.mark.parametrize(
    ("filters", "swept", "apart", "counts"),
    [
        ((8, 16, 16), (2, 3), (), [1, 2, 4, 8]),
        # Nothing divides the three classes, and every number above 1 was invalid.
        ((8, 16, 16, 3), (2, 3), (4,), [1, 2, 4, 8]),
        # 8, 1 and 9 are the most groups of layers 3 to 5: most share 2.
        ((8, 8, 8, 9, 9), (2, 3), (4, 5), [1, 2, 4, 8]),
        ((4, 8, 9, 3), (2,), (3, 4), [1, 2, 4]),
        ((6, 12, 9), (2, 3), (), [1, 3]),
        ((5, 7, 11), (2, 3), (), [1]),
    ],
)
def test_a_layer_that_nothing_divides_does_not_spoil_a_sweep(
    filters: tuple[int, ...], swept: tuple[int, ...], apart: tuple[int, ...], counts: list[int]
) -> None:
    report = compare(convolutions(*filters))
    assert report.swept == tuple(f"conv_{number}" for number in swept)
    assert report.apart == tuple(f"conv_{number}" for number in apart)
    assert set(report.apart) < set(report.held)
    assert [row.groups for row in report.rows[1:]] == counts
    assert all(row.valid for row in report.rows)


def test_convolutions_that_match_except_are_held() -> None:
    spec = convolutions(8, 16, 16, 16)
    report = compare(spec, [1, 4], except_="conv_3")
    assert (report.swept, report.rule) == (("conv_2", "conv_4"), "dense")
    assert compare(spec, [1, 4], only="conv_[23]", except_="*_3").swept == ("conv_2",)
    # 8 × 16 × 9 weights and a bias of 16, 16 × 16 × 9 / 4 of the last, and the others as written.
    held = (3 * 8 * 9 + 8) + (16 * 16 * 9 + 16)
    assert report.rows[-1].params == held + (8 * 16 * 9 // 4 + 16) + (16 * 16 * 9 // 4 + 16)
    with pytest.raises(UsageError, match="no convolution matches --except 'x'; the convolutions"):
        compare(spec, except_="x")
    with pytest.raises(UsageError, match=r"--except '\*' leaves no convolution to vary"):
        compare(spec, except_="*")


def test_compare_says_which_layers_nothing_divides(tmp_path) -> None:
    import json

    (tmp_path / "net.yaml").write_text(json.dumps(convolutions(8, 16, 16, 3)))
    done = run_gconv("compare", "net.yaml", cwd=tmp_path)
    assert done.status == 0
    assert "Unchanged: conv, conv_4." in done.out
    assert "conv_4 shares no divisor above 1 with the varied layers." in done.out
    done = run_gconv("compare", "net.yaml", "--except", "conv_2", "--format", "json", cwd=tmp_path)
    assert json.loads(done.out)["swept"] == ["conv_3"]
