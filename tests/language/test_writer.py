"""Specs that are written for networks: read again they are the same, and as short as by hand."""

from __future__ import annotations

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from random_specs import specs
from specs import examples, nightly_but

from groupconv_cli import UsageError, analyze, load
from groupconv_cli.api import catalogue_names, spec_text
from groupconv_cli.language.writer import difference, written_spec
from groupconv_cli.network import Foreign
from groupconv_cli.ops.conv import Conv
from groupconv_cli.sources.catalogue import families

try_many = settings(
    max_examples=examples(40), deadline=None, suppress_health_check=list(HealthCheck)
)


def again(network):
    return load(yaml.safe_load(spec_text(network)))


def check(old) -> None:
    """Counts are the same, whatever compares them while writing."""
    new = again(old)
    assert analyze(new).totals == analyze(old).totals
    assert [node.shape for node in new.nodes] == [node.shape for node in old.nodes]


@pytest.mark.parametrize("name", nightly_but(families(), sorted(catalogue_names())))
def test_every_bundled_network_is_written(name: str) -> None:
    check(load(name))


@try_many
@given(specs())
def test_any_network_is_written(spec) -> None:
    check(load(spec))


def test_layers_are_written_as_by_hand() -> None:
    text = """
name: by hand
input: [32, 32, 8]

layers:
  - conv: {filters: 16, kernel: [3, 1], stride: 2, groups: 4, norm: batch}
  - conv: {filters: 16, kernel: 3, padding: 2, bias: true, norm: {batch: {scale: false}}}
  - conv: {filters: 16, kernel: 3, bias: false}
    name: c
  - relu
  - channel_shuffle
  - separable_conv: {filters: 16, kernel: 5, norm: batch}
  - add:
    from: [-1, c]
  - max_pool: {size: 3, stride: 2}
  - local_response_norm
  - slice: {count: 8}
    name: half
  - conv: {filters: 8, kernel: 1}
    name: p
    from: half
  - parallel: {branches: [[conv: {filters: 8, kernel: 1}], []]}
  - dropout: {rate: 0.1}
outputs: [dropout, p]
"""
    text = text.replace(
        "  - dropout: {rate: 0.1}\n", "  - dropout: {rate: 0.1}\n    name: dropout\n"
    )
    written = spec_text(load(yaml.safe_load(text)))
    lines = written.splitlines()
    for line in (
        "  - conv: {filters: 16, kernel: [3, 1], groups: 4, stride: 2, norm: batch}",
        "  - conv: {filters: 16, kernel: 3, padding: 2, norm: {batch: {scale: false}}, bias: true}",
        "  - channel_shuffle",
        "  - separable_conv: {filters: 16, kernel: 5, norm: batch}",
        "  - local_response_norm",
        "  - max_pool: {size: 3, stride: 2}",
        "    from: [-1, c]",
        "outputs: [dropout, p]",
    ):
        assert line in lines, line


def test_names_that_a_spec_cannot_have_are_changed_and_told() -> None:
    net = load(
        {
            "input": [8, 8, 4],
            "layers": [{"conv": {"filters": 4, "kernel": 1}, "name": n} for n in ("a", "b", "c")],
        }
    )
    names = ["image/in", "1_conv", "a/b", "a_b"]
    nodes = tuple(node._replace(name=name) for node, name in zip(net.nodes, names, strict=True))
    written = written_spec(net.replace(nodes=nodes, origin=None))
    assert written.renamed == {"1_conv": "layer_1_conv", "a/b": "a_b_2"}
    read = load(yaml.safe_load(written.text))
    assert [node.name for node in read.nodes] == ["image_in", "layer_1_conv", "a_b_2", "a_b"]


def test_a_difference_is_found() -> None:
    base = {"input": [8, 8, 4], "layers": [{"conv": {"filters": 4, "kernel": 3}}, "relu"]}
    net = load(base)
    assert difference(net, load(base)) is None
    others = [
        {**base, "layers": [*base["layers"], "relu"]},
        {**base, "layers": [{"conv": {"filters": 4, "kernel": 5}}, "relu"]},
        {**base, "layers": [base["layers"][0], "tanh"]},
        {**base, "input": [9, 8, 4]},
    ]
    assert all(difference(net, load(other)) for other in others)
    same = net.nodes[1]._replace(op=Conv(filters=4, kernel=(3, 3)))
    assert difference(net, net.replace(nodes=(net.nodes[0], same, net.nodes[2]))) is None


def test_what_is_not_in_the_language_is_not_written() -> None:
    net = load("block").replace(foreign=(Foreign("a", "Lambda"),))
    with pytest.raises(UsageError, match="but not rebuild it"):
        spec_text(net)


# Blocks


@pytest.mark.parametrize(
    ("name", "most", "parts"),
    [
        ("resnet50", 75, ["stage_2_unit", "repeat: $depth", "params: {filters, filters_2}"]),
        ("mobilenet_v2", 60, ["repeat: $depth", "activation: relu6}"]),
        ("shufflenet_v1", 75, ["  - unit: {filters: 60, filters_2: 240}\n    repeat: 3\n"]),
        ("densenet121", 60, ["repeat: $depth"]),
        ("vgg16", 35, []),
        ("nasnet_mobile", 700, []),
    ],
)
def test_what_repeats_becomes_blocks(name: str, most: int, parts: list[str]) -> None:
    net = load(name)
    written = written_spec(net)
    assert written.has_blocks
    assert len(written.text.splitlines()) <= most
    for part in parts:
        assert part in written.text
    flat = written_spec(net, flat=True)
    assert not flat.has_blocks
    assert len(flat.text.splitlines()) > 1.3 * len(written.text.splitlines())
    assert analyze(written.network).totals == analyze(flat.network).totals == analyze(net).totals


def repeated(count: int, *, width: int = 8, last: int = 8) -> dict[str, object]:
    """Some equal residual units, the last of another width in the middle."""
    layers: list[object] = [{"conv": {"filters": 8, "kernel": 1}, "name": "stem"}]
    for number in range(count):
        middle = last if number == count - 1 else width
        before = "stem" if number == 0 else f"u{number - 1}_out"
        layers += [
            {"conv": {"filters": middle, "kernel": 3, "bias": False}, "name": f"u{number}_a"},
            {"batch_norm": None, "name": f"u{number}_bn"},
            {"conv": {"filters": 8, "kernel": 1}, "name": f"u{number}_b"},
            {"add": None, "name": f"u{number}_out", "from": [-1, before]},
        ]
    return {"name": "n", "input": [8, 8, 3], "layers": layers}


def test_equal_uses_are_repeated_and_what_differs_is_a_parameter() -> None:
    equal = written_spec(load(repeated(3)))
    assert "  - u:\n    name: u0\n    repeat: 3\n" in equal.text
    assert "params" not in equal.text
    names = [node.name for node in equal.network.nodes]
    assert names[2:6] == ["u0.a", "u0.bn", "u0.b", "u0.out"]
    assert equal.renamed["u0_a"] == "u0.a"
    other = written_spec(load(repeated(3, last=16)))
    assert "    params: {filters}\n" in other.text
    assert "  - u: {filters: 8}\n    name: u0\n    repeat: 2\n" in other.text
    assert "  - u: {filters: 16}\n    name: u2\n" in other.text


def test_one_run_is_no_block() -> None:
    assert not written_spec(load(repeated(1))).has_blocks


def test_a_layer_inside_that_is_read_outside_keeps_the_run_from_being_a_block() -> None:
    spec = repeated(3)
    outer = {"concat": None, "from": ["u0_a", "u1_a", "u2_out"]}
    spec["layers"].append(outer)  # type: ignore[union-attr]
    written = written_spec(load(spec))
    assert "u0_a" in written.text
    check(load(spec))


def test_names_without_a_common_beginning_are_left_out() -> None:
    spec = repeated(4)
    for number, layer in enumerate(spec["layers"]):  # type: ignore[arg-type]
        if "from" in layer:
            layer["from"] = [-1, -4]
        layer["name"] = f"{['conv2d', 'norm', 'act'][number % 3]}_{number}"
    text = written_spec(load(spec)).text
    assert "  unit:\n" in text
    assert "      - conv: {filters: 8, kernel: 3, norm: batch}\n" in text
    assert "  - unit:\n    repeat: 4\n" in text


def test_an_input_without_places_is_refused_with_the_reason() -> None:
    import keras

    model = keras.Sequential([keras.Input((16,), name="features"), keras.layers.Dense(3)])
    with pytest.raises(UsageError) as refused:
        spec_text(load(model))
    assert refused.value.message.startswith("no spec has the input 'features' of ")
    assert refused.value.message.endswith(": its shape is 16")
    assert "`gconv build` take the model itself" in (refused.value.hint or "")
