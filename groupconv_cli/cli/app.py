"""The `gconv` program: its commands, and what stands before them."""

from __future__ import annotations

import gc
from typing import Annotated

import typer

from groupconv_cli import __version__
from groupconv_cli.cli.build import build
from groupconv_cli.cli.catalogue import list_networks
from groupconv_cli.cli.check import check
from groupconv_cli.cli.compare import compare
from groupconv_cli.cli.diff import diff
from groupconv_cli.cli.init import init
from groupconv_cli.cli.run import guarded
from groupconv_cli.cli.schema import schema
from groupconv_cli.cli.summary import summary

app = typer.Typer(
    name="gconv",
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

    A spec is a YAML file of layers. See what its groups save, compare numbers of groups, see
    what a change of a spec changes, and build the Keras model.

    \b
    Examples:
      gconv compare --groups 1,4,8
      gconv summary resnext50_32x4d --depth 1
      gconv build net.yaml -o net.keras
    """


app.command(short_help="Show every layer and the totals, beside g=1.")(summary)
app.command(short_help="Compare numbers of groups.")(compare)
app.command(short_help="Check specs: mistakes, rules and budgets.")(check)
app.command(short_help="Show what changed between two specs.")(diff)
app.command(short_help="Build and save the Keras model.")(build)
app.command("list", short_help="List the bundled networks.")(list_networks)
app.command(short_help="Write a spec to begin from.")(init)
app.command(short_help="Print the JSON Schema of specs.")(schema)


def main() -> None:
    """Runs the program; the console script and `python -m groupconv_cli` call this."""
    # A run ends before its garbage would matter, and looking for it would make large specs cost
    # more than their share.
    gc.disable()
    raise SystemExit(guarded(_run))


def _run() -> int:
    app(prog_name="gconv")
    return 0
