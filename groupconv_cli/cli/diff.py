"""`gconv diff`: shows what changed between two networks."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Annotated, Any

import typer

from groupconv_cli import api
from groupconv_cli.cli.options import (
    DEFAULT_FILE,
    DEFAULT_READING,
    AnyFormatOption,
    DTypeOption,
    FileOptions,
    PlotOption,
    SpecOptions,
    complete_spec,
    parse_regroup,
    parse_settings,
)
from groupconv_cli.cli.run import command
from groupconv_cli.errors import UsageError
from groupconv_cli.policy.totals import IN_EVERY_LIMIT, METRICS
from groupconv_cli.words import joined

if TYPE_CHECKING:
    from groupconv_cli.cli.present import Result
    from groupconv_cli.render.diffs import Judged

LIMIT_BROKEN = 1


@command
def diff(
    specs: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="OLD NEW",
            help="Two specs: paths or git's REV:PATH, names of bundled configs, - for stdin, or "
            "Keras models. With --against, any number of specs; default: gconv.yaml in this "
            "folder.",
            autocompletion=complete_spec,
            show_default=False,
        ),
    ] = None,
    against: Annotated[
        str | None,
        typer.Option(
            "--against",
            metavar="REV",
            help="Compare each spec with itself at this git revision, under the name that it had "
            "then.",
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
    allow_new: Annotated[
        bool,
        typer.Option(
            "--allow-new",
            help="With --fail-if-larger and --against: accept a file that the revision does not "
            "have.",
        ),
    ] = False,
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
    output_format: AnyFormatOption = None,
    file: FileOptions = DEFAULT_FILE,
) -> int:
    """Show what changed between two specs, or in specs since a git revision.

    Layers are matched by type and shape, not by name. Equal changes are one row. --set and
    --variant apply to both sides, --regroup to NEW. A file that git says was renamed is compared
    with what it was. If the file does not exist at the revision, every layer counts as added; with
    --fail-if-larger the exit status is 1 then, unless --allow-new is given. Several specs have a
    table each, and one of totals.

    + is an added layer, - is a removed layer, ~ is a changed layer. ×N is a row for N layers, with
    the sum of their figures. Peak memory: weights and the most activations alive at once. All
    figures are for one sample.

    \b
    Examples:
      gconv diff resnet50 resnext50_32x4d
      gconv diff net.yaml --against origin/main
      gconv diff net.yaml --against origin/main --fail-if-larger 5%
      gconv diff nets/a.yaml nets/b.yaml --against origin/main --format github
      gconv diff main:old.yaml new.yaml
      gconv diff net.yaml net.yaml --old-set groups=4 --set groups=8
    """
    from groupconv_cli.cli.output import complain, note
    from groupconv_cli.cli.present import Destination, checked_plot, present, present_plot
    from groupconv_cli.cli.progress import spinner
    from groupconv_cli.render.diff import verdict_text
    from groupconv_cli.render.diffs import Judged

    to = Destination(output_format, file.output, file.force, file.exact).checked()
    checked_plot(plot, to.output, force=file.force)
    limits = api.growth_limits(fail_if_larger or ())
    if allow_new and not limits:
        raise UsageError("--allow-new needs --fail-if-larger")
    named = specs or []
    if against is None and len(named) > 2:
        raise UsageError(f"diff compares two specs, got {len(named)}; --against REV takes several")
    shared = parse_settings(reading.settings)
    options: dict[str, Any] = {
        "settings": ({**shared, **parse_settings(old_settings)}, shared),
        "variants": (
            reading.variant if old_variant is None else old_variant,
            reading.variant,
        ),
        "regroup": parse_regroup(reading.regroup),
        "dtype": dtype,
        "trust": reading.trust,
        "note": note,
    }
    api.import_modules(reading.modules or (), note)
    with spinner() as show:
        if against is None:
            old, new = (*named, None, None)[:2]
            found = [api.diff_specs(old, new, **options, progress=show)]
        else:
            found = api.diff_since(named or [None], against, **options, progress=show)
    judged = []
    for diff_, sources in found:
        verdicts = api.growth_verdicts(limits, diff_)
        is_open = bool(limits) and diff_.is_new and not allow_new
        why = f"there is no {sources[0]}, so {sources[1]} has nothing to compare with"
        judged.append(Judged(diff_, sources, verdicts, why if is_open else ""))
    present(_result(judged, against or "", exact=file.exact), to)
    present_plot(plot, [each.diff for each in judged], force=file.force)
    for each in judged:
        for verdict in each.verdicts:
            if verdict.is_broken:
                of = f"{each.sources[1]}: " if len(judged) > 1 else ""
                complain(f"{of}{verdict_text(verdict)}")
        if each.nothing_to_compare:
            complain(each.nothing_to_compare, "--allow-new accepts a new file")
    return LIMIT_BROKEN if any(each.is_broken for each in judged) else 0


def _result(judged: list[Judged], against: str, *, exact: bool) -> Result:
    """The diff, or several, in the forms of all formats."""
    from groupconv_cli.cli.present import Result
    from groupconv_cli.render.csv import csv_text
    from groupconv_cli.render.diff import diff_view, layers_view
    from groupconv_cli.render.diffs import all_layers_view, diffs_view
    from groupconv_cli.render.github_results import diff_github
    from groupconv_cli.render.json import diff_json, diffs_json

    workspace = os.environ.get("GITHUB_WORKSPACE")
    if len(judged) > 1:
        return Result(
            view=lambda nested: diffs_view(judged, against, exact=exact),
            documents={
                "json": lambda: diffs_json(judged, against),
                "csv": lambda: csv_text(all_layers_view(judged)),
                "github": lambda: diff_github(judged, workspace),
            },
        )
    (only,) = judged
    return Result(
        view=lambda nested: diff_view(only.diff, only.verdicts, sources=only.sources, exact=exact),
        documents={
            "json": lambda: diff_json(only.diff, only.verdicts, only.sources),
            "csv": lambda: csv_text(layers_view(only.diff)),
            "github": lambda: diff_github(judged, workspace),
        },
    )
