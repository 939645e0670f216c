"""shufflenet_v1 in Keras.

Input 224×224×3, output 1000; 169 layers.
1,890,208 parameters; 137,460,672 multiply-accumulates for one sample.
"""

import keras
from keras import layers

GROUPS = 3
WIDTH = 240


class Names:
    """Names of layers: conv, conv_2, conv_3 … behind a prefix."""

    def __init__(self, prefix=""):
        self.prefix = prefix
        self.counts = {}

    def __call__(self, kind):
        count = self.counts[kind] = self.counts.get(kind, 0) + 1
        return f"{self.prefix}{kind}" if count == 1 else f"{self.prefix}{kind}_{count}"


def channel_shuffle(x, groups, name):
    y = layers.Reshape(
        (x.shape[1], x.shape[2], groups, x.shape[-1] // groups), name=f"{name}.split"
    )(x)
    y = layers.Permute((1, 2, 4, 3), name=f"{name}.swap")(y)
    return layers.Reshape(x.shape[1:], name=name)(y)


def path(x, mid, out, stride=1, first=GROUPS, *, name):
    x = layers.Conv2D(
        mid, 1, padding="same", groups=first, use_bias=False, name=f"{name}.conv"
    )(x)
    x = layers.BatchNormalization(name=f"{name}.batch_norm")(x)
    x = layers.Activation("relu", name=f"{name}.relu")(x)
    x = channel_shuffle(x, groups=GROUPS, name=f"{name}.channel_shuffle")
    x = layers.DepthwiseConv2D(
        3, strides=stride, padding="same", use_bias=False, name=f"{name}.depthwise_conv"
    )(x)
    x = layers.BatchNormalization(name=f"{name}.batch_norm_2")(x)
    x = layers.Conv2D(
        out, 1, padding="same", groups=GROUPS, use_bias=False, name=f"{name}.conv_2"
    )(x)
    return layers.BatchNormalization(name=f"{name}.batch_norm_3")(x)


def down(x, out, more, first=GROUPS, *, name):
    branch_1 = path(
        x, mid=out // 4, out=more, stride=2, first=first, name=f"{name}.branch_1.path"
    )
    branch_2 = layers.AveragePooling2D(
        3, strides=2, padding="same", name=f"{name}.branch_2.avg_pool"
    )(x)
    x = layers.Concatenate(name=f"{name}.concat")([branch_1, branch_2])
    return layers.Activation("relu", name=f"{name}.relu")(x)


def unit(x, name):
    channels = x.shape[-1]
    y = path(x, mid=channels // 4, out=channels, name=f"{name}.path")
    x = layers.Add(name=f"{name}.add")([y, x])
    return layers.Activation("relu", name=f"{name}.relu")(x)


def build():
    """The model, with random weights."""
    inputs = keras.Input((224, 224, 3), name="input")
    names = Names()
    x = layers.Conv2D(24, 3, strides=2, padding="same", use_bias=False, name="conv")(
        inputs
    )
    x = layers.BatchNormalization(name="batch_norm")(x)
    x = layers.Activation("relu", name="relu")(x)
    x = layers.MaxPooling2D(3, strides=2, padding="same", name="max_pool")(x)
    x = down(x, out=WIDTH, more=WIDTH - 24, first=1, name="down")
    for _ in range(3):
        x = unit(x, name=names("unit"))
    x = down(x, out=2 * WIDTH, more=WIDTH, name="down_2")
    for _ in range(7):
        x = unit(x, name=names("unit"))
    x = down(x, out=4 * WIDTH, more=2 * WIDTH, name="down_3")
    for _ in range(3):
        x = unit(x, name=names("unit"))
    x = layers.GlobalAveragePooling2D(name="global_avg_pool")(x)
    x = layers.Dense(1000, name="dense")(x)
    return keras.Model(inputs, x, name="shufflenet_v1")


if __name__ == "__main__":
    build().summary()
