"""The bundled configs: their published counts, and the built model layer by layer."""

from __future__ import annotations

import pytest
from published import COUNTS

from groupconv_cli import analyze, build, load
from groupconv_cli.spec.locate import config_names, configs_folder


def test_every_config_has_published_counts() -> None:
    assert set(config_names()) == set(COUNTS)


@pytest.mark.parametrize("name", config_names())
def test_counts_are_the_published_ones(name: str) -> None:
    summary, published = analyze(name), COUNTS[name]
    assert summary.params == published.params
    assert summary.trainable_params == published.trainable_params
    assert summary.macs == published.macs
    assert summary.flops == 2 * published.macs
    assert summary.baseline.trainable_params == published.dense_trainable_params
    assert summary.baseline.macs == published.dense_macs


@pytest.mark.parametrize("name", config_names())
def test_rows_add_up_to_the_totals(name: str) -> None:
    summary = analyze(name)
    assert sum(row.params for row in summary.layers) == summary.params
    assert sum(row.macs for row in summary.layers) == summary.macs
    assert sum(row.flops for row in summary.layers) == summary.flops
    assert sum(row.dense_cost.macs for row in summary.layers) == summary.baseline.macs


@pytest.mark.parametrize("name", config_names())
def test_the_built_model_is_the_analysis(name: str) -> None:
    """Read from Keras here once more, not left to the check that `build` makes."""
    import keras

    model = build(name)
    assert all(type(layer).__module__.startswith("keras.") for layer in model.layers)
    summary = analyze(name)
    for row in summary.layers:
        layer = model.get_layer(row.name)
        assert tuple(layer.output.shape[1:]) == row.output_shape
        assert layer.count_params() == row.params
    assert model.count_params() == summary.params
    trainable = sum(int(keras.ops.size(weight)) for weight in model.trainable_weights)
    assert trainable == summary.trainable_params


@pytest.mark.parametrize("name", config_names())
def test_the_dense_twin_builds_and_has_as_many_parameters_as_the_baseline(name: str) -> None:
    model = build(load(name).dense())
    assert model.count_params() == analyze(name).baseline.params
    assert all(getattr(layer, "groups", 1) == 1 for layer in model.layers)
    assert not any("Depthwise" in type(layer).__name__ for layer in model.layers)


@pytest.mark.parametrize("name", config_names())
def test_a_config_says_where_it_was_published_and_fits_on_a_screen(name: str) -> None:
    text = (configs_folder() / f"{name}.yaml").read_text(encoding="utf-8")
    assert text.startswith("# ")
    assert max(map(len, text.splitlines())) <= 100
    assert text.count("\n") <= 45
