"""`gconv report`: everything about a network as one page that opens in a browser."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from typing import TYPE_CHECKING, Annotated, Any

import typer

from groupconv_cli import api
from groupconv_cli.cli.budget import given_limits, with_budget
from groupconv_cli.cli.ending import end_interrupted, failed_rows
from groupconv_cli.cli.measure import measure_settings
from groupconv_cli.cli.options import (
    DEFAULT_READING,
    DTypeOption,
    ExceptOption,
    ForceOption,
    GroupsOption,
    OnlyOption,
    OutputOption,
    SpecOptions,
    complete_spec,
    parse_groups,
    parse_regroup,
    parse_settings,
)
from groupconv_cli.cli.run import command
from groupconv_cli.cli.train import DEFAULT_BENCH, BenchOptions, train_settings
from groupconv_cli.cli.vary import DEFAULT_VARYING, VaryOptions, check_varying, parse_vary
from groupconv_cli.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path


@command
@with_budget(more="Or a share of the network as written: 50%. Adds the result of a search.")
def report(
    specs: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[SPEC]",
            help="A spec's path, the name of a bundled config, or - for standard input; or a Keras "
            "model. Default: gconv.yaml in this folder, or else the bundled 'basic'. With --from: "
            "more files of results.",
            autocompletion=complete_spec,
            show_default=False,
        ),
    ] = None,
    groups: GroupsOption = None,
    only: OnlyOption = None,
    except_: ExceptOption = None,
    varying: VaryOptions = DEFAULT_VARYING,
    frontier: Annotated[
        int | None,
        typer.Option(
            "--frontier",
            metavar="N",
            min=2,
            help="With a budget: solve N budgets too, as gconv search does.",
            show_default=False,
        ),
    ] = None,
    saved: Annotated[
        list[str] | None,
        typer.Option(
            "--from",
            metavar="FILE",
            help="Make the page of results that were saved by --format json of summary, compare or "
            "search. More files may follow.",
            show_default=False,
        ),
    ] = None,
    reading: SpecOptions = DEFAULT_READING,
    dtype: DTypeOption = None,
    bench: BenchOptions = DEFAULT_BENCH,
    output: OutputOption = None,
    force: ForceOption = False,
    **limits: str | None,
) -> int:
    """Write everything about a network as one page: a file that any browser opens.

    It has the network's layers, totals beside the dense network, a drawing, the numbers of groups
    compared, what gconv check finds, memory over the layers, and reach. The file needs nothing else
    and asks nothing of any network. Charts need matplotlib.

    \b
    Examples:
      gconv report resnext50_32x4d -o report.html
      gconv report net.yaml --groups 1,4,8 --measure -o report.html
      gconv report resnet50 --max-macs 50% --frontier 6 -o report.html
      gconv report resnext --vary groups=1,8,32 --equal macs --by width -o report.html
      gconv report --from compare.json search.json -o report.html
    """
    from groupconv_cli.cli.output import note
    from groupconv_cli.cli.present import is_stdout

    path = None if is_stdout(output) else output
    if path is not None:
        from groupconv_cli.files import check_ending, check_output

        check_output(path, force=force)
        check_ending(path, "a page", (".html", ".htm", ""))
    elif output is None and sys.stdout.isatty():
        raise UsageError("a page is not for a terminal", "write it to a file: -o report.html")
    training = train_settings(bench, dtype)
    measuring = measure_settings(bench.measuring, dtype)
    check_varying(varying)
    if saved:
        _refuse_others(
            groups, only, except_, frontier, dtype, *limits.values(), *varying, *reading, *bench
        )
        content = api.saved_content([*saved, *(specs or ())])
        _write(api.page(content), path, force=force)
        return 0
    if specs and len(specs) > 1:
        raise UsageError(f"a page is of one spec; got {len(specs)}: {' '.join(specs)}")
    api.import_modules(reading.modules or (), note)
    file = api.open_spec(specs[0] if specs else None, trust=reading.trust, note=note)
    equal = None if varying.equal is None else (varying.equal.value, varying.by, varying.at_most)
    options: dict[str, Any] = {
        "groups": None if groups is None else parse_groups(groups),
        "patterns": (only, except_),
        "names": parse_vary(varying.vary),
        "wanted": equal,
        "budget": given_limits(limits),
        "frontier": frontier,
        "measuring": measuring,
        "data": bench.train,
        "training": training,
        "settings": parse_settings(reading.settings),
        "variant": reading.variant,
        "regroup": parse_regroup(reading.regroup),
        "dtype": dtype,
    }
    with ExitStack() as stack:
        from groupconv_cli.cli.progress import bar, spinner

        if measuring is None and training is None:
            options["tell"] = stack.enter_context(spinner())
        else:
            options["progress"] = stack.enter_context(bar())
        content = api.report_content(file, **options)
    _write(api.page(content), path, force=force)
    return _status(content, bench.results, is_there=path is not None and not force)


def _refuse_others(*given: object) -> None:
    if any(value is not None and value is not False for value in given):
        raise UsageError(
            "--from takes results as they were saved; other options of the network mean nothing "
            "with it, only -o and --force"
        )


def _write(text: str, path: Path | None, *, force: bool) -> None:
    from groupconv_cli.cli.output import write, write_sentences

    if path is None:
        write(text)
        return
    from groupconv_cli.files import written_whole

    with written_whole(path, force=force) as temporary:
        temporary.write_text(text, encoding="utf-8")
    write_sentences([f"Wrote {path}."])


def _status(content: api.Content, results: str | None, *, is_there: bool) -> int:
    """The exit status of `compare` with the same options.

    Raises the error that ended the training, once the page is written, and KeyboardInterrupt if
    something was interrupted. `results` and `is_there` are as for `end_interrupted`.
    """
    for _, _, trained in content.comparisons:
        if trained is not None and trained.problem is not None:
            raise trained.problem
    done = [content.layer_times, *(part for _, *parts in content.comparisons for part in parts)]
    if any(part is not None and not part.complete for part in done):
        training = next((trained for *_, trained in content.comparisons if trained), None)
        end_interrupted(training, results, is_there=is_there)
    return max(
        (
            failed_rows(comparison, trained, is_shown=False)
            for comparison, _, trained in content.comparisons
        ),
        default=0,
    )
