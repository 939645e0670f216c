"""Keras models that several tests read."""

from __future__ import annotations

import keras
from keras import layers


def functional(*outputs, inputs):
    return keras.Model(inputs, outputs[0] if len(outputs) == 1 else list(outputs))


def twice_encoded():
    """A model inside, used twice, with a layer in it that is frozen."""
    x = keras.Input((8, 8, 8), name="image")
    inner = [layers.Conv2D(8, 3, padding="same", groups=2, name="conv"), layers.ReLU(name="relu")]
    encoder = keras.Sequential([keras.Input((8, 8, 8)), *inner], name="encoder")
    y = encoder(encoder(x))
    dense = layers.Conv2D(8, 1, name="frozen", trainable=False)
    return functional(dense(y), inputs=x)
