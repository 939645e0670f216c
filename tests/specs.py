"""Making networks out of spec text in tests."""

from __future__ import annotations

import os
from collections.abc import Iterable
from textwrap import dedent

import pytest

from groupconv_cli import load
from groupconv_cli.errors import Diagnostic, Source, SpecError
from groupconv_cli.language.spec_file import SpecFile
from groupconv_cli.network import Network


def examples(few: int) -> int:
    """How many random examples a test tries: so few always, and those of GCONV_EXAMPLES nightly."""
    return int(os.environ.get("GCONV_EXAMPLES", few))


def network(text: str, **options) -> Network:
    """The network of a spec given as text."""
    return load(SpecFile(Source("spec.yaml", dedent(text))), **options)


def layers(text: str, *, input_shape: str = "[8, 8, 12]", **options) -> Network:
    """The network of a list of layers given as text."""
    body = "\n".join("  " + line for line in dedent(text).strip().splitlines())
    return network(f"input: {input_shape}\nlayers:\n{body}\n", **options)


def problems(text: str, **options) -> list[Diagnostic]:
    """Everything that is wrong with a spec given as text."""
    try:
        network(text, **options)
    except SpecError as error:
        return list(error.diagnostics)
    return []


def names(net: Network) -> list[str]:
    """Full names of the layers in order."""
    return [node.name for node in net.layers]


def nightly_but(always: Iterable, every: Iterable) -> list:
    """Every value as a parameter of a test, those that do not run always marked `nightly`.

    A tuple is the values of several parameters.
    """
    chosen = set(always)
    every = list(every)
    assert chosen <= set(every), chosen - set(every)
    return [
        pytest.param(
            *(each if isinstance(each, tuple) else (each,)),
            marks=() if each in chosen else pytest.mark.nightly,
        )
        for each in every
    ]
