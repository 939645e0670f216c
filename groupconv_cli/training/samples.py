"""The samples of a data set: as they are read, and as networks are trained on them."""

from __future__ import annotations

from typing import Any, NamedTuple

from groupconv_cli.builder.memory import available_bytes
from groupconv_cli.errors import UsageError
from groupconv_cli.ops.base import Shape
from groupconv_cli.units import bytes_text


class Samples(NamedTuple):
    """Inputs, and the labels of their classes, of equal length."""

    x: Any
    y: Any


class Raw(NamedTuple):
    """A data set as it is read."""

    train: Samples
    test: Samples | None
    """None if the data is in one piece, and has to be split."""


class Data(NamedTuple):
    """Samples to train on and to test on."""

    name: str
    digest: str
    """SHA-256 of the samples and labels as they were read, split, and before they were scaled."""
    x_train: Any
    """float32, of shape (samples, *input). Each channel has the mean 0 and the variance 1."""
    y_train: Any
    """The numbers of the classes, from 0."""
    x_test: Any
    """Scaled by the same numbers as the training samples."""
    y_test: Any
    classes: int

    @property
    def shape(self) -> Shape:
        """The shape of one sample."""
        return tuple(int(size) for size in self.x_train.shape[1:])


def check_size(name: str, needed: int) -> None:
    """Raises UsageError if data that takes so many bytes of memory is too large."""
    available = available_bytes()
    if needed > available:
        raise UsageError(
            f"{name} is too large: it takes about {bytes_text(needed)} of memory, and "
            f"{bytes_text(available)} are free",
            "fewer samples, or smaller ones, take less",
        )
