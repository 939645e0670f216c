"""What a Keras model may hold and the language has no word for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from groupconv_cli.errors import UsageError
from groupconv_cli.ops.base import Cost, Op, Shape, arg
from groupconv_cli.ops.kinds import Kind


class KerasLayer(Op):
    """A layer whose shape and cost are not computed here but held, as Keras gave them.

    It is not registered: no spec can name it, only the reading of a model makes it.
    """

    layer: str = arg(Kind(), "what reports call it")
    shape: Shape = arg(Kind(), "shape of the output")
    figures: Cost = arg(Kind(), "what it costs")

    @property
    def op(self) -> str:
        """The name of the layer's class: in snake_case where gconv knows the class."""
        return self.layer

    def output_shape(self, *inputs: Shape) -> Shape:
        """The shape it was made with."""
        return self.shape

    def cost(self, *inputs: Shape) -> Cost:
        """The cost it was made with."""
        return self.figures

    def build(self, name: str, *inputs: Shape) -> Sequence[Any]:
        """Nothing. Raises UsageError: there are figures here, and no layer."""
        raise UsageError(
            f"layer {name!r} ({self.layer}) of a Keras model is only in that model: it cannot be "
            "built anew"
        )


class KerasView(KerasLayer):
    """One that at inference moves no data: dropout's kin, reshapes."""

    is_view = True
