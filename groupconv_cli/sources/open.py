"""Decides what a SPEC means, once for every command and for Python.

A SPEC is a path, the name of a bundled network, `-`, git's REVISION:PATH, a Keras model, or the
spec itself as a mapping. Opening a spec gives a `SpecFile`, and opening a model gives a
`ModelFile`. Both make networks.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from os import PathLike, fspath
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from groupconv_cli.errors import Source, SpecError, UsageError
from groupconv_cli.language.plain import as_yaml
from groupconv_cli.language.spec_file import SpecFile
from groupconv_cli.models.model_file import ModelFile
from groupconv_cli.models.recognize import is_model
from groupconv_cli.sources.locate import DEFAULT_FILE, locate

if TYPE_CHECKING:
    from groupconv_cli.network import Network

Opened = SpecFile | ModelFile
"""An open SPEC, which makes networks."""

Model: TypeAlias = Any  # a keras.Model; Keras ships no types

AnySource = str | PathLike[str] | Mapping[str, object] | SpecFile | ModelFile | Model
"""Everything that can be opened."""

Settings = Mapping[str, object]
Tell = Callable[[str], None]


def silent(_: str) -> None:
    """Ignores a note."""


def open_spec(
    spec: AnySource | None,
    *,
    trust: bool = False,
    or_bundled: bool = True,
    note: Tell = silent,
) -> Opened:
    """Opens a SPEC. None means gconv.yaml in this folder.

    If this folder has no gconv.yaml, None means the bundled 'basic', if `or_bundled`. `trust` lets
    Keras run the code in a model's file. `note` is called with the name of the spec if none was
    given, or if several could be meant.

    Raises UsageError if the spec does not exist or cannot be opened, SpecError if its text cannot
    be read. A model's file is not read yet.
    """
    if isinstance(spec, SpecFile | ModelFile):
        return spec
    if _is_keras_model(spec):
        return ModelFile(spec)
    if isinstance(spec, Mapping):
        return SpecFile(Source("<mapping>", as_yaml(spec)))
    if spec is not None and not isinstance(spec, str | PathLike):
        raise UsageError(
            f"a spec is a path, a name, a mapping or a Keras model; got {type(spec).__name__}"
        )
    name = None if spec is None else fspath(spec)
    if name is not None and is_model(name):
        return ModelFile(name, trust=trust)
    found = locate(name, or_bundled=or_bundled)
    if found.note:
        note(found.note)
    return SpecFile(found.source, found.variant)


def _is_keras_model(spec: object) -> bool:
    keras = sys.modules.get("keras")
    return keras is not None and isinstance(spec, keras.Model)


class Pair(NamedTuple):
    """Two specs to compare, and their names."""

    old: Opened | None
    """None if the revision does not have the file."""
    new: Opened
    names: tuple[str, str]

    def networks(
        self, old: Callable[[Opened], Network], new: Callable[[Opened], Network]
    ) -> tuple[Network | None, Network]:
        """Both networks, made by the functions. Raises SpecError with the mistakes of both."""
        try:
            before = None if self.old is None else old(self.old)
        except SpecError as error:
            try:
                new(self.new)
            except SpecError as other:
                both = dict.fromkeys([*error.diagnostics, *other.diagnostics])
                raise SpecError(*both) from None
            raise
        return before, new(self.new)


def open_pair(
    old: str | None,
    new: str | None,
    *,
    against: str | None = None,
    trust: bool = False,
    note: Tell = silent,
) -> Pair:
    """Opens two specs, or with `against` one spec now and at that git revision.

    Raises UsageError for a wrong number of specs, and the errors of `open_spec` and
    `git_revision.source_at`.
    """
    if against is not None:
        return _with_revision(old, new, against, note)
    if old is None or new is None:
        raise UsageError("diff needs two specs, or one or more and --against REV")
    if old == new == "-":
        raise UsageError("only one of the two specs can be standard input")
    files = open_spec(old, trust=trust, note=note), open_spec(new, trust=trust, note=note)
    names = [
        file.source.name if spec == "-" else spec
        for spec, file in zip((old, new), files, strict=True)
    ]
    return Pair(*files, (names[0], names[1]))


def _with_revision(old: str | None, new: str | None, against: str, note: Tell) -> Pair:
    from groupconv_cli.sources.git_revision import source_at

    if new is not None:
        raise UsageError(f"--against takes one spec, got {old} and {new}")
    spec = DEFAULT_FILE if old is None else old
    if old is None and not Path(spec).is_file():
        raise UsageError(f"there is no {spec} here; name the spec to compare with {against}")
    if is_model(spec):
        raise UsageError(f"--against is for specs, and {spec} is a Keras model")
    source, called = source_at(spec, against)
    return Pair(source and SpecFile(source), open_spec(spec, note=note), (called, spec))
