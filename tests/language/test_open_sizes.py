"""Sizes of inputs: left open in a spec, and given by --set."""

from __future__ import annotations

import pytest
from specs import network, problems

from groupconv_cli import UsageError, build, export
from groupconv_cli.errors import EnvironmentProblem, Source
from groupconv_cli.language.spec_file import SpecFile

INPUT = "input: [32, 32, 3]\nlayers: [conv: {filters: 4, kernel: 3}]\n"
TWO = "inputs: {low: [8, 8, 6], high: [16, 16, 4]}\nlayers:\n  - upsample: {size: 2}\n" + (
    "  - concat:\n    from: [-1, high]\n"
)


@pytest.mark.parametrize("sizes", ["16, 24, 4", "[16, 24, 4]", [16, 24, 4]])
def test_set_gives_an_input_other_sizes(sizes: object) -> None:
    assert network(INPUT, settings={"input": sizes}).input_shape == (16, 24, 4)
    net = network(TWO, settings={"high": sizes, "low": [8, 12, 6]})
    assert net.input_shapes == ((8, 12, 6), (16, 24, 4))


def test_a_variable_called_input_comes_first() -> None:
    net = network("input: [$input, 3]\nvars: {input: 8}\nlayers: [relu]\n", settings={"input": 16})
    assert net.input_shape == (16, 3)


def test_an_input_of_too_few_sizes_is_refused() -> None:
    (problem,) = problems(INPUT, settings={"input": 16})
    assert problem.message.startswith("input must be one to three spatial sizes")


OPEN = """
input: [null, null, 8]
layers:
  - conv: {filters: 16, kernel: 3, groups: 4, stride: 2, norm: batch, activation: relu}
  - channel_shuffle
  - residual:
      shortcut: project
      body: [conv: {filters: 32, kernel: 3, groups: 8, stride: 2, padding: 1}]
  - upsample: {size: 2}
  - squeeze_excite: {filters: 4}
  - global_avg_pool
  - dense: {units: 10}
"""


def test_counts_need_sizes_that_are_open() -> None:
    (problem,) = problems(OPEN)
    assert problem.message == "the sizes of input are open, and counts need them"
    assert problem.hint == "give them: --set input=224,224,8"
    assert network(OPEN, settings={"input": "224,224,8"}).input_shape == (224, 224, 8)


def test_an_open_model_computes_what_the_model_of_given_sizes_does() -> None:
    import keras
    import numpy as np

    model = build(SpecFile(Source("spec.yaml", OPEN)))
    assert model.inputs[0].shape == (None, None, None, 8)
    for sizes in ((16, 24), (40, 32)):
        fixed = build(network(OPEN, settings={"input": [*sizes, 8]}))
        fixed.set_weights(model.get_weights())
        x = np.random.default_rng(0).normal(size=(2, *sizes, 8)).astype("float32")
        np.testing.assert_allclose(model(x), fixed(x), rtol=1e-5, atol=1e-6)
    copy = keras.Model.from_config(model.get_config())
    assert copy.count_params() == model.count_params()


@pytest.mark.parametrize("name", ["depth_to_space"])
def test_an_old_keras_lacks_an_operation(name: str, monkeypatch) -> None:
    import keras

    monkeypatch.delattr(keras.ops, name, raising=False)
    with pytest.raises(EnvironmentProblem, match=f"has no keras.ops.{name}") as caught:
        build(SpecFile(Source("spec.yaml", "input: [null, null, 8]\nlayers: [pixel_shuffle]\n")))
    assert caught.value.hint == "pip install --upgrade keras"


@pytest.mark.parametrize(
    ("sizes", "layer"),
    [
        ([6], "pixel_shuffle"),
        ([6], "softmax: {groups: 2}"),
        ([6], "local_response_norm"),
        ([5, 6], "local_response_norm: {size: 3, alpha: 1}"),
        ([5, 6], "pixel_shuffle: {size: 2}"),
        ([5, 6], "conv: {filters: 4, kernel: 3, padding: [[0, 1], [2, 0]]}"),
        ([6], "conv: {filters: 4, kernel: 3, padding: causal}"),
    ],
    ids=str,
)
def test_a_layer_leaves_the_sizes_open(sizes: list[int], layer: str) -> None:
    import keras
    import numpy as np

    if "pixel" in layer and len(sizes) == 2 and not hasattr(keras.ops, "depth_to_space"):
        pytest.skip("Keras has it since 3.13")
    open_sizes = ", ".join("null" for _ in sizes)
    text = f"input: [{open_sizes}, 8]\nlayers:\n  - {layer}\n"
    model = build(SpecFile(Source("spec.yaml", text)))
    assert set(model.inputs[0].shape[:-1]) == {None}
    fixed = build(network(text, settings={"input": [*sizes, 8]}))
    fixed.set_weights(model.get_weights())
    x = np.random.default_rng(0).normal(size=(2, *sizes, 8)).astype("float32")
    np.testing.assert_allclose(model(x), fixed(x), rtol=1e-5, atol=1e-6)


def test_a_layer_that_depends_on_the_sizes_cannot_leave_them_open() -> None:
    text = OPEN.replace("global_avg_pool", "flatten")
    with pytest.raises(UsageError, match="layer 'dense' depends on the sizes") as caught:
        build(SpecFile(Source("spec.yaml", text)))
    assert "--set input=224,224,8" in str(caught.value.hint)


@pytest.mark.parametrize("sizes", ["[8, null]", "[null]", "null", "[~, 0, 3]"])
def test_only_spatial_sizes_can_be_open(sizes: str) -> None:
    (problem,) = problems(f"input: {sizes}\nlayers: [relu]\n")
    assert problem.message.startswith("input must be one to three spatial sizes")


def test_a_converted_file_needs_sizes(tmp_path) -> None:
    with pytest.raises(UsageError, match="tflite needs the sizes of the input"):
        export(SpecFile(Source("open.yaml", OPEN)), tmp_path / "open.tflite")
