"""Finds the spec of a SPEC on the command line: a path, a bundled config, or the default."""

from __future__ import annotations

import sys
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from groupconv_cli.errors import Source, UsageError
from groupconv_cli.language.yaml_reader import MAX_BYTES, decode
from groupconv_cli.sources import catalogue
from groupconv_cli.words import did_you_mean, suggest

DEFAULT_FILE = "gconv.yaml"
DEFAULT_CONFIG = "basic"

YAML = (".yaml", ".yml")
"""The endings of specs."""

ENDINGS = (*YAML, ".keras", ".h5")
"""The endings of files that SPEC may name."""

MAX_LISTED = 10_000
"""The most entries of a folder that are looked at for a name like the one given."""


class Found(NamedTuple):
    """The text of a spec, the variant that its name implies, and a remark for the user."""

    source: Source
    variant: str | None = None
    note: str | None = None


def locate(spec: str | None, *, or_bundled: bool = True) -> Found:
    """Reads a spec. `-` is standard input, and None is gconv.yaml in this folder.

    If this folder has no gconv.yaml, None is the bundled 'basic', if `or_bundled`.

    Raises UsageError if the spec does not exist or cannot be read, SpecError if it is not text.
    """
    if spec is None:
        if Path(DEFAULT_FILE).is_file():
            return Found(_read(Path(DEFAULT_FILE)), note=f"using {DEFAULT_FILE} of this folder")
        if not or_bundled:
            raise UsageError(
                f"no SPEC given and no {DEFAULT_FILE} here",
                f"name a spec, such as {DEFAULT_CONFIG}; `gconv list` shows the bundled ones, and "
                f"`gconv init` writes a {DEFAULT_FILE}",
            )
        note = f"no SPEC given and no {DEFAULT_FILE} here: using the bundled {DEFAULT_CONFIG!r}"
        return Found(catalogue.source_of(DEFAULT_CONFIG), note=note)
    if not spec:
        raise UsageError("SPEC is empty")
    if spec == "-":
        if sys.stdin is None:
            raise UsageError("standard input is closed")
        return Found(decode(sys.stdin.buffer.read(MAX_BYTES + 1), "<stdin>"))
    path = Path(spec)
    bundled = catalogue.find(spec)
    if _exists(path) and not (bundled and path.is_dir()):
        taken = f"using the file {spec}; a bundled config has this name too"
        return Found(_read(path), note=taken if bundled else None)
    if bundled:
        family, variant = bundled
        return Found(catalogue.source_of(family), variant)
    if ":" in spec:
        from groupconv_cli.sources.git_revision import is_revision_path, source_of

        if is_revision_path(spec):
            return Found(source_of(spec))
    raise _not_there(spec)


def is_spec(word: str) -> bool:
    """Whether a word is probably a spec."""
    return word.endswith(YAML) or _exists(Path(word)) or bool(catalogue.find(word))


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except PermissionError:  # of a folder in the path; reading will report it
        return True
    except (OSError, ValueError):  # a name too long, or with a NUL
        return False


def _read(path: Path) -> Source:
    try:
        if path.is_dir():
            from shlex import quote

            checks = f"gconv check {quote(str(path))}"
            raise UsageError(
                f"{path} is a folder, not a spec", f"`{checks}` checks the specs in it"
            )
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror or error}") from None
    if other := _model_of_another_kind(path, data):
        raise other
    return decode(data, str(path))


MODELS = {
    ".onnx": "an ONNX model",
    ".tflite": "a TFLite model",
    ".pb": "a graph of TensorFlow, part of a SavedModel",
    ".pt": "a PyTorch model",
    ".pth": "a PyTorch model",
    ".safetensors": "a file of weights",
    ".npz": "a file of arrays",
}
"""Files of other models, by their endings."""

BEGINNINGS = {
    b"\x89HDF\r\n\x1a\n": ("an HDF5 file", ".h5"),
    b"PK\x03\x04": ("an archive", ".keras"),
}
"""How files of Keras models begin, what they are, and the ending that they have."""


def _model_of_another_kind(path: Path, data: bytes) -> UsageError | None:
    """The error for the file of a model that is given for a spec; None for any other file."""
    kind = MODELS[".tflite"] if data[4:8] == b"TFL3" else MODELS.get(path.suffix.lower())
    if kind is not None:
        return UsageError(
            f"{path} is {kind}; gconv reads specs and Keras models (.keras and .h5 files)",
            "save the Keras model itself where it was made: model.save('model.keras')",
        )
    for start, (found, ending) in BEGINNINGS.items():
        if data.startswith(start):
            return UsageError(
                f"{path} is {found}, not a spec",
                f"if it is a Keras model, give the file a name that ends in {ending}",
            )
    return None


def _not_there(spec: str) -> UsageError:
    stem = Path(spec).stem if spec.endswith(YAML) else spec
    near = _near_file(Path(spec)) or did_you_mean(stem, catalogue.names())
    message = f"no file {spec!r} here, and no bundled config of that name"
    return UsageError(
        f"{message}; {near}" if near else message, "`gconv list` shows the bundled ones"
    )


def _near_file(path: Path) -> str | None:
    """A question for the file in the same folder that is probably meant."""
    try:
        names = [each.name for each in islice(path.parent.iterdir(), MAX_LISTED)]
    except (OSError, ValueError):
        return None
    specs = sorted(name for name in names if name.lower().endswith(ENDINGS))
    same = [name for name in specs if Path(name).stem.lower() == path.stem.lower()]
    by_stem = {Path(name).stem: name for name in reversed(specs)}
    near = same[0] if same else by_stem.get(suggest(path.stem, by_stem) or "")
    return f"did you mean {str(path.with_name(near))!r}?" if near else None
