"""A small one-dimensional data set, made here: something to try with nothing to download.

It follows Greydanus 2020, "Scaling down deep learning" (MNIST-1D): ten templates of twelve points,
one for each digit, are padded, stretched, scaled, moved, overlaid with noise, sheared and sampled
at forty points. The templates are drawn for gconv, so accuracies are near those of the publication
and not the same.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from groupconv_cli.training.samples import Raw, Samples

NAME = "mnist1d"

SAMPLES, TESTED = 5000, 1000
SEED = 2020
"""Everybody has the same samples."""

POINTS = 40
"""The length of a sample."""

PADDED = (36, 60)
"""The least and the most zeros behind a template."""

LENGTH = 72
"""The length to which a padded template is stretched: 12 + 60."""

MOVED = 48
"""A template is moved by fewer points than this."""

SCALED, SHEARED = 0.4, 0.75
"""How far the factors and the slopes of samples are apart."""

CORRELATED, SMOOTH, WHITE = 0.25, 2.0, 0.02
"""Noise that is smoothed, for the places without a signal; its smoothing; noise everywhere."""

TEMPLATES = (
    (5, 7, 9, 10, 10, 9, 4, 0, -4, -5, -3, 2),  # a round line: up, and back below
    (2, 3, 4, 3, 2, 1, 0, -1, -2, -1, 0, 1),  # nearly straight
    (6, 9, 10, 8, 4, 0, -3, -5, -2, 1, 1, 1),  # a hook, then a flat foot
    (4, 7, 7, 3, 0, 3, 6, 7, 3, -1, -4, -6),  # two arches
    (-5, -3, -1, 1, 3, 5, 7, 0, -7, 0, 7, 4),  # a slope with a stroke across
    (9, 9, 9, 2, -4, -4, 1, 4, 5, 3, -1, -5),  # a flat roof, then a belly
    (8, 5, 1, -3, -6, -8, -7, -3, 1, 2, -2, -6),  # down in a bow, then a loop
    (7, 8, 9, 10, 11, 7, 3, -1, -5, -9, -9, -9),  # a roof, then down
    (4, -2, 4, 7, 4, -2, -6, -2, 4, 7, 4, -2),  # waves: two loops
    (3, 7, 8, 6, 2, 3, 7, 8, 6, 1, -5, -9),  # a loop, then a long tail
)


def generate(samples: int = SAMPLES, tested: int = TESTED, seed: int = SEED) -> Raw:
    """Training and test samples of shape (40, 1); each digit is as frequent as any other."""
    random = np.random.default_rng(seed)
    y = random.permutation(np.arange(samples) % len(TEMPLATES))
    x = np.stack([_sample(np.array(TEMPLATES[digit]), random) for digit in y])
    x = x[..., None].astype(np.float32)
    return Raw(Samples(x[tested:], y[tested:]), Samples(x[:tested], y[:tested]))


def _sample(template: Any, random: np.random.Generator) -> Any:
    signal = template / 10
    padding = random.integers(PADDED[0], PADDED[1], endpoint=True)
    # A zero of the template is a place of the signal, which no noise may cover.
    ends = len(template) - 1, len(template) + padding - 1
    at = np.linspace(0, ends[1], LENGTH)
    x = np.interp(at, np.arange(len(template)), signal, right=0.0)
    here = at <= ends[0]
    x *= 1 + SCALED * (random.random() - 0.5)
    move = random.integers(MOVED)
    x, here = np.roll(x, move), np.roll(here, move)
    x = np.where(here, x, _smoothed(CORRELATED * random.standard_normal(LENGTH)))
    x += WHITE * random.standard_normal(LENGTH)
    x -= SHEARED * (random.random() - 0.5) * np.linspace(-0.5, 0.5, LENGTH)
    return np.interp(np.linspace(0, LENGTH - 1, POINTS), np.arange(LENGTH), x)


def _smoothed(noise: Any) -> Any:
    """The noise under a moving Gaussian window, with its ends reflected."""
    reach = int(4 * SMOOTH)
    window = np.exp(-0.5 * (np.arange(-reach, reach + 1) / SMOOTH) ** 2)
    return np.convolve(np.pad(noise, reach, "symmetric"), window / window.sum(), "valid")
