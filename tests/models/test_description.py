"""Files that pretend to be models: each a clear error, and nothing is run, filled or written."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import h5py
import keras
import pytest
from keras import layers
from running import run_gconv

from groupconv_cli import UsageError, analyze, build, load
from groupconv_cli.errors import EnvironmentProblem
from groupconv_cli.models.description import CODE
from groupconv_cli.models.model_file import ModelFile
from groupconv_cli.models.weights import load_weights


@pytest.fixture(scope="module")
def good(tmp_path_factory) -> Path:
    """A file that nothing is wrong with."""
    path = tmp_path_factory.mktemp("good") / "good.keras"
    build({"input": [8, 8, 4], "layers": [{"conv": {"filters": 8, "kernel": 3}}]}).save(path)
    return path


def repacked(good: Path, folder: Path, *, drop=(), **members: str | bytes) -> Path:
    """The good file with other members; a name's dots are double underscores."""
    path = folder / "model.keras"
    changes = {name.replace("__", "."): data for name, data in members.items()}
    with zipfile.ZipFile(good) as old, zipfile.ZipFile(path, "w") as new:
        for name in old.namelist():
            if name not in drop and name not in changes:
                new.writestr(name, old.read(name))
        for name, data in changes.items():
            new.writestr(name, data)
    return path


def config_of(good: Path) -> dict:
    with zipfile.ZipFile(good) as archive:
        return json.loads(archive.read("config.json"))


def described(config: dict, class_name: str) -> dict:
    """The description of the first layer of that class."""
    return next(x for x in config["config"]["layers"] if x["class_name"] == class_name)


# Damage


def flipped(data: bytes) -> bytes:
    """A zip whose members do not have the checksums it says."""
    at = data.index(b'"class_name"')
    return data[: at + 2] + bytes([data[at + 2] ^ 1]) + data[at + 3 :]


DAMAGES = {
    "truncated": lambda data: data[:-100],
    "half": lambda data: data[:500],
    "empty": lambda _: b"",
    "garbage": lambda _: b"\x00\xff\x1b[31m" * 1000,
    "text": lambda _: b"input: [8, 3]\nlayers: [relu]",
    "flipped": flipped,
}
REFUSALS = r"is not a complete Keras model|is empty"


@pytest.mark.both_ends
@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_file(damage: str, good: Path, tmp_path: Path) -> None:
    path = tmp_path / "model.keras"
    path.write_bytes(DAMAGES[damage](good.read_bytes()))
    with pytest.raises(UsageError, match=REFUSALS) as error:
        load(path)
    assert all(line.isprintable() for line in str(error.value).split("\n"))


@pytest.mark.parametrize("damage", [name for name in DAMAGES if name != "flipped"])
def test_a_damaged_hdf5_file(damage: str, tmp_path: Path) -> None:
    whole, path = tmp_path / "whole.h5", tmp_path / "model.h5"
    keras.Sequential([keras.Input((4,)), layers.Dense(3)]).save(whole)
    path.write_bytes(DAMAGES[damage](whole.read_bytes()))
    with pytest.raises(UsageError, match=r"is not a complete HDF5 file|is empty"):
        load(path)


@pytest.mark.parametrize("ending", ["keras", "h5"])
def test_a_folder(ending: str, tmp_path: Path) -> None:
    path = tmp_path / f"model.{ending}"
    path.mkdir()
    with pytest.raises(UsageError, match="is a folder, not a model's file"):
        load(path)


DEEP = "[" * 200_000 + "]" * 200_000


@pytest.mark.parametrize(
    "data", ["", "{", DEEP, b"\xff\xfe\x80", "[]", "3", "{}", '{"class_name": 3}']
)
def test_a_description_that_describes_no_model(data, good: Path, tmp_path: Path) -> None:
    path = repacked(good, tmp_path, config__json=data)
    with pytest.raises(UsageError, match="is damaged: its description of the model is not"):
        load(path)
    with h5py.File(tmp_path / "model.h5", "w") as file:
        file.attrs["model_config"] = data if len(data) < 60_000 else DEEP[:60_000]
    with pytest.raises(UsageError, match=r"is damaged|no description of a model"):
        load(tmp_path / "model.h5")


@pytest.mark.parametrize(
    "config",
    [
        {"class_name": "Functional", "module": "keras", "config": {}},
        {"class_name": "Functional", "module": "keras", "config": {"layers": 3}},
        {"class_name": "Sequential", "module": "keras", "config": None},
        {"class_name": "Dense", "module": "keras.layers", "config": {"units": 3}},
        {"class_name": "Nothing", "module": "keras", "config": {}},
        {"class_name": "system", "module": "os", "config": {"command": "true"}},
        {"class_name": "function", "module": "builtins", "config": "eval"},
    ],
    ids=lambda config: config["class_name"],
)
def test_a_description_of_something_else(config, good: Path, tmp_path: Path) -> None:
    path = repacked(good, tmp_path, config__json=json.dumps(config))
    with pytest.raises(
        UsageError, match=r"cannot load|does not hold a model|uses the custom class|was not built"
    ):
        load(path)
    with h5py.File(tmp_path / "model.h5", "w") as file:
        file.attrs["model_config"] = json.dumps(config)
    with pytest.raises(UsageError, match=r"cannot load|uses the custom class|call|no graph"):
        load(tmp_path / "model.h5")


def test_a_file_of_weights_alone(good: Path, tmp_path: Path) -> None:
    path = tmp_path / "model.weights.h5"
    keras.models.load_model(good).save_weights(path)
    with pytest.raises(UsageError, match="a file of weights has no layers to read"):
        load(path)
    with pytest.raises(UsageError, match=r"its archive has no config\.json"):
        load(repacked(good, tmp_path, drop=["config.json"]))


def test_a_saved_model_says_what_to_save(tmp_path: Path) -> None:
    path = tmp_path / "saved"
    path.mkdir()
    (path / "saved_model.pb").write_bytes(b"x")
    with pytest.raises(UsageError, match=r"is a SavedModel.*\n.*model\.save\('model\.keras'\)"):
        load(path)


# Attacks


@pytest.mark.parametrize("name", ["../../evil", "/etc/evil", "assets\\..\\evil", "C:evil"])
def test_a_member_that_leads_out_of_its_folder(name: str, good: Path, tmp_path: Path) -> None:
    path = repacked(good, tmp_path, **{name: "x"})
    with pytest.raises(UsageError, match=r"not safe: its member .* points outside it"):
        load(path)


def test_an_archive_that_grows(tmp_path: Path) -> None:
    path = tmp_path / "model.keras"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("config.json", " " * 30_000_000)
    with pytest.raises(UsageError, match=r"'config\.json' grows from [\d,]+ to 30,000,000 bytes"):
        load(path)


def test_an_archive_of_very_many_members(tmp_path: Path) -> None:
    path = tmp_path / "model.keras"
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(10_001):
            archive.writestr(str(number), b"")
    with pytest.raises(UsageError, match="has 10,001 members"):
        load(path)


def test_an_hdf5_file_that_leads_to_another(tmp_path: Path) -> None:
    model = keras.Sequential([keras.Input((4,)), layers.Dense(3)])
    model.save(tmp_path / "model.h5")
    with h5py.File(tmp_path / "model.h5", "a") as file:
        file["model_weights/stolen"] = h5py.ExternalLink("/etc/passwd", "/")
    with pytest.raises(UsageError, match="'stolen' in it is stored in another file"):
        load(tmp_path / "model.h5")
    with h5py.File(tmp_path / "model.h5", "a") as file:
        del file["model_weights/stolen"]
        external = [("/etc/passwd", 0, 16)]
        file.create_dataset("model_weights/raw", (4,), "f4", external=external)
    with pytest.raises(UsageError, match="'raw' in it is stored in another file"):
        load(tmp_path / "model.h5")


def test_an_hdf5_file_of_parts_of_others(tmp_path: Path) -> None:
    model = keras.Sequential([keras.Input((4,)), layers.Dense(3)])
    model.save(tmp_path / "model.h5")
    layout = h5py.VirtualLayout(shape=(4,), dtype="f4")
    layout[:] = h5py.VirtualSource("/tmp/other.h5", "data", shape=(4,))
    with h5py.File(tmp_path / "model.h5", "a") as file:
        file.create_virtual_dataset("model_weights/part", layout)
    with pytest.raises(UsageError, match="'part' in it is stored in another file"):
        load(tmp_path / "model.h5")


def test_groups_of_an_hdf5_file_that_have_themselves_in_them(tmp_path: Path) -> None:
    """Paths through them double at every level: a walk of all paths never ends."""
    model = keras.Sequential([keras.Input((4,)), layers.Dense(3)])
    model.save(tmp_path / "model.h5")
    with h5py.File(tmp_path / "model.h5", "a") as file:
        loop = file.create_group("loop")
        loop["a"] = loop["b"] = loop
    assert analyze(tmp_path / "model.h5").params == 15


@pytest.mark.parametrize("ending", ["keras", "weights.h5"])
def test_weights_that_lead_to_another_file(ending: str, good: Path, tmp_path: Path) -> None:
    path = tmp_path / "model.weights.h5"
    model = keras.models.load_model(good)
    model.save_weights(path)
    with h5py.File(path, "a") as file:
        del file["layers/conv2d/vars/0"]
        file["layers/conv2d/vars/0"] = h5py.ExternalLink("/etc/passwd", "/")
    if ending == "keras":
        path = repacked(good, tmp_path, model__weights__h5=path.read_bytes())
    with pytest.raises(UsageError, match="'0' in it is stored in another file"):
        load_weights(model, path)


def test_weights_that_fill_the_disk(good: Path, tmp_path: Path) -> None:
    path = tmp_path / "model.keras"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("model.weights.h5", bytes(30_000_000))
    with pytest.raises(UsageError, match=r"not safe: 'model\.weights\.h5' grows"):
        load_weights(keras.models.load_model(good), path)


def test_what_keras_says_of_a_part_of_a_model_is_told(good: Path, tmp_path: Path) -> None:
    config = config_of(good)
    described(config, "Conv2D")["config"]["kernel_initializer"] = "no_such_thing"
    path = repacked(good, tmp_path, config__json=json.dumps(config))
    with pytest.raises(UsageError, match=r"cannot load .*initializer.*no_such_thing"):
        load(path)


def test_absurd_sizes_take_no_memory_until_there_would_be_weights(
    good: Path, tmp_path: Path
) -> None:
    config = config_of(good)
    described(config, "Conv2D")["config"]["filters"] = 10**12
    path = repacked(good, tmp_path, config__json=json.dumps(config))
    assert analyze(path).params == 37 * 10**12
    with pytest.raises(EnvironmentProblem, match="needs about 444 TB of memory"):
        ModelFile(str(path)).load()


def test_no_weights_are_read_to_count(good: Path, tmp_path: Path) -> None:
    path = repacked(good, tmp_path, model__weights__h5=b"no HDF5")
    assert analyze(path).params == 8 * (9 * 4 + 1)
    with pytest.raises(UsageError, match=r"is not a complete Keras model: ."):
        ModelFile(str(path)).load()


def test_names_do_not_write_on_the_terminal() -> None:
    x = keras.Input((4,))
    y = layers.Dense(3, name="red\x1b[31m\nline" + "x" * 500)(x)
    net = load(keras.Model(x, y, name="mo\x07del"))
    assert net.name == "mo_del"
    assert net.nodes[1].name.startswith("red__31m_line")
    assert len(net.nodes[1].name) <= 100


# Code


def with_lambda(path: Path) -> Path:
    """A model whose file has Python in it that leaves a file behind when it runs."""
    left = str(path.parent / "ran")
    x = keras.Input((4,))
    leaving = lambda t: (open(left, "w").close(), t)[1]  # noqa: E731, PTH123
    y = layers.Lambda(leaving, output_shape=(4,), name="run")(x)
    keras.Model(x, y).save(path)
    (path.parent / "ran").unlink(missing_ok=True)
    return path


@pytest.mark.parametrize("ending", ["keras", "h5"])
def test_a_lambda_is_not_run_unless_it_is_trusted(ending: str, tmp_path: Path) -> None:
    path = with_lambda(tmp_path / f"model.{ending}")
    for read in (load, lambda source: ModelFile(str(source)).load()):
        with pytest.raises(
            UsageError, match=r"a Lambda 'run': loading it would run code from the file\n.*--trust"
        ) as error:
            read(path)
        assert "gconv does not run it" in str(error.value)
        assert not (tmp_path / "ran").exists()
    report = analyze(load(path, trust=True))
    assert report.totals.unknown == ("Lambda",)


def test_a_lambda_that_hides_in_a_layer_is_found(good: Path, tmp_path: Path) -> None:
    config = config_of(good)
    hidden = {"class_name": "__lambda__", "config": {"value": ["4wEAAAA=", None, None]}}
    described(config, "Conv2D")["config"]["activation"] = hidden
    path = repacked(good, tmp_path, config__json=json.dumps(config))
    with pytest.raises(UsageError, match="has a lambda: loading it would run code from the file"):
        load(path)


@pytest.mark.parametrize("class_name", sorted(CODE))
def test_every_class_that_runs_code_is_refused(class_name: str, good: Path, tmp_path: Path) -> None:
    config = config_of(good)
    described(config, "Conv2D")["class_name"] = class_name
    path = repacked(good, tmp_path, config__json=json.dumps(config))
    with pytest.raises(UsageError, match="loading it would run code from the file"):
        load(path)


class Own(layers.Layer):
    """A class that is not registered."""

    def call(self, x):
        return x


@pytest.mark.parametrize("ending", ["keras", "h5"])
def test_a_class_that_keras_does_not_have_is_named(ending: str, tmp_path: Path) -> None:
    x = keras.Input((4,))
    keras.Model(x, Own()(x)).save(tmp_path / f"model.{ending}")
    with pytest.raises(
        UsageError,
        match=r"uses the custom class 'Own', which is not registered\n  .* --import MODULE",
    ):
        load(tmp_path / f"model.{ending}")


def test_a_class_that_was_registered_is_named_without_its_package(tmp_path: Path) -> None:
    x = keras.Input((4,))
    with keras.saving.custom_object_scope({}):
        kind = keras.saving.register_keras_serializable("mine")(type("Foreign", (Own,), {}))
        keras.Model(x, kind()(x)).save(tmp_path / "model.h5")
        del keras.saving.get_custom_objects()["mine>Foreign"]
    with pytest.raises(
        UsageError, match="uses the custom class 'Foreign', which is not registered"
    ):
        load(tmp_path / "model.h5")


def test_a_class_that_is_registered_is_loaded(tmp_path: Path) -> None:
    x = keras.Input((4,))
    keras.Model(x, Own()(x)).save(tmp_path / "model.keras")
    with keras.saving.custom_object_scope({"Own": Own, "Custom>Own": Own}):
        assert analyze(tmp_path / "model.keras").totals.unknown == ("Own",)


# The program


@pytest.mark.parametrize("damage", ["truncated", "garbage", None])
def test_the_program_says_it_in_a_line_or_two(damage, good: Path, tmp_path: Path) -> None:
    path = tmp_path / "model.keras"
    if damage is None:
        with_lambda(path)
    else:
        path.write_bytes(DAMAGES[damage](good.read_bytes()))
    result = run_gconv("summary", "model.keras", cwd=tmp_path)
    assert (result.status, result.out) == (2, "")
    assert result.err.startswith("gconv: error: model.keras ")
    assert len(result.err.splitlines()) <= 2
    assert not (tmp_path / "ran").exists()
