"""Ops: small frozen classes with their arguments, shape rule, cost and Keras layers.

`class Conv(Op, name="conv")` registers itself. Ops are not standard dataclasses because creating
one dataclass costs about a millisecond at import, and every run of the program imports every op;
`dataclass_transform` tells type checkers to treat them alike.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, ClassVar, NamedTuple, Protocol, Self, dataclass_transform

from groupconv_cli.ops.calls import LayerCall
from groupconv_cli.ops.keras_use import LayerUse
from groupconv_cli.ops.kinds import Kind, Value

Shape = tuple[int, ...]
"""Spatial sizes, then channels; the batch is left out. A flat vector has only channels."""

Masks = list[int]
"""A set for each channel of a tensor, with channels of an earlier tensor: bit i is channel i."""


class Cost(NamedTuple):
    """The cost of one layer, for one sample."""

    params: int = 0
    """Weights, biases included, trainable or not."""
    non_trainable: int = 0
    """The part of `params` that training does not change."""
    macs: int = 0
    """Multiply-accumulates of convolutions and dense layers; bias and the rest count 0."""
    macs_known: bool = True
    """Whether `macs` is complete. If not, it is a lower bound."""

    @property
    def macs_or_none(self) -> int | None:
        """The multiply-accumulates; None if they are unknown."""
        return self.macs if self.macs_known else None


class Arg(NamedTuple):
    """One argument of a layer: the kind of its values, its default, and a line on its meaning."""

    kind: Kind
    doc: str
    default: Value
    required: bool
    otherwise: str = ""
    """A description of the default, if its value alone does not say it."""


class _Required:
    pass


_REQUIRED = _Required()


def arg(kind: Kind, doc: str, *, default: Any = _REQUIRED, otherwise: str = "") -> Any:
    """Declares an argument in the body of a layer class. Without a default it is required."""
    required = default is _REQUIRED
    return Arg(kind, doc, None if required else default, required, otherwise)


class Layer:
    """The base of everything that may stand in a spec's `layers:`. Collects declared arguments."""

    args: ClassVar[dict[str, Arg]] = {}
    follow_ups: ClassVar[dict[str, Arg]] = {}
    """Arguments that become layers of their own after this one (`norm`, `activation`)."""

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        declared = {key: value for key, value in vars(cls).items() if isinstance(value, Arg)}
        if declared:
            every = {**declared, **cls.args, **declared}  # its own win over inherited ones
            cls.args = dict(sorted(every.items(), key=lambda item: not item[1].required))

    def __init__(self, **values: Any) -> None:
        held = {}
        for key, declared in self.args.items():
            if key in values:
                held[key] = values.pop(key)
            elif declared.required:
                raise TypeError(f"{type(self).__name__}() is missing the argument {key!r}")
            else:
                held[key] = declared.default
        if values:
            raise TypeError(f"{type(self).__name__}() has no argument {next(iter(values))!r}")
        self.__dict__.update(held)

    def __setattr__(self, key: str, value: object) -> None:
        raise AttributeError(f"{type(self).__name__} is frozen; use replace()")

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self.__dict__ == other.__dict__

    def __hash__(self) -> int:
        return hash((type(self), *self.__dict__.values()))

    def __repr__(self) -> str:
        values = ", ".join(f"{key}={getattr(self, key)!r}" for key in self.args)
        return f"{type(self).__name__}({values})"

    def replace(self, **changes: Any) -> Self:
        """A copy with some arguments changed."""
        return type(self)(**{key: getattr(self, key) for key in self.args} | changes)


@dataclass_transform(kw_only_default=True, frozen_default=True, field_specifiers=(arg,))
class Op(Layer):
    """A primitive layer. Only primitive layers have formulas.

    The documentation is made from the class docstrings of ops, so they follow a pattern: one
    sentence, then the rules for shape, params and MACs.
    """

    registered_name: ClassVar[str] = ""

    is_convolution: ClassVar[bool] = False
    """Whether it has groups that a sweep can change."""

    takes_groups_before: ClassVar[bool] = False
    """Whether it takes missing `groups` from the grouped convolution before it."""

    merges: ClassVar[bool] = False
    """Whether it takes several inputs."""

    is_view: ClassVar[bool] = False
    """Whether it moves no data at inference, so that its output is its input's memory."""

    is_dense: ClassVar[bool] = False
    """Whether every output channel depends on all input channels, for all arguments."""

    is_elementwise: ClassVar[bool] = False
    """Whether an output channel depends on the same channel of every input, and on no other."""

    is_part: ClassVar[bool] = False
    """Whether its output lacks some channels of its input."""

    steps: ClassVar[Shape] = ()
    """The leading sizes of its shapes that it goes through step by step."""

    assumed: ClassVar[str] = ""
    """The custom class of a Keras model that is taken for this op without being known."""

    keras_classes: ClassVar[tuple[str, ...]] = ()
    """Classes of Keras whose layers may become this op; operations are written 'ops.…'."""

    def __init_subclass__(cls, *, name: str | None = None, layer: bool = True) -> None:
        super().__init_subclass__()
        if name is not None:
            cls.registered_name = name
            register(name, cls, layer=layer)

    @property
    def op(self) -> str:
        """The name of the op in specs and reports."""
        return self.registered_name

    @classmethod
    def resolve(cls, values: dict[str, Any], *inputs: Shape) -> None:
        """Replaces words in `values` whose meaning depends on the input's shape, in place."""

    def groups_of(self, *inputs: Shape) -> int | None:
        """The number of groups for these inputs; None if the op has no groups."""
        return None

    @property
    def window(self) -> Window | None:
        """Kernel, stride and dilation of the sliding window; None if the op has no window."""
        return None

    @property
    def downsampling(self) -> tuple[int, ...]:
        """The numbers by which the op divides spatial sizes: the stride of its window."""
        return (1,) if self.window is None else self.window.stride

    def check(self, *inputs: Shape) -> None:
        """Raises OpError if the op cannot take these inputs."""

    def output_shape(self, *inputs: Shape) -> Shape:
        """The shape of the output, for inputs that passed `check`."""
        return inputs[0]

    def cost(self, *inputs: Shape) -> Cost:
        """Weights and multiply-accumulates for one sample."""
        return Cost()

    def mixes_all(self, *inputs: Shape) -> bool:
        """Whether every output channel depends on all channels of all inputs."""
        return self.is_dense

    def mix(self, masks: Sequence[Masks], *inputs: Shape) -> Masks | None:
        """The dependencies of each output channel, given those of each input channel.

        By default a channel depends on the same channel of the input. This is not called if
        `mixes_all` is true. None means that it is too much to follow.
        """
        return masks[0]

    def with_groups(self, groups: int, *inputs: Shape) -> Op:
        """The same layer with another number of groups, for layers that have groups."""
        raise TypeError(f"{self.op} has no groups")

    def calls(self, name: str, *inputs: Shape) -> Sequence[LayerCall]:
        """Stock Keras layers to call one after another; the last is called `name`."""
        raise NotImplementedError

    def open_calls(self, name: str, *inputs: Shape) -> Sequence[LayerCall]:
        """The layers for a model that leaves spatial sizes open.

        They are those of `calls`, unless these have sizes in them. A layer whose `open_calls` still
        depend on the sizes cannot be in such a model.
        """
        return self.calls(name, *inputs)

    @classmethod
    def from_keras(cls, use: LayerUse) -> Op | None:
        """The op for a use of a layer of `keras_classes`.

        None if the op does not support this use of the layer. The caller checks shape and weights
        against Keras. This version is for ops without arguments.
        """
        return cls()

    def plainest(self, *inputs: Shape) -> Op:
        """The op to take for all ops that compute the same on these inputs, whatever their size."""
        return self

    @classmethod
    def from_chain(cls, uses: Sequence[LayerUse]) -> Op | None:
        """The op that `calls` writes as these layers, which follow one another; None if none.

        The caller compares them with what the op makes.
        """
        return None

    def build(self, name: str, *inputs: Shape, is_open: bool = False) -> Sequence[Any]:
        """Makes the layers of `calls`, or of `open_calls`."""
        calls = self.open_calls if is_open else self.calls
        return [call.make() for call in calls(name, *inputs)]


class Window(NamedTuple):
    """The window that a convolution or pool slides over its input; one value per spatial axis."""

    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    dilation: tuple[int, ...]


class Tensor(NamedTuple):
    """A node's output while the network grows. The shape is None after a mistake."""

    node: int
    shape: Shape | None


class Builder(Protocol):
    """The functions of the expansion that a composite may use."""

    def add(self, op: Op, *inputs: Tensor) -> Tensor:
        """Adds a primitive. Raises OpError if it cannot take these inputs."""
        ...

    def walk(self, layers: Any, x: Tensor) -> Tensor:
        """Adds a list of layers from the spec."""
        ...

    def scope(self, name: str) -> AbstractContextManager[None]:
        """Puts the layers that are added inside on a path of their own: `<path so far>.<name>`."""
        ...

    def strides_since(self, start: Tensor, end: Tensor) -> tuple[int, ...]:
        """The product of the strides between one tensor and another, per axis."""
        ...


@dataclass_transform(kw_only_default=True, frozen_default=True, field_specifiers=(arg,))
class Composite(Layer):
    """A layer that expands into primitives; it has no formulas of its own."""

    def __init_subclass__(cls, *, name: str | None = None) -> None:
        super().__init_subclass__()
        if name is not None:
            register(name, cls)

    def expand(self, builder: Builder, x: Tensor) -> Tensor:
        """Adds primitives that read `x` to the network; returns the last one's output."""
        raise NotImplementedError


class Registered(NamedTuple):
    """The meaning of a name in a spec: a class, and arguments that the name itself fixes."""

    cls: type[Op] | type[Composite]
    preset: Mapping[str, Value]
    args: Mapping[str, Arg]
    """The arguments that a spec may give: those of the class that the name does not fix."""


LAYERS: dict[str, Registered] = {}
"""Every name that a spec may use for a layer."""

OPS: dict[str, type[Op]] = {}
"""Every primitive by its name in reports, including primitives that only composites use."""

FROM_KERAS: dict[str, type[Op]] = {}
"""The op that reads the layers of a class of Keras."""


def register(
    name: str,
    cls: type[Op] | type[Composite],
    *,
    layer: bool = True,
    preset: Mapping[str, Value] | None = None,
) -> None:
    """Registers a layer under `name`. Raises ValueError if the name is taken."""
    if name in LAYERS or name in OPS:
        raise ValueError(f"a layer called {name!r} is registered already")
    if issubclass(cls, Op):
        OPS[name] = cls
        for keras_class in cls.keras_classes:
            if FROM_KERAS.setdefault(keras_class, cls) is not cls:
                raise ValueError(f"{keras_class} of Keras is read by another op already")
    if layer:
        fixed = preset or {}
        every = {**cls.args, **cls.follow_ups}
        args = {key: value for key, value in every.items() if key not in fixed}
        LAYERS[name] = Registered(cls, fixed, args)


def united(masks: Sequence[int]) -> int:
    """The union of some sets of channels."""
    union = 0
    for mask in masks:
        union |= mask
    return union


def mixed_in_groups(masks: Masks, groups: int, channels: int) -> Masks:
    """The dependencies of `channels` channels, each of which reads one of `groups` groups."""
    size, copies = len(masks) // groups, channels // groups
    mixed: Masks = []
    for start in range(0, len(masks), size):
        mixed += [united(masks[start : start + size])] * copies
    return mixed


def per_axis(size: tuple[int, ...], rank: int) -> tuple[int, ...]:
    """A size for each of `rank` axes, from one size for all axes or one for each."""
    return size * rank if len(size) == 1 else size


def shape_text(shape: Shape) -> str:
    """A shape as text: 56×56×256."""
    return "×".join(str(size) for size in shape)
