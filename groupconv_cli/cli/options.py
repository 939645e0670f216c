"""Arguments and options that several commands share."""

from __future__ import annotations

import os
from collections.abc import Iterable
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from groupconv_cli import api, dtypes
from groupconv_cli.errors import UsageError
from groupconv_cli.render import formats
from groupconv_cli.words import joined

if TYPE_CHECKING:
    from groupconv_cli import Network


def members(names: Iterable[str]) -> dict[str, str]:
    """The members of an enum of a table's names: `vars().update(members(NAMES))` in its body.

    An enum can stand in annotations, which Typer reads and mypy checks. Made this way it repeats no
    list.
    """
    return {name: name for name in names}


class Format(StrEnum):
    """Ways to print a result."""

    vars().update(members(formats.NAMES))


class AnyFormat(StrEnum):
    """Ways to print a result that is about files."""

    vars().update(members(formats.ALL_NAMES))


class DType(StrEnum):
    """Types of weights and activations."""

    vars().update(members(dtypes.DTYPES))


def complete_spec(incomplete: str) -> Iterable[str]:
    """Names of bundled configs that begin with what has been typed."""
    return [name for name in api.catalogue_names() if name.startswith(incomplete)]


def file_name(given: str | Path) -> Path:
    """The path of the file of --output. Raises UsageError if it is the path of a folder.

    Typer calls this for an option's default too.
    """
    return _file_of(given, "--output")


def plot_name(given: str | Path) -> Path:
    """The path of the file of --plot, as `file_name` is that of --output."""
    return _file_of(given, "--plot")


def _file_of(given: str | Path, option: str) -> Path:
    text = str(given)
    if not text:
        raise UsageError(f"{option} is empty; give it the name of a file")
    if text.endswith(SEPARATORS):
        raise UsageError(f"{text} names a folder; a file's name does not end in {text[-1]}")
    return Path(text)


MAX_DIGITS = 18
"""Digits of a number of groups; no network has as many channels."""

SEPARATORS = tuple(filter(None, (os.sep, os.altsep)))
"""The separators that the name of a folder may end in."""

SpecArgument = Annotated[
    str | None,
    typer.Argument(
        metavar="SPEC",
        help="A spec's path, the name of a bundled config, or - for standard input; or a Keras "
        "model: a .keras or .h5 file, or keras:MobileNetV2 for any of keras.applications. "
        "Default: gconv.yaml in this folder, or else the bundled 'basic'.",
        autocompletion=complete_spec,
        show_default=False,
    ),
]
SetOption = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="NAME=VALUE",
        help="Set a variable of the spec, or the open input sizes of a Keras model: "
        "input=224,224,3. May be repeated.",
        show_default=False,
    ),
]
RegroupOption = Annotated[
    list[str] | None,
    typer.Option(
        "--regroup",
        metavar="PATTERN=N",
        help="Give the convolutions whose full names match this glob N groups, or as many as they "
        "have channels: 'head.*=depthwise'. May be repeated; a later pattern wins.",
        show_default=False,
    ),
]
GroupsOption = Annotated[
    str | None,
    typer.Option(
        "--groups",
        "-g",
        metavar="N,N,…|all",
        help="Numbers of groups to compare. 'all', the default, means every number that "
        "divides the channels of all varied convolutions; 1-8, those of them from 1 to 8; "
        "'depthwise', as many groups as each has input channels.",
        show_default=False,
    ),
]
OnlyOption = Annotated[
    str | None,
    typer.Option(
        "--only",
        metavar="PATTERN",
        help="Vary the groups of convolutions whose full names match this glob.",
        show_default=False,
    ),
]
ExceptOption = Annotated[
    str | None,
    typer.Option(
        "--except",
        metavar="PATTERN",
        help="Leave convolutions unchanged whose full names match this glob.",
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
        metavar="FORMAT",
        help=f"{joined(formats.NAMES, 'or')}. Default: by the ending of --output, else "
        f"{formats.DEFAULT.name}.",
        show_default=False,
    ),
]
AnyFormatOption = Annotated[
    AnyFormat | None,
    typer.Option(
        "--format",
        "-f",
        metavar="FORMAT",
        help=f"{joined(formats.ALL_NAMES, 'or')} (annotations in GitHub Actions). Default: by the "
        f"ending of --output, else {formats.DEFAULT.name}.",
        show_default=False,
    ),
]
OutputOption = Annotated[
    Path | None,
    typer.Option(
        "--output",
        "-o",
        metavar="FILE",
        parser=file_name,
        help="Write the result to a file; - is stdout.",
        show_default=False,
    ),
]
PlotOption = Annotated[
    Path | None,
    typer.Option(
        "--plot",
        metavar="FILE",
        parser=plot_name,
        help="Draw the result into a file as well: .svg, .png or .pdf. Needs matplotlib.",
        show_default=False,
    ),
]
ForceOption = Annotated[bool, typer.Option("--force", help="Replace an existing file.")]
ExactOption = Annotated[bool, typer.Option("--exact", help="Print every number in full.")]
TrustOption = Annotated[
    bool,
    typer.Option("--trust", help="Let Keras run the code in a model's file (Lambda layers)."),
]
ImportOption = Annotated[
    list[str] | None,
    typer.Option(
        "--import",
        metavar="MODULE",
        help="Import a module of your own first, for the custom classes in a model's file. It runs "
        "with your rights. May be repeated.",
        show_default=False,
    ),
]
DTypeOption = Annotated[
    DType | None,
    typer.Option(
        "--dtype",
        metavar="TYPE",
        help=f"{joined(list(dtypes.DTYPES), 'or')}, for the memory figures. Default: "
        f"{dtypes.DEFAULT} for a spec, and its own types for a Keras model.",
        show_default=False,
    ),
]


class SpecOptions(NamedTuple):
    """The options of every command that reads a SPEC."""

    settings: SetOption = None
    variant: VariantOption = None
    regroup: RegroupOption = None
    trust: TrustOption = False
    modules: ImportOption = None


DEFAULT_READING = SpecOptions()


class ModelOptions(NamedTuple):
    """The options of a command that reads a Keras model and no spec."""

    settings: SetOption = None
    regroup: RegroupOption = None
    trust: TrustOption = False
    modules: ImportOption = None


DEFAULT_MODEL = ModelOptions()


class FileOptions(NamedTuple):
    """The options of every command that prints a result: where it goes, and how exact it is."""

    output: OutputOption = None
    force: ForceOption = False
    exact: ExactOption = False


DEFAULT_FILE = FileOptions()


def load_spec(spec: str | None, options: SpecOptions) -> Network:
    """The network of a command's SPEC and the options for it.

    A note on stderr names the spec if none was given, and a status line shows slow steps.

    Raises the errors of `groupconv_cli.load`.
    """
    from groupconv_cli.cli.output import note
    from groupconv_cli.cli.progress import spinner

    values, groups = parse_settings(options.settings), parse_regroup(options.regroup)
    api.import_modules(options.modules or (), note)
    file = api.open_spec(spec, trust=options.trust, note=note)
    with spinner() as show:
        return api.load(
            file, settings=values, variant=options.variant, regroup=groups, progress=show
        )


def parse_regroup(regroup: list[str] | None) -> dict[str, int | str]:
    """The PATTERN=N of every --regroup. Raises UsageError for one that has another form."""
    groups: dict[str, int | str] = {}
    for given in regroup or ():
        pattern, _, count = (part.strip() for part in given.rpartition("="))
        is_number = _is_count(count)
        if not pattern or not (is_number or count == "depthwise"):
            raise UsageError(
                f"--regroup needs PATTERN=N, such as 'stage_3.*=8' or 'head.*=depthwise'; "
                f"got {given!r}"
            )
        groups.pop(pattern, None)  # the last of two stands last
        groups[pattern] = int(count) if is_number else count
    return groups


def parse_count(text: str | None, patterns: tuple[str | None, str | None]) -> int | str | None:
    """The one count of a --groups, if it is given. `patterns` are those of --only and --except.

    Raises UsageError for several, and for patterns without a count.
    """
    if text is None:
        for option, pattern in zip(("--only", "--except"), patterns, strict=True):
            if pattern is not None:
                raise UsageError(f"{option} needs --groups: it says which layers get them")
        return None
    if not (_is_count(text.strip()) or text.strip() == "depthwise"):
        raise UsageError(f"--groups takes one number here, such as 8, or depthwise; got {text!r}")
    (count,) = parse_groups(text)
    return count


def parse_groups(text: str) -> list[int | str]:
    """The counts in '1,4,8', with or without ranges, 'all' and 'depthwise'.

    Raises UsageError for anything else.
    """
    counts: list[int | str] = []
    for part in map(str.strip, text.split(",")):
        low, dash, high = (each.strip() for each in part.partition("-"))
        numbers = [low, high] if dash else [low]
        if part in ("all", "depthwise"):
            counts.append(part)
        elif all(_is_count(each) for each in numbers):
            counts.append(part if dash else int(part))
        else:
            raise UsageError(
                "--groups takes whole numbers from 1 to 10^18, such as 1,4,8, ranges such as 1-8, "
                f"all, or depthwise; got {part!r}"
            )
    return counts


def _is_count(text: str) -> bool:
    return text.isdecimal() and len(text) <= MAX_DIGITS and int(text) > 0


def parse_settings(settings: list[str] | None) -> dict[str, str]:
    """The NAME=VALUE of every --set. Raises UsageError if the name or the = is missing."""
    values = {}
    for setting in settings or ():
        name, equals, value = setting.partition("=")
        if not equals or not name.strip():
            raise UsageError(f"--set needs NAME=VALUE, got {setting!r}")
        values[name.strip()] = value
    return values
