"""The options of `compare` that vary a spec's variables, and make costs equal."""

from __future__ import annotations

from enum import StrEnum
from time import monotonic
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from groupconv_cli import api
from groupconv_cli.cli.options import SpecOptions, members, parse_regroup, parse_settings
from groupconv_cli.errors import UsageError
from groupconv_cli.policy.totals import EQUALS
from groupconv_cli.words import joined

if TYPE_CHECKING:
    from groupconv_cli.api import Sweep


class Metric(StrEnum):
    """Costs that rows can have in common."""

    vars().update(members(EQUALS))


VaryOption = Annotated[
    list[str] | None,
    typer.Option(
        "--vary",
        metavar="NAME=V,V,…",
        help="Compare values of a variable of the spec. May be repeated: every combination.",
        show_default=False,
    ),
]
EqualOption = Annotated[
    Metric | None,
    typer.Option(
        "--equal",
        metavar="METRIC",
        help=f"Bring every row to the {joined(EQUALS, 'or')} of the network as written.",
        show_default=False,
    ),
]
ByOption = Annotated[
    str | None,
    typer.Option(
        "--by",
        metavar="NAME",
        help="With --equal: the variable that changes for it, to the whole number that comes "
        "nearest.",
        show_default=False,
    ),
]
AtMostOption = Annotated[
    bool, typer.Option("--at-most", help="With --equal: nearest, but not above.")
]


class VaryOptions(NamedTuple):
    """--vary and --equal, and the options that go with them."""

    vary: VaryOption = None
    equal: EqualOption = None
    by: ByOption = None
    at_most: AtMostOption = False

    @property
    def given(self) -> bool:
        """Whether rows differ in variables."""
        return bool(self.vary) or self.equal is not None


QUIET = 0.5
"""Seconds without a status line, which takes a while to appear itself."""

DEFAULT_VARYING = VaryOptions()


def check_varying(options: VaryOptions) -> None:
    """Raises UsageError if an option of --equal is given without it."""
    if options.equal is None:
        for option, given in (("--by", options.by is not None), ("--at-most", options.at_most)):
            if given:
                raise UsageError(f"{option} needs --equal {joined(EQUALS, 'or')}")


def varied(
    spec: str | None,
    reading: SpecOptions,
    options: VaryOptions,
    *,
    groups: list[int | str] | None,
    patterns: tuple[str | None, str | None],
    dtype: str | None,
) -> Sweep:
    """The comparison that the options ask for, and the networks of its rows."""
    from groupconv_cli.cli.output import note
    from groupconv_cli.cli.progress import spinner

    only, except_ = patterns
    equal = options.equal
    names = parse_vary(options.vary)
    api.import_modules(reading.modules or (), note)
    file = api.open_spec(spec, trust=reading.trust, note=note)
    started = monotonic()
    with spinner() as show:
        return api.vary_sweep(
            file,
            names,
            None if equal is None else (equal.value, options.by, options.at_most),
            groups=groups,
            only=only,
            except_=except_,
            settings=parse_settings(reading.settings),
            variant=reading.variant,
            regroup=parse_regroup(reading.regroup),
            dtype=dtype,
            tell=lambda what: show(what) if monotonic() - started > QUIET else None,
        )


def parse_vary(given: list[str] | None) -> dict[str, list[str]]:
    """The values of every --vary by their names. Raises UsageError for one of another form."""
    names: dict[str, list[str]] = {}
    for each in given or ():
        name, equals, text = each.partition("=")
        values = [value.strip() for value in _parts(text)]
        if not equals or not name.strip() or not all(values):
            raise UsageError(f"--vary needs NAME=V,V,…, such as width=4,8; got {each!r}")
        names.setdefault(name.strip(), []).extend(values)
    return names


def _parts(text: str) -> list[str]:
    """The parts between commas that are not within brackets or quotes."""
    parts, depth, quote = [""], 0, ""
    for char in text:
        if quote:
            quote = "" if char == quote else quote
        elif char in "'\"":
            quote = char
        else:
            depth += (char in "([{") - (char in ")]}")
        if char == "," and depth <= 0 and not quote:
            parts.append("")
        else:
            parts[-1] += char
    return parts
