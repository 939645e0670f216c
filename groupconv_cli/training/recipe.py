"""How networks are trained: the same for all rows of a comparison."""

from __future__ import annotations

from math import cos, pi
from numbers import Integral, Real
from typing import Any, NamedTuple

from groupconv_cli.dtypes import bytes_per_value
from groupconv_cli.errors import UsageError
from groupconv_cli.words import joined

OPTIMIZERS = {"sgd": 0.1, "adamw": 0.005}
"""The largest learning rate, if none is given, by the name of the optimizer."""

RUNTIMES = ("gconv", "keras")
"""'gconv' has the fast layers, 'keras' the stock layers."""

STEPS = 200
"""The steps, if neither steps nor epochs are given."""

MAX_STEPS = 10_000_000
"""Learning rates of so many steps are still different numbers."""

MAX_BATCH = 1_000_000
"""The largest batch, which takes more memory than there is."""

LARGEST = 1e6
"""The largest learning rate and decay, which is far beyond any use."""

MOMENTUM = 0.9
"""Of SGD, with Nesterov's form of it (Sutskever et al. 2013)."""

WARM_UP = 20
"""The warm-up is one step in so many."""


class Recipe(NamedTuple):
    """What all runs have in common. The learning rate rises in a line, and falls as a cosine.

    `steps` or `epochs` says how long a run is; without both it is `STEPS` steps.
    """

    steps: int | None = None
    epochs: int | None = None
    batch: int = 64
    lr: float | None = None
    """The largest learning rate; None means that of the optimizer in `OPTIMIZERS`."""
    weight_decay: float = 5e-4
    """Decoupled from the gradient (Loshchilov and Hutter 2019), for weights of two axes or more."""
    optimizer: str = "sgd"
    """A name from `OPTIMIZERS`."""
    runtime: str = "gconv"
    """A name from `RUNTIMES`."""
    dtype: str | None = None
    """The dtype of weights and activations; None means float32."""

    def checked(self) -> Recipe:
        """The recipe with every value filled in, except the one of steps and epochs not meant.

        Raises UsageError for an invalid value.
        """
        if self.steps is not None and self.epochs is not None:
            raise UsageError(
                f"steps and epochs both say how long to train; got {self.steps} steps and "
                f"{self.epochs} epochs: leave one out"
            )
        steps = STEPS if self.steps is None and self.epochs is None else self.steps
        for name, value in (("steps", steps), ("epochs", self.epochs)):
            if value is not None:
                _check_whole(name, value, MAX_STEPS)
        _check_whole("batch", self.batch, MAX_BATCH)
        # What is no text may have no hash, such as a list.
        if not isinstance(self.optimizer, str) or self.optimizer not in OPTIMIZERS:
            raise UsageError(f"unknown optimizer {self.optimizer!r}; there are {_list(OPTIMIZERS)}")
        if not isinstance(self.runtime, str) or self.runtime not in RUNTIMES:
            raise UsageError(f"training runs in {_list(RUNTIMES)}; got {self.runtime!r}")
        bytes_per_value(self.dtype or "float32")
        lr = OPTIMIZERS[self.optimizer] if self.lr is None else self.lr
        _check_number("lr", lr, above_zero=True)
        _check_number("weight_decay", self.weight_decay, above_zero=False)
        return self._replace(
            steps=None if steps is None else int(steps),
            epochs=None if self.epochs is None else int(self.epochs),
            batch=int(self.batch),
            lr=float(lr),
            weight_decay=float(self.weight_decay),
            dtype=self.dtype or "float32",
        )

    def steps_for(self, samples: int) -> int:
        """The steps of a run on so many training samples.

        An epoch takes as many samples as there are. Its last batch is filled up with samples of the
        next epoch, so that all batches have the same size.
        """
        recipe = self.checked()
        if recipe.epochs is None:
            return recipe.steps or STEPS
        return -(-recipe.epochs * samples // recipe.batch)


def learning_rate(step: int, steps: int, largest: float) -> float:
    """The learning rate of a step, which counts from 0.

    It rises in a line over the first twentieth of the steps, and then falls as half a cosine
    towards 0 (Loshchilov and Hutter 2017).
    """
    warm_up = steps // WARM_UP
    if step < warm_up:
        return largest * (step + 1) / (warm_up + 1)
    return largest * (1 + cos(pi * (step - warm_up) / (steps - warm_up))) / 2


def _check_whole(name: str, value: Any, most: int) -> None:
    is_whole = isinstance(value, Integral) and not isinstance(value, bool)
    if not is_whole or not 1 <= int(value) <= most:
        raise UsageError(f"{name} must be a whole number of 1 to {most:,}; got {value!r}")


def _check_number(name: str, value: Any, *, above_zero: bool) -> None:
    is_number = isinstance(value, Real) and not isinstance(value, bool)
    # A comparison with NaN is false.
    if not is_number or not 0 <= value <= LARGEST or (above_zero and not value):
        least = "above 0, and at most" if above_zero else "of 0 to"
        raise UsageError(f"{name} must be a number {least} {LARGEST:,.0f}; got {value!r}")


def _list(names: dict[str, float] | tuple[str, ...]) -> str:
    return joined([*names], "or")
