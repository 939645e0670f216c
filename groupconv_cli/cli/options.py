"""Arguments and options that several commands share."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from groupconv_cli.errors import UsageError
from groupconv_cli.network import Network

if TYPE_CHECKING:
    from groupconv_cli.spec import SpecFile


class Format(StrEnum):
    """Ways to print a result."""

    table = "table"
    markdown = "markdown"
    json = "json"
    csv = "csv"


class DType(StrEnum):
    """Types of weights and activations."""

    float32 = "float32"
    float16 = "float16"
    bfloat16 = "bfloat16"
    float64 = "float64"


def complete_spec(incomplete: str) -> Iterable[str]:
    """Names of bundled configs that begin with what has been typed."""
    from groupconv_cli.spec.catalogue import names

    return [name for name in names() if name.startswith(incomplete)]


SpecArgument = Annotated[
    str | None,
    typer.Argument(
        metavar="SPEC",
        help="A spec's path, the name of a bundled config, or - for standard input. "
        "Default: gconv.yaml of this folder, or else the bundled 'basic'.",
        autocompletion=complete_spec,
        show_default=False,
    ),
]
SetOption = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="NAME=VALUE",
        help="Give a variable of the spec another value. May be repeated.",
        show_default=False,
    ),
]
VariantOption = Annotated[
    str | None,
    typer.Option("--variant", metavar="NAME", help="Pick one of the spec's variants."),
]
FormatOption = Annotated[
    Format | None,
    typer.Option(
        "--format",
        "-f",
        help="How to print the result. Default: by the ending of --output, else table.",
        show_default=False,
    ),
]
OutputOption = Annotated[
    Path | None,
    typer.Option(
        "--output", "-o", metavar="FILE", help="Write the result to a file.", show_default=False
    ),
]
ForceOption = Annotated[bool, typer.Option("--force", help="Replace an existing file.")]
ExactOption = Annotated[bool, typer.Option("--exact", help="Print every number in full.")]
DTypeOption = Annotated[
    DType,
    typer.Option(
        "--dtype",
        metavar="TYPE",
        help="float32, float16, bfloat16 or float64, for the memory figures.",
    ),
]


def read_spec(spec: str | None) -> SpecFile:
    """The spec that a command's SPEC means; says on stderr which was taken where that is open."""
    from groupconv_cli.cli.output import note
    from groupconv_cli.spec import SpecFile
    from groupconv_cli.spec.locate import locate

    found = locate(spec)
    if found.note:
        note(found.note)
    return SpecFile(found.source, found.variant)


def load_spec(spec: str | None, settings: list[str] | None, variant: str | None) -> Network:
    """The network that a command's SPEC, --set and --variant mean."""
    from groupconv_cli.api import load

    return load(read_spec(spec), settings=parse_settings(settings), variant=variant)


def parse_settings(settings: list[str] | None) -> dict[str, str]:
    """The NAME=VALUE of every --set. Raises UsageError for one without a name or an =."""
    values = {}
    for setting in settings or ():
        name, equals, value = setting.partition("=")
        if not equals or not name.strip():
            raise UsageError(f"--set needs NAME=VALUE, got {setting!r}")
        values[name.strip()] = value
    return values
