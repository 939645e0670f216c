"""Exported models, timed by the runtimes that run them."""

from __future__ import annotations

import json

import pytest
from running import run_gconv

from groupconv_cli import MeasureSettings, UsageError, load, measure, measure_layers
from groupconv_cli.analysis.measurement import DEPLOYED
from groupconv_cli.errors import EnvironmentProblem

SPEC = {"input": [8, 8, 8], "layers": [{"conv": {"filters": 8, "kernel": 3, "groups": 2}}]}
SEVERAL = {
    "inputs": {"b": [8, 8, 4], "a": [8, 8, 8]},
    "layers": [{"concat": None, "from": ["a", "b"]}, {"conv": {"filters": 4, "kernel": 1}}],
}


@pytest.mark.parametrize("runtime", DEPLOYED)
def test_inference_of_the_exported_model_is_timed(runtime: str) -> None:
    settings = MeasureSettings(batch=3, runs=5, runtimes=(runtime,))
    measured = measure(SPEC, [1, 4], settings=settings)
    assert [row.groups for row in measured.rows][-2:] == [1, 4]
    for row in measured.rows:
        assert row.runtime == runtime
        assert row.forward is not None
        assert len(row.forward.samples) == 5
        assert row.train is None
    (name,) = measured.machine.deployed
    assert name.startswith({"litert": "LiteRT", "onnx": "onnxruntime"}[runtime])


@pytest.mark.parametrize("runtime", DEPLOYED)
def test_the_runtime_computes_what_the_model_does(runtime: str, monkeypatch) -> None:
    """The batch is a real one, and inputs go by their names."""
    import numpy as np

    from groupconv_cli.benchmark import deployed_model

    kept = {}

    def build(network):
        from groupconv_cli.builder.build_model import build_model

        kept["model"] = build_model(network)
        return kept["model"]

    monkeypatch.setattr(deployed_model, "build_model", build)
    timed = deployed_model.DeployedModel(load(SEVERAL), batch=3, runtime=runtime, threads=1)
    expected = np.asarray(kept["model"](timed.inputs))
    np.testing.assert_allclose(timed.outputs()[0], expected, rtol=1e-5, atol=1e-5)
    assert expected.shape == (3, 8, 8, 4)


def test_layers_can_be_timed_so_too() -> None:
    settings = MeasureSettings(batch=1, runs=2, runtimes=("litert",))
    measured = measure_layers(SPEC, settings=settings)
    assert [row.train for row in measured.rows] == [None]
    assert measured.rows[0].forward is not None


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"dtype": "float16"}, "litert is measured in float32; got float16"),
        ({"device": "gpu:0"}, "litert is measured on the cpu; got gpu:0"),
    ],
)
def test_what_a_runtime_cannot_do_is_refused(given: dict[str, str], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        MeasureSettings(runtimes=("litert",), **given)


def test_a_runtime_that_is_missing_is_named(monkeypatch) -> None:
    from groupconv_cli.benchmark import deployed_model

    monkeypatch.setattr(deployed_model, "find_spec", lambda _: None)
    with pytest.raises(EnvironmentProblem, match="measuring with litert needs ai-edge-litert"):
        deployed_model.require_runtime("litert")


def test_the_table_has_no_columns_of_training(tmp_path) -> None:
    (tmp_path / "net.yaml").write_text(json.dumps(SPEC))
    options = ("--groups", "1,2", "--measure", "--runtime", "litert", "--runs", "5", "--batch", "1")
    done = run_gconv("compare", "net.yaml", *options, cwd=tmp_path)
    assert done.status == 0, done.err
    assert "Forward" in done.out
    assert "Train" not in done.out
    assert "LiteRT" in done.out
