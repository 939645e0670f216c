"""Whether a network fits data: what is said, and that the remedy which is named works."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from running import run_gconv
from specs import network

from groupconv_cli import load
from groupconv_cli.errors import Source, UsageError
from groupconv_cli.language.spec_file import SpecFile
from groupconv_cli.training.data import check_fits
from groupconv_cli.training.fits import check_rows_fit
from groupconv_cli.training.samples import Data


def data(shape: tuple[int, ...], classes: int) -> Data:
    x, y = np.zeros((classes, *shape), np.float32), np.arange(classes)
    return Data("made", "", x, y, x, y, classes)


def refusal(made: Data, net) -> str:
    with pytest.raises(UsageError) as caught:
        check_fits(made, net)
    return str(caught.value)


SPEC = """
input: [$size, $size, 3]
vars: {size: 8, classes: 10}
layers:
  - conv: {filters: 4, kernel: 3}
  - global_avg_pool
  - dense: {units: $classes, activation: softmax}
"""


def spec(text: str = SPEC) -> SpecFile:
    return SpecFile(Source("net.yaml", text))


def test_what_fits() -> None:
    net = spec().network()
    check_fits(data((8, 8, 3), 10), net)
    grey = spec().network({"input": "8,8,1"})
    check_fits(data((8, 8, 1), 10), grey)


@pytest.mark.parametrize(
    ("shape", "said", "read"),
    [
        # Images of one channel are often stored without an axis for it; a network gives it to them.
        ((28, 28), "--set input=28,28,1", (28, 28, 1)),
        ((9, 8, 2), "--set input=9,8,2", (9, 8, 2)),
    ],
)
def test_another_shape_is_set_with_what_is_said(
    shape: tuple[int, ...], said: str, read: tuple[int, ...]
) -> None:
    made = data(shape, 10)
    text = refusal(made, spec().network())
    given = "×".join(map(str, shape))
    assert f"is 8×8×3, and the samples of made are {given}" in text
    assert text.endswith(said)
    name, value = said.removeprefix("--set ").split("=")
    check_fits(data(read, 10), spec().network({name: value}))


def test_a_shape_that_no_setting_gives() -> None:
    assert refusal(data((4, 4, 4, 1), 10), spec().network()).endswith("must be samples×8×8×3")
    named = spec("inputs: {left: [4, 2]}\nlayers: [{dense: {units: 2}}, global_avg_pool]").network()
    assert refusal(data((6, 2), 2), named).endswith("--set left=6,2")


def test_a_bundled_network_is_copied_before_it_is_changed(tmp_path: Path) -> None:
    made = data((8, 8, 3), 4)
    text = refusal(made, load("resnet50", settings={"input": "8,8,3"}))
    command, _, must = text.splitlines()[-1].strip().partition(" writes a copy to change: ")
    assert must == "its layer 'dense' must be dense: {units: 4}"
    assert run_gconv(*command.split()[1:], cwd=tmp_path).status == 0
    again = load(tmp_path / "net.yaml", variant="50", settings={"input": "8,8,3"})
    assert "(" + str(tmp_path / "net.yaml") in refusal(made, again)


def test_another_number_of_classes_is_set_with_what_is_said() -> None:
    made = data((8, 8, 3), 7)
    text = refusal(made, spec().network())
    assert "has 10 outputs, and made has 7 classes" in text
    assert text.endswith("--set classes=7 sets the last layer")
    check_fits(made, spec().network({"classes": "7"}))


def test_both_mistakes_are_said_at_once() -> None:
    text = refusal(data((9, 8, 2), 7), spec().network())
    assert text.endswith("--set input=9,8,2; --set classes=7 sets the last layer")
    assert "are 9×8×2; net has 10 outputs, and made has 7 classes" in text


def test_no_setting_is_named_for_what_differs_in_the_rows() -> None:
    """With `--vary n=10,5` there is no `--set n=10`, and `--set input` would make rows equal."""
    text = SPEC.replace("[$size, $size, 3]", "[$size, 8, 3]")
    small, large, few = (
        spec(text).network(given) for given in ({}, {"size": "16"}, {"classes": "5"})
    )
    with pytest.raises(UsageError) as caught:
        check_rows_fit(data((8, 8, 3), 10), {"size=8": small, "size=16": large}, {"size"})
    said = str(caught.value)
    assert (
        "the input of net in the row size=16 is 16×8×3, and the samples of made are 8×8×3" in said
    )
    assert said.endswith("same samples, so each must have the input 8×8×3")
    rows = {"classes=10": small, "classes=5": few}
    with pytest.raises(UsageError) as caught:
        check_rows_fit(data((8, 8, 3), 10), rows, {"classes"})
    assert "net in the row classes=5 has 5 outputs, and made has 10" in str(caught.value)
    assert str(caught.value).endswith(
        "--set classes=10 in place of --vary classes sets the last layer"
    )
    with pytest.raises(UsageError, match=r"(?s)the input of net is 8.*--set input=6,6,3$"):
        check_rows_fit(data((6, 6, 3), 10), {"g=1": small, "g=3": small}, ())


def test_the_last_layer_that_would_do_is_said() -> None:
    fixed = SPEC.replace("$classes", "$classes + 1")
    text = refusal(data((8, 8, 3), 7), spec(fixed).network())
    found = re.search(r"its layer 'dense' must be (dense: \{units: 7\}) \(net.yaml:(\d+)\)", text)
    assert found
    assert fixed.splitlines()[int(found[2]) - 1].strip().startswith("- dense")
    written = fixed.replace("dense: {units: $classes + 1, activation: softmax}", found[1])
    check_fits(data((8, 8, 3), 7), spec(written).network())
    copied = "gconv init {} -o net.yaml writes a copy to change: its layer {} must be {}"
    assert copied.format("resnext50_32x4d", "'dense'", "dense: {units: 10}") in refusal(
        data((224, 224, 3), 10), load("resnext50_32x4d")
    )
    assert copied.format("squeezenet", "'conv_2'", "conv: {filters: 10}") in refusal(
        data((224, 224, 3), 10), load("squeezenet")
    )


def test_no_layer_is_named_if_others_change_its_channels() -> None:
    net = spec("input: [2, 2, 3]\nlayers: [{dense: {units: 3}}, flatten]").network()
    assert refusal(data((2, 2, 3), 5), net).endswith("its last layer must be dense: {units: 5}")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "inputs: {a: [4, 1], b: [4, 1]}\nlayers: [{add: {}, from: [a, b]}]",
            "has 2 inputs; training",
        ),
        (
            "input: [4, 1]\nlayers: [{dense: {units: 2}, name: a}, {dense: {units: 2}, name: b}]\n"
            "outputs: [a, b]",
            "has 2 outputs; training",
        ),
        (
            "input: [8, 8, 3]\nlayers: [{conv: {filters: 2, kernel: 1}}]",
            "is 8×8×2; training needs one num",
        ),
        ("input: [4, 2]\nlayers: [relu, global_avg_pool]", "has no weights that training changes"),
    ],
)
def test_networks_of_which_no_training_is_defined(text: str, said: str) -> None:
    assert said in refusal(data((4, 1), 2), network(text))


def test_open_sizes_are_refused() -> None:
    net = spec(
        "input: [null, null, 3]\nlayers: [{conv: {filters: 2, kernel: 1}}, global_avg_pool]"
    ).network(keep_open=True)
    text = refusal(data((8, 8, 3), 2), net)
    assert "leaves sizes of its input open: ?,?,3" in text


def test_a_keras_model_says_what_its_data_must_be() -> None:
    import keras

    x = keras.Input((6, 2), name="x")
    y = keras.layers.Dense(3)(keras.layers.Flatten()(x))
    net = load(keras.Model({"x": x}, y))
    check_fits(data((6, 2), 3), net)
    assert refusal(data((6, 3), 3), net).endswith("the data must be samples×6×2")
    assert refusal(data((6, 2), 4), net).endswith("its last layer must be dense: {units: 4}")
