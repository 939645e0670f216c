"""The layers of the language, a file per family. Importing this package registers them all."""

from __future__ import annotations

from groupconv_cli.ops.base import LAYERS, OPS, Arg, Composite, Cost, Layer, Op, Registered, Shape

__all__ = [
    "LAYERS",
    "OPS",
    "Arg",
    "Composite",
    "Cost",
    "Layer",
    "Op",
    "Registered",
    "Shape",
]

from groupconv_cli.ops import (  # noqa: F401  (imported for the registration)
    activation,
    composite,
    conv,
    dense,
    merge,
    norm,
    pool,
    resize,
    shape,
)
