"""The shapes and costs of ops on given inputs, as the walk through a spec needs them."""

from __future__ import annotations

from functools import lru_cache

from groupconv_cli.errors import OpError
from groupconv_cli.ops import Cost, Op, Shape

MAX_OUTPUT = 10**30
"""The largest size of an output: larger numbers could not even be written down."""


@lru_cache(maxsize=4096)
def worked_out(op: Op, shapes: tuple[Shape, ...]) -> tuple[Shape, Cost]:
    """The output shape and the cost of an op on these inputs, computed once for repeats.

    Raises OpError if the op cannot take the inputs.
    """
    op.check(*shapes)
    return op.output_shape(*shapes), op.cost(*shapes)


def shape_in_spite(op: Op, shapes: tuple[Shape, ...]) -> Shape | None:
    """The output shape of an op that refused its inputs, for checking the layers after it.

    None if that shape could not be the input of a layer.
    """
    try:
        shape = op.output_shape(*shapes)
    except OpError:
        return None
    return shape if all(1 <= size <= MAX_OUTPUT for size in shape) else None
