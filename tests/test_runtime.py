"""The library is a guest in a process: what is not its own is afterwards what it was before."""

from __future__ import annotations

import random
import subprocess
import sys
from importlib import import_module

import pytest
from running import ROOT, clean_environment

import groupconv_cli
from groupconv_cli import UsageError, load, runtime
from groupconv_cli.errors import EnvironmentProblem

SPEC = {"input": [8, 8, 4], "layers": [{"conv": {"filters": 8, "kernel": 3, "groups": 2}}]}


def alone(code: str, **environment: str) -> str:
    """What the code prints in a process of its own, with nothing set for Keras but this."""
    env = clean_environment()
    for name in ("KERAS_BACKEND", "TF_CPP_MIN_LOG_LEVEL"):
        env.pop(name, None)
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={**env, **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == ""  # TensorFlow's native code would tell of the devices that it finds
    return done.stdout


@pytest.mark.loads_tensorflow
def test_what_belongs_to_the_process_stays_as_it_was_and_nothing_is_said() -> None:
    code = f"""
import gc, logging, os, signal, sys, warnings
def held():
    return (dict(os.environ), warnings.filters[:], logging.root.level, signal.getsignal(2),
            sys.getrecursionlimit(), sys.stdout, sys.stderr, os.getcwd(), gc.isenabled())
gc.disable()
environment = dict(os.environ)
from groupconv_cli import accelerate, build
model = build({SPEC!r})
changed = {{name for name in os.environ if os.environ[name] != environment.get(name)}}
print(gc.isenabled(), [name for name in changed if name.startswith(("KERAS", "TF_CPP"))])
import keras  # what it changes as it is imported is its own affair
before = held(), keras.config.floatx(), keras.config.dtype_policy().name
accelerate(build({SPEC!r}, seed=3))
print(before == (held(), keras.config.floatx(), keras.config.dtype_policy().name))
"""
    assert alone(code) == "False []\nTrue\n"


REMEDY = "\n  set KERAS_BACKEND=tensorflow before Python starts"


def test_a_variable_that_names_another_backend_is_refused_and_stays() -> None:
    code = """
import os
from groupconv_cli import GconvError, build
try:
    build("block")
except GconvError as error:
    print(error)
print(os.environ["KERAS_BACKEND"])
"""
    said = f"gconv computes with TensorFlow, and KERAS_BACKEND is set to 'jax'{REMEDY}\njax\n"
    assert alone(code, KERAS_BACKEND="jax") == said


def test_keras_on_another_backend_is_refused(monkeypatch) -> None:
    import keras

    monkeypatch.setattr(keras.config, "backend", lambda: "torch")
    with pytest.raises(EnvironmentProblem) as error:
        groupconv_cli.build(SPEC)
    assert str(error.value) == (
        f"gconv computes with TensorFlow, and Keras runs in this process on 'torch'{REMEDY}"
    )


def test_only_what_the_command_line_switched_off_is_switched_on(monkeypatch) -> None:
    import gc

    monkeypatch.setattr(runtime, "_paused", [])
    enabled = gc.isenabled()
    try:
        gc.disable()
        runtime.own_process()
        runtime.load_keras()
        assert not gc.isenabled()
        gc.enable()
        runtime.own_process()
        assert not gc.isenabled()
        runtime.load_keras()
        assert gc.isenabled()
    finally:
        (gc.enable if enabled else gc.disable)()


def test_what_is_optional_is_hidden_while_keras_is_imported_and_no_longer(monkeypatch) -> None:
    import gc
    import json

    monkeypatch.setattr(runtime, "OPTIONAL", ("json", "wave"))
    for name in ("wave", "sched"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    collecting = gc.isenabled()
    with runtime.light_imports("sched"):
        for name in ("wave", "sched"):
            with pytest.raises(ImportError):
                import_module(name)
        assert import_module("json") is json  # what is loaded already stays
        assert not gc.isenabled()
    assert gc.isenabled() == collecting
    assert {"wave", "sched"}.isdisjoint(sys.modules)
    assert import_module("wave").__name__ == "wave"


def test_a_seed_gives_the_weights_that_keras_gives_for_it_and_leaves_the_generators_alone() -> None:
    import keras
    import numpy as np
    import tensorflow as tf

    from groupconv_cli.builder.build_model import build_model

    keras.utils.set_random_seed(7)
    expected = build_model(load(SPEC)).get_weights()

    def drawn() -> list[float]:
        return [random.random(), np.random.random(), float(tf.random.uniform(()))]

    keras.utils.set_random_seed(1)
    undisturbed = drawn()
    keras.utils.set_random_seed(1)
    weights = groupconv_cli.build(SPEC, seed=7).get_weights()
    assert drawn() == undisturbed
    for ours, theirs in zip(weights, expected, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    again = groupconv_cli.build(SPEC, seed=np.int64(7)).get_weights()
    np.testing.assert_array_equal(again[0], expected[0])


@pytest.mark.parametrize("seed", ["7", 1.5, True, -7, 2**32])
def test_a_seed_that_is_no_whole_number(seed: object) -> None:
    with pytest.raises(
        UsageError, match=f"a seed must be a whole number of 0 to 4,294,967,295; got {seed!r}"
    ):
        groupconv_cli.build(SPEC, seed=seed)
