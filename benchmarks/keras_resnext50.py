"""ResNeXt-50 32x4d written in Keras, and its summary: the peer of `gconv summary`."""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
from keras import layers


def conv(x, filters, kernel, *, stride=1, groups=1, relu=True):
    x = layers.Conv2D(
        filters, kernel, strides=stride, padding="same", groups=groups, use_bias=False
    )(x)
    x = layers.BatchNormalization()(x)
    return layers.ReLU()(x) if relu else x


def bottleneck(x, filters, *, stride, project):
    shortcut = conv(x, 4 * filters, 1, stride=stride, relu=False) if project else x
    y = conv(x, 2 * filters, 1)
    y = conv(y, 2 * filters, 3, stride=stride, groups=32)
    y = conv(y, 4 * filters, 1, relu=False)
    return layers.ReLU()(layers.Add()([y, shortcut]))


inputs = keras.Input((224, 224, 3))
x = conv(inputs, 64, 7, stride=2)
x = layers.MaxPooling2D(3, 2, padding="same")(x)
for stage, depth in enumerate((3, 4, 6, 3)):
    for block in range(depth):
        first = block == 0
        x = bottleneck(x, 64 << stage, stride=2 if first and stage else 1, project=first)
x = layers.GlobalAveragePooling2D()(x)
model = keras.Model(inputs, layers.Dense(1000)(x))
assert model.count_params() == 25_097_128
model.summary()
