"""A table of cases for every registered op: the op and the shapes it reads.

Sizes are small, since multiply-accumulates are counted one by one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

import pytest

from groupconv_cli.ops import OPS, Op, Shape
from groupconv_cli.ops.activation import (
    Activation,
    Elu,
    Gelu,
    Glu,
    LeakyRelu,
    Prelu,
    Softmax,
    Threshold,
)
from groupconv_cli.ops.conv import Conv, ConvTranspose, DepthwiseConv
from groupconv_cli.ops.dense import Dense
from groupconv_cli.ops.merge import Add, Average, Concat, Maximum, Multiply
from groupconv_cli.ops.norm import (
    BatchNorm,
    Dropout,
    GroupNorm,
    LayerNorm,
    LayerScale,
    LocalResponse,
    Rescaling,
    StochasticDepth,
)
from groupconv_cli.ops.pool import AvgPool, GlobalAvgPool, GlobalMaxPool, MaxPool
from groupconv_cli.ops.resize import Crop, PixelShuffle, Upsample, ZeroPad
from groupconv_cli.ops.shape import ChannelShuffle, Flatten, Input, Reshape, Slice, Split

if TYPE_CHECKING:
    import keras

ONE, TWO, THREE = (9, 4), (7, 8, 4), (5, 4, 6, 4)
"""An input in one, two and three spatial dimensions."""

MAPS = (ONE, TWO, THREE)
VECTOR = (12,)


class Case(NamedTuple):
    """An op and what it reads."""

    op: Op
    inputs: tuple[Shape, ...]

    @property
    def id(self) -> str:
        """A readable name for the test."""
        shapes = " ".join("x".join(map(str, shape)) for shape in self.inputs)
        return f"{self.op!r} {shapes}"


def with_one_of_each(cases: Iterable[Case]) -> list:
    """The cases as parameters: one of each op and Keras layers of it always, grouped and not.

    For tests of what is made of an op. What an op says of itself is tested with every case.
    """
    seen, parameters = set(), []
    for case in cases:
        is_grouped = bool(case.inputs) and (case.op.groups_of(*case.inputs) or 1) > 1
        made = (call.function for call in case.op.calls("x", *case.inputs))
        kind = (case.op.op, *made, is_grouped)
        marks = pytest.mark.nightly if kind in seen else ()
        seen.add(kind)
        parameters.append(pytest.param(case, id=case.id, marks=marks))
    return parameters


def model_of(cases: Sequence[Case]) -> keras.Model:
    """A Keras model with an output for each case, which reads inputs of its own.

    Every weight is random and matters.
    """
    import keras
    import numpy as np

    inputs, outputs = [], []
    for number, case in enumerate(cases):
        reads = [keras.Input(shape) for shape in case.inputs]
        x = reads if case.op.merges else reads[0]
        for layer in case.op.build(f"case{number}", *case.inputs):
            x = layer(x)
        inputs += reads
        outputs.append(x)
    model = keras.Model(inputs, outputs)
    random = np.random.default_rng(0)
    for weight in model.weights:
        weight.assign(random.uniform(0.5, 1.5, weight.shape))
    return model


def _convolutions() -> list[Case]:
    cases = []
    for x in MAPS:
        for groups, filters in ((1, 6), (2, 6), (4, 4), (4, 8)):
            cases.append(Case(Conv(filters=filters, kernel=(3,), groups=groups), (x,)))
        cases += [
            Case(Conv(filters=6, kernel=(3,), stride=(2,), groups=2, bias=False), (x,)),
            Case(Conv(filters=6, kernel=(2,), stride=(3,), padding="valid", groups=2), (x,)),
            Case(Conv(filters=4, kernel=(2,), dilation=(2,), groups=2), (x,)),
            Case(Conv(filters=4, kernel=(2,), dilation=(3,), padding="valid"), (x,)),
            Case(Conv(filters=4, kernel=(3,), padding=(2,), stride=(2,), groups=4), (x,)),
            Case(Conv(filters=4, kernel=(1,), padding=(0,)), (x,)),
            Case(DepthwiseConv(kernel=(3,)), (x,)),
            Case(DepthwiseConv(kernel=(3,), stride=(2,), multiplier=3, bias=False), (x,)),
            Case(DepthwiseConv(kernel=(2,), padding="valid", multiplier=2), (x,)),
            Case(DepthwiseConv(kernel=(2,), dilation=(2,)), (x,)),
            Case(DepthwiseConv(kernel=(3,), padding=(1,), stride=(2,)), (x,)),
        ]
        before, after = ((2, 0),), ((0, 1),) * (len(x) - 1)
        cases += [
            Case(Conv(filters=4, kernel=(3,), padding=before, stride=(2,), groups=2), (x,)),
            Case(Conv(filters=4, kernel=(2,), padding=after, dilation=(2,)), (x,)),
            Case(DepthwiseConv(kernel=(3,), padding=after, stride=(2,)), (x,)),
        ]
    for how in ({}, {"stride": (2,)}, {"dilation": (3,)}):
        cases += [
            Case(Conv(filters=6, kernel=(3,), padding="causal", groups=2, **how), (ONE,)),
            Case(DepthwiseConv(kernel=(2,), padding="causal", **how), (ONE,)),
        ]
    cases += [
        Case(Conv(filters=6, kernel=(3, 1), stride=(2, 1), groups=2), (TWO,)),
        Case(Conv(filters=6, kernel=(1, 3), dilation=(1, 2), padding=(0, 3)), (TWO,)),
        Case(Conv(filters=4, kernel=(1, 2, 3), stride=(1, 2, 3), groups=2), (THREE,)),
        Case(DepthwiseConv(kernel=(3, 1), stride=(2, 1)), (TWO,)),
        Case(DepthwiseConv(kernel=(3, 5), dilation=(2, 1)), (TWO,)),
    ]
    return cases


def _pools() -> list[Case]:
    cases = []
    for x in MAPS:
        for pool in (MaxPool, AvgPool):
            cases += [
                Case(pool(), (x,)),
                Case(pool(size=(3,), stride=(2,)), (x,)),
                Case(pool(size=(3,), stride=(2,), padding="valid"), (x,)),
                Case(pool(size=(3,), stride=(2,), padding=(1,)), (x,)),
                Case(pool(size=(3,), stride=(2,), padding=((0, 1),)), (x,)),
            ]
        for pool in (GlobalAvgPool, GlobalMaxPool):
            cases += [Case(pool(), (x,)), Case(pool(keepdims=True), (x,))]
    cases.append(Case(MaxPool(size=(2, 3), stride=(1, 2), padding=(0, 1)), (TWO,)))
    cases.append(Case(AvgPool(size=(2, 3), stride=(1, 2), padding=(0, 1)), (TWO,)))
    cases.append(Case(MaxPool(size=(3,), stride=(2,), padding=((2, 0), (0, 1))), (TWO,)))
    return cases


def _transposed() -> list[Case]:
    return [
        Case(ConvTranspose(filters=5, kernel=(k,), stride=(s,), padding=padding, bias=k > 1), (x,))
        for x in MAPS
        for k, s in ((1, 1), (2, 2), (3, 2), (2, 3))
        for padding in ("same", "valid")
    ]


def _resized() -> list[Case]:
    cases = []
    for x in MAPS:
        cases += [
            Case(ZeroPad(padding=(2,)), (x,)),
            Case(ZeroPad(padding=(0,), after=(1,)), (x,)),
            Case(ZeroPad(padding=((2, 1),)), (x,)),
            Case(Crop(cropping=(1,)), (x,)),
            Case(Crop(cropping=((0, 2),)), (x,)),
            Case(PixelShuffle(size=(1,)), (x,)),
            Case(PixelShuffle(), ((*x[:-1], 3 * 2 ** (len(x) - 1)),)),
            Case(Crop(cropping=(0,), after=(2,)), (x,)),
            Case(Upsample(), (x,)),
            Case(Upsample(size=(3,)), (x,)),
            Case(Split(start=1, count=2), (x,)),
            Case(Slice(start=1, count=2), (x,)),
            Case(Reshape(shape=(-1, 2)), (x,)),
        ]
    cases += [
        Case(ZeroPad(padding=(1, 0), after=(0, 3)), (TWO,)),
        Case(Crop(cropping=(1, 2)), (TWO,)),
        Case(Upsample(size=(1, 2), interpolation="bilinear"), (TWO,)),
        Case(Upsample(interpolation="bicubic"), (TWO,)),
        Case(PixelShuffle(size=(3, 2)), ((4, 3, 12),)),
        Case(PixelShuffle(size=(1, 2, 3)), ((2, 3, 4, 18),)),
        Case(Reshape(shape=(4, 3)), (VECTOR,)),
        Case(Split(start=0, count=12), (VECTOR,)),
    ]
    return cases


def _rest() -> list[Case]:
    cases = []
    for x in (*MAPS, VECTOR):
        cases += [
            Case(BatchNorm(), (x,)),
            Case(BatchNorm(center=False, epsilon=1e-5), (x,)),
            Case(BatchNorm(center=False, scale=False, momentum=0.9), (x,)),
            Case(LayerNorm(), (x,)),
            Case(LayerNorm(center=False, epsilon=1e-6), (x,)),
            Case(GroupNorm(groups=2), (x,)),
            Case(GroupNorm(groups=4, scale=False), (x,)),
            Case(LayerScale(), (x,)),
            Case(Prelu(), (x,)),
            Case(Prelu(shared=True), (x,)),
            Case(Glu(), (x,)),
            Case(Threshold(threshold=0.1, value=-1.0), (x,)),
            Case(LeakyRelu(slope=0.1), (x,)),
            Case(Elu(alpha=0.5), (x,)),
            Case(Gelu(), (x,)),
            Case(Gelu(approximate=True), (x,)),
            Case(Dropout(rate=0.3), (x,)),
            Case(StochasticDepth(rate=0.3), (x,)),
            Case(Rescaling(scale=0.5, offset=-1.0), (x,)),
            Case(Rescaling(scale=tuple(range(1, x[-1] + 1)), offset=0.0), (x,)),
            Case(LocalResponse(size=1, alpha=1.0, beta=0.5, k=1.0), (x,)),
            Case(LocalResponse(size=3, alpha=0.3, beta=0.75, k=2.0), (x,)),
            Case(LocalResponse(size=9, alpha=1.0, beta=1.0, k=1.0), (x,)),
            Case(Softmax(), (x,)),
            Case(Softmax(groups=2), (x,)),
            Case(Dense(units=5), (x,)),
            Case(Dense(units=3, bias=False), (x,)),
            Case(Flatten(), (x,)),
            Case(Add(), (x, x)),
            Case(Multiply(), (x, x, x)),
            Case(Average(), (x, x, x)),
            Case(Maximum(), (x, x)),
            Case(Concat(), (x, (*x[:-1], 3), x)),
            Case(ChannelShuffle(groups=2), (x,)),
            Case(ChannelShuffle(groups=x[-1]), (x,)),
        ]
    cases += [
        Case(Multiply(), (TWO, (1, 1, 4))),
        Case(Add(), ((1, 8, 1), (7, 1, 4))),
        Case(Average(), (TWO, (1, 1, 4))),
        Case(Maximum(), (TWO, (1, 1, 4))),
        Case(Input(), ()),
    ]
    names = [name for name, op in OPS.items() if op is Activation]
    cases += [Case(Activation(function=name), (x,)) for name in names for x in (TWO, VECTOR)]
    return cases


CASES = [*_convolutions(), *_transposed(), *_pools(), *_resized(), *_rest()]
