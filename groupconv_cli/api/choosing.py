"""Choosing: the best group counts within budgets, and the spec that has them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import cache
from numbers import Integral
from pathlib import Path
from typing import TYPE_CHECKING, Any

from groupconv_cli.analysis.search.report import SearchReport
from groupconv_cli.api.arguments import measure_settings
from groupconv_cli.api.reading import network_of
from groupconv_cli.dtypes import DEFAULT
from groupconv_cli.errors import UsageError
from groupconv_cli.language.spec_file import SpecFile
from groupconv_cli.network import refuse_foreign
from groupconv_cli.policy.choosing import TIME_LIMIT
from groupconv_cli.policy.times import TIMES
from groupconv_cli.words import joined

if TYPE_CHECKING:
    from groupconv_cli.analysis.measurement import MeasureSettings, Progress
    from groupconv_cli.analysis.regroup import Count
    from groupconv_cli.analysis.search.times import Taken
    from groupconv_cli.api.reading import AnySpec
    from groupconv_cli.benchmark.candidates import CandidateTimer
    from groupconv_cli.sources.open import Opened, Settings


def search(
    spec: AnySpec,
    budget: Mapping[str, float | str],
    *,
    keep: str = "connections",
    per: str = "item",
    groups: Iterable[Count] | Count | None = None,
    only: str | None = None,
    except_: str | None = None,
    allow_unmixed: bool = False,
    frontier: int | None = None,
    time_limit: float = TIME_LIMIT,
    dtype: str | None = None,
    measuring: MeasureSettings | None = None,
    fresh: bool = False,
    progress: Progress | None = None,
    note: Callable[[str], None] | None = None,
) -> SearchReport:
    """The group counts that keep most within budgets, with the proof that none keep more.

    `budget` has limits on params, macs, flops or memory: numbers, or text such as '2G' or '50%' of
    the network as written. Limits on time (inference of a batch) or train_time (forward and
    backward) are seconds, or text such as '20ms' or '50%'. `keep` says what is maximized:
    'connections' (minus the sum of log2 g over the convolutions), 'params' or 'macs'. None of them
    is accuracy. `per` says what shares a count: what one line of the spec makes ('item'), nothing
    ('layer'), or everything ('network').

    `groups` has the counts to choose from: numbers, ranges such as '2-8', 'depthwise', or one of
    these. Without it, or with 'all', they are all that divide the channels. `only` and `except_`
    are globs on full layer names; without `only` every convolution may change that does not read
    the input. Choices that break rule GC101 anew are excluded, unless `allow_unmixed`. `frontier`
    is a number of budgets to solve too. After `time_limit` seconds the best that was found is the
    result, and not `optimal`.

    For a limit on times, the network and its convolutions with every candidate are measured here,
    as `measuring` says; its dtype is `dtype`. Measured times are kept in the user's cache folder
    and read from there, unless `fresh`. The chosen network is measured too, beside the network as
    written. `progress` is as for `measure`; `note` takes remarks about the cache.

    The result's `network` has the chosen counts. `regroup` has the changes, for `load`.

    Raises the errors of `load`; UsageError if no convolution may change or an option means nothing;
    UnreachableBudget if no choice is within the budgets; EnvironmentProblem if highspy is missing;
    with a limit on times, the errors of `measure`.
    """
    from groupconv_cli.analysis.search.options import SearchOptions, check
    from groupconv_cli.analysis.search.search import search as search_network

    options = SearchOptions(
        keep=keep,
        per=per,
        only=only,
        except_=except_,
        groups=None if groups is None else _listed(groups),
        allow_unmixed=allow_unmixed,
        frontier=frontier,
        time_limit=time_limit,
        dtype=dtype,
    )
    network = network_of(spec)
    check(budget, options)
    if not is_timed(budget):
        if measuring is not None:
            raise UsageError("measuring needs a time budget", "for example budget={'time': '60%'}")
        return search_network(network, budget, options)

    refuse_foreign(network)
    settings = replace(measure_settings(measuring, "measuring"), dtype=dtype or DEFAULT)
    _refuse_untimed(settings, budget)

    @cache
    def timer() -> CandidateTimer:
        from groupconv_cli.runtime import load_keras

        load_keras()
        from groupconv_cli.benchmark.candidates import CandidateTimer

        return CandidateTimer(
            settings,
            fresh=fresh,
            progress=progress or (lambda what, done, total: None),
            note=note or (lambda message: None),
        )

    def timed(*given: Any) -> Taken:
        # Mistakes in the options are found before: then TensorFlow is not loaded.
        return timer()(*given)

    report = search_network(network, budget, options, timed)
    phases = {each.metric: TIMES[each.metric].phase for each in report.times}
    both = timer().both(network, report.network, list(phases.values()))
    times = []
    for each in report.times:
        before, after = both[phases[each.metric]]
        times.append(each._replace(measured_before=before, measured=after))
    return replace(report, times=tuple(times))


def is_timed(budget: object) -> bool:
    """Whether a time is limited, so that a search has to measure. `search` checks the rest."""
    return isinstance(budget, Mapping) and any(budget.get(name) is not None for name in TIMES)


def _listed(groups: Iterable[Count] | Count) -> list[Count]:
    """The counts, also of one alone and of NumPy, as Python's own numbers and texts."""
    each: Iterable[Any] = (
        groups if isinstance(groups, Iterable) and not isinstance(groups, str) else [groups]
    )
    return [int(count) if isinstance(count, Integral) else count for count in each]


def _refuse_untimed(settings: MeasureSettings, budget: Mapping[str, object]) -> None:
    """Raises UsageError for runtimes that cannot be timed for this budget."""
    if len(settings.runtimes) != 1:
        raise UsageError(
            f"a search has times of one runtime; got {joined(settings.runtimes)}",
            f"--runtime {settings.runtimes[0]}",
        )
    if budget.get("train_time") is not None and settings.runtimes[0] not in ("gconv", "keras"):
        raise UsageError(
            f"{settings.runtimes[0]} runs inference only, so it has no training time",
            "--max-time can be limited",
        )


def refuse_to_write(file: Opened, path: Path, *, force: bool) -> None:
    """Raises UsageError if no choice for this spec can be written to the path."""
    from shlex import quote

    from groupconv_cli.files import check_ending, check_output
    from groupconv_cli.sources.locate import YAML

    if not isinstance(file, SpecFile):
        raise UsageError(
            "-o writes a spec, and this is a Keras model",
            f"search a spec of it: gconv init {quote(file.name)} -o net.yaml; or leave -o out, and "
            "give the groups that the search has found to other commands by --regroup",
        )
    check_output(path, force=force)
    check_ending(path, "a spec", (*YAML, ""))


def write_choice(
    file: Opened,
    report: SearchReport,
    path: Path,
    *,
    settings: Settings | None = None,
    variant: str | None = None,
    force: bool = False,
) -> str | None:
    """Writes the spec with the chosen groups in its entry `groups:`. Everything else in it stays.

    Returns the variant of the spec that has these groups; None if the spec itself has them.

    Raises UsageError if the path exists and `force` is not given, or the spec cannot have them.
    """
    from groupconv_cli.sources.rewrite import write_with_groups

    refuse_to_write(file, path, force=force)
    if not isinstance(file, SpecFile):
        return None
    write_with_groups(file, report.network, path, settings=settings, variant=variant, force=force)
    return variant or file.implied_variant


MAX_PATTERNS = 4
"""The most patterns of a command that is shown."""


def how_to_use(file: Opened, report: SearchReport) -> str:
    """A sentence on what to do with a choice that was not written."""
    if isinstance(file, SpecFile):
        return "To write the spec with these groups, add: -o FILE.yaml"
    from shlex import join

    from groupconv_cli.analysis.patterns import patterns_of

    changes = {each.name: each.after for each in report.changes}
    others = [n.name for n in report.network.nodes if n.op.is_convolution and n.name not in changes]
    patterns = patterns_of(changes, others)
    if not 0 < len(patterns) <= MAX_PATTERNS:
        return "The counts by name are in --format json; --regroup NAME=N takes each of them."
    options = [word for key, count in patterns.items() for word in ("--regroup", f"{key}={count}")]
    return f"To use these groups in another command: {join(options)}"
