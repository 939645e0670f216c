"""What specs mean: names, variables, blocks, repeats and composites."""

from __future__ import annotations

import pytest
from specs import layers, names, network, problems

from groupconv_cli import SpecError, UsageError, load
from groupconv_cli.ops.conv import Conv
from groupconv_cli.ops.norm import BatchNorm


def test_names_are_the_op_then_numbered_from_two() -> None:
    net = layers("- relu\n- conv: {filters: 8, kernel: 3}\n- relu\n- relu")
    assert names(net) == ["relu", "conv", "relu_2", "relu_3"]


def test_a_name_of_its_own_is_kept_and_carries_over_to_norm_and_activation() -> None:
    net = layers(
        """
        - conv: {filters: 8, kernel: 3, norm: batch, activation: relu}
          name: stem
        """
    )
    assert names(net) == ["stem", "stem_batch_norm", "stem_relu"]


def test_an_automatic_name_gives_way_to_one_that_was_given() -> None:
    net = layers("- relu: {}\n  name: tanh\n- tanh\n- tanh")
    assert names(net) == ["tanh", "tanh_2", "tanh_3"]


def test_norm_takes_the_bias_unless_it_is_asked_for() -> None:
    net = layers(
        """
        - conv: {filters: 8, kernel: 3, norm: batch}
        - conv: {filters: 8, kernel: 3, norm: batch, bias: true}
        - conv: {filters: 8, kernel: 3}
        - flatten
        - dense: {units: 3, norm: batch}
        - dense: {units: 3}
        """
    )
    assert [node.op.bias for node in net.layers if hasattr(node.op, "bias")] == [
        False,
        True,
        True,
        False,
        True,
    ]


def test_an_empty_value_is_the_default() -> None:
    net = layers("- conv: {filters: 8, kernel: 3, norm: , groups: }")
    assert net.layers[0].op == Conv(filters=8, kernel=(3,))


@pytest.mark.parametrize(
    ("input_shape", "expected"),
    [("[9, 4]", (5, 8)), ("[9, 7, 4]", (5, 4, 8)), ("[9, 7, 5, 4]", (5, 4, 3, 8))],
)
def test_the_rank_of_a_convolution_is_that_of_its_input(input_shape, expected) -> None:
    net = layers("- conv: {filters: 8, kernel: 3, stride: 2}", input_shape=input_shape)
    assert net.layers[0].shape == expected


def test_groups_depthwise_are_as_many_as_the_input_has_channels() -> None:
    net = layers("- conv: {filters: 24, kernel: 3, groups: depthwise}")
    assert net.layers[0].groups == 12
    assert net.layers[0].is_depthwise


def test_a_shuffle_takes_the_groups_of_the_grouped_convolution_before_it() -> None:
    net = layers(
        """
        - conv: {filters: 24, kernel: 1, groups: 4}
        - relu
        - depthwise_conv: {kernel: 3}
        - channel_shuffle
        - channel_shuffle: {groups: 6}
        """
    )
    assert [node.groups for node in net.layers[-2:]] == [4, 6]
    assert net.layers[-2].groups_from == 1


def test_a_shuffle_takes_one_group_too_where_that_was_given() -> None:
    text = "- conv: {{filters: 24, kernel: 1, groups: 4}}\n- conv: {{filters: 24, kernel: 1{}}}"
    given = layers(text.format(", groups: 1") + "\n- channel_shuffle")
    assert given.layers[-1].groups == 1
    left_out = layers(text.format("") + "\n- channel_shuffle")
    assert left_out.layers[-1].groups == 4


def test_variables_and_arithmetic() -> None:
    net = network(
        """
        input: [$size, $size, 3]
        vars: {size: 32, groups: 4, width: 8, mid: $groups * $width, act: relu, window: [3, 5]}
        layers:
          - conv: {filters: $mid, kernel: $window, activation: $act}
          - conv: {filters: $mid / 2 + 0.5 * 4, kernel: 1}
        """
    )
    assert net.input_shape == (32, 32, 3)
    assert net.layers[0].op.kernel == (3, 5)
    assert net.layers[1].op.op == "relu"
    assert [node.shape[-1] for node in net.layers] == [32, 32, 18]


def test_settings_replace_variables() -> None:
    text = "input: [8, 8, 4]\nvars: {n: 4}\nlayers:\n  - conv: {filters: $n, kernel: 3}"
    assert network(text, settings={"n": 16}).layers[0].shape[-1] == 16
    assert network(text, settings={"n": "16"}).layers[0].shape[-1] == 16
    with pytest.raises(UsageError, match="no variable 'm'; it has n"):
        network(text, settings={"m": 16})
    with pytest.raises(UsageError, match="--set n needs a value"):
        network(text, settings={"n": " "})
    with pytest.raises(SpecError, match="unknown variable '\\$in'"):
        network(text, settings={"n": "$in"})
    with pytest.raises(SpecError, match="the variable 'n' must be a value, got a mapping with a"):
        network(text, settings={"n": "{a: 1}"})
    assert network(text, settings={"n": "2 * 136"}).layers[0].shape[-1] == 272


def test_variants_are_sets_of_variables_named_by_their_text() -> None:
    text = """
        input: [8, 8, 4]
        vars: {n: 4, k: 3}
        variants: {0.50: {n: 8}, 1.0: {n: 16, k: 5}}
        layers:
          - conv: {filters: $n, kernel: $k}
        """
    assert network(text, variant="0.50").layers[0].shape[-1] == 8
    assert network(text, variant="1.0").layers[0].op.kernel == (5,)
    assert network(text, variant="1.0", settings={"n": 2}).layers[0].shape[-1] == 2
    with pytest.raises(UsageError, match=r"no variant '0\.5'; did you mean '0\.50'"):
        network(text, variant="0.5")


def test_in_is_what_enters_the_block_and_outside_one_the_layer() -> None:
    net = network(
        """
        input: [8, 8, 4]
        blocks:
          grow:
            params: {by, twice: 2 * $in}
            layers:
              - conv: {filters: $in + $by, kernel: 1}
              - conv: {filters: $in * 10, kernel: 1}
              - conv: {filters: $twice, kernel: 1}
        layers:
          - conv: {filters: $in * 2, kernel: 1}
          - conv: {filters: $in * 2, kernel: 1}
          - grow: {by: $in // 4}
        """
    )
    assert [node.shape[-1] for node in net.layers] == [8, 16, 20, 160, 32]


def test_blocks_use_blocks_and_give_names_their_path() -> None:
    net = network(
        """
        input: [8, 8, 4]
        vars: {act: relu}
        blocks:
          unit:
            params: {filters, act: $act}
            layers:
              - conv: {filters: $filters, kernel: 3, activation: $act}
          pair:
            params: {filters}
            layers:
              - unit: {filters: $filters}
              - unit: {filters: 2 * $filters, act: tanh}
                name: second
        layers:
          - pair: {filters: 8}
            repeat: 2
          - pair: {filters: 16}
            name: last
        """
    )
    assert names(net) == [
        "pair.unit.conv",
        "pair.unit.relu",
        "pair.second.conv",
        "pair.second.tanh",
        "pair_2.unit.conv",
        "pair_2.unit.relu",
        "pair_2.second.conv",
        "pair_2.second.tanh",
        "last.unit.conv",
        "last.unit.relu",
        "last.second.conv",
        "last.second.tanh",
    ]


def test_repeat_and_when() -> None:
    text = """
        input: [8, 8, 4]
        vars: {n: 3, t: 1}
        layers:
          - conv: {filters: 2 * $in, kernel: 1}
            repeat: $n - 1
          - relu:
            when: $t != 1
          - tanh:
            repeat: 0
          - elu:
            when: $in == 16
        """
    assert names(network(text)) == ["conv", "conv_2", "elu"]
    assert names(network(text, settings={"n": 1, "t": 2})) == ["relu"]


def test_a_residual_adds_its_input() -> None:
    net = layers("- residual: {body: [conv: {filters: 12, kernel: 3}], activation: relu}\n- tanh")
    assert names(net) == ["residual.conv", "residual.add", "residual.relu", "tanh"]
    assert net.nodes[2].inputs == (1, 0)


def test_a_projection_stands_where_the_shapes_differ() -> None:
    text = "- residual: {{body: [conv: {{filters: {}, kernel: 3, stride: {}}}], shortcut: project}}"
    assert names(layers(text.format(12, 1))) == ["residual.conv", "residual.add"]
    net = layers(text.format(8, 2))
    assert names(net) == [
        "residual.conv",
        "residual.shortcut.conv",
        "residual.shortcut.batch_norm",
        "residual.add",
    ]
    projection = net.layers[1].op
    assert projection == Conv(filters=8, kernel=(1,), stride=(2, 2), bias=False)
    assert net.layers[2].op == BatchNorm()


def test_a_projection_has_the_strides_of_all_layers_of_the_body() -> None:
    net = layers(
        """
        - residual:
            body:
              - conv: {filters: 4, kernel: 3, stride: [1, 2]}
              - max_pool: {size: 2}
            shortcut: project
        """
    )
    assert net.layers[2].op.stride == (2, 4)


def test_if_same_adds_nothing_where_shapes_differ() -> None:
    text = "- residual: {{body: [conv: {{filters: {}, kernel: 3}}], shortcut: if_same}}"
    assert names(layers(text.format(12))) == ["residual.conv", "residual.add"]
    assert names(layers(text.format(8))) == ["residual.conv"]


def test_a_shortcut_may_be_layers() -> None:
    net = layers(
        """
        - residual:
            body: [conv: {filters: 8, kernel: 3}]
            shortcut: [conv: {filters: 8, kernel: 1}]
        """
    )
    assert names(net) == ["residual.conv", "residual.shortcut.conv", "residual.add"]


def test_inside_a_block_a_composite_adds_nothing_to_names() -> None:
    net = network(
        """
        input: [8, 8, 4]
        blocks:
          unit:
            layers:
              - residual: {body: [relu]}
              - residual: {body: [relu]}
                name: second
              - residual: {body: [relu]}
                repeat: 1
        layers: [unit]
        """
    )
    assert names(net) == [
        "unit.relu",
        "unit.add",
        "unit.second.relu",
        "unit.second.add",
        "unit.residual.relu",
        "unit.residual.add",
    ]


@pytest.mark.parametrize(("merge", "channels"), [("concat", 24), ("add", 12), ("multiply", 12)])
def test_parallel_merges_its_branches(merge: str, channels: int) -> None:
    net = layers(
        f"- parallel: {{branches: [[conv: {{filters: 12, kernel: 3}}], []], merge: {merge}}}"
    )
    assert names(net) == ["parallel.branch_1.conv", f"parallel.{merge}"]
    assert net.layers[-1].shape == (8, 8, channels)
    assert net.layers[-1].inputs == (1, 0)


def test_split_gives_each_branch_its_share() -> None:
    net = layers(
        """
        - parallel: {branches: [[], [conv: {filters: $in, kernel: 1}], [relu]], split: true}
        - channel_shuffle: {groups: 3}
        """
    )
    assert names(net) == [
        "parallel.branch_1.split",
        "parallel.branch_2.split",
        "parallel.branch_2.conv",
        "parallel.branch_3.split",
        "parallel.branch_3.relu",
        "parallel.concat",
        "channel_shuffle",
    ]
    splits = [node.op for node in net.layers if node.op.op == "split"]
    assert [(op.start, op.count) for op in splits] == [(0, 4), (4, 4), (8, 4)]
    assert net.layers[-1].shape == (8, 8, 12)


def test_squeeze_excite_is_pool_two_convolutions_and_a_product() -> None:
    net = layers("- squeeze_excite: {filters: $in // 4, activation: swish, gate: hard_sigmoid}")
    assert [node.op.op for node in net.layers] == [
        "global_avg_pool",
        "conv",
        "swish",
        "conv",
        "hard_sigmoid",
        "multiply",
    ]
    assert [node.shape for node in net.layers] == [
        (1, 1, 12),
        (1, 1, 3),
        (1, 1, 3),
        (1, 1, 12),
        (1, 1, 12),
        (8, 8, 12),
    ]
    assert all(node.op.bias for node in net.layers if node.op.op == "conv")


def test_a_separable_convolution_is_keras_separable_convolution() -> None:
    import keras

    net = layers("- separable_conv: {filters: 20, kernel: 3, stride: 2, multiplier: 2}")
    assert [node.op.op for node in net.layers] == ["depthwise_conv", "conv"]
    layer = keras.layers.SeparableConv2D(20, 3, strides=2, padding="same", depth_multiplier=2)
    assert tuple(layer(keras.Input((8, 8, 12))).shape[1:]) == net.layers[-1].shape
    assert sum(node.cost.params for node in net.layers) == layer.count_params()


def test_norms_and_activations_by_name() -> None:
    net = layers(
        """
        - conv: {filters: 32, kernel: 3, norm: group, activation: leaky_relu}
        - conv: {filters: 32, kernel: 3, norm: layer, activation: gelu}
        - separable_conv: {filters: 8, kernel: 3, norm: batch, activation: glu}
        """
    )
    assert [node.op.op for node in net.layers] == [
        *("conv", "group_norm", "leaky_relu"),
        *("conv", "layer_norm", "gelu"),
        *("depthwise_conv", "conv", "batch_norm", "glu"),
    ]
    assert net.layers[-1].shape[-1] == 4
    assert not any(node.op.bias for node in net.layers if hasattr(node.op, "bias"))


def test_a_unet_is_branches_within_branches() -> None:
    net = layers(
        """
        - parallel:
            branches:
              - []
              - - max_pool
                - conv: {filters: 24, kernel: 3}
                - conv_transpose: {filters: 12, kernel: 2, stride: 2}
        """
    )
    assert net.layers[-1].shape == (8, 8, 24)


def test_a_residual_around_upsampling_cannot_be_projected_by_its_stride() -> None:
    (problem,) = problems(
        "input: [8, 8, 4]\nlayers:\n  - residual: {body: [upsample], shortcut: project}"
    )
    assert "which a 1×1 convolution at its stride cannot do" in problem.message


def test_a_spec_may_be_a_mapping() -> None:
    net = load({"input": [8, 8, 4], "layers": [{"conv": {"filters": 8, "kernel": [3, 1]}}, "relu"]})
    assert names(net) == ["conv", "relu"]


def test_the_default_name_is_that_of_the_file() -> None:
    assert network("input: [8, 8, 4]\nlayers: [relu]").name == "spec"


def test_every_mistake_is_reported_once_even_when_a_block_is_used_often() -> None:
    found = problems(
        """
        input: [8, 8, 12]
        blocks:
          cell:
            layers:
              - conv: {filters: 12, kernel: 3, groups: 5}
        layers:
          - cell: {}
            repeat: 3
          - conv: {filters: 8, kernel: 20, padding: valid}
        """
    )
    assert [problem.place.line for problem in found] == [6, 10]
    assert "layer 'cell.conv'" in found[0].message
    assert "used on line 8" in found[0].hint


@pytest.mark.parametrize(("condition", "count"), [("1 == 2", 1), ("2 * 3 >= 6", 2), ("1 != 2", 2)])
def test_a_condition_may_compare_plain_numbers(condition: str, count: int) -> None:
    assert len(layers(f"- relu\n- tanh:\n  when: {condition}").layers) == count
