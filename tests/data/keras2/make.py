"""Writes models as Keras 2 does, with what tf_keras, its successor, computes of them.

`python tests/data/keras2/make.py` rewrites the folder `made` beside it. With the path of a folder
it writes files there that are too large to keep. It needs `tf_keras`, which only the nightly test
of the large files does. Each other test reads the files, the counts in `params.json` and
`macs.json`, and the outputs in `outputs.npz`, which are for the inputs that `inputs_of` makes. The
files in this folder itself are by Keras 2.15.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

FOLDER = Path(__file__).parent / "made"


def inputs_of(shapes: list[tuple[int, ...]]) -> list[Any]:
    """Two random inputs of each shape, the same each time."""
    random = np.random.default_rng(1)
    return [random.uniform(0.1, 1, (2, *shape)).astype("float32") for shape in shapes]


def models(k: Any, tf: Any) -> dict[str, Callable[[], Any]]:
    layers = k.layers

    def functional(name: str, outputs: Callable[..., Any], *shapes: tuple[int, ...]) -> Any:
        inputs = [k.Input(shape) for shape in shapes]
        return k.Model(inputs, outputs(*inputs), name=name)

    def convolutions() -> Any:
        def outputs(x: Any, y: Any, z: Any) -> list[Any]:
            x = layers.DepthwiseConv1D(3, depth_multiplier=2)(x)
            x = layers.SeparableConv1D(6, 3, padding="same")(x)
            x = layers.Conv1DTranspose(4, 3, strides=2)(x)
            y = layers.Conv3D(4, 2, groups=2)(y)
            y = layers.Conv3DTranspose(2, 2)(y)
            z = layers.ZeroPadding2D(1)(z)
            z = layers.DepthwiseConv2D(3, strides=2)(z)
            z = layers.SeparableConv2D(6, 3, depth_multiplier=2, activation="relu")(z)
            z = layers.Conv2DTranspose(4, 3, output_padding=1, strides=2)(z)
            return [x, y, z]

        return functional("convolutions", outputs, (12, 4), (4, 4, 4, 2), (12, 12, 4))

    def recurrent() -> Any:
        def outputs(x: Any, h: Any, c: Any) -> list[Any]:
            y = layers.LSTM(4, return_sequences=True)(x, initial_state=[h, c])
            y = layers.Bidirectional(layers.GRU(3, return_sequences=True))(y)
            y = layers.Bidirectional(layers.LSTM(2, return_sequences=True), merge_mode="sum")(y)
            y = layers.GRU(3, reset_after=False, return_sequences=True)(y)
            y = layers.RNN([layers.LSTMCell(3), layers.GRUCell(2)], return_sequences=True)(y)
            return [layers.SimpleRNN(2)(y), layers.LSTM(3, return_state=True)(x)[2]]

        return functional("recurrent", outputs, (5, 3), (4,), (4,))

    def conv_lstm() -> Any:
        return functional(
            "conv_lstm",
            layers.ConvLSTM2D(3, 3, padding="same", recurrent_activation="sigmoid"),
            (3, 6, 6, 2),
        )

    def nested() -> Any:
        """A model in a model in a model, used twice, with a frozen layer among equal ones."""

        def block(name: str) -> Any:
            return k.Sequential(
                [
                    k.Input((6, 6, 4)),
                    layers.Conv2D(4, 3, padding="same", trainable=False, name=f"{name}/frozen"),
                    layers.BatchNormalization(name=f"{name}/norm"),
                    layers.Conv2D(4, 3, padding="same", groups=2, name=f"{name}/conv"),
                    layers.Conv2D(4, 3, padding="same", groups=2, name=f"{name}/conv2"),
                ],
                name=name,
            )

        x = k.Input((6, 6, 4))
        inner = k.Model(x, block("a")(block("b")(x)), name="inner")
        x, y = k.Input((6, 6, 4), name="left"), k.Input((6, 6, 4), name="right")
        once = layers.Concatenate()([inner(x), inner(y)])
        last = block("c")
        twice = last(last(inner(x)))
        model = k.Model([x, y], [once, twice], name="nested")
        scale(model)
        return model

    def scale(model: Any) -> None:
        """Weights of layers that begin alike are made different: none may be swapped unseen."""
        random = np.random.default_rng(2)
        model.set_weights(
            [random.uniform(0.1, 1, each.shape).astype(each.dtype) for each in model.get_weights()]
        )

    def transferred() -> Any:
        body = k.applications.MobileNet((32, 32, 3), alpha=0.25, include_top=False, weights=None)
        x = body.layers[9].output  # its first separable block, and no more
        cut = k.Model(body.input, x, name="body/cut")
        inner = [layers.Conv2D(4, 3, groups=2), layers.Flatten(), layers.Dense(2)]
        head = k.Sequential(inner, name="head")
        return k.Sequential([cut, head, layers.Activation("softmax")], name="transferred")

    def operations() -> Any:
        def outputs(x: Any, y: Any, q: Any) -> list[Any]:
            a = tf.nn.relu6(x * [1.0, 2, 3, 4]) / 6.0 + y
            a = tf.concat([a[:, :2, ::2], 1.0 - y[:, -2:, :2]], axis=-1)
            a = tf.pad(a, [[0, 0], [1, 1], [0, 1], [0, 0]])
            a = tf.image.resize(tf.transpose(a, [0, 2, 1, 3]), (6, 6))
            b = tf.nn.softmax(tf.matmul(q, q, transpose_b=True)) @ q
            b = tf.reshape(tf.nn.gelu(b) ** 2, (-1, 20))
            b = tf.math.l2_normalize(tf.squeeze(tf.expand_dims(b, 1), 1), axis=-1)
            c = tf.split(tf.nn.leaky_relu(-x, alpha=0.1), 2, axis=-1)
            c = tf.stack([tf.maximum(c[0], 0.5), tf.sqrt(tf.abs(c[1]))], axis=1)
            c = tf.reduce_mean(tf.nn.silu(c), [1, 2], keepdims=True)
            d = tf.cast(tf.reduce_sum(x, axis=-1) > 2.0, "float32")
            d = tf.clip_by_value(tf.tile(d, [1, 2, 1]), 0.0, 0.5)
            e = tf.math.add_n([x, y, x]) - tf.where(x > 0.5, x, y)
            return [a, b, c, d, k.backend.square(e), tf.math.argmax(x, axis=-1)]

        return functional("operations", outputs, (4, 4, 4), (4, 4, 4), (5, 4))

    def others() -> Any:
        def outputs(x: Any, q: Any, v: Any) -> list[Any]:
            x = layers.Rescaling(2.0)(x)
            x = layers.Normalization(mean=[0.1, 0.2], variance=[1.0, 2.0])(x)
            x = layers.GaussianNoise(0.1)(layers.SpatialDropout2D(0.1)(x))
            x = layers.LeakyReLU(alpha=0.2)(x)
            x = layers.PReLU(shared_axes=[1, 2])(layers.ELU()(x))
            x = layers.LayerNormalization(axis=[1, 2])(layers.UpSampling2D(2)(x))
            x = layers.ThresholdedReLU(theta=0.1)(layers.GroupNormalization(1)(x))
            x = layers.Dense(3, activation="gelu", kernel_regularizer="l2")(x)
            x = layers.AveragePooling2D(2)(layers.BatchNormalization(fused=True)(x))
            w = layers.MultiHeadAttention(2, 3, value_dim=2)(q, v, return_attention_scores=True)
            y = layers.Attention(use_scale=True)([w[0], v])
            y = layers.TimeDistributed(k.Sequential([layers.Dense(3), layers.Dense(3)]))(y)
            z = layers.AdditiveAttention()([q, v])
            return [x, y, z, w[1]]

        return functional("others", outputs, (4, 4, 2), (3, 4), (5, 4))

    def tokens() -> Any:
        inner = [
            layers.Embedding(7, 3, input_length=4, mask_zero=True),
            layers.LSTM(2),
            layers.Dense(2),
        ]
        return k.Sequential(inner, name="tokens")

    def computed() -> Any:
        """Sizes that a model computes: those of the batch are what they are."""

        def outputs(x: Any, y: Any) -> list[Any]:
            a = tf.reshape(x, (tf.shape(x)[0], -1, 2))
            b = tf.reshape(a, [tf.shape(y)[0], 4, 2, 4])
            return [a, b, tf.math.squared_difference(b, y[:, :, :2]), tf.reshape(y, (-1, 8))]

        return functional("computed", outputs, (4, 4, 2), (4, 4, 4))

    def hard() -> Any:
        """Layers with hard_sigmoid, which Keras 3 computes otherwise."""

        def outputs(x: Any, y: Any, z: Any) -> list[Any]:
            hard = {"recurrent_activation": "hard_sigmoid"}
            a = layers.LSTM(4, return_sequences=True, **hard)(x)
            a = layers.Bidirectional(layers.GRU(3, return_sequences=True, **hard))(a)
            a = layers.GRU(3, activation="hard_sigmoid", reset_after=False, **hard)(a)
            b = layers.RNN([layers.LSTMCell(3, **hard), layers.GRUCell(2)])(x)
            b = layers.SimpleRNN(3, activation="hard_sigmoid")(layers.RepeatVector(3)(b))
            c = layers.ConvLSTM2D(2, 3)(y)  # hard_sigmoid, if nothing else is said
            d = layers.SeparableConv2D(4, 2, activation="hard_sigmoid")(z)
            d = layers.DepthwiseConv2D(2, activation="hard_sigmoid")(d)
            d = layers.Conv2D(4, 1, groups=2, activation="hard_sigmoid")(d)
            d = layers.TimeDistributed(layers.Dense(3, activation="hard_sigmoid"))(d)
            return [a, b, c, layers.Conv2DTranspose(2, 2, activation="hard_sigmoid")(d)]

        model = functional("hard", outputs, (5, 3), (3, 6, 6, 2), (5, 5, 3))
        scale(model)
        return model

    def named() -> Any:
        x = k.Input((4,), name="x")
        dense = layers.Dense(2, name="a/b")
        other = layers.Dense(2, name="a_b")
        return k.Model({"x": x}, {"one": dense(x), "two": other(x)}, name="named")

    made = (
        computed,
        hard,
        convolutions,
        recurrent,
        conv_lstm,
        nested,
        transferred,
        operations,
        others,
        tokens,
    )
    return {each.__name__: each for each in (*made, named, computed, hard)}


def of_cudnn(k: Any) -> tuple[Any, Any]:
    """A model of layers of cuDNN, which only a GPU can run, and one that computes the same.

    tf_keras itself converts the weights, as it does when it loads one into the other.
    """
    from tf_keras.src.layers.rnn.cudnn_gru import CuDNNGRU
    from tf_keras.src.layers.rnn.cudnn_lstm import CuDNNLSTM
    from tf_keras.src.saving.legacy.hdf5_format import preprocess_weights_for_loading

    x, z = k.Input((5, 3)), k.Input((5, 4))
    kinds = {"one": (CuDNNLSTM, k.layers.LSTM, 4, x), "two": (CuDNNGRU, k.layers.GRU, 3, z)}
    random = np.random.default_rng(3)
    old, new = [], []
    for name, (of_gpu, plain, units, tensor) in kinds.items():
        one = of_gpu(units, return_sequences=True, name=name)
        other = plain(units, return_sequences=True, name=name)
        old.append(one(tensor))
        new.append(other(tensor))
        weights = [random.uniform(-1, 1, each.shape) for each in one.get_weights()]
        one.set_weights(weights)
        other.set_weights(preprocess_weights_for_loading(other, weights))
    return k.Model([x, z], old, name="cudnn"), k.Model([x, z], new, name="cudnn")


def profiled_macs(model: Any) -> int:
    """The multiply-accumulates of a model as TensorFlow's profiler counts them."""
    sys.path.insert(0, str(FOLDER.parent.parent.parent))
    from profiled import COUNTED, profiled

    found = profiled(model)
    return sum(found.get(kind, 0) for kind in COUNTED) // 2


def write_large(folder: Path) -> None:
    """Writes EfficientNetB0 as Keras 2 saves it, and what it computes: 33 MB, which no test has.

    Its weights are random, and its outputs are before the softmax, which would hide differences.
    """
    import tf_keras as k

    k.utils.set_random_seed(0)
    shape = (64, 64, 3)
    model = k.applications.EfficientNetB0(
        weights=None, input_shape=shape, classes=10, classifier_activation=None
    )
    random = np.random.default_rng(4)
    for each in model.weights:
        if "moving" in each.name or "gamma" in each.name or "beta" in each.name:
            each.assign(random.uniform(0.5, 1.5, each.shape))
    images = random.uniform(0, 255, (2, *shape)).astype("float32")
    for ending in ("h5", "keras"):
        model.save(folder / f"efficientnetb0.{ending}")
    outputs = model(images).numpy()
    counts = {"params": model.count_params(), "macs": profiled_macs(model)}
    np.savez(folder / "efficientnetb0.npz", images=images, outputs=outputs, **counts)


def main() -> None:
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    import tensorflow as tf
    import tf_keras as k

    FOLDER.mkdir(exist_ok=True)
    params, outputs = {}, {}
    for name, make in models(k, tf).items():
        k.utils.set_random_seed(0)
        model = make()
        inputs = inputs_of([tuple(each.shape[1:]) for each in model.inputs])
        given = inputs if len(inputs) > 1 else inputs[0]
        given = {"x": given} if name == "named" else given
        for index, output in enumerate(tf.nest.flatten(model(given))):
            outputs[f"{name}.{index}"] = output.numpy()
        params[name] = model.count_params()
        for ending in ("h5", "keras"):
            model.save(FOLDER / f"{name}.{ending}")
    model, plain = of_cudnn(k)
    params["cudnn"] = plain.count_params()
    inputs = inputs_of([tuple(each.shape[1:]) for each in model.inputs])
    for index, output in enumerate(plain(inputs)):
        outputs[f"cudnn.{index}"] = output.numpy()
    for ending in ("h5", "keras"):
        model.save(FOLDER / f"cudnn.{ending}")
    model = k.applications.MobileNetV3Small((32, 32, 3), weights=None, classes=2)
    params["mobilenetv3"] = model.count_params()
    (FOLDER / "mobilenetv3.json").write_text(model.to_json() + "\n")
    macs = {"mobilenetv3": profiled_macs(model)}
    (FOLDER / "macs.json").write_text(json.dumps(macs, indent=1) + "\n")
    np.savez_compressed(FOLDER / "outputs.npz", **outputs)
    (FOLDER / "params.json").write_text(json.dumps(params, indent=1) + "\n")


if __name__ == "__main__":
    if sys.argv[1:]:
        write_large(Path(sys.argv[1]))
    else:
        main()
