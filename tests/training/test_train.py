"""Training: it finds what is there to find, and every number follows from the seed."""

from __future__ import annotations

import random
from math import log

import numpy as np
import pytest
from running import ROOT
from specs import network, nightly_but

from groupconv_cli.analysis.totals import total
from groupconv_cli.builder.memory import COPIES, forward_batch, measure_need
from groupconv_cli.errors import EnvironmentProblem, Source, UsageError
from groupconv_cli.language.spec_file import SpecFile
from groupconv_cli.network import Network
from groupconv_cli.training.data import Data
from groupconv_cli.training.diversity import Watched, effective_rank
from groupconv_cli.training.models import Models
from groupconv_cli.training.recipe import Recipe
from groupconv_cli.training.run import Run
from groupconv_cli.training.train import _check_memory, train

QUICK = Recipe(steps=6, batch=16)


def data(x, y, x_test, y_test, name: str = "made") -> Data:
    return Data(
        name,
        "",
        np.asarray(x, np.float32),
        np.asarray(y, np.int64),
        np.asarray(x_test, np.float32),
        np.asarray(y_test, np.int64),
        int(max(y)) + 1,
    )


def of_two_channels(answer, samples: int = 1536) -> Data:
    """Samples of two channels of normal numbers at 4 positions; `answer` gives their classes."""
    numbers = np.random.default_rng(0)
    x = numbers.standard_normal((samples, 1, 2)) + 0.1 * numbers.standard_normal((samples, 4, 2))
    y = answer(*x.mean(axis=1).T).astype(int)
    return data(x[512:], y[512:], x[:512], y[:512])


def linear(end: str = "") -> Network:
    """The least that tells classes apart: it is traced in a third of the time."""
    return network(f"{{input: [4, 2], layers: [global_avg_pool, {{dense: {{units: 2{end}}}}}]}}")


def classifier(groups: int, *, shuffle: bool = False) -> Network:
    """Two layers of filters, and two classes that add up what they find."""
    return network(f"""
        input: [4, 2]
        layers:
          - conv: {{filters: 32, kernel: 1, groups: {groups}, norm: batch, activation: relu}}
          - channel_shuffle: {{groups: 2}}
            when: {str(shuffle).lower()}
          - conv: {{filters: 32, kernel: 1, groups: {groups}, norm: batch, activation: relu}}
          - global_avg_pool
          - dense: {{units: 2}}
    """)


def test_a_product_of_channels_is_learned_only_where_they_meet() -> None:
    """Channels in groups of their own to the end can only be added.

    Each channel by itself tells nothing of the sign of their product, so nothing can be better than
    to give both classes the same probability: the loss of that is log 2.
    """
    made = of_two_channels(lambda a, b: a * b > 0)
    recipe = Recipe(steps=100)
    apart, shuffled = (
        train(classifier(2, shuffle=shuffle), made, recipe, 0) for shuffle in (False, True)
    )
    assert shuffled.accuracy > 0.9
    assert 0.35 < apart.accuracy < 0.65
    assert apart.loss is not None
    assert apart.loss > 0.95 * log(2)


@pytest.mark.nightly
def test_a_product_of_channels_is_learned_without_groups() -> None:
    made = of_two_channels(lambda a, b: a * b > 0)
    assert train(classifier(1), made, Recipe(steps=100), 0).accuracy > 0.9


@pytest.mark.nightly
def test_what_one_channel_tells_is_learned_with_any_groups() -> None:
    made = of_two_channels(lambda a, b: a > 0)
    runs = [train(classifier(groups), made, Recipe(steps=80), 0) for groups in (1, 2)]
    assert min(run.accuracy for run in runs) > 0.95
    assert abs(runs[0].accuracy - runs[1].accuracy) < 0.03


@pytest.mark.both_ends
def test_the_same_seed_gives_the_same_numbers_and_no_generator_is_touched() -> None:
    made = of_two_channels(lambda a, b: a > 0)
    spec = network("""
        input: [4, 2]
        layers:
          - conv: {filters: 16, kernel: 3, groups: 2, norm: batch, activation: relu}
          - dropout: {rate: 0.3}
          - global_avg_pool
          - dense: {units: 2}
    """)
    first = train(spec, made, QUICK, 5, diversity=True)
    before = random.getstate(), np.random.get_state()[1].tolist()
    seen: list[tuple[int, int]] = []
    again = train(spec, made, QUICK, 5, progress=lambda *done: seen.append(done))
    assert (random.getstate(), np.random.get_state()[1].tolist()) == before
    assert (again.accuracy, again.loss) == (first.accuracy, first.loss)
    assert seen == [(step, 6) for step in range(1, 7)]
    assert again.diversity is again.untrained is None
    assert first.untrained is not None
    assert first.diversity is not None
    assert first.diversity.width == 16


DROPPING = """
    input: [4, 2]
    layers:
      - conv: {filters: 16, kernel: 3, groups: 2, norm: batch, activation: relu}
      - dropout: {rate: 0.3}
      - global_avg_pool
      - dense: {units: 2, activation: softmax}
"""


RECIPES = {
    "sgd": QUICK,
    "adamw": QUICK._replace(optimizer="adamw", dtype="bfloat16", runtime="keras"),
}


@pytest.mark.both_ends
@pytest.mark.parametrize("optimizer", nightly_but(["sgd"], [*RECIPES]))
def test_a_model_that_was_trained_before_gives_the_numbers_of_a_new_one(optimizer: str) -> None:
    made = of_two_channels(lambda a, b: a > 0)
    spec, models, recipe = network(DROPPING), Models(), RECIPES[optimizer]

    def numbers(seed: int, models: Models | None) -> Run:
        run = train(spec, made, recipe, seed, diversity=True, models=models)
        return run._replace(seconds=0)

    first = numbers(0, models)
    kept = [*models._kept.values()]
    again = numbers(7, models)
    assert [*models._kept.values()] == kept  # the same model
    new = numbers(7, None)
    assert again == new
    assert numbers(0, models) == first
    assert first.loss != new.loss

    def interrupted(done: int, _: int) -> None:
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(spec, made, recipe, 5, progress=interrupted, diversity=True, models=models)
    assert not models._kept


@pytest.mark.parametrize("dtype", nightly_but(["bfloat16"], ["float32", "bfloat16"]))
@pytest.mark.parametrize("optimizer", nightly_but(["adamw"], ["sgd", "adamw"]))
def test_a_model_that_is_reset_is_a_new_one_in_every_variable(optimizer: str, dtype: str) -> None:
    """Weights, statistics of norms, generators of dropout, the optimizer's count and slots."""
    import keras

    from groupconv_cli.training.model import TrainableModel, surroundings

    def state(model: TrainableModel) -> list:
        return [v.numpy().tolist() for v in (*model._model.variables, *model._optimizer.variables)]

    net = network(DROPPING)
    recipe = Recipe(optimizer=optimizer, dtype=dtype).checked()
    numbers = np.random.default_rng(4)
    x, y = numbers.standard_normal((16, 4, 2)), numbers.integers(0, 2, 16)
    with surroundings(dtype):
        used, new = (TrainableModel(net, recipe, seed, None) for seed in (3, 8))
        used.train(x, y, 0.1)
        used.estimate_statistics(iter([x]))
        for variable in (*used._model.variables, *used._optimizer.variables):
            variable.assign(variable + keras.ops.ones_like(variable))
        changed = [a != b for a, b in zip(state(used), state(new), strict=True)]
        # 5 weights, 2 statistics and 1 generator; 2 numbers of the optimizer, and its slots.
        assert changed == [True] * (8 + 2 + 5 * COPIES[optimizer])
        used.reset(8)
        new._optimizer.learning_rate = used._optimizer.learning_rate = 0.0
        assert state(used) == state(new)
        for model in (used, new):
            model.train(x, y, 0.1)
        assert state(used) == state(new)


def test_models_are_kept_while_there_is_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    free = [1000]
    monkeypatch.setattr("groupconv_cli.training.models.available_bytes", lambda: free[0])
    models, first, second = Models(), classifier(1), classifier(2)
    recipe, model = Recipe().checked(), object()
    models.keep(model, first, recipe, diversity=False)  # type: ignore[arg-type]
    free[0] = 499
    models.keep(model, second, recipe, diversity=False)  # type: ignore[arg-type]
    assert models.take(second, recipe, diversity=False) is None
    assert models.take(first, recipe, diversity=True) is None
    assert models.take(first, recipe, diversity=False) is model
    assert models.take(first, recipe, diversity=False) is None


def test_models_give_way_to_a_run_for_which_memory_is_short(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    net, models, recipe = classifier(1), Models(), Recipe().checked()
    models.keep(object(), net, recipe, diversity=False)  # type: ignore[arg-type]
    memory = iter([0, 10**12, 0])
    monkeypatch.setattr("groupconv_cli.builder.memory.available_bytes", lambda: next(memory))
    _check_memory(net, recipe, models, ignore=False)
    assert models.take(net, recipe, diversity=False) is None
    with pytest.raises(EnvironmentProblem):
        _check_memory(net, recipe, models, ignore=False)


def test_a_batch_of_testing_takes_no_more_memory_than_training() -> None:
    """Counted by hand: 6 values in and 8 out are alive at once, of 4 bytes each."""
    net = network("{input: [2, 3], layers: [{dense: {units: 4}}]}")
    of_training = 64 * measure_need([net], "float32").sample
    assert forward_batch(net, 64, "float32", most=10**6) == of_training // (14 * 4)
    assert forward_batch(net, 64, "float32", most=100) == 100
    assert forward_batch(net, 64, "float32", most=10) == 64


def test_a_softmax_at_the_end_changes_no_number() -> None:
    made = of_two_channels(lambda a, b: a > 0)
    plain, with_softmax = (
        train(linear(end), made, QUICK, 1) for end in ("", ", activation: softmax")
    )
    assert plain.loss == with_softmax.loss
    assert plain.accuracy == with_softmax.accuracy


@pytest.mark.nightly
def test_stock_layers_give_the_same_numbers_up_to_rounding() -> None:
    made = of_two_channels(lambda a, b: a > 0)
    fast, stock = (
        train(classifier(2), made, QUICK._replace(runtime=each), 0) for each in ("gconv", "keras")
    )
    assert fast.loss == pytest.approx(stock.loss, rel=1e-4)


@pytest.mark.both_ends
@pytest.mark.parametrize("optimizer", nightly_but(["sgd"], ["sgd", "adamw"]))
def test_steps_are_those_of_keras(optimizer: str) -> None:
    """The same weights, batches and learning rates in Keras' own training give the same weights."""
    import keras

    from groupconv_cli import build
    from groupconv_cli.training.model import TrainableModel

    net = network("""
        input: [4, 2]
        layers:
          - conv: {filters: 32, kernel: 1, norm: batch, activation: relu}
          - global_avg_pool
          - dense: {units: 2}
    """)
    recipe = Recipe(optimizer=optimizer, lr=0.01, weight_decay=0.1).checked()
    ours = TrainableModel(net, recipe, 0, None)
    stock = build(net)
    stock.set_weights([weight.numpy() for weight in ours._model.weights])
    rule = (
        keras.optimizers.AdamW(0.01, weight_decay=0.1)
        if optimizer == "adamw"
        else keras.optimizers.SGD(0.01, momentum=0.9, nesterov=True, weight_decay=0.1)
    )
    rule.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    stock.compile(rule, keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    numbers = np.random.default_rng(4)
    for rate in (0.01, 0.03, 0.002):
        x = numbers.standard_normal((16, 4, 2)).astype(np.float32)
        y = numbers.integers(0, 2, 16)
        ours.train(x, y, rate)
        rule.learning_rate = rate
        stock.train_on_batch(x, y)
    for mine, theirs in zip(ours._model.weights, stock.weights, strict=True):
        np.testing.assert_allclose(mine.numpy(), theirs.numpy(), rtol=1e-4, atol=1e-6)
    x = numbers.standard_normal((16, 4, 2)).astype(np.float32)
    np.testing.assert_allclose(
        ours.logits(x), stock(x, training=False).numpy(), rtol=1e-4, atol=1e-5
    )


def test_statistics_of_batch_norms_are_those_of_all_values() -> None:
    """Counted by hand: layers before a norm normalize by their batch, and nothing is dropped."""
    from groupconv_cli.training.model import TrainableModel

    net = network("""
        input: [5, 3]
        layers:
          - conv: {filters: 6, kernel: 1, norm: batch, activation: relu}
          - dropout: {rate: 0.5}
          - conv: {filters: 4, kernel: 1, norm: batch}
          - global_avg_pool
          - dense: {units: 2}
    """)
    model = TrainableModel(net, Recipe().checked(), 0, None)
    x = np.random.default_rng(3).standard_normal((24, 5, 3)).astype(np.float32)
    x *= np.linspace(0.2, 3, 24)[:, None, None]  # batches differ much
    batches = np.split(x, 3)
    model.estimate_statistics(iter(batches))
    layers = {layer.name: layer for layer in model._model.layers}
    first, second = (layers[name].kernel.numpy()[0] for name in ("conv", "conv_2"))
    before, after = [], []
    for batch in batches:
        values = batch.reshape(-1, 3) @ first
        before.append(values)
        deviation = np.sqrt(values.var(axis=0) + 0.001)
        after.append(np.maximum((values - values.mean(axis=0)) / deviation, 0) @ second)
    norms = [layer for layer in model._model.layers if "norm" in layer.name]
    for norm, parts in zip(norms, (before, after), strict=True):
        every = np.concatenate(parts)
        np.testing.assert_allclose(norm.moving_mean.numpy(), every.mean(axis=0), atol=1e-5)
        np.testing.assert_allclose(norm.moving_variance.numpy(), every.var(axis=0), rtol=1e-4)
        assert norm.momentum == 0.99
    assert layers["dropout"].rate == 0.5


def test_the_diversity_is_that_of_features_computed_by_hand() -> None:
    from groupconv_cli.training.model import TrainableModel

    net = network("""
        input: [4, 2]
        layers:
          - conv: {filters: 6, kernel: 1, groups: 2, bias: false}
          - relu
          - global_avg_pool
          - dense: {units: 2}
    """)
    model = TrainableModel(net, Recipe().checked(), 0, Watched.of(net))
    kernel = next(layer for layer in model._model.layers if layer.name == "conv").kernel.numpy()[0]
    x = np.random.default_rng(6).standard_normal((10, 4, 2)).astype(np.float32)
    # The last batch is filled up with two samples that do not count.
    found = model.diversity(iter([(x[:6], 6), (x[[6, 7, 8, 9, 0, 1]], 4)]))
    # Each channel has three filters of its own.
    outputs = (x[..., [0, 0, 0, 1, 1, 1]] * kernel[0]).reshape(-1, 6)
    between = np.corrcoef(outputs, rowvar=False)
    assert found.within == pytest.approx(1, abs=1e-4)
    assert found.between == pytest.approx(np.abs(between[:3, 3:]).mean(), rel=1e-4)
    features = np.maximum(outputs, 0).reshape(10, 4, 6).mean(axis=1)
    assert found.effective_rank == pytest.approx(effective_rank(features), rel=1e-3)
    assert found.width == 6
    assert found.rank_share == found.effective_rank / 6


def test_a_training_that_diverges_has_no_loss() -> None:
    made = of_two_channels(lambda a, b: a > 0)
    net = network(
        "input: [4, 2]\nlayers: [{dense: {units: 9}}, global_avg_pool, {dense: {units: 2}}]"
    )
    run = train(net, made, Recipe(steps=30, lr=1e6), 0)
    assert run.loss is None
    assert run.accuracy == 0


def test_a_batch_or_a_network_that_is_too_large(monkeypatch) -> None:
    made = of_two_channels(lambda a, b: a > 0, samples=700)
    net = linear()
    with pytest.raises(UsageError, match="a batch of 189 is more than the 188 training samples"):
        train(net, made, Recipe(batch=189), 0)
    # Memory for a batch of 100, with the weights once more for their momentum.
    need = measure_need([net], "float32")
    free = need.fixed + 4 * total(net).params + 100 * need.sample
    monkeypatch.setattr("groupconv_cli.builder.memory.available_bytes", lambda: free)
    with pytest.raises(EnvironmentProblem) as caught:
        train(net, made, Recipe(batch=188), 0)
    assert "--batch 100 fits" in caught.value.message
    train(net, made, Recipe(steps=1, batch=100), 0)


CATALOGUE = ["mobilenet_v1", "shufflenet_v1", "resnext"]


@pytest.mark.nightly
@pytest.mark.parametrize("name", CATALOGUE)
def test_networks_of_the_catalogue_train_at_32_pixels(name: str) -> None:
    """Four classes of noise, each of which has a colour of its own."""
    text = (ROOT / "configs" / f"{name}.yaml").read_text(encoding="utf-8")
    spec = SpecFile(Source("net.yaml", text.replace("units: 1000", "units: 4")))
    net = spec.network({"input": "32,32,3"})
    numbers = np.random.default_rng(5)
    y = numbers.permutation(np.arange(160) % 4)
    colours = np.array([[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 1]])
    x = numbers.standard_normal((160, 32, 32, 3)) + colours[y][:, None, None]
    run = train(net, data(x[64:], y[64:], x[:64], y[:64]), Recipe(steps=20, batch=16), 0)
    assert run.steps == 20
    assert run.accuracy > 0.4
