"""The public functions, as a program would use them."""

from __future__ import annotations

import ast
import doctest

import pytest
from running import ROOT

import groupconv_cli
from groupconv_cli import SpecError, UsageError, analyze, build, compare, load, runtime
from groupconv_cli.builder import build_model as keras_build
from groupconv_cli.errors import EnvironmentProblem, InternalError
from groupconv_cli.network import Network
from groupconv_cli.ops.conv import Conv


def test_every_public_name_is_there_and_documented() -> None:
    for name in groupconv_cli.__all__:
        assert getattr(groupconv_cli, name).__doc__
        assert name in dir(groupconv_cli)
    with pytest.raises(AttributeError, match="no attribute 'nope'"):
        _ = groupconv_cli.nope


def test_the_types_of_every_public_name_reach_who_uses_the_package() -> None:
    tree = ast.parse((ROOT / "tests/typed_use.py").read_text(encoding="utf-8"))
    used = [
        alias.name
        for node in tree.body
        if isinstance(node, ast.ImportFrom) and node.module == "groupconv_cli"
        for alias in node.names
    ]
    assert used == groupconv_cli.__all__  # mypy holds that file, as pyproject.toml says
    assert (ROOT / "groupconv_cli/py.typed").is_file()


def test_a_star_takes_the_public_names_and_no_others() -> None:
    taken: dict[str, object] = {}
    exec("from groupconv_cli import *", taken)
    assert sorted(taken.keys() - {"__builtins__"}) == groupconv_cli.__all__


def test_the_example_in_the_docstring() -> None:
    assert doctest.testmod(groupconv_cli).failed == 0
    assert doctest.testmod(groupconv_cli).attempted >= 3


def test_the_functions_take_a_path_a_name_a_mapping_or_a_network(tmp_path) -> None:
    path = tmp_path / "net.yaml"
    path.write_text("input: [8, 8, 4]\nlayers: [conv: {filters: 8, kernel: 3}]")
    mapping = {"input": [8, 8, 4], "layers": [{"conv": {"filters": 8, "kernel": 3}}]}
    for spec in (path, str(path), mapping, load(path)):
        assert analyze(spec).macs == 64 * 8 * 9 * 4
        assert compare(spec, [1, 2], only="conv").rows[-1].macs == 64 * 8 * 9 * 2


def test_mistakes_are_exceptions_with_their_places() -> None:
    with pytest.raises(SpecError, match="groups=3 does not divide the 4 input") as error:
        load({"input": [8, 4], "layers": [{"conv": {"filters": 6, "kernel": 1, "groups": 3}}]})
    (problem,) = error.value.diagnostics
    assert problem.place.source.name == "<mapping>"
    assert problem.hint.endswith("1, 2")


def test_build_gives_a_keras_model_that_runs() -> None:
    import numpy as np

    model = build({"input": [8, 8, 4], "layers": ["max_pool", "flatten", {"dense": {"units": 3}}]})
    assert model.predict(np.ones((2, 8, 8, 4), "float32"), verbose=0).shape == (2, 3)
    assert model(np.ones((2, 8, 8, 4), "float32")).shape == (2, 3)
    assert [layer.name for layer in model.layers] == ["input", "max_pool", "flatten", "dense"]


def test_a_model_that_differs_from_the_analysis_is_an_internal_error() -> None:
    net = load("block")
    first = net.nodes[1]
    wrong = {
        "shape": first._replace(shape=(64, 64, 65)),
        "params": first._replace(cost=first.cost._replace(params=1)),
        "statistics": first._replace(cost=first.cost._replace(non_trainable=1)),
    }
    for node in wrong.values():
        nodes = (net.nodes[0], node, *net.nodes[2:])
        with pytest.raises(InternalError, match=r"'conv' has .* in Keras, .* in the analysis"):
            build(Network(net.name, nodes, net.inputs, net.outputs))


def test_a_total_that_differs_from_the_analysis_is_an_internal_error() -> None:
    """Weights that no node accounts for: a layer that the analysis takes to be free."""
    net = load("basic")
    conv, relu = net.nodes[1:]
    free = relu._replace(op=Conv(filters=64, kernel=(1,)))
    with pytest.raises(InternalError, match="the model has 8,832 parameters in Keras, 4,672 in"):
        build(Network(net.name, (net.nodes[0], conv, free), net.inputs, net.outputs))


def test_numbers_of_a_mapping_may_be_of_any_kind() -> None:
    import numpy as np

    spec = {"input": (np.int64(8), 4), "layers": [{"dropout": {"rate": np.float32(0.5)}}]}
    assert load(spec).layers[0].op.rate == 0.5
    with pytest.raises(UsageError, match="a spec cannot hold"):
        load({"input": [8, 4], "layers": [object()]})


def test_without_keras_building_says_what_to_install(monkeypatch) -> None:
    monkeypatch.setattr(runtime, "find_spec", lambda name: None)
    monkeypatch.delitem(runtime.sys.modules, "keras", raising=False)
    with pytest.raises(EnvironmentProblem, match="pip install tensorflow"):
        keras_build.build_model(load("basic"))
