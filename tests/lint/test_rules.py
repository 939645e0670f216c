"""The rules: what each finds, what it leaves alone, and that well-made networks are left alone."""

from __future__ import annotations

import re

import pytest
from running import ROOT
from specs import layers

from groupconv_cli import check, load
from groupconv_cli.lint.engine import lint
from groupconv_cli.lint.rule import Finding
from groupconv_cli.lint.rules import DEFAULTS, RULES
from groupconv_cli.network import Network
from groupconv_cli.policy.rules import FOLDER, Severity
from groupconv_cli.sources.catalogue import catalogue

ALL = dict.fromkeys(RULES, Severity.warning)
GROUPED = "- conv: {filters: 16, kernel: 3, groups: 4, norm: batch, activation: relu}\n"
DENSE = "- conv: {filters: 16, kernel: 1, norm: batch}\n"
DEPTHWISE = "- depthwise_conv: {kernel: 3, norm: batch}\n"


def found(net: Network, code: str) -> list[Finding]:
    return [finding for finding in lint(net, ALL) if finding.code == code]


def of(text: str, code: str, input_shape: str = "[16, 16, 16]") -> list[Finding]:
    return found(layers(text, input_shape=input_shape), code)


# GC101


def test_stacked_groups_are_found_and_the_message_says_how_much_is_kept_apart() -> None:
    (finding,) = found(load("block"), "GC101")
    assert finding.layers == ("conv", "conv_2")
    assert "of 'conv_2' depends on 16 of the 64 channels of 'input'" in finding.message
    assert "a channel_shuffle before 'conv_2' makes it 64 of 64" in finding.hint
    assert finding.place[1:] == (8, 5)


APART = {
    "with a norm and a pool between": GROUPED + "- max_pool\n- dropout: {rate: 0.1}\n" + GROUPED,
    "with a depthwise one between": GROUPED + DEPTHWISE + GROUPED,
    "with a shuffle that changes nothing": GROUPED + "- channel_shuffle: {groups: 1}\n" + GROUPED,
    "a dense layer only at the end": GROUPED * 3 + "- global_avg_pool\n- dense: {units: 10}",
    "in a residual": "- residual: {body: [conv: {filters: 16, kernel: 3, groups: 4}, relu, "
    "conv: {filters: 16, kernel: 3, groups: 4}]}",
    "from one residual to the next": "- residual: {body: [conv: {filters: 16, kernel: 3, "
    "groups: 4}]}\n  repeat: 2",
    "into smaller groups": "- conv: {filters: 16, kernel: 1, groups: 2}\n"
    "- conv: {filters: 16, kernel: 1, groups: 8}",
}


@pytest.mark.parametrize("text", APART.values(), ids=list(APART))
def test_channels_kept_apart(text: str) -> None:
    (finding,) = of(text, "GC101")
    assert re.search(r"depends on [48] of the 16 channels of 'input'", finding.message)


MIXED = {
    "by a shuffle": GROUPED + "- channel_shuffle\n" + GROUPED,
    "by a shuffle before a depthwise one": GROUPED + "- channel_shuffle\n" + DEPTHWISE + GROUPED,
    "by a 1×1 convolution": GROUPED + DENSE + GROUPED,
    "by squeeze and excitation": GROUPED + "- squeeze_excite: {filters: 4}\n" + GROUPED,
    "by a layer norm": GROUPED + "- layer_norm\n" + GROUPED,
    "by larger groups": "- conv: {filters: 16, kernel: 1, groups: 8}\n"
    "- conv: {filters: 16, kernel: 1, groups: 2}",
    "by a dense branch": "- parallel: {branches: [[conv: {filters: 16, kernel: 1, groups: 4}], "
    "[conv: {filters: 16, kernel: 1}]], merge: add}\n" + GROUPED,
    "by nothing, being depthwise": "- depthwise_conv: {kernel: [1, 3]}\n"
    "- depthwise_conv: {kernel: [3, 1]}\n" + DENSE,
    "by nothing, being one only": GROUPED,
    "by nothing, standing side by side": "- parallel: {branches: [[conv: {filters: 8, kernel: 1, "
    "groups: 4}], [conv: {filters: 8, kernel: 3, groups: 4}]]}",
}


@pytest.mark.parametrize("text", MIXED.values(), ids=list(MIXED))
def test_channels_that_are_mixed(text: str) -> None:
    assert of(text, "GC101") == []


def test_a_shuffle_that_mixes_some_groups_is_not_said_to_mix_nothing() -> None:
    """Counted by hand: behind 2 groups and a shuffle by 3 of 24 channels a pair is 0 and 8, of one
    half of the input's 12, or 8 and 16, of both."""
    text = (
        "- conv: {filters: 24, kernel: 1, groups: 2}\n- channel_shuffle: {groups: 3}\n"
        "- conv: {filters: 24, kernel: 1, groups: 12}"
    )
    assert of(text, "GC101", "[4, 4, 12]") == []


def test_behind_a_shuffle_that_brings_nothing_no_other_shuffle_is_advised() -> None:
    (finding,) = of(GROUPED + "- channel_shuffle: {groups: 1}\n" + GROUPED, "GC101")
    assert finding.hint.startswith("'channel_shuffle' brings nothing with groups=1; a 1×1")


def test_a_long_stack_is_one_finding() -> None:
    (finding,) = of(GROUPED * 9, "GC101")
    assert len(finding.layers) == 9
    assert "of 'conv', 'conv_2', 'conv_3' and 6 more:" in finding.message


SHUFFLENET_V2 = """
    - conv: {filters: 24, kernel: 3, stride: 2, norm: batch, activation: relu}
    - parallel:
        branches:
          - [depthwise_conv: {kernel: 3, norm: batch}, conv: {filters: 24, kernel: 1, norm: batch}]
          - [conv: {filters: 24, kernel: 1, norm: batch}, depthwise_conv: {kernel: 3, norm: batch},
             conv: {filters: 24, kernel: 1, norm: batch}]
    - channel_shuffle: {groups: 2}
    - parallel:
        branches:
          - []
          - [conv: {filters: 24, kernel: 1, norm: batch}, depthwise_conv: {kernel: 3, norm: batch},
             conv: {filters: 24, kernel: 1, norm: batch}]
        split: true
      repeat: 3
    """


def test_units_of_shufflenet_v2_are_well_made() -> None:
    net = layers(SHUFFLENET_V2, input_shape="[32, 32, 3]")
    assert lint(net, DEFAULTS) == []


EXPECTED = {"alexnet_2group": {"GC101"}, "block": {"GC101", "GC105"}}
"""AlexNet's fourth and fifth convolutions ran on two GPUs apart; `block` is there to show it."""


def test_published_networks_are_well_made() -> None:
    findings = {
        entry.name: {finding.code for finding in lint(entry.network, DEFAULTS)}
        for entry in catalogue()
    }
    assert {name: codes for name, codes in findings.items() if codes} == EXPECTED


# GC102 to GC105


def test_groups_that_save_nothing() -> None:
    big = "- conv: {filters: 256, kernel: 3}\n- conv: {filters: 256, kernel: 3}\n"
    (finding,) = of("- conv: {filters: 16, kernel: 1, groups: 2}\n" + big, "GC102", "[16, 16, 16]")
    saved = 16 * 16 * 16 * 16 // 2
    dense = 16 * 16 * (16 * 256 + 256 * 256) * 9
    share = saved / (dense + saved)
    assert f"save {100 * share:.2g} % of the network's MACs" in finding.message
    assert of("- conv: {filters: 16, kernel: 3, groups: 2}\n" + DENSE, "GC102") == []
    assert of("- depthwise_conv: {kernel: 3}\n" + big, "GC102") == []


def test_small_savings_of_one_line_add_up() -> None:
    """Each of 120 repeats saves less than 1 %, together they save a third."""
    text = "- conv: {filters: 16, kernel: 1, groups: 2}\n  repeat: 120\n"
    assert of(text, "GC102") == []


def test_few_channels_per_group() -> None:
    (finding,) = of("- conv: {filters: 32, kernel: 3, groups: 4}", "GC103")
    assert "reads 4 and makes 8 channels" in finding.message
    assert of("- conv: {filters: 16, kernel: 3, groups: 2}", "GC103") == []
    assert of("- depthwise_conv: {kernel: 3}", "GC103") == []


def test_bound_by_memory() -> None:
    """A depthwise 3×3: 18 FLOPs for two values of 4 bytes, less what the weights are."""
    (finding,) = of("- depthwise_conv: {kernel: 3}", "GC104", "[512, 512, 16]")
    assert "does 2.25 FLOPs per byte" in finding.message
    assert of("- conv: {filters: 64, kernel: 3, groups: 2}", "GC104", "[64, 64, 64]") == []
    assert of("- conv: {filters: 4, kernel: 1}", "GC104") == []


def test_weights_are_moved_for_every_use_of_a_shared_layer() -> None:
    """The second use reads the kernel again: its 288 values and 32 of the bias count both times."""
    import keras

    x, other = keras.Input((1, 1, 32)), keras.Input((1, 1, 32))
    conv = keras.layers.Conv2D(32, 1, groups=4)
    findings = found(load(keras.Model([x, other], [conv(x), conv(other)])), "GC104")
    flops, moved = 2 * 32 * 8, 4 * (32 + 32 + 32 * 8 + 32)
    said = [f"does {flops / moved:.3g} FLOPs per byte" in each.message for each in findings]
    assert said == [True, True]


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("- conv: {filters: 8, kernel: 3}\n- batch_norm", 1),
        ("- dense: {units: 8}\n- batch_norm", 1),
        ("- conv: {filters: 8, kernel: 3, bias: true, norm: batch}", 1),
        ("- conv: {filters: 8, kernel: 3, norm: batch}", 0),
        ("- conv: {filters: 8, kernel: 3, bias: false}\n- batch_norm", 0),
        ("- conv: {filters: 8, kernel: 3}\n- relu\n- batch_norm", 0),
        ("- conv: {filters: 8, kernel: 3}\n- layer_norm", 0),
        ("- conv: {filters: 16, kernel: 3}\n- residual: {body: [batch_norm]}", 0),
        (
            "- conv: {filters: 9, kernel: 3}\n- parallel: {branches: [[batch_norm], [batch_norm]]}",
            1,
        ),
        ("- conv: {filters: 8, kernel: 3}", 0),
    ],
)
def test_bias_before_a_batch_norm(text: str, count: int) -> None:
    assert len(of(text, "GC105")) == count


@pytest.mark.parametrize("groups", [1, 4])
def test_such_a_bias_changes_nothing(groups: int) -> None:
    """In training mode, where statistics are the batch's own."""
    import keras
    import numpy as np

    from groupconv_cli import build

    text = f"- conv: {{filters: 8, kernel: 3, groups: {groups}}}\n- batch_norm"
    model = build(layers(text, input_shape="[4, 4, 8]"))
    x = np.random.default_rng(0).normal(size=(4, 4, 4, 8)).astype("float32")
    before = np.asarray(model(x, training=True))
    bias = model.get_layer("conv").bias
    bias.assign(keras.ops.arange(8, dtype="float32"))
    assert np.allclose(model(x, training=True), before, atol=1e-5)


def test_what_is_repeated_is_said_once() -> None:
    text = "- conv: {filters: 16, kernel: 3, bias: true, norm: batch}\n  repeat: 5"
    (finding,) = of(text, "GC105")
    assert finding.layers == ("conv", "conv_2", "conv_3", "conv_4", "conv_5")
    assert finding.message.startswith("the biases of 'conv' and 4 more layers, 80 params, are")
    assert finding.hint == "leave bias: true out: norm: batch implies bias: false"


def test_a_line_whose_last_repeat_alone_is_cancelled() -> None:
    (finding,) = of("- conv: {filters: 16, kernel: 3}\n  repeat: 3\n- batch_norm", "GC105")
    assert finding.layers == ("conv_3",)
    assert "16 params, is cancelled by the batch norm after it, which subtracts" in finding.message
    assert "2 other layers of this line can use the bias" in finding.hint


def of_model(outputs, inputs) -> list[Finding]:
    """What GC105 finds in a Keras model."""
    import keras

    return found(load(keras.Model(inputs, outputs)), "GC105")


def test_a_bias_that_somebody_else_sees_too_is_left_alone() -> None:
    """The output of the model, or another use of the same layer."""
    import keras

    x, other = keras.Input((8, 8, 4)), keras.Input((8, 8, 4))
    conv, norm = keras.layers.Conv2D(8, 3), keras.layers.BatchNormalization()
    y = conv(x)
    assert of_model([norm(y)], x) != []
    assert of_model([y, norm(y)], x) == []
    assert of_model([norm(y), conv(other)], [x, other]) == []
    second = keras.layers.BatchNormalization()
    (finding,) = of_model([norm(y), second(conv(other))], [x, other])
    assert ", 8 params," in finding.message


def test_a_norm_whose_mean_is_not_of_this_bias_cancels_none() -> None:
    """It is frozen, and subtracts what the mean once was; or its mean is that of two layers."""
    import keras

    x = keras.Input((8, 8, 4))
    first, second = keras.layers.Conv2D(8, 3)(x), keras.layers.Conv2D(8, 3)(x)
    norm = keras.layers.BatchNormalization()
    assert of_model([norm(first), norm(second)], x) == []
    assert len(of_model([norm(first)], x)) == 1
    norm.trainable = False
    assert of_model([norm(first)], x) == []


# The list of rules


def test_every_file_is_a_rule_and_has_its_section() -> None:
    files = sorted(path.stem for path in FOLDER.glob("*.py") if path.stem != "__init__")
    assert files == sorted(
        f"{code} {rule.title}".lower().replace(" ", "_") for code, rule in RULES.items()
    )
    page = (ROOT / "docs" / "rules.md").read_text(encoding="utf-8")
    for code, rule in RULES.items():
        assert f"## {code}: {rule.title}\n" in page
        anchor = f"{code}-{rule.title}".lower().replace(" ", "-")
        assert f"| [{code}](#{anchor}) | {rule.title} | {rule.severity} |" in page
        section = page.split(f"## {code}: ")[1].split("\n## ")[0]
        assert "**The number**" in section
        assert "**What to do**" in section


def test_a_rule_that_is_off_is_not_looked_for() -> None:
    assert lint(load("block"), dict.fromkeys(RULES, Severity.off)) == []
    (spec,) = check("block", rules={"GC101": "error"}).specs
    assert [finding.level for finding in spec.findings] == ["warning", "error", "warning"]
