"""The walk through the items of a spec: each item becomes nodes, in its scope.

Only this module knows both the errors of a layer and the layer's place in the file.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from groupconv_cli.errors import Diagnostic, OpError, Place, SpecError
from groupconv_cli.language import expressions as expr
from groupconv_cli.language.growing import Growing
from groupconv_cli.language.layer_names import NameScope
from groupconv_cli.language.nodes import Tree
from groupconv_cli.language.reads import unlike
from groupconv_cli.language.repetitions import repetitions
from groupconv_cli.language.scope import Scope, UnknownValue
from groupconv_cli.language.shapes import MAX_OUTPUT, shape_in_spite, worked_out
from groupconv_cli.language.spec import Given, Item, Items
from groupconv_cli.language.tensors import Tensors, Unreadable
from groupconv_cli.language.values import is_computed
from groupconv_cli.language.wrong_value import not_a, part_of, text_of
from groupconv_cli.network import Node
from groupconv_cli.ops import LAYERS, Op
from groupconv_cli.ops.activation import activation as activation_op
from groupconv_cli.ops.base import Arg, Composite, Registered, Tensor, per_axis
from groupconv_cli.ops.kinds import KindError, LayerChoice
from groupconv_cli.ops.norm import GroupNorm, with_fitting_groups


class Walk:
    """The state of the walk: the values of names, and the item that is being expanded.

    It is also the `Builder` with which composites expand.
    """

    __slots__ = ("growing", "item", "level", "tensors", "used_at", "variables")

    def __init__(
        self,
        growing: Growing,
        scope: Scope,
        level: NameScope,
        item: Item,
        tensors: Tensors,
        used_at: tuple[Place, ...] = (),
    ) -> None:
        self.growing = growing
        self.variables = scope
        self.level = level
        self.item = item
        self.tensors = tensors
        """What the items of the list that the item is in have made."""
        self.used_at = used_at
        """The places where the blocks around this were used, the outermost first."""

    # Functions for composites

    def add(self, op: Op, *inputs: Tensor) -> Tensor:
        """Adds a primitive under its own name."""
        return self._add(op, op.op, *inputs)

    def walk(self, layers: Any, x: Tensor) -> Tensor:
        """Adds a list of layers one after another; returns the last one's output."""
        return self.walk_list(layers, Tensors(x, self.tensors)).last

    def walk_list(self, items: Items, tensors: Tensors) -> Tensors:
        """Adds a list of layers; its outputs are added to `tensors`, which is returned."""
        for item in items:
            self._item(item, tensors)
        return tensors

    @contextmanager
    def scope(self, name: str) -> Iterator[None]:
        """Puts the layers that are added inside on a level of their own."""
        self.growing.step(self.item.place)
        outer, self.level = self.level, self.level.below(name, name, self.item.number)
        try:
            yield
        finally:
            self.level = outer

    def strides_since(self, start: Tensor, end: Tensor) -> tuple[int, ...]:
        """The product of the strides from one tensor to the other along first inputs, per axis.

        They are those from the network's input if that path does not meet `start`.
        """
        rank = len(start.shape or ()) - 1
        total = (1,) * rank
        index = end.node
        while index > start.node and self.growing.nodes[index].inputs:
            node = self.growing.nodes[index]
            stride = per_axis(node.op.downsampling, rank)
            total = tuple(a * b for a, b in zip(total, stride, strict=True))
            index = node.inputs[0]
        return total

    # One item

    def _item(self, item: Item, tensors: Tensors) -> None:
        """Adds the item's layers, and its output or outputs to `tensors`."""
        unknown = Tensor(tensors.last.node, None)
        frame = Walk(self.growing, self.variables, self.level, item, tensors, self.used_at)
        output: Tensor | None = unknown
        if item.sound:
            self.growing.items[item.number] = item
            try:
                output = frame._repeated()
            except UnknownValue:
                pass
            except SpecError as error:
                for problem in error.diagnostics:
                    message, place, hint = problem[:3]
                    self._problem(message, place or item.place, hint, message)
        if output is unknown:
            tensors.add(unknown)
        if item.name is not None:
            if output is None:
                tensors.off.add(item.name)
                output = frame._inputs()[0] if len(item.reads or (-1,)) == 1 else None
            tensors.name(item.name, output)

    def _repeated(self) -> Tensor | None:
        """The output of the item's last repetition; None if it has none.

        Raises SpecError and UnknownValue.
        """
        item, inputs = self.item, self._inputs()
        is_by_rows = item.each is not None
        if item.when is not None and not is_by_rows and not self._truth(item.when, inputs[0]):
            return None
        if item.repeat is None and not is_by_rows:
            return self._use(inputs)
        output = None
        for scope in repetitions(item, self.variables, _channels(inputs[0])):
            each = Walk(self.growing, scope, self.level, item, self.tensors, self.used_at)
            inputs = self._inputs()
            if item.when is not None and is_by_rows and not each._truth(item.when, inputs[0]):
                self.growing.step(item.place)
                continue
            output = each._use(inputs)
            if self.growing.problems and output.shape == inputs[0].shape and not is_by_rows:
                break  # there will be no network, and the other repetitions find nothing else
        return output

    def _use(self, inputs: tuple[Tensor, ...]) -> Tensor:
        """The output of one repetition of the item. Raises SpecError and UnknownValue."""
        item, growing = self.item, self.growing
        growing.step(item.place)
        outer, use = growing.use, growing.begin(item, self.variables, inputs)
        try:
            output = use.output = self._once(inputs)
        finally:
            growing.end(use, outer)
        self.tensors.add(output)
        return output

    def _inputs(self) -> tuple[Tensor, ...]:
        """What the item reads. Raises SpecError if that is not there."""
        item = self.item
        try:
            return self.tensors.read(item.reads)
        except Unreadable as error:
            if self.growing.problems:  # some of what it could read may be missing for that reason
                raise UnknownValue from None
            place = item.reads_place or item.place
            raise SpecError(Diagnostic(f"from reads {error.message}", place, error.hint)) from None

    def _truth(self, tree: Tree, x: Tensor) -> bool:
        value = self.variables.value(tree, _channels(x))
        if not isinstance(value, bool):
            hint = expr.truth_hint(text_of(tree), value)
            raise SpecError(not_a("when", "true or false", tree, value, hint))
        return value

    def _once(self, inputs: tuple[Tensor, ...]) -> Tensor:
        item, x = self.item, inputs[0]
        if item.layer in self.growing.spec.blocks:
            return self._block(inputs)
        registered = LAYERS[item.layer]
        values = self._values(registered, x)
        if issubclass(registered.cls, Composite):
            return self._composite(registered.cls(**values), x)
        return self._op(registered.cls, values, inputs)

    def _values(self, registered: Registered, x: Tensor) -> dict[str, Any]:
        """The item's arguments. Those of an item without expressions are computed once."""
        item, growing = self.item, self.growing
        if item.number in growing.literal:
            growing.step(item.place, len(item.args))
            return dict(growing.literal[item.number])
        values: dict[str, Any] = dict(registered.preset)
        is_literal = True
        for key, given in item.args.items():
            values[key] = self._bound(key, given, registered.args[key], x)
            inner = given.layers is not None or given.branches is not None
            is_literal = is_literal and not inner and not is_computed(given.tree)
        if is_literal:
            growing.literal[item.number] = dict(values)
        return values

    def _bound(self, key: str, given: Given, declared: Arg, x: Tensor) -> Any:
        if given.layers is not None and isinstance(declared.kind, LayerChoice):
            return self._with_arguments(given.layers[0], x)
        if given.branches is not None:
            return tuple(
                branch.layers if branch.when is None or self._truth(branch.when, x) else None
                for branch in given.branches
            )
        if given.layers is not None:
            return given.layers
        self.growing.step(given.place, 1)
        kind = declared.kind
        value = self.variables.value(given.tree, _channels(x), kind.nesting)
        try:
            return kind.convert(value)
        except KindError as error:
            wrong = part_of(given.tree, error.at)
            if wrong is not given.tree and isinstance(value, list):
                value = value[error.at or 0]
            raise SpecError(not_a(key, error.message, wrong, value, error.hint)) from None

    def _with_arguments(self, item: Item, x: Tensor) -> Op | Composite:
        """The layer that an argument names, such as a norm, with arguments of its own."""
        registered = LAYERS[item.layer]
        values = {
            key: self._bound(key, given, registered.args[key], x)
            for key, given in item.args.items()
        }
        return registered.cls(**registered.preset, **values)

    def _block(self, inputs: tuple[Tensor, ...]) -> Tensor:
        item, x = self.item, inputs[0]
        block = self.growing.spec.blocks[item.layer]
        self.growing.step(item.place, len(item.args))
        values = {
            key: self.variables.value(given.tree, _channels(x)) for key, given in item.args.items()
        }
        root = self.variables.root
        scope = Scope(block.params, root, values, _channels(x), is_block=True)
        level = self._own_level(item.layer)
        if self.growing.use is not None:
            self.growing.use.inside = scope
        used_at = (*self.used_at, item.place)
        # Names of the list that the block is used in mean nothing inside the block.
        tensors = Tensors(x, named=dict(zip(block.inputs, inputs, strict=False)))
        self.growing.deeper(item.place)
        try:
            walk = Walk(self.growing, scope, level, item, tensors, used_at)
            return walk.walk_list(block.layers, tensors).last
        finally:
            self.growing.higher()

    def _own_level(self, kind: str) -> NameScope:
        self._check_name()
        return self.level.below(self.item.name or kind, kind, self.item.number)

    def _composite(self, layer: Composite, x: Tensor) -> Tensor:
        item = self.item
        # Inside a block a composite adds nothing to the names unless it is named or repeated:
        # 'bottleneck_2.conv' says as much as 'bottleneck_2.residual.conv'.
        transparent = (
            self.level.path and item.name is None and item.repeat is None and item.each is None
        )
        level = self.level if transparent else self._own_level(item.layer)
        frame = Walk(self.growing, self.variables, level, item, self.tensors, self.used_at)
        self.growing.deeper(item.place)
        try:
            return layer.expand(frame, x)
        except OpError as error:
            within = ".".join(step.name for step in level.path)
            inside = f"the {item.layer} in {within!r}"
            self._objection(error, inside if transparent else f"layer {within!r}")
            return Tensor(x.node, None)
        finally:
            self.growing.higher()

    def _op(self, cls: type[Op], values: dict[str, Any], inputs: tuple[Tensor, ...]) -> Tensor:
        item, x = self.item, inputs[0]
        norm, activation = values.pop("norm", None), values.pop("activation", None)
        if norm is not None and "bias" in cls.args:
            values.setdefault("bias", False)
        shapes = [tensor.shape for tensor in inputs if tensor.shape is not None]
        if len(shapes) < len(inputs):
            return Tensor(x.node, None)
        self._check_name()
        groups_from = None
        if cls.takes_groups_before and "groups" not in values:
            groups_from = self.growing.groups_before[x.node]
            if groups_from is None and self.growing.problems:
                return x  # the groups before it may be what is wrong
            if groups_from is None:
                self._problem(
                    f"{item.layer} has no groups, and no convolution with groups comes before it",
                    item.place,
                    f"give the number: {item.layer}: {{groups: 4}}",
                )
                return x
            values["groups"] = self.growing.nodes[groups_from].groups
        cls.resolve(values, *shapes)
        op, named = cls(**values), item.name
        keeps_groups = op.is_convolution and "groups" in values
        x = self._add(
            op, named or item.layer, *inputs, groups_from=groups_from, keeps_groups=keeps_groups
        )
        follow_ups: list[tuple[str, Op]] = [("norm", norm)] if norm else []
        follow_ups += [("activation", activation_op(activation))] if activation else []
        for key, follow_up in follow_ups:
            label = f"{named}_{follow_up.op}" if named else follow_up.op
            x = self._add(follow_up, label, x, given_by=key)
        return x

    def _add(
        self,
        op: Op,
        label: str,
        *inputs: Tensor,
        groups_from: int | None = None,
        keeps_groups: bool = False,
        given_by: str | None = None,
    ) -> Tensor:
        """The output of one more layer; `given_by` is the argument that stands for the layer."""
        unknown = Tensor(inputs[0].node, None)
        shapes = tuple(tensor.shape for tensor in inputs if tensor.shape is not None)
        if len(shapes) < len(inputs):
            return unknown
        growing = self.growing
        growing.step(self.item.place, len(inputs))
        name = self.level.full_name(self.level.label(label, self.item.number))
        try:
            shape, cost = worked_out(op, shapes)
        except OpError as error:
            if given_by is not None:
                hint = error.hint
                if isinstance(op, GroupNorm):
                    hint = with_fitting_groups(op, shapes[0][-1])
                error = OpError(error.message, arg=given_by, hint=hint)
            elif op.merges and self.item.reads is not None and self.item.layer == op.op:
                sizes = zip(self.item.reads, shapes, strict=True)
                error = OpError(error.message, arg="from", hint=unlike(sizes, error.hint))
            self._objection(error, f"layer {name!r}")
            return Tensor(inputs[0].node, shape_in_spite(op, shapes))
        if max(shape) > MAX_OUTPUT:
            self._problem(f"the output of layer {name!r} is too large", self.item.place, None)
            return unknown
        node = Node(
            name=name,
            op=op,
            inputs=tuple(tensor.node for tensor in inputs),
            input_shapes=shapes,
            shape=shape,
            cost=cost,
            path=self.level.path,
            item=self.item.number,
            place=self.item.place,
            groups_from=groups_from,
        )
        before = growing.groups_before[inputs[0].node]
        is_nearest = keeps_groups and not node.is_depthwise
        growing.groups_before.append(len(growing.nodes) if is_nearest else before)
        growing.nodes.append(node)
        return Tensor(len(growing.nodes) - 1, shape)

    # Problems

    def _check_name(self) -> None:
        item = self.item
        owner = self.level.owners.get(item.name or "", item.number)
        if owner != item.number:
            whose = "by an earlier layer" if owner else "by an input"
            self._problem(
                f"the name {item.name!r} is already used {whose}",
                item.name_place or item.place,
                "give every layer of a list a name of its own",
            )

    def _objection(self, error: OpError, layer: str) -> None:
        given = self.item.args.get(error.arg or "")
        place = given.place if given is not None else self.item.place
        if error.arg == "from":
            place = self.item.reads_place or place
        message = error.message.replace("{layer}", layer)
        if message == error.message:
            message = f"{layer}: {message}"
        self._problem(message, place, error.hint, error.message)

    def _problem(self, message: str, place: Place, hint: str | None, fact: str = "") -> None:
        if self.used_at and place.source is self.growing.spec.source:  # and not of a --set
            lines = ", from ".join(f"line {used.line}" for used in reversed(self.used_at))
            note = f"(the block is used on {lines})"
            hint = f"{hint} {note}" if hint else note
        fact = fact if self.used_at else ""
        self.growing.problems.add(message, place, hint, fact=fact, used_at=tuple(self.used_at))


def _channels(x: Tensor) -> int | None:
    return None if x.shape is None else x.shape[-1]
