"""The `gconv` program: its commands, and the set-up before they run."""

from __future__ import annotations

import os
import sys
from functools import cache
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from groupconv_cli import api
from groupconv_cli.cli.accelerate import accelerate
from groupconv_cli.cli.build import build
from groupconv_cli.cli.catalogue import list_networks
from groupconv_cli.cli.check import check
from groupconv_cli.cli.compare import compare
from groupconv_cli.cli.diff import diff
from groupconv_cli.cli.init import init
from groupconv_cli.cli.report import report
from groupconv_cli.cli.run import before_typer, guarded
from groupconv_cli.cli.schema import schema
from groupconv_cli.cli.search import search
from groupconv_cli.cli.signals import end_cleanly
from groupconv_cli.cli.summary import summary
from groupconv_cli.errors import UsageError
from groupconv_cli.runtime import own_process
from groupconv_cli.version import __version__
from groupconv_cli.words import did_you_mean, joined, shortened


class Commands(TyperGroup):
    """The commands. An unknown word is refused, with a suggestion."""

    def make_context(self, *args: Any, **extra: Any) -> Any:
        """Does the same as Typer, but mistakes in the first arguments become errors of gconv."""
        with before_typer():
            return super().make_context(*args, **extra)

    def invoke(self, ctx: Any) -> Any:
        """Does the same as Typer, but mistakes in a command's arguments become errors of gconv."""
        with before_typer(ctx):
            return super().invoke(ctx)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The command that the first argument names. Raises UsageError for an unknown name."""
        word = args[0]
        if word not in self.commands and not word.startswith("--"):
            raise UsageError(f"there is no command {shortened(word)!r}; {self._meant(word)}")
        return super().resolve_command(ctx, args)

    def _meant(self, word: str) -> str:
        from shlex import quote

        if word == "help":
            return "`gconv --help` lists them, and `gconv summary --help` explains one"
        near = did_you_mean(word, self.commands)
        if near is None and api.is_spec(word):
            return f"to look at that spec: gconv summary {quote(word)}"
        return near or f"there are {joined(list(self.commands))}"


class Program(typer.Typer):
    """The program. Its commands are made once in a process, which takes longer than many runs."""

    def __call__(self, *args: Any, **extra: Any) -> Any:
        """Runs the command that the arguments name."""
        return _made(self)(*args, **extra)


@cache
def _made(program: typer.Typer) -> Any:
    return typer.main.get_command(program)


app = Program(
    name="gconv",
    cls=Commands,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"gconv {__version__}")
        raise typer.Exit


@app.callback()
def gconv(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version and exit."
        ),
    ] = False,
) -> None:
    """Build and analyze networks with grouped convolutions.

    A spec is a YAML file of layers. See what its groups save, compare numbers of groups, compare
    versions of a spec, and build the Keras model.

    \b
    Examples:
      gconv compare --groups 1,4,8
      gconv summary resnext50_32x4d --depth 1
      gconv build net.yaml -o net.keras
    """


app.command(short_help="Show every layer and the totals, compared with dense.")(summary)
app.command(short_help="Compare numbers of groups.")(compare)
app.command(short_help="Find the best numbers of groups within budgets.")(search)
app.command(short_help="Write everything about a network as one page.")(report)
app.command(short_help="Check specs: mistakes, rules and budgets.")(check)
app.command(short_help="Show what changed between two specs.")(diff)
app.command(short_help="Build and save the Keras model.")(build)
app.command(short_help="Make a Keras model's grouped convolutions fast.")(accelerate)
app.command("list", short_help="List the bundled networks.")(list_networks)
app.command(short_help="Write a spec to start from.")(init)
app.command(short_help="Print the JSON Schema of specs.")(schema)


def main() -> None:
    """Runs the program; the console script and `python -m groupconv_cli` call this."""
    _hold_streams()
    end_cleanly()
    own_process()
    raise SystemExit(guarded(_run))


def _hold_streams() -> None:
    """Opens the descriptors of standard streams that are closed, so that no file gets them.

    Otherwise native code that writes to descriptor 2 would write into that file. `sys.stderr` is
    opened too, because libraries write to it without asking whether it exists.
    """
    for descriptor in (0, 1, 2):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest free descriptor
    if sys.stderr is None:
        sys.stderr = open(2, "w", encoding="utf-8", closefd=False)  # noqa: SIM115


def _run() -> int:
    app(prog_name="gconv")
    return 0
