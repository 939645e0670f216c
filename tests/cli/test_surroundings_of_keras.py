"""What is around Keras: modules of the user's own, and the user's keras.json."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from running import clean_environment, run_code, run_gconv, run_process

SOURCE = """
import keras

print("printed by the module")


class Plain(keras.layers.Layer):  # not registered
    def call(self, x):
        return x


@keras.saving.register_keras_serializable(package="mine")
class Scaled(keras.layers.Conv2D):
    def convolution_op(self, x, kernel):
        return super().convolution_op(x, kernel * 2)
"""

SAVED = """
import sys

sys.path.insert(0, "")
import keras
from my_layers import Plain, Scaled

x = keras.Input((9, 9, 4))
keras.Model(x, Plain()(Scaled(8, 3, groups=2, name="ws")(x))).save("own.keras")
"""


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    (tmp_path / "my_layers.py").write_text(SOURCE)
    yield tmp_path
    forget()


def forget() -> None:
    """Makes the module and its classes as unknown as they are to a new process."""
    import keras

    sys.modules.pop("my_layers", None)
    for name in ("mine>Scaled", "Scaled", "Plain"):
        keras.saving.get_custom_objects().pop(name, None)


def saved(folder: Path) -> None:
    assert run_code(SAVED, cwd=folder).status == 0
    forget()


def test_classes_of_a_module_that_is_named_are_found(folder: Path) -> None:
    saved(folder)
    for command in (("summary",), ("build", "-o", "net.onnx"), ("accelerate", "-o", "fast.keras")):
        done = run_gconv(command[0], "own.keras", *command[1:], cwd=folder)
        told = " ".join(done.err.split())
        assert done.status == 2
        assert "uses the custom classes 'Plain' and 'Scaled', which are not registered" in told
        assert "with --import MODULE; in Python, import that module first" in told
    named = ("--import", "my_layers")
    done = run_gconv("summary", "own.keras", "--format", "json", *named, cwd=folder)
    forget()
    assert done.status == 0, done.err
    data = json.loads(done.out)  # what the module prints is not in the result
    assert "printed by the module" in done.err
    assert f"imported my_layers from {folder / 'my_layers.py'}" in done.err.replace("\n", "")
    assert (data["assumed"], data["unknown"]) == (["Scaled"], ["Plain"])
    assert data["macs"] == 49 * 8 * 9 * 2
    done = run_gconv("accelerate", "own.keras", "-o", "fast.keras", *named, cwd=folder)
    assert "stay unchanged" in done.err + done.out or "nothing" in done.err


def test_a_class_in_a_file_of_keras_2_is_found_too(folder: Path) -> None:
    """The description is as Keras 2.15 wrote it, which knew no modules of classes."""
    layers = [
        {"class_name": "InputLayer", "config": {"name": "x", "batch_input_shape": [None, 9, 9, 4]}},
        {"class_name": "Scaled", "config": {"name": "ws", "filters": 8, "kernel_size": [3, 3]}},
    ]
    model = {"class_name": "Sequential", "config": {"name": "own", "layers": layers}}
    (folder / "old.json").write_text(json.dumps(model | {"keras_version": "2.11.0"}))
    done = run_gconv("summary", "old.json", cwd=folder)
    assert (done.status, done.out) == (2, "")
    assert "of the class 'Scaled', which is not registered" in done.err
    assert "--import MODULE" in done.err
    done = run_gconv("summary", "old.json", "--import", "my_layers", "-f", "json", cwd=folder)
    assert done.status == 0, done.err
    assert json.loads(done.out)["macs"] == 49 * 8 * 9 * 4
    assert json.loads(done.out)["assumed"] == ["Scaled"]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("my_layers.py", "the name of a module, such as my_layers or package.layers"),
        ("my_layer", "there is no module 'my_layer' in this folder"),
        ("broken", "the module 'broken' cannot be imported: ZeroDivisionError: division by zero"),
        ("ends", "the module 'ends' cannot be imported: SystemExit: 3"),
        ("needs", "the module 'needs' cannot be imported: ModuleNotFoundError: No module named"),
    ],
)
def test_a_module_that_cannot_be_imported(folder: Path, name: str, message: str) -> None:
    (folder / "broken.py").write_text("1 / 0")
    (folder / "ends.py").write_text("raise SystemExit(3)")
    (folder / "needs.py").write_text("import not_there_at_all")
    done = run_gconv("summary", "block", "--import", name, cwd=folder)
    assert (done.status, done.out) == (2, "")
    assert message in " ".join(done.err.split())


# keras.json


@pytest.fixture
def odd_home(tmp_path: Path) -> dict[str, str]:
    """Surroundings in which Keras computes with 16 bits, with channels first, and on JAX."""
    home = tmp_path / "home"
    home.mkdir()
    settings = {"floatx": "float16", "image_data_format": "channels_first", "epsilon": 0.1}
    (home / "keras.json").write_text(json.dumps(settings | {"backend": "jax"}))
    return {"KERAS_HOME": str(home), "KERAS_BACKEND": "jax"}


def contents(path: Path) -> tuple[dict, dict]:
    """The description of a model, and its weights by name."""
    import h5py
    import numpy as np

    weights = {}

    def add(name, item) -> None:
        if isinstance(item, h5py.Dataset):
            weights[name] = (str(item.dtype), np.asarray(item).tobytes())

    with zipfile.ZipFile(path) as archive:
        with archive.open("model.weights.h5") as file, h5py.File(file) as opened:
            opened.visititems(add)
        return json.loads(archive.read("config.json")), weights


SEEDED = ("block", "--init-seed", "1")


def run(folder: Path, *args: str, env: dict[str, str]) -> str:
    """What a process prints: Keras reads its settings as it is imported."""
    done = run_process(*args, cwd=folder, env=env)
    assert done.status == 0, done.err
    return done.out


@pytest.fixture
def plain(tmp_path: Path) -> tuple[dict, dict]:
    """What is built without such settings."""
    assert run_gconv("build", *SEEDED, "-o", "plain.keras", cwd=tmp_path).status == 0
    return contents(tmp_path / "plain.keras")


def test_neither_keras_json_nor_a_backend_changes_a_model(
    tmp_path: Path, odd_home: dict[str, str], plain
) -> None:
    run(tmp_path, "build", *SEEDED, "-o", "odd.keras", env=odd_home)
    assert contents(tmp_path / "odd.keras") == plain


@pytest.mark.nightly
def test_keras_json_changes_nothing_else(tmp_path: Path, odd_home: dict[str, str], plain) -> None:
    run(tmp_path, "build", *SEEDED, "-o", "odd.keras", "-o", "odd.onnx", env=odd_home)
    run(tmp_path, "accelerate", "odd.keras", "-o", "fast.keras", env=odd_home)
    assert contents(tmp_path / "fast.keras")[1] == plain[1]
    network = ("keras:MobileNet", "--set", "alpha=0.25", "--format", "json")
    odd = json.loads(run(tmp_path, "summary", *network, env=odd_home))
    assert odd["params"] == 475_544  # alpha 0.25, as Keras counts
    assert odd["input"] == [224, 224, 3]
    settings = ("-g", "4", "--measure", "--runs", "1", "--format", "json")
    measured = run(tmp_path, "compare", "block", *settings, env=odd_home)
    assert json.loads(measured)["measured"]["settings"]["dtype"] == "float32"


@pytest.mark.nightly
def test_settings_of_a_process_are_afterwards_what_they_were(odd_home: dict[str, str]) -> None:
    code = """
import keras
from groupconv_cli import analyze, build


def held():
    config = keras.config
    return config.floatx(), config.image_data_format(), config.epsilon(), config.dtype_policy().name

before = held()
model = build("block")
print({str(w.dtype) for w in model.weights}, analyze("keras:MobileNet").params)
print(held() == before == ("float16", "channels_first", 0.1, "float16"))
keras.config.set_dtype_policy("mixed_float16")
print(build("block").layers[-1].compute_dtype, keras.config.dtype_policy().name)
"""
    home = {**odd_home, "KERAS_BACKEND": "tensorflow"}
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=clean_environment(home),
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
    )
    assert done.stdout.splitlines() == [
        "{'float32'} 4253864",
        "True",
        "float16 mixed_float16",
    ]
