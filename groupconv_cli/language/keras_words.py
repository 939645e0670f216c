"""Names in specs for things that have other names in Keras, for hints."""

from __future__ import annotations

import re
from collections.abc import Collection

ARGUMENTS = {
    "depth_multiplier": "multiplier",
    "dilation_rate": "dilation",
    "kernel_size": "kernel",
    "negative_slope": "slope",
    "pool_size": "size",
    "strides": "stride",
    "target_shape": "shape",
    "use_bias": "bias",
}

LAYERS = {
    "averagepooling": "avg_pool",
    "batchnormalization": "batch_norm",
    "bn": "batch_norm",
    "concatenate": "concat",
    "cropping": "crop",
    "globalaveragepooling": "global_avg_pool",
    "globalmaxpooling": "global_max_pool",
    "groupnormalization": "group_norm",
    "layernormalization": "layer_norm",
    "maxpooling": "max_pool",
    "upsampling": "upsample",
    "zeropadding": "zero_pad",
}
"""The keys are names in small letters, without `_` and the number of dimensions."""

MEANT = {"hswish": "hard_swish", "hsilu": "hard_silu", "hsigmoid": "hard_sigmoid"}
"""Names that papers and other libraries have for layers of the language."""

_ROUNDS = "Keras' pools cannot; padding: same rounds the output's size up"

ARGUMENTS_MISSING = {"ceil": _ROUNDS, "ceil_mode": _ROUNDS}
"""Arguments that no layer of Keras has."""

MISSING = {
    "pixelshuffle": "there is no such layer; upsample or conv_transpose enlarge a feature map",
    "depthtospace": "there is no such layer; upsample or conv_transpose enlarge a feature map",
}
"""Layers that the language does not have, whose names are near those of others."""


def why_missing(word: str) -> str | None:
    """The hint for a layer that the language does not have."""
    return MISSING.get(word.lower().replace("_", ""))


def argument_meant(word: str, known: Collection[str]) -> str | None:
    """The known argument that has this name in Keras."""
    name = ARGUMENTS.get(word)
    return name if name in known else None


def layer_meant(word: str, known: Collection[str]) -> str | None:
    """The known layer that has this name in Keras: `Conv2DTranspose` is `conv_transpose`."""
    plain = re.sub(r"[123]d(?=transpose$|$)", "", word.lower().replace("_", ""))
    own = {name.replace("_", ""): name for name in known}
    name = {**LAYERS, **MEANT}.get(plain, own.get(plain))
    return name if name in known else None
