"""Random convolutions, forward and backward, against NumPy's float64.

A longer run: GCONV_EXAMPLES=2000 python -m pytest tests/fastconv/test_gradients.py
"""

from __future__ import annotations

import pytest
from random_convs import STOCK, TOLERANCE, Case, differences, layer_of, random_case
from specs import examples

EXAMPLES = examples(200)


@pytest.mark.parametrize("number", range(EXAMPLES))
def test_outputs_and_gradients(number: int) -> None:
    case = random_case(number)
    layer = layer_of(case)
    for found in differences(layer, case):
        assert max(found) <= TOLERANCE[layer.compute_dtype], case


ORACLE = [
    # shape, kernel, groups, strides, dilation, padding
    ((2, 5, 6), (4,), 1, (2,), (1,), "same"),
    ((2, 5, 6), (3,), 1, (1,), (2,), "causal"),
    ((2, 5, 2, 6), (4, 3), 1, (1, 1), (2, 1), "same"),
    ((1, 7, 4, 6), (4, 3), 1, (3, 2), (1, 1), "valid"),
    ((2, 3, 2, 4, 2), (2, 3, 4), 1, (1, 2, 1), (1, 1, 1), "same"),
    ((2, 1, 2, 6), (4, 4), 3, (2, 3), (1, 1), "same"),
]


@pytest.mark.parametrize("case", ORACLE, ids=str)
def test_numpy_computes_what_stock_keras_does(case) -> None:
    """In float64: what others are held against is right itself."""
    shape, kernel, groups, strides, dilation, padding = case
    settings = (strides, dilation, padding, "channels_last", "float64", "not")
    stock = Case([shape], kernel, 3 * groups, groups, *settings)
    (found,) = differences(layer_of(stock, STOCK), stock)
    assert max(found) <= 1e-12
