"""Weights that are not what they seem, at every way by which a file of them comes in.

What is asked of gconv here must hold in every Keras it allows, in the oldest too.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from copy import copy
from functools import cache
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np
import pytest
from running import run_gconv

from groupconv_cli import UsageError, build
from groupconv_cli.models.model_file import ModelFile
from groupconv_cli.models.safety import WEIGHTS, check_weights
from groupconv_cli.models.weights import load_weights

SPEC = {"input": [8, 8, 4], "layers": [{"conv": {"filters": 8, "kernel": 3, "groups": 2}}]}
SECRET = b"the user's own bytes, not the file's" * 20
KERNEL = (3, 3, 2, 8)


@pytest.fixture(scope="module")
def good(tmp_path_factory) -> Path:
    """A folder of files that nothing is wrong with, and of one that is nobody's business."""
    folder = tmp_path_factory.mktemp("good")
    model = build(SPEC)
    model.save(folder / "model.keras")
    model.save(folder / "model.h5")
    model.save_weights(folder / "model.weights.h5")
    (folder / "secret").write_bytes(SECRET)
    return folder


Spoil = Callable[[h5py.Group, str, Path], None]
"""Puts something in the place of an array of a group. It is told where the secret is."""


def external_data(group: h5py.Group, name: str, secret: Path) -> None:
    group.create_dataset(name, KERNEL, "f4", external=[(str(secret), 0, 4 * 144)])


def virtual_data(group: h5py.Group, name: str, secret: Path) -> None:
    with h5py.File(secret.with_name("other.h5"), "w") as other:
        other["data"] = np.ones(KERNEL, "f4")
    layout = h5py.VirtualLayout(KERNEL, "f4")
    layout[:] = h5py.VirtualSource(secret.with_name("other.h5"), "data", KERNEL)
    group.create_virtual_dataset(name, layout)


def external_link(group: h5py.Group, name: str, secret: Path) -> None:
    with h5py.File(secret.with_name("other.h5"), "w") as other:
        other["data"] = np.ones(KERNEL, "f4")
    group[name] = h5py.ExternalLink(secret.with_name("other.h5"), "/data")


def soft_link(target: str) -> Spoil:
    def spoil(group: h5py.Group, name: str, _: Path) -> None:
        group[name] = h5py.SoftLink(target)

    return spoil


def circle(group: h5py.Group, name: str, _: Path) -> None:
    group[name] = h5py.SoftLink(f"{group.name}/{name}")


def named_type(group: h5py.Group, name: str, _: Path) -> None:
    group[name] = np.dtype("f4")


def values_of_any_length(group: h5py.Group, name: str, _: Path) -> None:
    group.create_dataset(name, KERNEL, h5py.vlen_dtype(np.float32))


def texts_of_any_length(group: h5py.Group, name: str, _: Path) -> None:
    group.create_dataset(name, KERNEL, h5py.string_dtype())


def references(group: h5py.Group, name: str, _: Path) -> None:
    group.create_dataset(name, KERNEL, h5py.ref_dtype)


def very_many_values(group: h5py.Group, name: str, _: Path) -> None:
    group.create_dataset(name, (10**7, 10**6), "f4", chunks=(10, 10), fillvalue=1)


def packed_zeros(group: h5py.Group, name: str, _: Path) -> None:
    group.create_dataset(name, data=np.zeros(50_000_000, "u1"), chunks=(10**6,), compression="gzip")


def one_very_large_chunk(group: h5py.Group, name: str, _: Path) -> None:
    group.create_dataset(name, KERNEL, "f4", chunks=(300, 300, 100, 100), maxshape=(None,) * 4)


def one_array_at_many_places(group: h5py.Group, name: str, _: Path) -> None:
    group[name] = np.ones(10**6, "f4")
    for number in range(200):
        group[f"again{number}"] = group[name]


def packed_in_a_way_of_its_own(group: h5py.Group, name: str, _: Path) -> None:
    made = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    made.set_chunk(KERNEL)
    made.set_filter(32_015, h5py.h5z.FLAG_OPTIONAL, (1,))
    space = h5py.h5s.create_simple(KERNEL)
    h5py.h5d.create(group.id, name.encode(), h5py.h5t.IEEE_F32LE, space, made)


ATTACKS: dict[str, tuple[Spoil, str]] = {
    "external data": (external_data, "'(0|kernel)' in it is stored in another file"),
    "virtual data": (virtual_data, "'(0|kernel)' in it is stored in another file"),
    "external link": (external_link, "'(0|kernel)' in it is stored in another file"),
    "link to itself": (circle, "'(0|kernel)' in it is a link to another place"),
    "link to nothing": (
        soft_link("/nothing"),
        "'(0|kernel)' in it is a link to another place",
    ),
    "link to a file": (
        soft_link("/etc/passwd"),
        "'(0|kernel)' in it is a link to another",
    ),
    "named type": (named_type, "'(0|kernel)' in it is neither a group nor an array"),
    "lists": (values_of_any_length, "'(0|kernel)' in it is not an array of numbers"),
    "texts": (texts_of_any_length, "'(0|kernel)' in it is not an array of numbers"),
    "references": (references, "'(0|kernel)' in it is not an array of numbers"),
    "very many": (
        very_many_values,
        r"'(0|kernel)' grows from [\d,]+ to 40,000,000,\d{3},\d{3} bytes",
    ),
    "packed zeros": (packed_zeros, r"'(0|kernel)' grows from [\d,]+ to 50,000,\d{3} bytes"),
    "large chunk": (
        one_very_large_chunk,
        r"'(0|kernel)' grows from [\d,]+ to 3,600,000,000 bytes",
    ),
    "many places": (one_array_at_many_places, r"'again\d+' grows from [\d,]+ to [\d,]+ bytes"),
    "own packing": (packed_in_a_way_of_its_own, "'(0|kernel)' in it is packed in an unknown way"),
}


def spoiled(good: Path, folder: Path, name: str, spoil: Spoil) -> Path:
    """A copy of a good file in which that was done in the place of the kernel."""
    path, inner = folder / name, folder / "inner.h5"
    with zipfile.ZipFile(good / "model.keras") as archive:
        members = {each: archive.read(each) for each in archive.namelist()}
    in_archive = name.endswith(".keras")
    inner.write_bytes(members[WEIGHTS] if in_archive else (good / name).read_bytes())
    with h5py.File(inner, "a") as file:
        kernel = file.visititems(lambda at, item: at if getattr(item, "ndim", 0) == 4 else None)
        above, _, own = kernel.rpartition("/")
        del file[kernel]
        spoil(file[above], own, good / "secret")
    if not in_archive:
        return inner.rename(path)
    members[WEIGHTS] = inner.read_bytes()
    with zipfile.ZipFile(path, "w") as archive:
        for each, data in members.items():
            archive.writestr(each, data)
    return path


def loaded(path: Path) -> Any:
    return ModelFile(str(path)).load()


@cache
def built() -> Any:
    return build(SPEC)


def loaded_as_weights(path: Path) -> Any:
    model = built()
    load_weights(model, path)
    return model


WAYS = {
    "a model": ("model.keras", loaded),
    "an HDF5 model": ("model.h5", loaded),
    "weights": ("model.weights.h5", loaded_as_weights),
    "weights of a model": ("model.keras", loaded_as_weights),
}


@pytest.mark.parametrize("way", WAYS)
def test_a_good_file_is_read_by_every_way(way: str, good: Path) -> None:
    name, read = WAYS[way]
    check_weights(good / name)
    model = keras.models.load_model(good / "model.keras")
    for found, wanted in zip(read(good / name).weights, model.weights, strict=True):
        np.testing.assert_array_equal(found, wanted)


@pytest.mark.parametrize("attack", ATTACKS)
@pytest.mark.parametrize("way", WAYS)
def test_what_is_not_the_files_own_is_refused(
    way: str, attack: str, good: Path, tmp_path: Path
) -> None:
    name, read = WAYS[way]
    spoil, refusal = ATTACKS[attack]
    path = spoiled(good, tmp_path, name, spoil)
    with pytest.raises(UsageError, match=refusal) as error:
        read(path)
    assert str(error.value).startswith(str(path))


@pytest.mark.parametrize(
    "args",
    [
        ["accelerate", "model.keras", "-o", "out.keras"],
        ["build", "model.keras", "-o", "out.keras"],
        ["build", "net.yaml", "--weights", "model.keras", "-o", "out.keras"],
        ["build", "net.yaml", "--weights", "model.weights.h5", "-o", "out.keras"],
    ],
)
def test_no_command_brings_bytes_of_other_files(
    args: list[str], good: Path, tmp_path: Path
) -> None:
    for name in ("model.keras", "model.weights.h5"):
        spoiled(good, tmp_path, name, external_data)
    (tmp_path / "net.yaml").write_text(json.dumps(SPEC))
    result = run_gconv(*args, cwd=tmp_path)
    assert (result.status, result.out) == (2, "")
    assert "is not safe: '0' in it is stored in another file" in result.err
    assert not (tmp_path / "out.keras").exists()


def test_a_list_of_texts_that_are_all_the_same_long_one(tmp_path: Path) -> None:
    """1 MB in the file, 3 GB when it is read: each entry leads to the first one's text."""
    path = tmp_path / "model.h5"
    with h5py.File(path, "w") as file:
        file.attrs["names"] = np.array(["x" * 1_000_000] + ["y"] * 3000, object)
    data = bytearray(path.read_bytes())
    at = data.index((1_000_000).to_bytes(4, "little"))
    data[at : at + 16 * 3001] = data[at : at + 16] * 3001
    path.write_bytes(data)
    with pytest.raises(UsageError, match=r"'names' in it grows to over [\d,]+ bytes"):
        check_weights(path)


def test_long_lists_of_texts_are_read(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "model.h5", "w") as file:
        file.attrs["names"] = np.array([f"layer{number}" for number in range(3000)], object)
        file["array"] = np.ones(10**6)
    check_weights(tmp_path / "model.h5")


# The archive


def test_the_weights_of_a_model_may_be_packed(good: Path, tmp_path: Path) -> None:
    path = tmp_path / "packed.keras"
    with (
        zipfile.ZipFile(good / "model.keras") as old,
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for name in old.namelist():
            new.writestr(name, old.read(name))
    for found, wanted in zip(loaded(path).weights, loaded_as_weights(path).weights, strict=True):
        np.testing.assert_array_equal(found, wanted)


def test_a_model_without_weights_is_told(good: Path, tmp_path: Path) -> None:
    path = tmp_path / "none.keras"
    with zipfile.ZipFile(good / "model.keras") as old, zipfile.ZipFile(path, "w") as new:
        for name in set(old.namelist()) - {WEIGHTS}:
            new.writestr(name, old.read(name))
        new.writestr("model.weights.npz", b"")
    for read in (loaded, loaded_as_weights):
        with pytest.raises(UsageError, match=r"has no model\.weights\.h5"):
            read(path)


def test_members_that_lie_on_one_another_are_counted_together(tmp_path: Path) -> None:
    """Each seems to be stored as it is; their sum is what would be written to the disk."""
    path = tmp_path / "model.keras"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("assets/0", bytes(1_000_000))
        for number in range(1, 120):
            again = copy(archive.getinfo("assets/0"))
            again.filename = f"assets/{number}"
            archive.filelist.append(again)
    for read in (loaded, loaded_as_weights):
        with pytest.raises(UsageError, match=r"all of it grows from [\d,]+ to 120,000,000 bytes"):
            read(path)
