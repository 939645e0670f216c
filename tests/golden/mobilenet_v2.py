"""mobilenet_v2 in Keras.

Input 224×224×3, output 1000; 151 layers.
3,538,984 parameters; 300,774,272 multiply-accumulates for one sample.
"""

import keras
from keras import layers


class Names:
    """Names of layers: conv, conv_2, conv_3 … behind a prefix."""

    def __init__(self, prefix=""):
        self.prefix = prefix
        self.counts = {}

    def __call__(self, kind):
        count = self.counts[kind] = self.counts.get(kind, 0) + 1
        return f"{self.prefix}{kind}" if count == 1 else f"{self.prefix}{kind}_{count}"


def inverted(x, t, c, s=1, *, name):
    channels = x.shape[-1]
    names = Names(f"{name}.")
    y = x
    if t != 1:
        y = layers.Conv2D(
            t * channels, 1, padding="same", use_bias=False, name=names("conv")
        )(y)
        y = layers.BatchNormalization(name=names("batch_norm"))(y)
        y = layers.Activation("relu6", name=names("relu6"))(y)
    y = layers.DepthwiseConv2D(
        3, strides=s, padding="same", use_bias=False, name=f"{name}.depthwise_conv"
    )(y)
    y = layers.BatchNormalization(name=names("batch_norm"))(y)
    y = layers.Activation("relu6", name=names("relu6"))(y)
    y = layers.Conv2D(c, 1, padding="same", use_bias=False, name=names("conv"))(y)
    y = layers.BatchNormalization(name=names("batch_norm"))(y)
    if x.shape == y.shape:
        y = layers.Add(name=f"{name}.add")([y, x])
    return y


def row(x, t, c, n, s, name):
    x = inverted(x, t=t, c=c, s=s, name=f"{name}.inverted")
    for i in range(n - 1):
        x = inverted(x, t=t, c=c, name=f"{name}.inverted_{i + 2}")
    return x


def build():
    """The model, with random weights."""
    inputs = keras.Input((224, 224, 3), name="input")
    x = layers.Conv2D(32, 3, strides=2, padding="same", use_bias=False, name="conv")(
        inputs
    )
    x = layers.BatchNormalization(name="batch_norm")(x)
    x = layers.Activation("relu6", name="relu6")(x)
    x = row(x, t=1, c=16, n=1, s=1, name="row")
    x = row(x, t=6, c=24, n=2, s=2, name="row_2")
    x = row(x, t=6, c=32, n=3, s=2, name="row_3")
    x = row(x, t=6, c=64, n=4, s=2, name="row_4")
    x = row(x, t=6, c=96, n=3, s=1, name="row_5")
    x = row(x, t=6, c=160, n=3, s=2, name="row_6")
    x = row(x, t=6, c=320, n=1, s=1, name="row_7")
    x = layers.Conv2D(1280, 1, padding="same", use_bias=False, name="conv_2")(x)
    x = layers.BatchNormalization(name="batch_norm_2")(x)
    x = layers.Activation("relu6", name="relu6_2")(x)
    x = layers.GlobalAveragePooling2D(name="global_avg_pool")(x)
    x = layers.Dense(1000, name="dense")(x)
    return keras.Model(inputs, x, name="mobilenet_v2")


if __name__ == "__main__":
    build().summary()
