"""Choosing: the best group counts within budgets, and the spec that has them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from groupconv_cli.analysis.search.report import SearchReport
from groupconv_cli.api.reading import network_of
from groupconv_cli.errors import UsageError
from groupconv_cli.language.spec_file import SpecFile
from groupconv_cli.policy.choosing import TIME_LIMIT

if TYPE_CHECKING:
    from groupconv_cli.analysis.regroup import Count
    from groupconv_cli.api.reading import AnySpec
    from groupconv_cli.sources.open import Opened, Settings


def search(
    spec: AnySpec,
    budget: Mapping[str, int | str],
    *,
    keep: str = "connections",
    per: str = "item",
    groups: Collection[Count] | None = None,
    only: str | None = None,
    except_: str | None = None,
    allow_unmixed: bool = False,
    frontier: int | None = None,
    time_limit: float = TIME_LIMIT,
    dtype: str = "float32",
) -> SearchReport:
    """The group counts that keep most within budgets, with the proof that none keep more.

    `budget` has limits on params, macs, flops or memory: numbers, or text such as '2G' or '50%' of
    the network as written. `keep` says what is maximized: 'connections' (minus the sum of log2 g
    over the convolutions), 'params' or 'macs'. None of them is accuracy. `per` says what shares a
    count: what one line of the spec makes ('item'), nothing ('layer'), or everything ('network').

    `groups` has the counts to choose from: numbers, ranges such as '2-8', 'depthwise'. Without it
    they are all that divide the channels. `only` and `except_` are globs on full layer names;
    without `only` every convolution may change that does not read the input. Choices that break
    rule GC101 anew are excluded, unless `allow_unmixed`. `frontier` is a number of budgets to solve
    too. After `time_limit` seconds the best that was found is the result, and not `optimal`.

    The result's `network` has the chosen counts. `regroup` has the changes, for `load`.

    Raises the errors of `load`; UsageError if no convolution may change or an option means nothing;
    UnreachableBudget if no choice is within the budgets; EnvironmentProblem if highspy is missing.
    """
    from groupconv_cli.analysis.search.search import SearchOptions
    from groupconv_cli.analysis.search.search import search as search_network

    options = SearchOptions(
        keep=keep,
        per=per,
        only=only,
        except_=except_,
        groups=groups,
        allow_unmixed=allow_unmixed,
        frontier=frontier,
        time_limit=time_limit,
        dtype=dtype,
    )
    return search_network(network_of(spec), budget, options)


def refuse_to_write(file: Opened, path: Path, *, force: bool) -> None:
    """Raises UsageError if a choice for this spec cannot be written to the path."""
    from groupconv_cli.files import refuse_existing

    if not isinstance(file, SpecFile):
        raise UsageError(
            "-o writes a spec, and this is a Keras model",
            "leave -o out; --regroup gives a command the groups that the search has found",
        )
    refuse_existing(path, force=force)


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
