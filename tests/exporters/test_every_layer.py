"""Every layer of the language and every family of keras.applications, in every format."""

from __future__ import annotations

from itertools import groupby, product
from pathlib import Path

import keras
import numpy as np
import pytest
from cases import CASES, Case, model_of

from groupconv_cli import export
from groupconv_cli.errors import UsageError
from groupconv_cli.exporters.formats import FORMATS

FAR = 1e-5
"""The most that rounding in another order explains, over the largest output."""


def in_keras(path: Path, arrays: list) -> list:
    model = keras.models.load_model(path)
    return [np.asarray(each) for each in keras.tree.flatten(model(packed(arrays)))]


def in_tensorflow(path: Path, arrays: list) -> list:
    import tensorflow as tf

    loaded = tf.saved_model.load(str(path))
    return [np.asarray(each) for each in tf.nest.flatten(loaded.serve(*arrays))]


def in_litert(path: Path, arrays: list) -> list:
    from ai_edge_litert.interpreter import Interpreter

    runner = Interpreter(model_path=str(path)).get_signature_runner()
    reads = list(runner.get_input_details())
    rows = []
    for row in zip(*arrays, strict=True):
        given = {name: row[number_of(name, reads)][None] for name in reads}
        outputs = runner(**given)
        rows.append([outputs[f"output_{number}"] for number in range(len(outputs))])
    return [np.concatenate(column) for column in zip(*rows, strict=True)]


def number_of(name: str, names: list[str]) -> int:
    """Keras numbers the inputs that it names itself in the order that they are made in."""
    return sorted(names, key=lambda each: (len(each), each)).index(name)


def in_onnxruntime(path: Path, arrays: list) -> list:
    import onnxruntime

    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    names = [each.name for each in session.get_inputs()]
    return list(session.run(None, dict(zip(names, arrays, strict=True))))


def packed(arrays: list):
    return arrays[0] if len(arrays) == 1 else arrays


RUNTIMES = {
    "keras": in_keras,
    "saved_model": in_tensorflow,
    "tflite": in_litert,
    "onnx": in_onnxruntime,
}
ENDINGS = {each.name: each.ending for each in FORMATS if each.name in RUNTIMES}


def differences(model, kind: str, folder: Path) -> list[float]:
    """Of each output in the other runtime, on input that gconv's comparison has not seen."""
    random = np.random.default_rng(5)
    arrays = [random.standard_normal((2, *x.shape[1:])).astype("float32") for x in model.inputs]
    expected = keras.tree.flatten(model(packed(arrays), training=False))
    path = folder / f"net{ENDINGS[kind]}"
    export(model, path)
    found = RUNTIMES[kind](path, arrays)
    return [
        float(np.abs(one - np.asarray(other)).max() / np.abs(np.asarray(other)).max())
        for one, other in zip(found, expected, strict=True)
    ]


def by_word(cases: list[Case]) -> dict[str, list[Case]]:
    """The cases by the word of the language that they are of."""
    ordered = sorted(cases, key=lambda case: case.op.op)
    return {word: list(found) for word, found in groupby(ordered, lambda case: case.op.op)}


LACKING = {
    "tflite": {"upsample": ("bicubic", "ResizeBicubic")},
}
"""What a format has no operation for: a word of the case, and what the refusal names."""

WORDS = {word: cases for word, cases in by_word(CASES).items() if word != "input"}


def expressible(word: str, kind: str) -> list[Case]:
    """The cases of a word less those that the format has no operation for."""
    lacking, _ = LACKING.get(kind, {}).get(word, (None, None))
    return [case for case in WORDS[word] if not lacking or lacking not in case.id]


def check_agreement(cases: list[Case], kind: str, folder: Path) -> None:
    found = dict(zip(cases, differences(model_of(cases), kind, folder), strict=True))
    assert [case.id for case, far in found.items() if not far < FAR] == []


OFTEN = (
    "conv", "conv_transpose", "max_pool", "upsample", "layer_scale", "prelu", "gelu", "celu",
    "batch_norm", "group_norm", "concat", "dense", "channel_shuffle", "pixel_shuffle",
    "local_response",
)  # fmt: skip
"""One of each kind; those that a converter once failed on."""

ALWAYS = {
    "keras": ("conv", "local_response"),
    "saved_model": ("conv", "local_response"),
    "tflite": OFTEN,
    "onnx": OFTEN,
}
"""Keras' own formats translate nothing: one layer of Keras, and one of its functions."""


@pytest.mark.parametrize("kind", ENDINGS)
def test_one_of_each_kind_of_layer_in_every_format(kind: str, tmp_path: Path) -> None:
    """In one model: a converter takes a while for each, however small it is.

    The case after two thirds is mostly of volumes, and not the plainest.
    """
    found = [expressible(word, kind) for word in ALWAYS[kind]]
    check_agreement([cases[2 * len(cases) // 3] for cases in found], kind, tmp_path)


@pytest.mark.nightly
@pytest.mark.parametrize(("word", "kind"), list(product(WORDS, ENDINGS)))
def test_every_layer_in_every_format(word: str, kind: str, tmp_path: Path) -> None:
    check_agreement(expressible(word, kind), kind, tmp_path)


@pytest.mark.nightly
@pytest.mark.parametrize(
    ("kind", "word"), [(kind, word) for kind in LACKING for word in LACKING[kind]]
)
def test_what_a_format_lacks_is_named(kind: str, word: str, tmp_path: Path) -> None:
    """Always that is tested in `test_exporter.py`."""
    lacking, operation = LACKING[kind][word]
    (case,) = (case for case in WORDS[word] if lacking in case.id)
    with pytest.raises(UsageError, match=f"which has no {operation}"):
        export(model_of([case]), tmp_path / f"net{ENDINGS[kind]}")


FAMILIES = {
    "ConvNeXtTiny": 32,
    "DenseNet121": 32,
    "EfficientNetB0": 32,
    "EfficientNetV2B0": 32,
    "EfficientNetV2S": 32,
    "InceptionResNetV2": 75,
    "InceptionV3": 75,
    "MobileNet": 32,
    "MobileNetV2": 32,
    "MobileNetV3Small": 32,
    "NASNetMobile": 32,
    "ResNet50": 32,
    "ResNet50V2": 32,
    "VGG16": 32,
    "Xception": 71,
}
"""The smallest of each family of keras.applications, and the smallest images that it takes."""


@pytest.mark.nightly
@pytest.mark.parametrize(("family", "kind"), list(product(FAMILIES, ENDINGS)))
def test_every_family_of_applications_in_every_format(
    family: str, kind: str, tmp_path: Path
) -> None:
    size = FAMILIES[family]
    keras.utils.set_random_seed(1)
    make = getattr(keras.applications, family)
    # Without a softmax, which makes nearly the same of all that an untrained network gives.
    model = make(weights=None, input_shape=(size, size, 3), classes=10, classifier_activation=None)
    assert differences(model, kind, tmp_path)[0] < FAR
