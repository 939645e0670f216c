"""`gconv diff`: what changed between two networks."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from groupconv_cli.cli.options import (
    DEFAULT_DTYPE,
    DTypeOption,
    ExactOption,
    ForceOption,
    FormatOption,
    OutputOption,
    SetOption,
    TrustOption,
    VariantOption,
    complete_spec,
    network_in,
    parse_settings,
    read_spec,
)
from groupconv_cli.cli.run import command
from groupconv_cli.errors import SpecError, UsageError

if TYPE_CHECKING:
    from groupconv_cli.language.spec_file import SpecFile
    from groupconv_cli.models.model_file import ModelFile
    from groupconv_cli.network import Network

    File = SpecFile | ModelFile

LIMIT_BROKEN = 1


@command
def diff(
    old: Annotated[
        str | None,
        typer.Argument(
            metavar="OLD",
            help="A spec's path or git's REV:PATH, the name of a bundled config, - for stdin, "
            "or a Keras model. With --against the one spec; by default gconv.yaml in this folder.",
            autocompletion=complete_spec,
            show_default=False,
        ),
    ] = None,
    new: Annotated[
        str | None,
        typer.Argument(
            metavar="NEW",
            help="What to compare OLD with: a spec or a Keras model.",
            autocompletion=complete_spec,
            show_default=False,
        ),
    ] = None,
    against: Annotated[
        str | None,
        typer.Option(
            "--against",
            metavar="REV",
            help="Compare the spec with itself at this git revision.",
            show_default=False,
        ),
    ] = None,
    fail_if_larger: Annotated[
        list[str] | None,
        typer.Option(
            "--fail-if-larger",
            metavar="[NAME=]LIMIT",
            help="Exit with 1 if NEW is larger than OLD by more than this. 5% limits params, MACs "
            "and peak memory; macs=5% or params=100k limits one of params, macs, flops, weights, "
            "activations, memory. May be repeated.",
            show_default=False,
        ),
    ] = None,
    settings: SetOption = None,
    variant: VariantOption = None,
    old_settings: Annotated[
        list[str] | None,
        typer.Option(
            "--old-set",
            metavar="NAME=VALUE",
            help="As --set, for OLD alone. May be repeated.",
            show_default=False,
        ),
    ] = None,
    old_variant: Annotated[
        str | None,
        typer.Option("--old-variant", metavar="NAME", help="As --variant, for OLD alone."),
    ] = None,
    trust: TrustOption = False,
    dtype: DTypeOption = DEFAULT_DTYPE,
    output_format: FormatOption = None,
    output: OutputOption = None,
    force: ForceOption = False,
    exact: ExactOption = False,
) -> int:
    """Show what changed between two specs, or in one since a git revision.

    Layers are matched by type and shape, not by name. Equal changes are one row. --set and
    --variant apply to both sides. A file that does not exist at the revision counts as all new, and
    no limit applies to it.

    + is an added layer, - a removed one, ~ a changed one. ×N is a row for N layers, with their
    figures summed. Peak memory: weights and the most activations alive at once. All figures are for
    one sample.

    \b
    Examples:
      gconv diff resnet50 resnext50_32x4d
      gconv diff net.yaml --against origin/main
      gconv diff net.yaml --against origin/main --fail-if-larger 5%
      gconv diff main:old.yaml new.yaml
      gconv diff net.yaml net.yaml --old-set groups=4 --set groups=8
    """
    from groupconv_cli.analysis.diff import diff_networks
    from groupconv_cli.analysis.growth import verdicts
    from groupconv_cli.cli.output import complain
    from groupconv_cli.cli.present import Destination, Result, present
    from groupconv_cli.policy.limits import parse_limits
    from groupconv_cli.render.csv import csv_text
    from groupconv_cli.render.diff import diff_view, layers_view, verdict_text
    from groupconv_cli.render.json import diff_json

    to = Destination(output_format, output, force, exact).checked()
    limits = parse_limits(fail_if_larger or ())
    shared = parse_settings(settings)
    own = {**shared, **parse_settings(old_settings)}
    was, now, sources = _files(old, new, against, trust=trust)
    was_variant = variant if old_variant is None else old_variant
    before, after = _both(
        lambda: network_in(was, own, was_variant) if was else None,
        lambda: network_in(now, shared, variant),
    )
    report = diff_networks(before, after, dtype)
    held = verdicts(limits, report)
    result = Result(
        view=lambda nested: diff_view(report, held, sources=sources, exact=exact),
        documents={
            "json": lambda: diff_json(report, held, sources),
            "csv": lambda: csv_text(layers_view(report)),
        },
    )
    present(result, to)
    broken = [verdict for verdict in held if verdict.is_broken]
    for verdict in broken:
        complain(verdict_text(verdict))
    return LIMIT_BROKEN if broken else 0


def _files(
    old: str | None, new: str | None, against: str | None, *, trust: bool
) -> tuple[File | None, File, tuple[str, str]]:
    """Both specs, and what to call them; no old one if the revision has none."""
    if against is None:
        if old is None or new is None:
            raise UsageError("diff needs two specs, or one and --against REV")
        if old == new == "-":
            raise UsageError("only one of the two specs can be standard input")
        files = read_spec(old, trust=trust), read_spec(new, trust=trust)
        return *files, (_label(old, files[0]), _label(new, files[1]))
    if new is not None:
        raise UsageError(f"--against takes one spec, got {old} and {new}")
    from groupconv_cli.language.spec_file import SpecFile
    from groupconv_cli.models.recognize import is_model
    from groupconv_cli.sources.git_revision import source_at
    from groupconv_cli.sources.locate import DEFAULT_FILE

    spec = DEFAULT_FILE if old is None else old
    if old is None and not Path(spec).is_file():
        raise UsageError(f"there is no {spec} here; name the spec to compare with {against}")
    if is_model(spec):
        raise UsageError(f"--against is for specs, and {spec} is a Keras model")
    source, called = source_at(spec, against)
    return source and SpecFile(source), read_spec(spec), (called, spec)


def _label(spec: str, file: File) -> str:
    return file.source.name if spec == "-" else spec


def _both(
    old: Callable[[], Network | None], new: Callable[[], Network]
) -> tuple[Network | None, Network]:
    """Both networks. Raises SpecError with the mistakes of both specs."""
    try:
        before = old()
    except SpecError as error:
        try:
            new()
        except SpecError as other:
            both = dict.fromkeys([*error.diagnostics, *other.diagnostics])
            raise SpecError(*both) from None
        raise
    return before, new()
