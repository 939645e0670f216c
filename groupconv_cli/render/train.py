"""Accuracies after training as tables and sentences beside the counts."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from groupconv_cli.analysis.report import Comparison, VariantComparison
from groupconv_cli.analysis.significance import Verdict
from groupconv_cli.render.labels import label_columns, label_text, labelled
from groupconv_cli.render.view import Cell, Column, Interval, Row, Table, cell_text
from groupconv_cli.training.report import GroupTraining, TrainedRow
from groupconv_cli.training.settings import SEEDS
from groupconv_cli.units import interval_text, points_text
from groupconv_cli.words import joined, plural

VARIANT = Column("Variant", key="variant")

NO_QUALITY = (
    "Diversity is no measure of quality: with more groups the effective rank often rises while the "
    "accuracy falls."
)


DIVERGED = "the training diverged with every seed; a smaller --lr may help"


def trained_tables(
    training: GroupTraining, comparison: Comparison | VariantComparison
) -> tuple[Table, ...]:
    """The table of accuracies, and the one of diversities if they were measured."""
    label = _labels(comparison)
    labels = (VARIANT,) if isinstance(comparison, VariantComparison) else label_columns(comparison)
    tables = [
        Table(
            (*labels, *_columns(training, comparison)),
            tuple(label(row, _cells(row, training)) for row in training.rows),
            _title(training),
            has_notes=True,
            labels=len(labels),
        )
    ]
    if any(run.diversity for row in training.rows for run in row.runs):
        tables.append(
            Table(
                (*labels, *DIVERSITY),
                tuple(label(row, _diversity_cells(row)) for row in training.rows),
                "Diversity of the features on test data, no measure of quality",
                has_notes=True,
                labels=len(labels),
            )
        )
    return tuple(tables)


def _labels(
    comparison: Comparison | VariantComparison,
) -> Callable[[TrainedRow, tuple[Cell, ...]], Row]:
    """A function that makes a row with its label, or with the reason why it has no results."""

    def label(row: TrainedRow, cells: tuple[Cell, ...]) -> Row:
        made = (
            Row((row.variant, *cells))
            if isinstance(comparison, VariantComparison)
            else labelled(comparison, row.row, cells)
        )
        if not row.lost:
            return made._replace(style="bad", note=DIVERGED) if row.has_diverged else made
        seed, deaths = next(iter(row.lost.items()))
        note = f"given up: {plural(deaths, 'worker')} died in the run with seed {seed}"
        if row.runs:
            mean = cell_text(row.accuracy, "accuracy_share", exact=False)
            note += f"; the mean of the other {plural(len(row.runs), 'run')} is {mean}"
        return made._replace(style="bad", note=note)

    return label


def _columns(
    training: GroupTraining, comparison: Comparison | VariantComparison
) -> tuple[Column, ...]:
    against = _against(comparison)
    seeds = plural(training.whole_seeds, "seed")
    columns = [
        Column("Accuracy", "accuracy_share", "accuracy"),
        Column("±", "spread", "std", of="Accuracy"),
        Column(f"vs {against[1]}", "points", "difference"),
        Column("95 % interval", "interval", "interval", drop=3),
        Column(
            "",
            "verdict",
            "verdict",
            of="Accuracy",
            legend=f"not shown: no difference is shown with {seeds}, which does not mean that "
            "there is none."
            if training.whole_seeds > 1
            and any(row.verdict is Verdict.NOT_SHOWN for row in training.rows)
            else "",
        ),
        Column("Loss", "decimal", "loss", drop=4),
    ]
    if len(training.machines) == 1:
        columns.append(Column("Train step", "seconds", "step_s", drop=5))
    return tuple(columns)


DIVERSITY = (
    Column("Effective rank", "decimal", "effective_rank"),
    Column("of width", "percent", "rank_share"),
    Column("untrained", "percent", "untrained_rank_share", drop=1, of="Effective rank"),
    Column("Corr. within", "decimal", "within", drop=2),
    Column("untrained", "decimal", "untrained_within", drop=4, of="Corr. within"),
    Column("between", "decimal", "between", drop=3, of="Corr."),
    Column("untrained", "decimal", "untrained_between", drop=5, of="Corr. between"),
)


def _against(comparison: Comparison | VariantComparison) -> tuple[str, str]:
    """What differences are to, in a sentence and as a heading."""
    if isinstance(comparison, VariantComparison):
        first = next(row.variant for row in comparison.rows if row.valid)
        return first, "first"
    if comparison.is_varied:
        return "the network as written", "written"
    return "g=1", "g=1"


def _cells(row: TrainedRow, training: GroupTraining) -> tuple[Cell, ...]:
    found = row.difference
    cells: tuple[Cell, ...] = (
        row.accuracy,
        row.std,
        None if found is None else found.mean,
        None if found is None or found.interval is None else Interval(*found.interval),
        row.verdict,
        row.loss,
    )
    return (*cells, row.step_s) if len(training.machines) == 1 else cells


def _diversity_cells(row: TrainedRow) -> tuple[Cell, ...]:
    trained, untrained = row.diversity, row.untrained
    if trained is None or untrained is None:
        return (None,) * len(DIVERSITY)
    return (
        trained.effective_rank,
        trained.rank_share,
        untrained.rank_share,
        trained.within,
        untrained.within,
        trained.between,
        untrained.between,
    )


def _title(training: GroupTraining) -> str:
    data, recipe = training.data, training.recipe
    length = (
        plural(recipe.epochs, "epoch")
        if recipe.epochs is not None
        else plural(recipe.steps or 0, "step")
    )
    return (
        f"Trained on {data.name} · {data.samples:,} samples, {data.classes} classes · {length} of "
        f"{recipe.batch} · {recipe.optimizer}, lr {recipe.lr:g} · tested on {data.test_samples:,}"
    )


def trained_notes(
    training: GroupTraining, comparison: Comparison | VariantComparison
) -> Iterator[str]:
    """How the accuracies were compared, and what they are not."""
    against, _ = _against(comparison)
    # Rows with the same network have the same runs, and are one test.
    tests = len({row.runs for row in training.rows if row.p is not None})
    seeds = plural(training.whole_seeds, "seed")
    adjusted = f", with Holm's adjustment for {tests} rows" if tests > 1 else ""
    is_compared = any(row.verdict is Verdict.REFERENCE for row in training.rows)
    if training.whole_seeds > 1:
        compared = (
            f" Differences to {against} are in percentage points, with the 95 % interval of each "
            f"by itself. Words are by Welch's test at 5 %{adjusted}."
        )
        yield f"Means and standard deviations of {seeds}.{compared if is_compared else ''}"
    elif training.whole_seeds == 1 and is_compared:
        yield (
            f"One seed: differences to {against} are in percentage points, and none is shown. With "
            f"--seeds {SEEDS} or more there is a test."
        )
    if training.whole_seeds and not is_compared:
        yield f"A run of {against} was given up, so no row is compared with it."
    if training.whole_seeds > 1 and any(
        row.difference is not None and row.difference.interval is None for row in training.rows
    ):
        yield (
            f"A row without an interval: its accuracy does not vary with the seed, and that of "
            f"{against} does not either, so there is no test."
        )
    if any(run.has_diverged for row in training.rows if not row.has_diverged for run in row.runs):
        yield (
            "A row without a loss: its training diverged with some seeds, and outputs that are not "
            "finite count as wrong. A smaller --lr may help."
        )
    if len(training.machines) > 1:
        yield "Several machines trained, so their times are not compared."
    elif training.at_once > 1:
        yield f"Up to {training.at_once} runs were trained at once, which makes steps slower."
    if any(run.diversity for row in training.rows for run in row.runs):
        yield NO_QUALITY
    if not training.complete:
        ended = "Interrupted" if training.problem is None else "Ended by an error"
        yield (
            f"{ended}: only seeds with which every row was trained are counted."
            if training.whole_seeds
            else f"{ended} before every row was trained once."
        )


def trained_conclusions(
    training: GroupTraining, comparison: Comparison | VariantComparison
) -> Iterator[str]:
    """What is shown, and what is not."""
    against, _ = _against(comparison)
    label = _labels(comparison)
    rows = [row for row in training.rows if not label(row, ()).is_double]
    for word in (Verdict.HIGHER, Verdict.LOWER):
        for row in rows:
            if row.verdict is word and row.difference is not None:
                points = points_text(abs(row.difference.mean)).lstrip("+")
                yield (
                    f"The accuracy of {_name(row)} is {word} than that of {against}, by {points} "
                    "percentage points."
                )
    unsure = [
        f"{_name(row)} ({interval_text(row.difference.interval)})"
        for row in rows
        if row.verdict is Verdict.NOT_SHOWN and row.difference and row.difference.interval
    ]
    if unsure:
        yield (
            f"No difference to {against} is shown with {plural(training.whole_seeds, 'seed')} for "
            f"{joined(unsure)}. In brackets are the 95 % intervals, in percentage points."
        )


def _name(row: TrainedRow) -> str:
    if row.variant is not None:
        return row.variant
    return label_text(row.groups, row.settings) or str(row.groups)
