"""Converts the grouped convolutions of a Keras model's file, saves it and compares the two."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Any, NamedTuple

from groupconv_cli.builder.memory import check_run
from groupconv_cli.errors import InternalError, UsageError
from groupconv_cli.files import written_whole
from groupconv_cli.foreign import foreign
from groupconv_cli.models.model_file import ModelFile
from groupconv_cli.models.recognize import is_model
from groupconv_cli.models.safety import SAVE_AGAIN
from groupconv_cli.runtime import silenced
from groupconv_cli.sources.locate import is_spec
from groupconv_cli.sources.open import Tell, silent

if TYPE_CHECKING:
    from groupconv_cli.exporters.agreement import ConversionAgreement
    from groupconv_cli.network import Network


class Conversion(NamedTuple):
    """The conversion, and how its result compares."""

    name: str
    path: Path
    size: int
    """The bytes of the file."""
    agreement: ConversionAgreement
    converted: list[str]
    """The names of the layers that have another class now."""
    unchanged: list[str]
    """The names of grouped convolutions of custom classes, which stay unchanged."""
    portable: bool
    network: Network
    original: Any
    """The model as it was."""
    result: Any
    """The model that was loaded from the new file."""


def convert_file(
    model: str,
    path: Path,
    *,
    portable: bool = False,
    force: bool = False,
    ignore_memory: bool = False,
    settings: Mapping[str, object] | None = None,
    trust: bool = False,
    progress: Tell = silent,
) -> Conversion:
    """Converts the model of a file or of keras.applications and saves it at the path.

    The saved file is loaded again: its outputs and gradients are compared with the original's on
    random input. `progress` is called with a description of slow steps.

    Raises UsageError if the model does not exist or has nothing to convert, EnvironmentProblem if
    memory is short, InternalError if the two differ. Nothing is saved if there is an error.
    """
    if not is_model(model):
        raise _no_model(model)
    if path.suffix != ".keras":
        raise UsageError(f"FILE must end in .keras, got {path.name!r}")
    file = ModelFile(model, trust=trust)
    file.check()
    with written_whole(path, force=force) as temporary:
        network = file.network(settings, progress=progress)
        from groupconv_cli.exporters.agreement import BATCH, agreement
        from groupconv_cli.models import convert, load

        check_run(network, BATCH, ignore=ignore_memory)
        original = file.load(settings, compiled=True, ignore_memory=ignore_memory)
        progress("Converting")
        with _quietly(), foreign(model, "cannot be converted", SAVE_AGAIN):
            make = convert.portable_model if portable else convert.accelerate_model
            copy = make(original)
        reached = convert.changed(original, copy)
        missed = convert.left_alone(copy, fast=not portable)
        if not reached:
            raise _nothing(original, missed, portable=portable)
        progress(f"Saving {path.name}")
        with _quietly():
            copy.save(temporary)
        progress("Comparing outputs and gradients with the original")
        with _quietly():
            again = load.load_file(temporary, trust=trust)
            with foreign(model, "cannot be run on random input", "see that Keras can run it"):
                found = agreement(original, again, network.input_shapes)
        if found.fault:
            raise InternalError(
                f"the converted model does not match {model} on random input: {found.fault}; "
                "nothing was saved"
            )
    size = path.stat().st_size
    return Conversion(
        original.name, path, size, found, reached, missed, portable, network, original, again
    )


def _no_model(word: str) -> UsageError:
    kind = "a folder, not" if Path(word).is_dir() else "not"
    build = f"for a spec: gconv build {quote(word)} --fast"
    return UsageError(
        f"{word} is {kind} a Keras model (a .keras or .h5 file, or keras:NAME)",
        build if is_spec(word) and kind == "not" else None,
    )


@contextmanager
def _quietly() -> Iterator[None]:
    """Hides warnings too: the result has the layers that stayed unchanged."""
    with silenced(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _nothing(model: Any, missed: list[str], *, portable: bool) -> UsageError:
    if portable:
        return UsageError(
            f"model {model.name!r} has none of gconv's fast layers: there is nothing to convert"
        )
    from groupconv_cli.models.convert import has_fast_layers

    why = f"; these layers have custom classes: {', '.join(missed)}" if missed else ""
    if has_fast_layers(model):
        return UsageError(
            f"model {model.name!r} is fast already: its grouped convolutions are gconv's fast "
            f"layers{why}",
            "--portable makes them stock layers again",
        )
    return UsageError(
        f"model {model.name!r} has no grouped convolution of stock Keras: there is nothing to "
        f"convert{why}",
        "gconv has no faster layers for depthwise and dense convolutions",
    )
