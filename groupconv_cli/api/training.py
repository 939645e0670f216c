"""Training: what the rows of a comparison lose or gain in accuracy on data of the user."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from groupconv_cli.analysis.report import AS_WRITTEN
from groupconv_cli.api.analyzing import group_sweep
from groupconv_cli.api.arguments import train_settings
from groupconv_cli.errors import SpecError, UsageError
from groupconv_cli.network import refuse_foreign
from groupconv_cli.runtime import FRAMEWORK, require
from groupconv_cli.sources.open import open_spec

if TYPE_CHECKING:
    from groupconv_cli.analysis.measurement import Progress
    from groupconv_cli.analysis.report import VariantComparison
    from groupconv_cli.analysis.sweep import Sweep
    from groupconv_cli.api.reading import AnySpec
    from groupconv_cli.sources.open import AnySource, Settings
    from groupconv_cli.training.bench import Entry
    from groupconv_cli.training.report import GroupTraining
    from groupconv_cli.training.settings import TrainSettings

    Source = str | os.PathLike[str]
    """The data: a path, or mnist1d."""

NEEDED = (*FRAMEWORK, "psutil")
"""The packages without which no module of the training can be imported."""


def train(
    spec: AnySpec,
    data: Source,
    groups: Iterable[int | str] | str = "all",
    *,
    only: str | None = None,
    except_: str | None = None,
    settings: TrainSettings | None = None,
    progress: Progress | None = None,
) -> GroupTraining:
    """The rows of `compare`, each trained and tested on the data with several seeds.

    `data` is the path of a .npz file, of a folder with a folder per class or with IDX files, or
    'mnist1d', a small set that is generated. `settings` has the seeds, the recipe, the file of
    results, and where to train. `progress` is called with a description, the seconds that have
    passed, and the seconds that everything will take. With `workers` in the settings, a script must
    begin its work under `if __name__ == "__main__":`, because each worker reads it.

    Raises the errors of `compare`, UsageError for data that cannot be read or does not fit the
    network, and EnvironmentProblem if TensorFlow is missing, memory is short or a cluster fails.
    KeyboardInterrupt during the runs ends them, and the result is not `complete`. So does an error
    after every row was trained once; the result's `problem` is that error.
    """
    if settings is not None:
        require(*NEEDED)
        settings = train_settings(settings)
    dtype = settings.recipe.dtype if settings else None
    swept = group_sweep(spec, groups, only=only, except_=except_, dtype=dtype)
    return trained_sweep(swept, data, settings, progress)


def trained_sweep(
    swept: Sweep, data: Source, settings: TrainSettings | None, progress: Progress | None
) -> GroupTraining:
    """The rows of a sweep, trained and tested. Raises the errors of `train`."""
    require(*NEEDED)
    from groupconv_cli.training.bench import Entry

    report = swept.report
    entries = []
    for index, network in swept.networks:
        refuse_foreign(network)
        row = report.rows[index]
        parts = [f"{name}={value}" for name, value in row.settings.items()]
        if not parts or row.groups != AS_WRITTEN:
            parts.append(f"g={row.groups}" if isinstance(row.groups, int) else row.groups)
        entries.append(Entry(index, " ".join(parts), network, row.groups, row.settings))
    is_base = [entry.row == 0 if report.is_varied else entry.groups == 1 for entry in entries]
    return _trained(entries, is_base.index(True), data, settings, progress)


def compare_variants_trained(
    spec: AnySource,
    data: Source,
    *,
    settings: Settings | None = None,
    dtype: str | None = None,
    training: TrainSettings | None = None,
    progress: Progress | None = None,
) -> tuple[VariantComparison, GroupTraining]:
    """The result of `compare_variants`, and each valid variant trained and tested.

    Accuracies are compared with that of the first valid variant.
    """
    from groupconv_cli.analysis.variants import compare_networks

    require(*NEEDED)
    from groupconv_cli.training.bench import Entry

    training = train_settings(training, "training")
    file = open_spec(spec)
    networks = file.networks(settings)
    report = compare_networks(file.name, networks, dtype)
    entries = [
        Entry(index, name, network, AS_WRITTEN, variant=name)
        for index, (name, network) in enumerate(networks.items())
        if not isinstance(network, SpecError)
    ]
    return report, _trained(entries, 0, data, training, progress)


def _trained(
    entries: Sequence[Entry],
    reference: int,
    data: Source,
    settings: TrainSettings | None,
    progress: Progress | None,
) -> GroupTraining:
    from groupconv_cli.training.bench import train_networks

    given: object = data
    if not isinstance(given, str | os.PathLike):
        raise UsageError(
            f"data must be a path or 'mnist1d'; got {type(given).__name__}",
            "numpy.savez writes arrays to a .npz file",
        )
    if not os.fspath(given):
        raise UsageError("the name of the data is empty; it is a path, or mnist1d")
    return train_networks(
        entries,
        reference,
        os.fspath(given),
        train_settings(settings),
        progress or (lambda what, done, total: None),
    )
