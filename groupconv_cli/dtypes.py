"""The types that weights and activations may have, in one table."""

from __future__ import annotations

from groupconv_cli.errors import UsageError

DTYPES = {"float32": 4, "float16": 2, "bfloat16": 2, "float64": 8}
"""Bytes of one weight or activation, by dtype. The first dtype is the default."""

DEFAULT = next(iter(DTYPES))


def bytes_per_value(dtype: str) -> int:
    """Bytes of one value. Raises UsageError for a dtype that is not in the table."""
    if dtype not in DTYPES:
        raise UsageError(f"unknown dtype {dtype!r}; there are {', '.join(DTYPES)}")
    return DTYPES[dtype]
