"""One run: a network is trained and tested, and everything follows from its seed."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterator
from math import isfinite
from typing import TYPE_CHECKING, Any

import numpy as np

from groupconv_cli.builder.memory import check_training_memory, forward_batch
from groupconv_cli.errors import EnvironmentProblem, UsageError
from groupconv_cli.foreign import first_line
from groupconv_cli.network import Network
from groupconv_cli.runtime import load_keras, start_devices
from groupconv_cli.training.diversity import SAMPLES, Watched
from groupconv_cli.training.fits import check_batch, check_fits
from groupconv_cli.training.recipe import Recipe, learning_rate
from groupconv_cli.training.run import Diversity, Run
from groupconv_cli.training.samples import Data

if TYPE_CHECKING:
    from groupconv_cli.training.model import TrainableModel
    from groupconv_cli.training.models import Models

ESTIMATED_FROM = 2048
"""The most training samples from which statistics of batch norms are estimated."""

TESTED_AT_ONCE = 256
"""The most test samples in a batch, unless batches of training have more. More are not faster."""

ORDER, ESTIMATE = 2, 3
"""What the seed is joined with for the order of training samples, and for the samples from which
statistics are estimated, so that one does not follow from the other."""


def train(
    network: Network,
    data: Data,
    recipe: Recipe,
    seed: int,
    *,
    diversity: bool = False,
    progress: Callable[[int, int], None] | None = None,
    ignore_memory: bool = False,
    models: Models | None = None,
) -> Run:
    """Trains the network from random weights and tests it.

    The weights, the order of samples and what dropout drops depend only on the seed. No generator
    of the program is touched. `progress` is called with the steps done and all steps. A model of
    the same network, recipe and `diversity` is taken from `models` and put there.

    Raises UsageError if the network or the recipe does not fit the data, and EnvironmentProblem if
    TensorFlow is missing or memory is short.
    """
    recipe = recipe.checked()
    check_fits(data, network)
    check_batch(data, recipe.batch)
    load_keras()
    start_devices()
    import tensorflow as tf

    # TensorFlow manages the memory of a GPU.
    on_gpu = bool(tf.config.list_logical_devices("GPU"))
    if on_gpu:  # nothing tells how much of its memory kept models leave
        models = None
    _check_memory(network, recipe, models, ignore=ignore_memory or on_gpu)

    from groupconv_cli.training.model import surroundings

    try:
        with surroundings(recipe.dtype or "float32"):
            return _run(network, data, recipe, seed, diversity, progress, models)
    except (MemoryError, tf.errors.ResourceExhaustedError) as error:
        raise EnvironmentProblem(
            "there was not enough memory to train; a smaller --batch takes less"
        ) from error
    except tf.errors.OpError as error:
        raise UsageError(f"{network.name} cannot be trained: {first_line(error)}") from error
    finally:
        # A model and its functions refer to one another, and may be large.
        gc.collect()


def _check_memory(network: Network, recipe: Recipe, models: Models | None, *, ignore: bool) -> None:
    """Raises EnvironmentProblem if memory is too small, also without the models that are kept."""

    def check() -> None:
        dtype = recipe.dtype or "float32"
        check_training_memory(network, recipe.batch, dtype, recipe.optimizer, ignore=ignore)

    try:
        check()
    except EnvironmentProblem:
        if models is None or not models.clear():
            raise
        check()


def _run(
    network: Network,
    data: Data,
    recipe: Recipe,
    seed: int,
    diversity: bool,
    progress: Callable[[int, int], None] | None,
    models: Models | None,
) -> Run:
    from groupconv_cli.training.model import TrainableModel

    x_train, x_test = data.x_train, data.x_test
    model = None if models is None else models.take(network, recipe, diversity=diversity)
    if model is None:
        model = TrainableModel(network, recipe, seed, Watched.of(network) if diversity else None)
    else:
        model.reset(seed)
    at_once = max(TESTED_AT_ONCE, recipe.batch)
    at_once = forward_batch(network, recipe.batch, recipe.dtype or "float32", most=at_once)
    at_once = min(at_once, len(x_test))
    untrained = found = None
    if diversity:
        model.estimate_statistics(_some(x_train, recipe.batch, seed))
        untrained = _diversity(model, x_test, at_once)
    steps = recipe.steps_for(len(x_train))
    order = _order(len(x_train), recipe.batch, seed)
    started = time.perf_counter()
    warm = started
    for step in range(steps):
        chosen = next(order)
        rate = learning_rate(step, steps, recipe.lr or 0.0)
        model.train(x_train[chosen], data.y_train[chosen], rate)
        if step == 0:
            warm = time.perf_counter()
        if progress is not None:
            progress(step + 1, steps)
    ended = time.perf_counter()
    seconds = (ended - warm) / (steps - 1) * steps if steps > 1 else ended - started
    model.estimate_statistics(_some(x_train, recipe.batch, seed))
    accuracy, loss = _tested(model, x_test, data.y_test, at_once)
    if diversity:
        found = _diversity(model, x_test, at_once)
    if models is not None:
        models.keep(model, network, recipe, diversity=diversity)
    return Run(seed, accuracy, loss, steps, seconds, found, untrained)


def _order(samples: int, batch: int, seed: int) -> Iterator[Any]:
    """Indices of the samples of each batch, without end: all samples in one order, then another."""
    random = np.random.default_rng([ORDER, seed])
    waiting = np.empty(0, np.int64)
    while True:
        while len(waiting) < batch:
            waiting = np.concatenate([waiting, random.permutation(samples)])
        yield waiting[:batch]
        waiting = waiting[batch:]


def _some(x: Any, batch: int, seed: int) -> Iterator[Any]:
    """Whole batches of different training samples, from which statistics are estimated."""
    order = np.random.default_rng([ESTIMATE, seed]).permutation(len(x))
    for number in range(max(1, min(len(x), ESTIMATED_FROM) // batch)):
        yield x[order[number * batch : (number + 1) * batch]]


def _batches(x: Any, batch: int) -> Iterator[tuple[Any, int]]:
    """All samples in batches, and how many count: the last batch is filled up with the first."""
    for first in range(0, len(x), batch):
        count = min(batch, len(x) - first)
        yield x[np.arange(first, first + batch) % len(x)], count


def _tested(model: TrainableModel, x: Any, y: Any, batch: int) -> tuple[float, float | None]:
    """The accuracy and the mean loss on test samples. Logits that are not finite are no answer."""
    logits = np.concatenate([model.logits(some)[:count] for some, count in _batches(x, batch)])
    logits = logits.astype(np.float64)
    finite = np.isfinite(logits).all(axis=1)
    right = (logits.argmax(axis=1) == y) & finite
    if not finite.all():
        return float(right.mean()), None
    highest = logits.max(axis=1)
    log_sum = highest + np.log(np.exp(logits - highest[:, None]).sum(axis=1))
    loss = float((log_sum - logits[np.arange(len(y)), y]).mean())
    return float(right.mean()), loss if isfinite(loss) else None


def _diversity(model: TrainableModel, x: Any, batch: int) -> Diversity:
    """The diversity on test samples, evenly spaced: they may be in the order of their classes."""
    count = min(len(x), SAMPLES)
    chosen = x[np.linspace(0, len(x) - 1, count).round().astype(np.int64)]
    return model.diversity(_batches(chosen, batch))
