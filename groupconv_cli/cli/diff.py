"""`gconv diff`: shows what changed between two networks."""

from __future__ import annotations

from typing import Annotated

import typer

from groupconv_cli import api
from groupconv_cli.cli.options import (
    DEFAULT_FILE,
    DEFAULT_READING,
    DTypeOption,
    FileOptions,
    FormatOption,
    PlotOption,
    SpecOptions,
    complete_spec,
    parse_regroup,
    parse_settings,
)
from groupconv_cli.cli.run import command
from groupconv_cli.policy.totals import IN_EVERY_LIMIT, METRICS
from groupconv_cli.words import joined

LIMIT_BROKEN = 1


@command
def diff(
    old: Annotated[
        str | None,
        typer.Argument(
            metavar="OLD",
            help="A spec's path or git's REV:PATH, the name of a bundled config, - for stdin, "
            "or a Keras model. With --against, the only spec; default: gconv.yaml in this folder.",
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
            help="Exit with 1 if NEW is larger than OLD by more than this. 5% limits "
            f"{joined([METRICS[name].title for name in IN_EVERY_LIMIT])}; macs=5% or params=100k "
            f"limits one of {', '.join(METRICS)}. May be repeated.",
            show_default=False,
        ),
    ] = None,
    reading: SpecOptions = DEFAULT_READING,
    old_settings: Annotated[
        list[str] | None,
        typer.Option(
            "--old-set",
            metavar="NAME=VALUE",
            help="Like --set, but for OLD only. May be repeated.",
            show_default=False,
        ),
    ] = None,
    old_variant: Annotated[
        str | None,
        typer.Option("--old-variant", metavar="NAME", help="Like --variant, but for OLD only."),
    ] = None,
    dtype: DTypeOption = None,
    plot: PlotOption = None,
    output_format: FormatOption = None,
    file: FileOptions = DEFAULT_FILE,
) -> int:
    """Show what changed between two specs, or in one spec since a git revision.

    Layers are matched by type and shape, not by name. Equal changes are one row. --set and
    --variant apply to both sides, --regroup to NEW. If the file does not exist at the revision,
    every layer counts as added, and no limit applies.

    + is an added layer, - is a removed layer, ~ is a changed layer. ×N is a row for N layers, with
    the sum of their figures. Peak memory: weights and the most activations alive at once. All
    figures are for one sample.

    \b
    Examples:
      gconv diff resnet50 resnext50_32x4d
      gconv diff net.yaml --against origin/main
      gconv diff net.yaml --against origin/main --fail-if-larger 5%
      gconv diff main:old.yaml new.yaml
      gconv diff net.yaml net.yaml --old-set groups=4 --set groups=8
    """
    from groupconv_cli.cli.output import complain, note
    from groupconv_cli.cli.present import Destination, Result, checked_plot, present, present_plot
    from groupconv_cli.cli.progress import spinner
    from groupconv_cli.render.csv import csv_text
    from groupconv_cli.render.diff import diff_view, layers_view, verdict_text
    from groupconv_cli.render.json import diff_json

    to = Destination(output_format, file.output, file.force, file.exact).checked()
    checked_plot(plot, to.output, force=file.force)
    limits = api.growth_limits(fail_if_larger or ())
    shared = parse_settings(reading.settings)
    own = {**shared, **parse_settings(old_settings)}
    api.import_modules(reading.modules or (), note)
    with spinner() as show:
        report, sources = api.diff_specs(
            old,
            new,
            against=against,
            settings=(own, shared),
            variants=(
                reading.variant if old_variant is None else old_variant,
                reading.variant,
            ),
            regroup=parse_regroup(reading.regroup),
            dtype=dtype,
            trust=reading.trust,
            note=note,
            progress=show,
        )
    held = api.growth_verdicts(limits, report)
    present_plot(plot, report, force=file.force)
    result = Result(
        view=lambda nested: diff_view(report, held, sources=sources, exact=file.exact),
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
