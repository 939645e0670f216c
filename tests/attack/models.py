"""Hostile files of models, weights and arrays: flipped bytes, odd objects, bombs, links, code."""

from __future__ import annotations

import io
import json
import os
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from random import Random
from typing import NamedTuple

import h5py
import numpy as np
from descriptions import again_and_again, backwards, chain, doubled, sequential
from fuzz_specs import Outcome, run_inside
from hostile.words import Case

from attack.changed import changed
from groupconv_cli.errors import GconvError
from groupconv_cli.exporters.calibration import Input, read_samples
from groupconv_cli.models.description import check_code, read_config
from groupconv_cli.models.safety import check_weights

SECRET = b"what is in other files of the user"
SPEC = "input: [8, 8, 4]\nlayers: [{conv: {filters: 8, kernel: 3, groups: 2}}]\n"
WEIGHTS = "model.weights.h5"


class Good(NamedTuple):
    """Files that nothing is wrong with."""

    keras: bytes
    hdf5: bytes
    weights: bytes
    arrays: bytes


@cache
def good() -> Good:
    from groupconv_cli import build

    with tempfile.TemporaryDirectory() as folder:
        (path := Path(folder, "net.yaml")).write_text(SPEC)
        model = build(path)
        names = ("model.keras", "model.h5", "model.weights.h5")
        model.save(Path(folder, names[0]))
        model.save(Path(folder, names[1]))
        model.save_weights(Path(folder, names[2]))
        arrays = io.BytesIO()
        np.savez(arrays, input=np.ones((2, 8, 8, 4), "f4"))
        return Good(*(Path(folder, name).read_bytes() for name in names), arrays.getvalue())


def members(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def archive(parts: dict[str, bytes], packing: int = zipfile.ZIP_STORED) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", packing) as file:
        for name, data in parts.items():
            file.writestr(name, data)
    return made.getvalue()


# Bytes


def flipped(random: Random, data: bytes) -> bytes:
    """Some bits of it changed, or some bytes gone, doubled, or like others."""
    changed = bytearray(data)
    for _ in range(random.choice([1, 1, 2, 5, 30])):
        at = random.randrange(len(changed))
        match random.randrange(6):
            case 0:
                del changed[at : at + random.choice([1, 8, 500])]
            case 1:
                changed[at:at] = changed[at : at + random.choice([1, 8, 500])]
            case 2:
                changed[at] = random.choice([0, 1, 0x7F, 0x80, 0xFF])
            case 3:
                changed[at : at + 8] = random.choice(
                    [b"\xff" * 8, bytes(8), b"\xff\xff\0\0\0\0\0\0"]
                )
            case _:
                changed[at] ^= 1 << random.randrange(8)
        if not changed:
            return b"\0"
    return bytes(changed)


def with_flips(random: Random) -> tuple[str, bytes]:
    name = random.choice(["model.keras", "model.h5", "model.weights.h5", "samples.npz"])
    files = good()
    whole = dict(zip(NAMES, files, strict=True))[name]
    if name == "model.keras" and random.random() < 0.7:
        parts = members(whole)
        inside = random.choice([WEIGHTS, WEIGHTS, "config.json"])
        return name, archive({**parts, inside: flipped(random, parts[inside])})
    if name == "samples.npz" and random.random() < 0.7:
        return name, archive({k: flipped(random, v) for k, v in members(whole).items()})
    return name, flipped(random, whole)


NAMES = ("model.keras", "model.h5", "model.weights.h5", "samples.npz")


# Descriptions


def with_a_changed_description(random: Random) -> tuple[str, bytes]:
    parts = members(good().keras)
    text = changed(random, parts["config.json"])
    if random.random() < 0.7:
        return "model.keras", archive({**parts, "config.json": text.encode()})
    return "model.h5", _hdf5(good().hdf5, lambda file: file.attrs.__setitem__("model_config", text))


def of_keras_2(random: Random) -> tuple[str, bytes]:
    """A file that Keras 2 wrote, whose description is changed, or its bytes."""
    path = random.choice(OLD)
    data = path.read_bytes()
    name = f"model{path.suffix}"
    if random.random() < 0.2:
        return name, flipped(random, data)
    if path.suffix == ".keras":
        parts = members(data)
        return name, archive(
            {**parts, "config.json": changed(random, parts["config.json"]).encode()}
        )

    def change(file: h5py.File) -> None:
        file.attrs["model_config"] = changed(random, file.attrs["model_config"])

    return name, _hdf5(data, change)


OLD = sorted(Path(__file__).parents[1].glob("data/keras2/*.h5")) + sorted(
    Path(__file__).parents[1].glob("data/keras2/*.keras")
)


def with_code(random: Random) -> tuple[str, bytes]:
    """What would leave a file called `ran` behind."""
    parts = members(good().keras)
    config = json.loads(parts["config.json"])
    layers = config["config"]["layers"]
    system = {
        "class_name": "function",
        "config": "system",
        "module": "os",
        "registered_name": "system",
    }
    lambda_layer = {
        "module": "keras.layers",
        "class_name": "Lambda",
        "registered_name": None,
        "config": {"name": "run", "function": system, "arguments": {"command": "touch ran"}},
    }
    vocabulary = {
        "module": "keras.layers",
        "class_name": "StringLookup",
        "registered_name": None,
        "config": {"name": "words", "vocabulary": "secret"},
    }
    layers[-1] = {**layers[-1], **random.choice([lambda_layer, vocabulary])}
    if random.random() < 0.4:
        layers[-1] = {**layers[-1], "config": {**layers[-1]["config"], "activation": system}}
    text = json.dumps(config)
    if random.random() < 0.5:
        return "model.keras", archive({**parts, "config.json": text.encode()})
    return "model.h5", _hdf5(good().hdf5, lambda file: file.attrs.__setitem__("model_config", text))


# HDF5


def _hdf5(data: bytes, change: Callable[[h5py.File], object]) -> bytes:
    made = io.BytesIO(data)
    with h5py.File(made, "a") as file:
        change(file)
    return made.getvalue()


def odd_object(random: Random, group: h5py.Group, name: str) -> None:
    """Something that is not what Keras has there."""
    shape = random.choice([(3, 3, 2, 8), (8,), (), (10**6, 10**7), (0,)])
    match random.randrange(13):
        case 0:
            group[name] = h5py.SoftLink(random.choice(["/", ".", name, "/nothing", "/layers"]))
        case 1:
            group[name] = h5py.ExternalLink(random.choice(["secret", "/etc/passwd", "x.h5"]), "/")
        case 2:
            group.create_dataset(name, (8,), "f4", external=[("secret", 0, 32)])
        case 3:
            layout = h5py.VirtualLayout((8,), "f4")
            layout[:] = h5py.VirtualSource("other.h5", "data", (8,))
            group.create_virtual_dataset(name, layout)
        case 4:
            group[name] = np.dtype(random.choice(["f4", "i8", "S9"]))
        case 5:
            kind = random.choice([h5py.string_dtype(), h5py.vlen_dtype("i4"), h5py.ref_dtype])
            group.create_dataset(name, (3,), kind)
        case 6:
            group.create_group(name)
        case 7:
            group[name] = group
        case 8:
            group[name] = h5py.Empty("f4")
        case 9:
            group.create_dataset(name, shape, "f4", chunks=True if shape and all(shape) else None)
        case 10:
            zeros = np.zeros(random.choice([10**3, 10**7]), "u1")
            group.create_dataset(name, data=zeros, compression="gzip")
        case 11:
            group.create_dataset(name, (3,), np.dtype([("a", "f4"), ("b", "S3")]))
        case _:
            group[name] = np.full((3, 3, 2, 8), random.choice([np.nan, np.inf, 1e38]), "f4")


def with_odd_objects(random: Random) -> tuple[str, bytes]:
    name = random.choice(NAMES[:3])
    parts = members(good().keras)
    data = dict(zip(NAMES, good(), strict=True))[name]

    def change(file: h5py.File) -> None:
        places: list[str] = []
        file.visit(places.append)
        for place in random.sample(places, random.choice([1, 1, 2])):
            if place in file:
                above, _, own = place.rpartition("/")
                group = file[above or "/"]
                if isinstance(group, h5py.Group):
                    del group[own]
                    odd_object(random, group, own)

    if name == "model.keras":
        return name, archive({**parts, WEIGHTS: _hdf5(parts[WEIGHTS], change)})
    return name, _hdf5(data, change)


# Bombs


def bomb(random: Random) -> tuple[str, bytes]:
    parts = members(good().keras)
    size = random.choice([17_000_000, 40_000_000])
    described = random.choice(
        [
            lambda: chain(random.choice([300, 6000])),
            lambda: sequential(random.choice([50, 300])),
            lambda: doubled(random.choice([3, 18, 50])),
            lambda: backwards(random.choice([50, 900])),
            lambda: again_and_again(random.choice([300, 6000])),
        ]
    )
    made = random.choice(
        [
            lambda: ("model.keras", {**parts, "config.json": json.dumps(described()).encode()}),
            lambda: ("model.keras", {**parts, "config.json": b"[" * 10**6}),
            lambda: ("model.keras", {**parts, WEIGHTS: bytes(size)}),
            lambda: ("model.keras", {**parts, "assets/x": bytes(size)}),
            lambda: ("model.keras", {**parts, f"../{random.random()}": b"x"}),
            lambda: ("samples.npz", {"input.npy": _array("(10000000000, 10000)")}),
            lambda: ("samples.npz", {"input.npy": _array("(2, 8, 8, 4)", bytes(size))}),
            lambda: ("samples.npz", {"input": b"no array", "x.npy": b""}),
        ]
    )
    name, inside = made()
    return name, archive(inside, random.choice([zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED]))


def _array(shape: str, data: bytes = b"") -> bytes:
    header = f"{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}".ljust(117) + "\n"
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header.encode() + data


KINDS: dict[str, tuple[Callable[[Random], tuple[str, bytes]], int]] = {
    "flipped bytes": (with_flips, 40),
    "descriptions": (with_a_changed_description, 20),
    "of Keras 2": (of_keras_2, 15),
    "odd objects": (with_odd_objects, 20),
    "code": (with_code, 5),
    "bombs": (bomb, 10),
}

COMMANDS = {
    "model.keras": (
        *(("summary", "model.keras"), ("summary", "model.keras"), ("check", "model.keras")),
        *(("build", "model.keras", "-o", "out.keras"), ("compare", "model.keras")),
        ("accelerate", "model.keras", "-o", "out.keras"),
        ("build", "net.yaml", "--weights", "model.keras", "-o", "out.keras"),
    ),
    "model.h5": (
        ("summary", "model.h5"),
        ("build", "model.h5", "-o", "out.keras"),
        ("accelerate", "model.h5", "-o", "out.keras"),
    ),
    "model.weights.h5": (
        ("build", "net.yaml", "--weights", "model.weights.h5", "-o", "out.keras"),
    ),
    "samples.npz": (),
}

SECONDS = {"build": 200.0, "accelerate": 200.0}
"""Processor time that no case takes. These two run the model, which takes what it computes."""

READING = 30.0
"""The same for the others: reading the largest model that is read takes half of it."""


def case(
    seed: int, number: int, kind: str | None = None
) -> tuple[str, str, bytes, tuple[str, ...]]:
    """Its kind, its file's name and bytes, and the command: none that reads arrays alone."""
    random = Random(f"models/{seed}/{number}")
    kind = kind or random.choices([*KINDS], [weight for _, weight in KINDS.values()])[0]
    name, data = KINDS[kind][0](random)
    commands = COMMANDS[name]
    return kind, name, data, random.choice(commands) if commands else ()


def run(seed: int, number: int, kind: str | None = None) -> tuple[Case, Outcome, list[str]]:
    """Runs a case; also says what is wrong with how it ended."""
    made_kind, name, data, args = case(seed, number, kind)
    made = Case(made_kind, data, args, name)
    with _folder(name, data) as folder:
        outcome = (
            run_inside(made._replace(args=_there(args, folder))) if args else _read(folder / name)
        )
        found = list(_faults(outcome, SECONDS.get(args[0] if args else "", READING)))
        if (folder / "ran").exists():
            found.append("code of the file ran")
        out = folder / "out.keras"
        if out.exists() and SECRET[:8] in out.read_bytes():
            found.append("bytes of another file got in")
    if SECRET.decode()[:20] in outcome.out + outcome.err:
        found.append("bytes of another file got out")
    return made, outcome, found


def _there(args: tuple[str, ...], folder: Path) -> tuple[str, ...]:
    """The arguments for another folder. To two commands `hostile.write` gives the file itself."""
    if args[0] in ("summary", "compare"):
        return args[:1]
    return tuple(str(folder / arg) if "." in arg else arg for arg in args)


@contextmanager
def _folder(name: str, data: bytes) -> Iterator[Path]:
    before = Path.cwd()
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        (folder / name).write_bytes(data)
        (folder / "net.yaml").write_text(SPEC)
        (folder / "secret").write_bytes(SECRET * 20)
        os.chdir(folder)
        try:
            yield folder
        finally:
            os.chdir(before)


def read(seed: int, number: int, kind: str | None = None) -> tuple[Case, Outcome, list[str]]:
    """Reads a case's file as far as it goes without Keras: thousands a minute."""
    made_kind, name, data, _ = case(seed, number, kind)
    with _folder(name, data) as folder:
        outcome = _read(folder / name)
    return Case(made_kind, data, ("read",), name), outcome, list(_faults(outcome))


def _read(path: Path) -> Outcome:
    """Arrays are read as `--calibrate` reads them, which has a model converted before."""
    began = time.process_time()
    try:
        if path.suffix == ".npz":
            read_samples(path, [Input("input", (8, 8, 4))])
        else:
            if not path.name.endswith(".weights.h5"):
                check_code(path, read_config(path))
            check_weights(path)
        status, err = 0, ""
    except GconvError as error:
        status, err = error.exit_status, str(error)
    except Exception as error:  # noqa: BLE001  (which is what is looked for)
        status, err = 3, f"unexpected {error!r}: a bug"
    return Outcome(status, "read", err, time.process_time() - began)


def _faults(outcome: Outcome, seconds: float = READING) -> Iterator[str]:
    if "Traceback" in outcome.err:
        yield "a traceback"
    if "a bug" in outcome.err:
        yield "an unexpected error"
    short = outcome.status == 3 and "B are free" in outcome.err
    if outcome.status not in (0, 1, 2) and not short:
        yield f"exit status {outcome.status}"
    if outcome.status == 2 and not (outcome.err + outcome.out).strip():
        yield "a refusal without a word"
    if any(not (char.isprintable() or char == "\n") for char in outcome.out + outcome.err):
        yield "a character that steers a terminal gets out"
    if outcome.seconds > seconds:
        yield f"more than {seconds:g} seconds"
