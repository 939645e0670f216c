"""Accuracies after training as a part of JSON documents. `docs/json.md` describes them."""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from groupconv_cli.training.job import Outcome
    from groupconv_cli.training.report import GroupTraining, TrainedRow
    from groupconv_cli.training.run import Diversity


def trained_groups(training: GroupTraining) -> dict[str, Any]:
    """The accuracies of the rows of a comparison. Accuracies are fractions of 1."""
    from dataclasses import asdict

    is_varied = any(row.settings for row in training.rows)
    return {
        "complete": training.complete,
        "data": asdict(training.data),
        "recipe": training.recipe._asdict(),
        "seeds": training.seeds,
        "at_once": training.at_once,
        "rows": [_row(row, is_varied=is_varied) for row in training.rows],
    }


def _row(row: TrainedRow, *, is_varied: bool) -> dict[str, Any]:
    found = row.difference
    label = {"groups": row.groups} if row.variant is None else {"variant": row.variant}
    return {
        **({"settings": dict(row.settings)} if is_varied else {}),
        **label,
        "runs": [_run(outcome) for outcome in row.outcomes],
        "lost": [{"seed": seed, "deaths": deaths} for seed, deaths in row.lost.items()],
        "accuracy": row.accuracy,
        "std": row.std,
        "loss": row.loss,
        "step_s": row.step_s,
        "difference": None if found is None else found.mean,
        "interval": None if found is None or found.interval is None else list(found.interval),
        "p": None if found is None else found.p,
        "p_adjusted": row.p,
        "verdict": None if row.verdict is None else str(row.verdict),
    }


def _run(outcome: Outcome) -> dict[str, Any]:
    run = outcome.run
    return {
        "seed": run.seed,
        "accuracy": run.accuracy,
        "loss": run.loss,
        "steps": run.steps,
        "seconds": run.seconds,
        "machine": outcome.machine,
        "diversity": _diversity(run.diversity),
        "untrained": _diversity(run.untrained),
    }


def _diversity(found: Diversity | None) -> dict[str, Any] | None:
    if found is None:
        return None
    return {
        name: None if number is None or not isfinite(number) else number
        for name, number in found._asdict().items()
    }
