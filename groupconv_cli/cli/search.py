"""`gconv search`: the best group counts within budgets."""

from __future__ import annotations

import shlex
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from groupconv_cli import api
from groupconv_cli.cli.budget import given_limits, with_budget
from groupconv_cli.cli.options import (
    DEFAULT_READING,
    DTypeOption,
    ExactOption,
    ForceOption,
    Format,
    PlotOption,
    SpecArgument,
    SpecOptions,
    file_name,
    members,
    parse_groups,
    parse_regroup,
    parse_settings,
)
from groupconv_cli.cli.run import command
from groupconv_cli.cli.timing import DEFAULT_TIMING, TimingOptions, timing_settings
from groupconv_cli.errors import UsageError
from groupconv_cli.policy.choosing import KEEP, PER, TIME_LIMIT
from groupconv_cli.policy.times import TIMES
from groupconv_cli.render import formats
from groupconv_cli.words import joined


class Keep(StrEnum):
    """What is maximized."""

    vars().update(members(KEEP))


class Per(StrEnum):
    """What shares a count."""

    vars().update(members(PER))


DEFAULT_KEEP, DEFAULT_PER = Keep(next(iter(KEEP))), Per(next(iter(PER)))


@command
@with_budget(
    more="Or a share of the network as written: 50%.",
    metavar="AMOUNT|PERCENT",
    times=True,
)
def search(
    spec: SpecArgument = None,
    keep: Annotated[
        Keep,
        typer.Option(
            "--keep",
            metavar="WHAT",
            help=f"{joined(list(KEEP), 'or')}: what to keep most of. Connections are counted by "
            "halvings: minus the sum of log2 g over the convolutions.",
        ),
    ] = DEFAULT_KEEP,
    per: Annotated[
        Per,
        typer.Option(
            "--per",
            metavar="WHAT",
            help=f"{joined(list(PER), 'or')}: what shares a number of groups. An item is what one "
            "line of the spec makes.",
        ),
    ] = DEFAULT_PER,
    groups: Annotated[
        str | None,
        typer.Option(
            "--groups",
            "-g",
            metavar="N,N,…|all",
            help="Numbers of groups to choose from. A range such as 2-8 and depthwise are possible "
            "too. Default: every number that divides the channels.",
            show_default=False,
        ),
    ] = None,
    only: Annotated[
        str | None,
        typer.Option(
            "--only",
            metavar="PATTERN",
            help="Change only convolutions whose full names match this glob. Default: all that do "
            "not read the input.",
            show_default=False,
        ),
    ] = None,
    except_: Annotated[
        str | None,
        typer.Option(
            "--except",
            metavar="PATTERN",
            help="Leave convolutions unchanged whose full names match this glob.",
            show_default=False,
        ),
    ] = None,
    allow_unmixed: Annotated[
        bool,
        typer.Option(
            "--allow-unmixed",
            help="Allow choices that break rule GC101: nothing mixes the groups of two "
            "convolutions.",
        ),
    ] = False,
    frontier: Annotated[
        int | None,
        typer.Option(
            "--frontier",
            metavar="N",
            min=2,
            help="Solve N budgets too, from the least possible to the largest that matters. With "
            "several limits, the first of the table varies.",
            show_default=False,
        ),
    ] = None,
    time_limit: Annotated[
        float,
        typer.Option(
            "--time-limit",
            metavar="SECONDS",
            help="After this time of searching, print the best that was found. Above 0.",
        ),
    ] = TIME_LIMIT,
    reading: SpecOptions = DEFAULT_READING,
    dtype: DTypeOption = None,
    timing: TimingOptions = DEFAULT_TIMING,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            parser=file_name,
            help="Write the spec with the chosen groups to a file. Everything else in it stays.",
            show_default=False,
        ),
    ] = None,
    plot: PlotOption = None,
    force: ForceOption = False,
    output_format: Annotated[
        Format | None,
        typer.Option(
            "--format",
            "-f",
            metavar="FORMAT",
            help=f"{joined(formats.NAMES, 'or')}. Default: {formats.DEFAULT.name}.",
            show_default=False,
        ),
    ] = None,
    exact: ExactOption = False,
    **limits: str | None,
) -> int:
    """Find the numbers of groups that keep most within budgets, and prove it.

    Every convolution gets a number of groups, except those that read the input. Of all choices
    within the budgets, the best is found by a solver of integer programs (HiGHS), with a proof that
    no other has a larger value. The value is a count of connections, params or MACs. It says
    nothing about accuracy.

    For a limit on times, the network and its convolutions with every possible count are measured
    here. The time of a choice is predicted from these, and then measured too.

    Kept: the share of a dense convolution's connections. Choices that break rule GC101 where the
    network as written does not are excluded.

    Exit status: 1 if no choice is within the budgets.

    \b
    Examples:
      gconv search resnet50 --max-macs 50% --groups 1,2,4,8
      gconv search net.yaml --max-macs 50% --max-params 10M --per layer -o smaller.yaml
      gconv search net.yaml --max-macs 50% --frontier 6
      gconv search net.yaml --max-macs 1G --only 'stage_*' --keep params
      gconv search net.yaml --max-time 60% --batch 4
    """
    from groupconv_cli.cli.output import note
    from groupconv_cli.cli.present import (
        Destination,
        Result,
        checked_plot,
        is_stdout,
        present,
        present_plot,
    )
    from groupconv_cli.cli.progress import bar, spinner
    from groupconv_cli.render.search import search_view
    from groupconv_cli.render.search_json import search_json

    if is_stdout(output):
        raise UsageError("-o writes a spec into a file: -o net.yaml; the result is on stdout")
    to = Destination(output_format, None, force, exact)
    checked_plot(plot, output, force=force)
    budget = given_limits(limits)
    timed = any(name in budget for name in TIMES)
    measuring = timing_settings(timing, dtype, timed=timed)
    api.import_modules(reading.modules or (), note)
    file = api.open_spec(spec, trust=reading.trust, note=note)
    if output is not None:
        api.refuse_to_write(file, output, force=force)
    settings = parse_settings(reading.settings)
    regroup = parse_regroup(reading.regroup)
    options: dict[str, Any] = {
        "keep": keep,
        "per": per,
        "groups": None if groups is None else parse_groups(groups),
        "only": only,
        "except_": except_,
        "allow_unmixed": allow_unmixed,
        "frontier": frontier,
        "time_limit": time_limit,
        "dtype": dtype,
    }
    with spinner() as show:
        network = api.load(
            file, settings=settings, variant=reading.variant, regroup=regroup, progress=show
        )
        if not timed:
            show("gconv: Searching")
            report = api.search(network, budget, **options)
    if timed:
        said: list[str] = []
        with bar() as progress:
            report = api.search(
                network,
                budget,
                **options,
                measuring=measuring,
                fresh=timing.fresh,
                progress=progress,
                note=said.append,
            )
        for remark in said:  # not while the bar is shown
            note(remark)
    if output is None:
        following = api.how_to_use(file, report)
    else:
        variant = api.write_choice(
            file, report, output, settings=settings, variant=reading.variant, force=force
        )
        note(f"wrote {output}")
        words = [] if variant is None else ["--variant", variant]
        for setting in reading.settings or ():
            words += ["--set", setting]
        following = f"Next: {shlex.join(['gconv', 'build', str(output), *words])}"
    result = Result(
        view=lambda nested: search_view(report, following, exact=exact),
        documents={"json": lambda: search_json(report)},
    )
    present(result, to)
    present_plot(plot, report, force=force)
    if any(each.measured is None for each in report.times):
        raise KeyboardInterrupt
    return 0
