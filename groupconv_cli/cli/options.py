"""Arguments and options that several commands share."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Annotated

import typer

from groupconv_cli.errors import UsageError
from groupconv_cli.network import Network


class Format(StrEnum):
    """Ways to print a result."""

    table = "table"
    json = "json"


class DType(StrEnum):
    """Types of weights and activations."""

    float32 = "float32"
    float16 = "float16"
    bfloat16 = "bfloat16"
    float64 = "float64"


def complete_spec(incomplete: str) -> Iterable[str]:
    """Names of bundled configs that begin with what has been typed."""
    from groupconv_cli.spec.locate import config_names

    return [name for name in config_names() if name.startswith(incomplete)]


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
FormatOption = Annotated[Format, typer.Option("--format", "-f", help="How to print the result.")]
ExactOption = Annotated[bool, typer.Option("--exact", help="Print every number in full.")]
DTypeOption = Annotated[
    DType,
    typer.Option(
        "--dtype",
        metavar="TYPE",
        help="float32, float16, bfloat16 or float64, for the memory figures.",
    ),
]


def load_spec(spec: str | None, settings: list[str] | None, variant: str | None) -> Network:
    """The network that a command's SPEC, --set and --variant mean."""
    from groupconv_cli.api import load
    from groupconv_cli.cli.output import note
    from groupconv_cli.spec.locate import locate

    found = locate(spec)
    if found.note:
        note(found.note)
    values = {}
    for setting in settings or ():
        name, equals, value = setting.partition("=")
        if not equals or not name:
            raise UsageError(f"--set needs NAME=VALUE, got {setting!r}")
        values[name.strip()] = value
    return load(found.source, settings=values, variant=variant)
