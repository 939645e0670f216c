"""The options --max-…: one for each metric that a budget may limit."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Annotated, ParamSpec

import typer

from groupconv_cli.policy.times import TIMES, TimeInfo
from groupconv_cli.policy.totals import BUDGETED, METRICS, TotalInfo

P = ParamSpec("P")

BUDGET_OPTIONS = {f"max_{name}": name for name in (*BUDGETED, *TIMES)}
"""The metric that each parameter limits."""


def with_budget(
    *, more: str, metavar: str = "AMOUNT", times: bool = False
) -> Callable[[Callable[P, int]], Callable[P, int]]:
    """Gives a command an option --max-… for each metric of budgets, in place of `**limits`.

    Typer makes options from the parameters of a signature. `more` is a sentence of their help.
    With `times`, there is one for each metric of TIMES too.
    """

    def decorated(function: Callable[P, int]) -> Callable[P, int]:
        signature = inspect.signature(function, eval_str=True)
        first, *rest, _ = signature.parameters.values()
        infos: dict[str, TotalInfo | TimeInfo] = {name: METRICS[name] for name in BUDGETED}
        if times:
            infos |= TIMES
        options = [
            first.replace(
                name=parameter, annotation=_limit_of(name, infos[name], more, metavar), default=None
            )
            for parameter, name in BUDGET_OPTIONS.items()
            if name in infos
        ]
        parameters = (first, *options, *rest)
        function.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
        return function

    return decorated


def given_limits(limits: Mapping[str, str | None]) -> dict[str, str]:
    """The limits that were given, by metric."""
    each = {name: limits.get(parameter) for parameter, name in BUDGET_OPTIONS.items()}
    return {name: text for name, text in each.items() if text is not None}


def _limit_of(name: str, metric: TotalInfo | TimeInfo, more: str, metavar: str) -> object:
    if isinstance(metric, TimeInfo):
        said = f"The most {metric.title}, measured here: {metric.what}, such as {metric.example}."
    else:
        example = metric.example + " or 190MiB" * metric.is_bytes
        said = f"The most {metric.title} allowed, such as {example}."
    option = typer.Option(
        f"--max-{name.replace('_', '-')}",
        metavar=metavar,
        help=f"{said} {more}",
        show_default=False,
    )
    return Annotated[str | None, option]
