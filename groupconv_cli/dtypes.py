"""The types that weights and activations may have, in one table."""

from __future__ import annotations

import re
from functools import cache
from typing import NamedTuple

from groupconv_cli.errors import UsageError

DTYPES = {"float32": 4, "float16": 2, "bfloat16": 2, "float64": 8}
"""Bytes of one weight or activation, by dtype. The first dtype is the default."""

DEFAULT = next(iter(DTYPES))


class Storage(NamedTuple):
    """How a layer of a Keras model stores its values. A spec leaves that open."""

    weights: str = DEFAULT
    """The dtype of its largest weight."""
    output: str = DEFAULT
    """The dtype of its output."""
    policy: str = ""
    """Keras' name of both, such as mixed_float16; empty for a function, which has no weights."""
    besides: int = 0
    """The bytes by which its weights differ from weights that all have one dtype: those of a
    quantized layer are of several."""


@cache
def size_of(dtype: str) -> int:
    """Bytes of one value of any dtype of Keras. Of a text, they are those of a reference to it."""
    bits = re.search(r"\d+", dtype)
    return int(bits[0]) // 8 if bits else {"bool": 1}.get(dtype, 8)


def bytes_per_value(dtype: str) -> int:
    """Bytes of one value. Raises UsageError for a dtype that is not in the table."""
    if dtype not in DTYPES:
        raise UsageError(f"unknown dtype {dtype!r}; there are {', '.join(DTYPES)}")
    return DTYPES[dtype]
