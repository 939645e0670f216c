"""Analysis: the costs of a network, with several numbers of groups, and beside another network."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from os import PathLike, fspath
from typing import TYPE_CHECKING, Any, NamedTuple

from groupconv_cli.analysis.regroup import regrouped_by_name
from groupconv_cli.analysis.report import Comparison, Summary, VariantComparison
from groupconv_cli.api.reading import network_of
from groupconv_cli.errors import SpecError, UsageError
from groupconv_cli.sources.open import open_pair, open_spec, silent

if TYPE_CHECKING:
    from groupconv_cli.analysis.diff import Diff
    from groupconv_cli.analysis.growth import LimitVerdict
    from groupconv_cli.analysis.regroup import Count
    from groupconv_cli.analysis.sweep import Sweep
    from groupconv_cli.api.reading import AnySpec
    from groupconv_cli.errors import Diagnostic
    from groupconv_cli.lint.report import CheckReport
    from groupconv_cli.policy.limits import GrowthLimit
    from groupconv_cli.sources.open import AnySource, Settings, Tell


def analyze(spec: AnySpec, *, dtype: str | None = None) -> Summary:
    """Shapes, parameters, MACs and memory of every layer and of the whole, with the g=1 baseline.

    `dtype` is the type of weights and activations: float32, float16, bfloat16 or float64. Without
    it a Keras model has those of its layers, and a spec float32. All numbers are for one sample.

    Raises the errors of `load`, and UsageError for an unknown dtype.
    """
    from groupconv_cli.analysis.summary import summarize

    return summarize(network_of(spec), dtype)


def compare(
    spec: AnySpec,
    groups: Iterable[int | str] | str = "all",
    *,
    only: str | None = None,
    except_: str | None = None,
    dtype: str | None = None,
) -> Comparison:
    """The network as written, at g = 1, and at each of `groups` ('all': every possible number).

    `only` is a glob on full layer names that chooses the convolutions whose groups vary, and
    `except_` a glob for convolutions that stay unchanged.

    Raises the errors of `load`, and UsageError if nothing can be varied or a number is below 1.
    """
    return group_sweep(spec, groups, only=only, except_=except_, dtype=dtype).report


def group_sweep(
    spec: AnySpec,
    groups: Iterable[int | str] | str = "all",
    *,
    only: str | None = None,
    except_: str | None = None,
    dtype: str | None = None,
) -> Sweep:
    """The result of `compare`, and the networks of its rows."""
    from groupconv_cli.analysis.sweep import sweep

    return sweep(network_of(spec), groups, only=only, except_=except_, dtype=dtype)


def compare_variants(
    spec: AnySource, *, settings: Settings | None = None, dtype: str | None = None
) -> VariantComparison:
    """Each variant of the spec, with its own g=1 baseline.

    The name of a bundled config may imply a variant; here it means the whole family. If a variant
    has mistakes, its row says why.

    Raises UsageError for a spec without variants, and the errors of `load` if every variant has
    them.
    """
    from groupconv_cli.analysis.variants import compare_networks

    file = open_spec(spec)
    return compare_networks(file.name, file.networks(settings), dtype)


def diff(old: AnySpec, new: AnySpec, *, dtype: str | None = None) -> Diff:
    """The changes from one network to another: layers added, removed and changed, and totals.

    Layers are matched by type and shape, not by name.

    Raises the errors of `load` for either, and UsageError for an unknown dtype.
    """
    from groupconv_cli.analysis.diff import diff_networks

    return diff_networks(network_of(old), network_of(new), dtype)


class SpecDiff(NamedTuple):
    """The changes between two specs, and the names of their sources."""

    report: Diff
    names: tuple[str, str]


def diff_specs(
    old: str | None,
    new: str | None,
    *,
    against: str | None = None,
    settings: tuple[Settings, Settings] = ({}, {}),
    variants: tuple[str | None, str | None] = (None, None),
    regroup: Mapping[str, Count] | None = None,
    dtype: str | None = None,
    trust: bool = False,
    note: Tell = silent,
    progress: Tell = silent,
) -> SpecDiff:
    """The result of `diff` for two specs, or with `against` for one spec since that git revision.

    `settings` and `variants` are those of the old and the new spec; `regroup` is for the new one.
    One SpecError has the mistakes of both.
    """
    from groupconv_cli.analysis.diff import diff_networks

    pair = open_pair(old, new, against=against, trust=trust, note=note)
    before, after = pair.networks(
        lambda file: file.network(settings[0], variants[0], progress=progress),
        lambda file: regrouped_by_name(
            file.network(settings[1], variants[1], progress=progress), regroup or {}
        ),
    )
    return SpecDiff(diff_networks(before, after, dtype), pair.names)


def diff_since(specs: Sequence[str | None], against: str, **options: Any) -> list[SpecDiff]:
    """The result of `diff_specs` for each spec since a git revision, with the same options.

    One SpecError has the mistakes of all.
    """
    found: list[SpecDiff] = []
    mistakes: list[Diagnostic] = []
    for spec in specs:
        try:
            found.append(diff_specs(spec, None, against=against, **options))
        except SpecError as error:
            mistakes += error.diagnostics
    if mistakes:
        raise SpecError(*dict.fromkeys(mistakes))
    return found


def growth_limits(texts: Iterable[str]) -> tuple[GrowthLimit, ...]:
    """The limits that `--fail-if-larger` takes, such as 5% or macs=100M.

    Raises UsageError if a text is not a valid limit.
    """
    from groupconv_cli.policy.limits import parse_limits

    return parse_limits(texts)


def growth_verdicts(limits: Sequence[GrowthLimit], report: Diff) -> tuple[LimitVerdict, ...]:
    """Whether the totals of a diff have grown by more than the limits allow."""
    from groupconv_cli.analysis.growth import verdicts

    return verdicts(limits, report)


def check(
    *specs: str | PathLike[str],
    rules: Mapping[str, str] | None = None,
    budget: Mapping[str, int | str] | None = None,
    variant: str | None = None,
    settings: Settings | None = None,
    regroup: Mapping[str, Count] | None = None,
    dtype: str | None = None,
    strict: bool = False,
    trust: bool = False,
) -> CheckReport:
    """Checks specs: their mistakes, what rules find in them, and their budgets.

    A spec is a path, a folder, a glob, the name of a bundled config or `-`. Without specs, the
    current folder is checked. `rules` gives rules another level (off, warning or error) by their
    codes. `budget` has limits on params, macs, flops or memory, as numbers or text such as '30M'.
    Both override the specs. With `strict` warnings are errors, and with `trust` the code in a
    model's file may run. Mistakes in specs are in the report.

    Raises UsageError for an unknown rule, level, limit or dtype, SpecError for a mistake in a
    pyproject.toml.
    """
    from groupconv_cli.lint.check import CheckOptions, check_specs

    for spec in specs:
        given: object = spec
        if not isinstance(given, str | PathLike):
            raise UsageError(
                f"check takes paths and names of specs, got {type(given).__name__}",
                "it reports places in files; analyze takes networks, mappings and Keras models",
            )
    options = CheckOptions.read(
        rules=rules or {},
        budget=budget or {},
        variant=variant,
        settings=settings or {},
        regroup=regroup or {},
        dtype=dtype,
        strict=strict,
        trust=trust,
    )
    return check_specs([fspath(spec) for spec in specs], options)


def explain(code: str) -> str:
    """The page of a rule of `check` as Markdown: what it finds, why, and what to do.

    The code may be in small letters.

    Raises UsageError for an unknown code, EnvironmentProblem if Python runs without docstrings.
    """
    from groupconv_cli.lint.rules import explanation
    from groupconv_cli.policy.rules import rule_names

    large = code.upper()
    return explanation(large if large in rule_names() else code)
