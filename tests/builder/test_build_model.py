"""Random specs: the analysis is what Keras builds, and MACs are what its kernels say.

A longer run: GCONV_EXAMPLES=1000 python -m pytest tests/builder/test_build_model.py
"""

from __future__ import annotations

from math import prod

from hypothesis import HealthCheck, given, settings
from random_specs import specs
from specs import examples

from groupconv_cli import analyze, build, load

EXAMPLES = examples(15)

try_many = settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    print_blob=True,
)


def macs_of(layer) -> int:
    """Multiply-accumulates of a Keras layer: its kernel once for every position it is laid on.

    Keras' kernels of grouped convolutions have in channels / groups for their second last axis.
    """
    kind = type(layer).__name__
    if kind.startswith(("Conv", "Depthwise", "Dense")):
        positions = layer.input.shape if kind.endswith("Transpose") else layer.output.shape
        return prod(positions[1:-1]) * prod(layer.kernel.shape)
    return 0


@try_many
@given(specs())
def test_the_analysis_is_what_keras_builds(spec) -> None:
    import keras

    keras.backend.clear_session(free_memory=False)
    summary = analyze(spec)
    model = build(spec)
    by_name = {operation.name: operation for operation in model.operations}
    for row in summary.layers:
        built = by_name[row.name]
        assert tuple(built.output.shape[1:]) == row.output_shape
        if isinstance(built, keras.Layer):
            assert built.count_params() == row.params
        else:
            assert row.params == 0
    assert model.count_params() == summary.params
    trainable = sum(prod(weight.shape) for weight in model.trainable_weights)
    assert trainable == summary.trainable_params
    assert sum(macs_of(layer) for layer in model.layers) == summary.macs


@try_many
@given(specs())
def test_the_dense_twin_is_the_baseline(spec) -> None:
    import keras

    keras.backend.clear_session(free_memory=False)
    summary = analyze(spec)
    model = build(load(spec).dense())
    assert model.count_params() == summary.baseline.params
    assert sum(macs_of(layer) for layer in model.layers) == summary.baseline.macs
    assert all(getattr(layer, "groups", 1) == 1 for layer in model.layers if has_groups(layer))
    assert tuple(model.output.shape[1:]) == summary.layers[-1].output_shape


def has_groups(layer) -> bool:
    """Group normalisation has groups of its own."""
    return "Conv" in type(layer).__name__


@settings(try_many, max_examples=max(5, EXAMPLES // 10))
@given(specs())
def test_what_is_built_runs(spec) -> None:
    """Random models compute something, of the shape that was promised."""
    import keras
    import numpy as np

    keras.backend.clear_session(free_memory=False)
    output = build(spec)(np.ones((2, *spec["input"]), "float32"))
    assert output.shape == (2, *analyze(spec).layers[-1].output_shape)
