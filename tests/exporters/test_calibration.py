"""Samples for int8, as they are given to `export`: arrays of any numbers that fit the inputs."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest

from groupconv_cli.errors import UsageError
from groupconv_cli.exporters.calibration import Input, given_samples

ONE = [Input("image", (2, 3))]
TWO = [Input("image", (2, 3)), Input("label", (4,))]


def zeros(*shape: int, dtype: str = "float32") -> Any:
    return np.zeros((5, *shape), dtype)


@pytest.mark.parametrize("dtype", ["float64", "float16", "int8", "uint8", "bool", "int64"])
def test_any_numbers_become_float32(dtype: str) -> None:
    given = np.arange(30).reshape(5, 2, 3).astype(dtype)
    (samples,) = given_samples(given, ONE)
    assert samples.dtype == np.float32
    np.testing.assert_array_equal(samples, given.astype(float))


@pytest.mark.parametrize(
    "given",
    [
        [zeros(2, 3), zeros(4)],
        (zeros(2, 3), zeros(4, dtype="float64")),
        {"label": zeros(4), "image": zeros(2, 3)},
    ],
    ids=["list", "tuple", "by name"],
)
def test_several_inputs(given: Any) -> None:
    assert [samples.shape for samples in given_samples(given, TWO)] == [(5, 2, 3), (5, 4)]


WRONG = {
    "a wrong shape": (zeros(3, 2), ONE, "is 5×3×2; it must be samples×2×3"),
    "one sample without its axis": (zeros()[:2], ONE, "is 2; it must be samples×2×3"),
    "no samples": (zeros(2, 3)[:0], ONE, "has no samples"),
    "words": (np.full((5, 2, 3), "a"), ONE, "must hold numbers, got <U1"),
    "complex numbers": (zeros(2, 3, dtype="complex64"), ONE, "must hold numbers, got complex64"),
    "not finite": (zeros(2, 3) + np.nan, ONE, "has values that are not finite"),
    "too large once it is float32": (
        zeros(2, 3, dtype="float64") + 1e300,
        ONE,
        "has values that are not finite, or too large for float32",
    ),
    "one array for two inputs": (zeros(2, 3), TWO, "must be a list of 2 arrays"),
    "a name that is missing": ({"image": zeros(2, 3)}, TWO, "no array for the input 'label'"),
    "unequal numbers": ([zeros(2, 3), zeros(4)[:3]], TWO, "unequal numbers of samples: 3 and 5"),
}


@pytest.mark.parametrize(("given", "inputs", "message"), WRONG.values(), ids=list(WRONG))
def test_what_does_not_fit_is_said(given: Any, inputs: list[Input], message: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(UsageError) as error:
            given_samples(given, inputs)
    assert message in str(error.value)
