"""Mistakes that people have made with words that mean something else: what they are told."""

from __future__ import annotations

import numpy as np
import pytest
from numpy_conv import grouped_conv
from specs import problems

HEAD = "input: [32, 32, 16]\nvars: {a: 2, body: 3, off: false}\nlayers:\n"


@pytest.mark.parametrize(
    ("layer", "hint"),
    [
        ("conv: {filters: $a == 2, kernel: 3}", "`8 if $a == 2 else 16`"),
        ('conv: {filters: "roundto(30, 8)", kernel: 3}', "did you mean 'round_to'?"),
        ("conv: {filters: 7 % 4, kernel: 3}", "'%' has no meaning in the expression"),
        ("conv: {filters: 8 if $a > 3, kernel: 3}", "a choice has both"),
        ("relu:\n    when: 1 < 2 < 3", "combine two comparisons with and"),
        ("conv: {filters: 8, kernel: 3, norm: {batch: 0.1}}", "norm: {batch: {epsilon: 1.0e-3}}"),
        ("conv: {filters: 8, kernel: 3, norm: batch_norm}", "did you mean 'batch'?"),
        ("parallel: {branches: [[], {when: true, layer: []}]}", "did you mean 'layers'?"),
        ("hswish", "did you mean 'hard_swish'?"),
        ("h_swish", "did you mean 'hard_swish'?"),
        ("PixelShuffle: {size: 2}", "did you mean 'pixel_shuffle'?"),
        ("depth_to_space: {size: 2}", "did you mean 'pixel_shuffle'?"),
        ("drop_path: {rate: 0.1}", "did you mean 'stochastic_depth'?"),
        ("lrn", "did you mean 'local_response_norm'?"),
        ("pixel_shuffle: {size: 3}", "conv: {filters: 9 * $in, kernel: 1}"),
        ("softmax: {groups: 3}", "16 has these divisors: 1, 2, 4, 8, 16"),
        (
            "conv: {filters: 8, kernel: 3, padding: causal}",
            "write padding: [[2, 0], [2, 0]]",
        ),
        ("zero_pad: {padding: [[0, 1], [0, 1]], after: 1}", "leave out after"),
        ("residual: {body: $body}", "layers to be used again are a block"),
        ("max_pool: {size: 2, ceil: true}", "padding: same rounds the output's size up"),
        ("max_pool: {size: 2, ceil_mode: true}", "padding: same rounds the output's size up"),
        (
            "conv: {filters: 8, kernel: 3, stride: 2, dilation: 2, padding: valid}",
            "avg_pool: {size: 1, stride: 2} before it, without stride and dilation here, computes",
        ),
        (
            "conv: {filters: 8, kernel: 3, stride: 2, dilation: 2, padding: 4}",
            "and with padding: 2, computes the same",
        ),
        (
            "conv: {filters: 8, kernel: 3, stride: 2, dilation: 2, padding: [[2, 4], [0, 2]]}",
            "and with padding: [[1, 2], [0, 1]], computes the same",
        ),
        (
            "conv: {filters: 8, kernel: 3, stride: 2, dilation: 2, padding: [[2, 3], [2, 2]]}",
            "which costs more",
        ),
        ("conv: {filters: 8, kernel: 3, stride: 2, dilation: 2}", "which costs more"),
        ("conv: {filters: 8, kernel: 3, stride: 2, dilation: 4}", "which costs more"),
    ],
)
def test_a_hint_says_what_to_write(layer: str, hint: str) -> None:
    (problem,) = problems(f"{HEAD}  - {layer}\n")
    assert hint in (problem.hint or "")


@pytest.mark.parametrize(
    ("spec", "hint"),
    [
        (
            "vars: {n: {batch: {momentum: 0.9}}}\ninput: [8, 4]\nlayers: [relu]",
            "norm: {batch: {momentum: $momentum}}",
        ),
        ("vars: {n: {group: }}\ninput: [8, 4]\nlayers: [relu]", "norm: {group: {groups: $groups}}"),
        (
            "vars: {n: $n + 1}\ninput: [8, 4]\nlayers: [dense: {units: $n}]",
            "its value cannot use $n itself; write the value that is meant",
        ),
    ],
)
def test_a_hint_for_a_variable(spec: str, hint: str) -> None:
    (problem,) = problems(spec)
    assert hint in (problem.hint or "")


def test_the_norm_of_the_hint_works() -> None:
    text = "vars: {momentum: 0.9}\ninput: [8, 4]\nlayers:\n"
    layer = "conv: {filters: 8, kernel: 3, norm: {batch: {momentum: $momentum}}}"
    assert not problems(f"{text}  - {layer}")


@pytest.mark.parametrize("pixels", [0, 2, 4])
def test_a_stride_with_an_equal_dilation_is_what_the_hint_says(pixels: int) -> None:
    """Against NumPy: a convolution of the values on the grid of the stride."""
    random = np.random.default_rng(0)
    x = random.normal(size=(1, 15, 15, 4))
    kernel, bias = random.normal(size=(3, 3, 4, 6)), np.zeros(6)

    def conv(x: np.ndarray, step: int, pixels: int) -> np.ndarray:
        padded = np.pad(x, [(0, 0), (pixels, pixels), (pixels, pixels), (0, 0)])
        size = (padded.shape[1] - 2 * step - 1) // step + 1
        weights = np.zeros((1, size, size, 6))
        how = {"strides": (step, step), "dilation": (step, step), "padding": "valid"}
        return grouped_conv(padded, kernel, bias, weights, groups=1, **how)[0]

    np.testing.assert_allclose(conv(x, 2, pixels), conv(x[:, ::2, ::2], 1, pixels // 2))


def test_a_wrong_number_of_groups_hides_nothing_behind_it() -> None:
    found = problems(
        f'{HEAD}  - conv: {{filters: 8, kernel: 3, groups: "8", norm: bach}}\n'
        "  - channel_shuffle\n"
        "  - conv: {filters: 7, kernel: 3, groups: 2}\n"
    )
    messages = [problem.message for problem in found]
    assert len(messages) == 3
    assert messages[0].startswith("groups must be a whole number")
    assert messages[1].startswith("norm must be batch")
    assert messages[2].startswith("groups=2 does not divide the 7 filters")
