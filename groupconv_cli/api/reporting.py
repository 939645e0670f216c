"""Reporting: everything about a network as one page that opens in a browser."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from os import PathLike
from typing import TYPE_CHECKING

from groupconv_cli.api.analyzing import analyze, group_sweep
from groupconv_cli.api.arguments import measure_settings, train_settings
from groupconv_cli.api.reading import load
from groupconv_cli.errors import UsageError
from groupconv_cli.language.spec_file import SpecFile
from groupconv_cli.network import Network
from groupconv_cli.sources.open import open_spec, silent

if TYPE_CHECKING:
    from groupconv_cli.analysis.measurement import MeasureSettings, Progress
    from groupconv_cli.analysis.regroup import Count
    from groupconv_cli.analysis.search.report import SearchReport
    from groupconv_cli.analysis.sweep import Sweep
    from groupconv_cli.api.reading import AnySpec
    from groupconv_cli.page.content import Content
    from groupconv_cli.sources.open import Opened, Settings, Tell
    from groupconv_cli.training.settings import TrainSettings

    Wanted = tuple[str, str | None, bool]
    """The metric that is equal in all rows, the variable for it, and whether it is the most."""


def report(
    spec: AnySpec,
    *,
    groups: Iterable[int | str] | str | None = None,
    only: str | None = None,
    except_: str | None = None,
    vary: Mapping[str, Iterable[object]] | None = None,
    equal: str | None = None,
    by: str | None = None,
    at_most: bool = False,
    budget: Mapping[str, float | str] | None = None,
    frontier: int | None = None,
    measuring: MeasureSettings | None = None,
    data: str | PathLike[str] | None = None,
    training: TrainSettings | None = None,
    settings: Settings | None = None,
    variant: str | None = None,
    regroup: Mapping[str, Count] | None = None,
    dtype: str | None = None,
    trust: bool = False,
    progress: Progress | None = None,
) -> str:
    """A page about the network: the text of one HTML file with everything inside.

    It has the results of `analyze` and `check`, a drawing, the memory over the layers, and the
    results of `compare`, or with `vary` or `equal` those of `vary` or `equal_cost`. With a `budget`
    it has the results of `search`, and with a `frontier` so many budgets. With `measuring` layers
    and rows are timed; with `data` rows are trained as `training` says. `progress` is as for
    `measure`. The other arguments are those of `load`, `compare` and `vary`.

    Charts need matplotlib; without it the page says so.

    Raises the errors of these functions, and EnvironmentProblem if Jinja2 is not installed.
    """
    if equal is None and (by is not None or at_most):
        given = "at_most" if by is None else "by"
        raise UsageError(f"{given} needs equal, the cost that all rows are to have")
    wanted = None if equal is None else (equal, by, at_most)
    return page(
        report_content(
            spec,
            groups=groups,
            patterns=(only, except_),
            names=vary or {},
            wanted=wanted,
            budget=budget,
            frontier=frontier,
            measuring=measuring,
            data=data,
            training=training,
            settings=settings,
            variant=variant,
            regroup=regroup,
            dtype=dtype,
            trust=trust,
            progress=progress,
        )
    )


def report_content(
    spec: AnySpec,
    *,
    groups: Iterable[int | str] | str | None = None,
    patterns: tuple[str | None, str | None] = (None, None),
    names: Mapping[str, Iterable[object]] | None = None,
    wanted: Wanted | None = None,
    budget: Mapping[str, float | str] | None = None,
    frontier: int | None = None,
    measuring: MeasureSettings | None = None,
    data: str | PathLike[str] | None = None,
    training: TrainSettings | None = None,
    settings: Settings | None = None,
    variant: str | None = None,
    regroup: Mapping[str, Count] | None = None,
    dtype: str | None = None,
    trust: bool = False,
    tell: Tell = silent,
    progress: Progress | None = None,
) -> Content:
    """What the page of `report` is made of. `patterns` are `only` and `except_`.

    `names` is `vary`, and `wanted` has the metric of `equal`, `by` and `at_most`.
    """
    from groupconv_cli.api.training import NEEDED
    from groupconv_cli.lint.check import check_network
    from groupconv_cli.page.content import Content
    from groupconv_cli.runtime import require

    require("jinja2")  # before any work is done
    if frontier is not None and not budget:
        raise UsageError("a frontier needs a budget", "half of the MACs: --max-macs 50%")
    if measuring is not None:
        measuring = measure_settings(measuring, "measuring")
    if training is not None:
        require(*NEEDED)
        training = train_settings(training, "training")
        if data is None:
            raise UsageError("training says how to train, and there is no data", "data='mnist1d'")
    file = None if isinstance(spec, Network) else open_spec(spec, trust=trust)
    network = (
        spec
        if isinstance(spec, Network)
        else load(file, settings=settings, variant=variant, regroup=regroup, progress=tell)
    )
    computed = measuring.dtype if measuring else training.recipe.dtype if training else dtype
    tell("gconv: Comparing")
    remarks: list[str] = []
    swept = _swept(
        *(network, file, groups, patterns, names or {}, wanted),
        *(settings, variant, regroup, computed, remarks, tell),
    )
    if swept is None and (measuring or data) and remarks:
        raise UsageError(remarks[0])
    searches: tuple[SearchReport, ...] = ()
    if budget:
        from groupconv_cli.api.choosing import is_timed, search

        tell("gconv: Searching")
        timing = measuring if is_timed(budget) else None
        searches = (search(network, budget, frontier=frontier, dtype=dtype, measuring=timing),)
    measured = layer_times = trained = None
    if measuring is not None and swept is not None:
        from groupconv_cli.api.measuring import measure_layers, measured_sweep

        measured = measured_sweep(swept, measuring, progress)
        if measured.complete:
            layer_times = measure_layers(network, settings=measuring, progress=progress)
    if data is not None and swept is not None:
        from groupconv_cli.api.training import trained_sweep

        trained = trained_sweep(swept, data, training, progress)
    return Content(
        title=network.name,
        origin=_origin(file, network),
        summary=analyze(network, dtype=computed),
        layer_times=layer_times,
        network=network,
        dtype=computed,
        text=file.source.text if isinstance(file, SpecFile) else "",
        comparisons=() if swept is None else ((swept.report, measured, trained),),
        searches=searches,
        check=check_network(network, file, settings=settings, variant=variant, dtype=computed),
        remarks=tuple(remarks),
    )


def _swept(
    network: Network,
    file: Opened | None,
    groups: Iterable[int | str] | str | None,
    patterns: tuple[str | None, str | None],
    names: Mapping[str, Iterable[object]],
    wanted: Wanted | None,
    settings: Settings | None,
    variant: str | None,
    regroup: Mapping[str, Count] | None,
    dtype: str | None,
    remarks: list[str],
    tell: Tell,
) -> Sweep | None:
    """The comparison. If nobody asked for it and none is possible, a remark says why."""
    only, except_ = patterns
    if names or wanted:
        from groupconv_cli.api.varying import vary_sweep

        if file is None:
            raise UsageError(
                "a network has no variables to vary", "give the spec that it is made of"
            )
        return vary_sweep(
            file,
            names,
            wanted,
            groups=groups,
            only=only,
            except_=except_,
            settings=settings,
            variant=variant,
            regroup=regroup,
            dtype=dtype,
            tell=tell,
        )
    if groups is None and only is None and except_ is None:
        try:
            return group_sweep(network, ["all"], dtype=dtype)
        except UsageError as error:
            remarks.append(f"Numbers of groups are not compared: {error.message}.")
            return None
    counts = ["all"] if groups is None else groups
    return group_sweep(network, counts, only=only, except_=except_, dtype=dtype)


def _origin(file: Opened | None, network: Network) -> str:
    if file is None or file.source.name == network.name:
        return ""
    return f"Made from {file.source.name}."


def saved_content(paths: Sequence[str | PathLike[str]]) -> Content:
    """What the page of `saved_report` is made of."""
    from groupconv_cli.page.saved import saved
    from groupconv_cli.runtime import require

    require("jinja2")
    return saved(paths)


def saved_report(*paths: str | PathLike[str]) -> str:
    """A page of results that were saved: files that `--format json` has written.

    They are results of `summary`, `compare`, `compare --variants` and `search`.

    Raises UsageError for a file that is not such a result.
    """
    return page(saved_content(paths))


def page(content: Content) -> str:
    """The page of this content, as the text of an HTML file."""
    from groupconv_cli.page.write import page_of

    return page_of(content)
