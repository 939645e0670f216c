"""Training: it finds what is there to find, and every number follows from the seed."""

from __future__ import annotations

import random

import numpy as np
from specs import network

from groupconv_cli.network import Network
from groupconv_cli.training.data import Data
from groupconv_cli.training.recipe import Recipe
from groupconv_cli.training.train import train

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


def of_two_channels(answer, samples: int = 1536, seed: int = 0) -> Data:
    """Samples of two channels of normal numbers at 4 positions; `answer` gives their classes."""
    numbers = np.random.default_rng(seed)
    x = numbers.choice([-1.0, 1.0], (samples, 1, 2)) + 0.3 * numbers.standard_normal(
        (samples, 4, 2)
    )
    y = answer(x.mean(axis=1)).astype(int)
    return data(x[512:], y[512:], x[:512], y[:512])


def classifier(groups: int, shuffle: bool = False) -> Network:
    """Two channels, each with 16 filters of its own, and two classes that add up parts of both."""
    return network(f"""
        input: [4, 2]
        layers:
          - conv: {{filters: 32, kernel: 1, groups: {groups}, norm: batch, activation: relu}}
          {f"- channel_shuffle: {groups}" if shuffle else ""}
          - conv: {{filters: 32, kernel: 1, groups: {groups}, norm: batch, activation: relu}}
          - global_avg_pool
          - dense: {{units: 2}}
    """)


def test_the_same_seed_gives_the_same_numbers_and_no_generator_is_touched() -> None:
    made = of_two_channels(lambda x: x[:, 0] > 0)
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
    assert train(spec, made, QUICK, 6).loss != first.loss
