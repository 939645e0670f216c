"""Ops of a Keras model that stand inside something else: a step of many, or with more weights."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from groupconv_cli.ops.base import Cost, Masks, Op, Shape, Window
from groupconv_cli.ops.calls import LayerCall
from groupconv_cli.ops.keras_layer import not_rebuilt

TRAITS = (
    *("is_convolution", "takes_groups_before", "merges", "is_view", "is_dense"),
    *("is_elementwise", "is_part"),
)


class Wrapped(Op):
    """An op as it stands, but run once per step, with weights besides, or on an assumption.

    Its shapes begin with `steps`, over which it is run: those of Keras' TimeDistributed. `extra`
    is the cost of weights that are not the op's own, whatever its groups. `assumed` names a class
    of the user's that is taken for the op. No spec can name it; only the reading of a model makes
    it.
    """

    def __init__(
        self, inner: Op, *, steps: Shape = (), extra: Cost | None = None, assumed: str = ""
    ) -> None:
        super().__init__()
        # It has the traits and the arguments of the op, for whoever compares layers.
        self.__dict__.update({key: getattr(inner, key) for key in (*TRAITS, *inner.args)})
        self.__dict__.update(args=inner.args, steps=steps)
        self.__dict__.update(assumed=assumed or inner.assumed)
        self.__dict__.update(_held=inner, _besides=extra or Cost())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Wrapped) and self._key == other._key

    def __hash__(self) -> int:
        return hash(self._key)

    @property
    def _key(self) -> tuple[Op, Shape, Cost, str]:
        return self._inner, self.steps, self._extra, self.assumed

    @property
    def _inner(self) -> Op:
        inner: Op = self.__dict__["_held"]
        return inner

    @property
    def _extra(self) -> Cost:
        extra: Cost = self.__dict__["_besides"]
        return extra

    def _within(self, inputs: Sequence[Shape]) -> list[Shape]:
        """The shapes in one step."""
        return [shape[len(self.steps) :] for shape in inputs]

    @property
    def op(self) -> str:
        """The name of the op inside."""
        return self._inner.op

    @property
    def window(self) -> Window | None:
        """The window of the op inside."""
        return self._inner.window

    def groups_of(self, *inputs: Shape) -> int | None:
        """The number of groups of the op inside."""
        return self._inner.groups_of(*self._within(inputs))

    def check(self, *inputs: Shape) -> None:
        """Raises OpError if the op inside cannot take one step of these inputs."""
        self._inner.check(*self._within(inputs))

    def output_shape(self, *inputs: Shape) -> Shape:
        """The steps, then the shape of one."""
        return (*self.steps, *self._inner.output_shape(*self._within(inputs)))

    def cost(self, *inputs: Shape) -> Cost:
        """The weights once and the multiply-accumulates of every step, and what is besides."""
        inner, extra = self._inner.cost(*self._within(inputs)), self._extra
        return inner._replace(
            params=inner.params + extra.params,
            non_trainable=inner.non_trainable + extra.non_trainable,
            macs=inner.macs * prod(self.steps),
        )

    def mixes_all(self, *inputs: Shape) -> bool:
        """Whether the op inside does."""
        return self._inner.mixes_all(*self._within(inputs))

    def mix(self, masks: Sequence[Masks], *inputs: Shape) -> Masks | None:
        """What the op inside says of a step."""
        return self._inner.mix(masks, *self._within(inputs))

    def with_groups(self, groups: int, *inputs: Shape) -> Wrapped:
        """The op inside with another number of groups, in the same place."""
        op = self._inner.with_groups(groups, *self._within(inputs))
        return Wrapped(op, steps=self.steps, extra=self._extra, assumed=self.assumed)

    def calls(self, name: str, *inputs: Shape) -> Sequence[LayerCall]:
        """Nothing. Raises UsageError: only a Keras model has such a layer."""
        raise not_rebuilt(name, self.op)
