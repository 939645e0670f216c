"""resnext50_32x4d in Keras.

Input 224×224×3, output 1000; 174 layers.
25,097,128 parameters; 4,230,479,872 multiply-accumulates for one sample.
"""

import keras
from keras import layers

GROUPS = 32
WIDTH = 4
DEPTH3 = 6


def project(x, filters, strides=1, *, name):
    """A shortcut into another shape: a 1×1 convolution and a norm."""
    x = layers.Conv2D(
        filters, 1, strides=strides, padding="same", use_bias=False, name=f"{name}.conv"
    )(x)
    return layers.BatchNormalization(name=f"{name}.batch_norm")(x)


def bottleneck(x, planes, stride=1, *, name):
    mid = planes * WIDTH // 64 * GROUPS
    y = layers.Conv2D(mid, 1, padding="same", use_bias=False, name=f"{name}.conv")(x)
    y = layers.BatchNormalization(name=f"{name}.batch_norm")(y)
    y = layers.Activation("relu", name=f"{name}.relu")(y)
    y = layers.Conv2D(
        mid,
        3,
        strides=stride,
        padding="same",
        groups=GROUPS,
        use_bias=False,
        name=f"{name}.conv_2",
    )(y)
    y = layers.BatchNormalization(name=f"{name}.batch_norm_2")(y)
    y = layers.Activation("relu", name=f"{name}.relu_2")(y)
    y = layers.Conv2D(
        4 * planes, 1, padding="same", use_bias=False, name=f"{name}.conv_3"
    )(y)
    y = layers.BatchNormalization(name=f"{name}.batch_norm_3")(y)
    if x.shape != y.shape:
        x = project(x, y.shape[-1], strides=stride, name=f"{name}.shortcut")
    x = layers.Add(name=f"{name}.add")([y, x])
    return layers.Activation("relu", name=f"{name}.relu_3")(x)


def stage(x, planes, depth, stride=2, *, name):
    x = bottleneck(x, planes=planes, stride=stride, name=f"{name}.bottleneck")
    for i in range(depth - 1):
        x = bottleneck(x, planes=planes, name=f"{name}.bottleneck_{i + 2}")
    return x


def build():
    """The model, with random weights."""
    inputs = keras.Input((224, 224, 3), name="input")
    x = layers.Conv2D(64, 7, strides=2, padding="same", use_bias=False, name="conv")(
        inputs
    )
    x = layers.BatchNormalization(name="batch_norm")(x)
    x = layers.Activation("relu", name="relu")(x)
    x = layers.MaxPooling2D(3, strides=2, padding="same", name="max_pool")(x)
    x = stage(x, planes=64, depth=3, stride=1, name="stage")
    x = stage(x, planes=128, depth=4, name="stage_2")
    x = stage(x, planes=256, depth=DEPTH3, name="stage_3")
    x = stage(x, planes=512, depth=3, name="stage_4")
    x = layers.GlobalAveragePooling2D(name="global_avg_pool")(x)
    x = layers.Dense(1000, name="dense")(x)
    return keras.Model(inputs, x, name="resnext50_32x4d")


if __name__ == "__main__":
    build().summary()
