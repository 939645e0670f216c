"""Fast grouped convolutions for Keras.

`GroupConv1D`, `GroupConv2D` and `GroupConv3D` replace `keras.layers.Conv1D`, `Conv2D` and
`Conv3D`, with the same arguments, the same weights in the same layout and the same result. Keras
computes a convolution with groups through XLA, whose gradient on a CPU is tens to hundreds of times
slower than TensorFlow's own kernels. These layers use TensorFlow's kernels, and dense kernels if
there are none for groups.

Import this module before loading a model that was saved with these layers.
"""

from __future__ import annotations

from typing import Any

import keras
from keras import layers, ops

REGISTERED_UNDER = "import groupconv_cli.layers"
"""The package that the layers are registered in. Keras prints it if it does not find them."""

EARLIER = "pip install groupconv-cli; import groupconv_cli.layers"
"""What files of the first versions have in its place. There is no such package on an index."""


class _Grouped:
    """A Keras convolution with another computation of groups. Must precede the stock class."""

    def call(self: Any, inputs: Any) -> Any:
        """The convolution, bias and activation of `inputs`, with the stock layer's result."""
        customized = type(self).convolution_op is not layers.Conv2D.convolution_op
        if customized or keras.backend.backend() != "tensorflow":
            return super().call(inputs)  # type: ignore[misc]
        import tensorflow as tf

        from groupconv_cli.fastconv.grouped_conv import grouped_conv

        padding = self.padding
        if padding == "causal":
            before = (self.dilation_rate[0] * (self.kernel_size[0] - 1), 0)
            first = self.data_format == "channels_first"
            inputs = ops.pad(
                inputs, ((0, 0), (0, 0), before) if first else ((0, 0), before, (0, 0))
            )
            padding = "valid"
        outputs = grouped_conv(
            tf.convert_to_tensor(inputs),
            tf.convert_to_tensor(self.kernel),
            tf.convert_to_tensor(self.bias) if self.use_bias else None,
            groups=self.groups,
            strides=self.strides,
            padding=padding,
            dilation=self.dilation_rate,
            data_format=self.data_format,
        )
        return outputs if self.activation is None else self.activation(outputs)


@keras.saving.register_keras_serializable(REGISTERED_UNDER, "GroupConv1D")
class GroupConv1D(_Grouped, layers.Conv1D):  # type: ignore[misc]
    """`keras.layers.Conv1D`, fast if `groups` is above 1."""


@keras.saving.register_keras_serializable(REGISTERED_UNDER, "GroupConv2D")
class GroupConv2D(_Grouped, layers.Conv2D):  # type: ignore[misc]
    """`keras.layers.Conv2D`, fast if `groups` is above 1."""


@keras.saving.register_keras_serializable(REGISTERED_UNDER, "GroupConv3D")
class GroupConv3D(_Grouped, layers.Conv3D):  # type: ignore[misc]
    """`keras.layers.Conv3D`, fast if `groups` is above 1."""


GROUPED: dict[type, type] = {
    layers.Conv1D: GroupConv1D,
    layers.Conv2D: GroupConv2D,
    layers.Conv3D: GroupConv3D,
}
"""The fast layer for each stock layer."""

for _stock, _fast in GROUPED.items():
    # Keras names a layer, and its place in a .weights.h5 file, after its class. With the stock
    # class's name, weights can be exchanged both ways.
    _fast.__name__ = _stock.__name__
    keras.saving.get_custom_objects()[f"{EARLIER}>{_fast.__qualname__}"] = _fast
