"""The recipe: which values it takes, how many steps there are, and the learning rate of each."""

from __future__ import annotations

import pytest

from groupconv_cli.errors import UsageError
from groupconv_cli.training.recipe import STEPS, Recipe, learning_rate


def test_a_recipe_is_filled_in() -> None:
    assert Recipe().checked() == Recipe(
        steps=STEPS, batch=64, lr=0.1, weight_decay=5e-4, dtype="float32"
    )
    assert Recipe(lr=1, weight_decay=0).checked()[3:5] == (1.0, 0.0)
    assert Recipe(epochs=2, optimizer="adamw").checked()[:4] == (None, 2, 64, 0.005)


@pytest.mark.parametrize(
    ("recipe", "said"),
    [
        (Recipe(steps=3, epochs=2), "steps and epochs both say"),
        (Recipe(steps=0), "steps must be a whole number of 1 to 10,000,000; got 0"),
        (Recipe(epochs=True), "epochs must be a whole number"),
        (Recipe(batch=1.5), "batch must be a whole number"),
        (Recipe(lr=0), "lr must be a number above 0, and at most 1,000,000; got 0"),
        (Recipe(lr=float("nan")), "lr must be a number above 0, and at most 1,000,000; got nan"),
        (Recipe(lr=True), "lr must be a number above 0, and at most 1,000,000; got True"),
        (Recipe(lr=10**400), "lr must be a number above 0"),
        (Recipe(lr=1e7), "lr must be a number above 0, and at most 1,000,000; got 10000000.0"),
        (Recipe(weight_decay=-1), "weight_decay must be a number of 0 to 1,000,000; got -1"),
        (Recipe(optimizer="adam"), "unknown optimizer 'adam'; there are sgd or adamw"),
        (Recipe(runtime="onnx"), "training runs in gconv or keras; got 'onnx'"),
        (Recipe(dtype="int8"), "unknown dtype 'int8'"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_values_that_no_training_has(recipe: Recipe, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        recipe.checked()


def test_steps_of_epochs_take_as_many_samples_as_there_are() -> None:
    assert Recipe(epochs=3, batch=64).steps_for(128) == 6
    assert Recipe(epochs=3, batch=64).steps_for(100) == 5  # 300 samples are 4.7 batches
    assert Recipe(steps=7).steps_for(10**6) == 7


@pytest.mark.parametrize("steps", [1, 7, 20, 100, 1234])
def test_learning_rates_are_those_of_keras_schedules(steps: int) -> None:
    from keras.optimizers.schedules import CosineDecay, PolynomialDecay

    warm_up = steps // 20
    falls = CosineDecay(0.3, steps - warm_up)
    # From 0 before the first step, in a line, to the largest rate at the end of the warm-up.
    rises = PolynomialDecay(0.0, warm_up + 1, 0.3, power=1.0)
    # Keras computes in float32.
    for step in sorted({0, warm_up // 2, warm_up, (steps + warm_up) // 2, steps - 1}):
        expected = rises(step + 1) if step < warm_up else falls(step - warm_up)
        assert learning_rate(step, steps, 0.3) == pytest.approx(float(expected), rel=1e-5, abs=1e-7)
