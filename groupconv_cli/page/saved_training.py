"""Accuracies that were saved as JSON, read again."""

from __future__ import annotations

from collections.abc import Callable

from groupconv_cli.analysis.significance import Difference, Verdict
from groupconv_cli.errors import UsageError
from groupconv_cli.ops.kinds import Value
from groupconv_cli.page.json_part import Part, WrongPart
from groupconv_cli.training.job import Outcome
from groupconv_cli.training.recipe import Recipe
from groupconv_cli.training.report import GroupTraining, TrainedData, TrainedRow
from groupconv_cli.training.run import Diversity, Run

RowOf = Callable[[Part], tuple[int, int | str, dict[str, Value], str | None]]
"""Finds the row that a part is of: its index, groups, settings and variant."""


def training_of(part: Part, row_of: RowOf) -> GroupTraining:
    """The accuracies. Raises WrongPart for what is missing or wrong."""
    data = part["data"]
    at_once = part.get("at_once")
    rows = tuple(_row(each, row_of) for each in part["rows"].items(least=1))
    if any(row.verdict for row in rows) and any(row.is_whole and not row.verdict for row in rows):
        raise WrongPart(f"{part.place}.rows must all have a verdict or none, unless a run was lost")
    return GroupTraining(
        data=TrainedData(
            name=data["name"].text(),
            digest=data["digest"].text(),
            samples=data["samples"].positive(),
            test_samples=data["test_samples"].positive(),
            classes=data["classes"].positive(),
        ),
        recipe=_recipe(part["recipe"]),
        seeds=part["seeds"].positive(),
        at_once=1 if at_once is None else at_once.positive(),
        rows=rows,
        complete=part["complete"].flag(),
    )


def _recipe(part: Part) -> Recipe:
    lr = part.get("lr")
    recipe = Recipe(
        steps=part["steps"].whole_or_none(),
        epochs=part["epochs"].whole_or_none(),
        batch=part["batch"].positive(),
        lr=None if lr is None else lr.above_zero(),
        weight_decay=part["weight_decay"].number(),
        optimizer=part["optimizer"].text(),
        runtime=part["runtime"].text(),
        dtype=part["dtype"].text_or_none(),
    )
    try:
        recipe.checked()
    except UsageError as error:
        raise WrongPart(f"{part.place}: {error.message}") from None
    return recipe


def _row(part: Part, row_of: RowOf) -> TrainedRow:
    index, groups, settings, variant = row_of(part)
    mean, interval, p = part.get("difference"), part.get("interval"), part.get("p")
    adjusted = part.get("p_adjusted")
    verdict = part["verdict"].one_of(*map(str, Verdict), None)
    outcomes = tuple(_outcome(each) for each in part["runs"].items())
    ends = None if interval is None else [each.number() for each in interval.items(least=2)]
    row = TrainedRow(
        row=index,
        groups=groups,
        settings=settings,
        variant=variant,
        outcomes=outcomes,
        lost={each["seed"].whole(): each["deaths"].positive() for each in part["lost"].items()},
        difference=None
        if mean is None
        else Difference(
            mean.number(),
            None if ends is None else (ends[0], ends[1]),
            None if p is None else p.number(),
        ),
        p=None if adjusted is None else adjusted.number(),
        verdict=None if verdict is None else Verdict(verdict),
    )
    if row.verdict and not row.is_whole:
        raise WrongPart(f"{part.place}.verdict must be null without runs, and if one was lost")
    return row


def _outcome(part: Part) -> Outcome:
    loss = part.get("loss")
    accuracy = part["accuracy"].number()
    if not 0 <= accuracy <= 1:
        raise WrongPart(f"{part.place}.accuracy must be from 0 to 1; got {accuracy}")
    run = Run(
        seed=part["seed"].whole(),
        accuracy=accuracy,
        loss=None if loss is None else loss.number(),
        steps=part["steps"].positive(),
        seconds=part["seconds"].above_zero(),
        diversity=_diversity(part.get("diversity")),
        untrained=_diversity(part.get("untrained")),
    )
    return Outcome(run, part["machine"].text())


def _diversity(part: Part | None) -> Diversity | None:
    if part is None:
        return None

    def number(name: str) -> float | None:
        found = part.get(name)
        return None if found is None else found.number()

    return Diversity(
        effective_rank=number("effective_rank"),
        width=part["width"].whole_or_none(),
        rank_share=number("rank_share"),
        within=number("within"),
        between=number("between"),
    )
