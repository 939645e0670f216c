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

MEANT = {
    "depthtospace": "pixel_shuffle",
    "dropconnect": "stochastic_depth",
    "droppath": "stochastic_depth",
    "hsigmoid": "hard_sigmoid",
    "hsilu": "hard_silu",
    "hswish": "hard_swish",
    "localresponsenormalization": "local_response_norm",
    "lrn": "local_response_norm",
    "rescale": "rescaling",
}
"""Names that papers and other libraries have for layers of the language."""

_ROUNDS = "Keras' pools cannot; padding: same rounds the output's size up"

ARGUMENTS_MISSING = {"ceil": _ROUNDS, "ceil_mode": _ROUNDS}
"""Arguments that no layer of Keras has."""


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
