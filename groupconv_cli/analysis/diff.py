"""The changes between two networks, layer by layer and in total."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from groupconv_cli.analysis.align import Match, Pairs, align, counted, runs
from groupconv_cli.analysis.branch_order import by_branches
from groupconv_cli.analysis.summary import window_of
from groupconv_cli.analysis.totals import Totals, total
from groupconv_cli.network import Network, Node
from groupconv_cli.ops import activation, norm
from groupconv_cli.ops.base import Cost, Op, Shape, Window, per_axis
from groupconv_cli.shown import Shown

ADDED, REMOVED, CHANGED, MOVED = "added", "removed", "changed", "moved"

CONSEQUENCES = ("input_shapes", "output_shape", "params", "macs")
"""Fields that change if a layer's input has another shape, although it is written as before."""

_NOTHING = Network("", (), (), ())


class DiffLayer(NamedTuple):
    """One layer of one side, for one sample."""

    name: str
    op: str
    settings: Mapping[str, Any]
    """Its arguments by name, in the order of its class; sizes have one value per axis."""
    groups: int | None
    window: Window | None
    inputs: tuple[str, ...]
    """Names of the layers that it reads."""
    input_shapes: tuple[Shape, ...]
    output_shape: Shape
    cost: Cost


class FieldChange(NamedTuple):
    """One changed field of a layer."""

    field: str
    """`op`, an argument's name, `inputs` or `is_output`, or one of CONSEQUENCES."""
    old: Any
    new: Any


class LayerChange(NamedTuple):
    """One layer that is not the same on both sides."""

    status: str
    """'added', 'removed', 'changed', or 'moved': the same layer in another place."""
    old: DiffLayer | None
    """None for an added layer."""
    new: DiffLayer | None
    """None for a removed layer."""
    fields: tuple[FieldChange, ...] = ()
    """The differences; empty for an added, removed or moved layer."""

    @property
    def layer(self) -> DiffLayer:
        """The new layer, or the old one if it was removed."""
        layer = self.new or self.old
        if layer is None:
            raise LookupError("a change of no layer")
        return layer

    @property
    def follows(self) -> bool:
        """Whether the layer is written as before, and only its input has another shape."""
        fields = {change.field for change in self.fields}
        return "input_shapes" in fields and fields.issubset(CONSEQUENCES)

    @property
    def params(self) -> int:
        """The number of weights by which this layer makes the network larger."""
        return _cost(self.new).params - _cost(self.old).params

    @property
    def macs(self) -> int | None:
        """The MACs by which this layer makes the network larger; None if either is unknown."""
        old, new = _cost(self.old), _cost(self.new)
        return new.macs - old.macs if old.macs_known and new.macs_known else None


@dataclass(frozen=True, kw_only=True, repr=False)
class Diff(Shown):
    """The changes between two networks.

    The differences of the layers add up to the differences of the totals, in params and MACs.
    """

    old_name: str | None
    """None if there was no old network: everything is new."""
    new_name: str
    old_inputs: tuple[Shape, ...] | None
    new_inputs: tuple[Shape, ...]
    old_dtype: str | None
    new_dtype: str
    before: Totals
    after: Totals
    layers: tuple[LayerChange, ...]
    """In the order of the networks; a removed layer stands before its replacement."""
    renamed: tuple[tuple[str, str], ...]
    """The old and the new name of every layer that differs only in its name."""
    unchanged: int
    """How many layers are the same, or differ only in their names."""

    @property
    def dtype(self) -> str:
        """The type of weights and activations, of the new network if both have their own."""
        return self.new_dtype

    @property
    def is_new(self) -> bool:
        """Whether there is no old network to compare with."""
        return self.old_name is None

    @property
    def is_same(self) -> bool:
        """Whether both are the same network, names aside."""
        same = (self.old_inputs, self.old_dtype) == (self.new_inputs, self.new_dtype)
        return not self.is_new and not self.layers and same

    @property
    def old_input(self) -> Shape | None:
        """The shape of the first input of the old network."""
        return None if self.old_inputs is None else self.old_inputs[0]

    @property
    def new_input(self) -> Shape:
        """The shape of the first input of the new network."""
        return self.new_inputs[0]

    def count(self, status: str) -> int:
        """How many layers have that status."""
        return sum(layer.status == status for layer in self.layers)


def diff_networks(old: Network | None, new: Network, dtype: str | None = None) -> Diff:
    """The changes from `old` to `new`; without `old` every layer is added.

    Raises UsageError for an unknown dtype.
    """
    before = _Side(_NOTHING if old is None else old)
    after = _Side(new)
    pairs = _paired(before.layers, after.layers)
    moved = _moved(before.layers, after.layers, pairs)
    in_place = _in_place(before, after, pairs, moved)
    moved = [pair for pair in moved if pair not in in_place]
    changes, renamed = _changes(before, after, pairs, moved, in_place)
    return Diff(
        old_name=None if old is None else old.name,
        new_name=new.name,
        old_inputs=None if old is None else old.input_shapes,
        new_inputs=new.input_shapes,
        old_dtype=None if old is None else dtype or old.dtype,
        new_dtype=dtype or new.dtype,
        before=total(before.network, dtype),
        after=total(new, dtype),
        layers=changes,
        renamed=renamed,
        unchanged=len(pairs) + len(in_place) - sum(each.status == CHANGED for each in changes),
    )


class _Layer(NamedTuple):
    """A layer and the keys by which it is aligned."""

    number: int
    """Index of its node in the network."""
    shown: DiffLayer
    plain: tuple[str, Mapping[str, Any]]
    """The op and its arguments, the same for all ops that compute the same."""
    signature: Hashable
    """Everything but names and connections."""
    role: Hashable
    """The parts that survive a change of widths, groups and sizes: op, window, and its blocks."""
    family: str


class _Side:
    """One of the two networks, and its layers.

    They are in an order that the graph alone decides, so that branches that were written in another
    order are no difference.
    """

    def __init__(self, network: Network) -> None:
        self.network = network
        entries = set(network.inputs)
        order = by_branches(network.nodes, network.inputs, network.outputs)
        self.layers = [_layer(network, number) for number in order if number not in entries]


def _layer(network: Network, number: int) -> _Layer:
    node = network.nodes[number]
    settings, plain = _settings(node, node.op), node.op.plainest(*node.input_shapes)
    means = _settings(node, plain)
    shown = DiffLayer(
        name=node.name,
        op=node.op.op,
        settings=settings,
        groups=node.groups,
        window=window_of(node),
        inputs=tuple(network.nodes[i].name for i in node.inputs),
        input_shapes=node.input_shapes,
        output_shape=node.shape,
        cost=node.cost,
    )
    family = type(node.op).__module__
    # An activation or norm that replaces another one still has the same role.
    kind = family if family in (activation.__name__, norm.__name__) else shown.op
    return _Layer(
        number=number,
        shown=shown,
        plain=(plain.op, means),
        signature=(plain.op, tuple(means.items()), node.input_shapes, node.shape, node.cost),
        role=(kind, shown.window, tuple(step.kind for step in node.path)),
        family=family,
    )


def _settings(node: Node, op: Op) -> dict[str, Any]:
    """The arguments of the node's op, or of one like it, in a form that can be compared."""
    window = window_of(node)
    made = {}
    for key, declared in op.args.items():
        value = getattr(op, key)
        if window is not None and key in Window._fields:
            value = getattr(window, key)  # a pool's stride may be left out
        elif declared.kind.per_axis and isinstance(value, tuple):
            value = per_axis(value, len(node.input_shapes[0]) - 1)
        made[key] = value
    return made


def _means_the_same(field: str, old: Any, new: Any) -> bool:
    """Whether two values of an argument mean the same: a stride of 1 on one axis or on two."""
    if old == new:
        return True
    if field in ("kernel", "size", "shape") or not isinstance(old, tuple):
        return False
    return isinstance(new, tuple) and len({*old, *new}) == 1


WAYS: tuple[tuple[Match, tuple[int, ...]], ...] = (
    (runs, (0, 0, 1, 1, 2, 3, 4)),
    (runs, (1, 1, 0, 2, 3, 4)),
    (runs, (2, 2, 0, 3, 4)),
    (counted, (0, 0, 1, 1, 2, 3, 4)),
)
"""The keys to align by, one after another: signature, role, window, op, family. Equal layers are
the best guide if a part changed, roles if everything changed, windows if the blocks changed too.
All are used twice, because the pairs of the first time help the second."""


def _paired(old: list[_Layer], new: list[_Layer]) -> Pairs:
    """Positions of layers that belong together, by the alignment with the fewest changes."""
    numbers: dict[Hashable, int] = {}

    def keys(layers: list[_Layer]) -> list[list[int]]:
        every: list[list[Hashable]] = [
            [("signature", layer.signature) for layer in layers],
            [("role", layer.role) for layer in layers],
            [("window", layer.shown.op, layer.shown.window) for layer in layers],
            [("op", layer.shown.op) for layer in layers],
            [("family", layer.family) for layer in layers],
        ]
        return [[numbers.setdefault(key, len(numbers)) for key in level] for level in every]

    old_keys, new_keys = keys(old), keys(new)
    if old_keys[0] == new_keys[0]:
        return [(index, index) for index in range(len(old))]

    def told(pairs: Pairs) -> int:
        """The amount of changes. A layer's own change counts more than one that only follows."""
        weights = 3 * (len(old) + len(new) - 2 * len(pairs))
        for a, b in pairs:
            if old_keys[0][a] != new_keys[0][b]:
                weights += 1 + (old[a].plain != new[b].plain)
        return weights

    return min((align(old_keys, new_keys, levels, match) for match, levels in WAYS), key=told)


def _in_place(old: _Side, new: _Side, pairs: Pairs, moved: Pairs) -> Pairs:
    """Pairs of `moved` that read the same as before: only what reads them has another order."""
    found: Pairs = []
    for a, b in sorted(moved):
        partner = _Wiring(old, new, pairs + found).partner
        before = old.network.nodes[old.layers[a].number].inputs
        if [partner.get(i) for i in before] == list(new.network.nodes[new.layers[b].number].inputs):
            found.append((a, b))
    return found


def _changes(
    old: _Side, new: _Side, pairs: Pairs, moved: Pairs, in_place: Pairs
) -> tuple[tuple[LayerChange, ...], tuple[tuple[str, str], ...]]:
    """The changes in order, and the layers that were only renamed."""
    origin = {b: old.layers[a] for a, b in moved}
    gone = {a for a, _ in (*moved, *in_place)}
    stays = {b: old.layers[a].shown for a, b in in_place}
    found: list[LayerChange] = []
    renamed: list[tuple[str, str]] = []
    wiring = _Wiring(old, new, pairs + in_place)
    a = b = 0
    for next_a, next_b in [*pairs, (len(old.layers), len(new.layers))]:
        found += [
            LayerChange(REMOVED, old.layers[i].shown, None)
            for i in range(a, next_a)
            if i not in gone
        ]
        for i in range(b, next_b):
            here = new.layers[i].shown
            if i in stays:
                renamed += [(stays[i].name, here.name)] if stays[i].name != here.name else []
            elif i in origin:
                found.append(LayerChange(MOVED, origin[i].shown, here))
            else:
                found.append(LayerChange(ADDED, None, here))
        if next_a < len(old.layers) and next_b < len(new.layers):
            was, now = old.layers[next_a], new.layers[next_b]
            fields = _fields(was, now, wiring.of(was, now))
            if fields:
                found.append(LayerChange(CHANGED, was.shown, now.shown, fields))
            elif was.shown.name != now.shown.name:
                renamed.append((was.shown.name, now.shown.name))
        a, b = next_a + 1, next_b + 1
    return tuple(found), tuple(renamed)


def _moved(old: list[_Layer], new: list[_Layer], pairs: Pairs) -> Pairs:
    """Pairs of a removed and an added layer that are alike, if no other layers are like them."""
    kept_old, kept_new = {a for a, _ in pairs}, {b for _, b in pairs}
    gone = _unique((layer.signature, i) for i, layer in enumerate(old) if i not in kept_old)
    come = _unique((layer.signature, i) for i, layer in enumerate(new) if i not in kept_new)
    return [(gone[key], come[key]) for key in gone if key in come]


def _unique(keyed: Iterable[tuple[Hashable, int]]) -> dict[Hashable, int]:
    found: dict[Hashable, list[int]] = {}
    for key, index in keyed:
        found.setdefault(key, []).append(index)
    return {key: indices[0] for key, indices in found.items() if len(indices) == 1}


class _Wiring:
    """The changed connections. If a layer was inserted, only that layer counts as changed."""

    def __init__(self, old: _Side, new: _Side, pairs: Pairs) -> None:
        self.old, self.new = old.network, new.network
        self.partner = dict(zip(self.old.inputs, self.new.inputs, strict=False))
        self.partner |= {old.layers[a].number: new.layers[b].number for a, b in pairs}
        self.has_partner = set(self.partner.values())
        self.several_outputs = max(len(self.old.outputs), len(self.new.outputs)) > 1

    def of(self, was: _Layer, now: _Layer) -> list[FieldChange]:
        """The changes in the connections of one layer."""
        changes = []
        before, after = self.old.nodes[was.number].inputs, self.new.nodes[now.number].inputs
        known = all(i in self.partner for i in before) and self.has_partner.issuperset(after)
        if known and [self.partner[i] for i in before] != list(after):
            changes.append(FieldChange("inputs", was.shown.inputs, now.shown.inputs))
        is_output = was.number in self.old.outputs, now.number in self.new.outputs
        if self.several_outputs and is_output[0] != is_output[1]:
            changes.append(FieldChange("is_output", *is_output))
        return changes


def _fields(was: _Layer, now: _Layer, connections: list[FieldChange]) -> tuple[FieldChange, ...]:
    """The differences between two layers, without their names."""
    old, new = was.shown, now.shown
    pairs: list[tuple[str, Any, Any]] = []
    if was.plain[0] == now.plain[0]:
        differing = [key for key, value in now.plain[1].items() if value != was.plain[1][key]]
        pairs += [(key, old.settings[key], new.settings[key]) for key in differing]
    else:
        pairs.append(("op", old.op, new.op))
        if old.window and new.window:
            pairs += [
                (key, getattr(old.window, key), getattr(new.window, key)) for key in Window._fields
            ]
        if None not in (old.groups, new.groups):
            pairs.append(("groups", old.groups, new.groups))
    changes = [FieldChange(*pair) for pair in pairs if not _means_the_same(*pair)] + connections
    rest = [
        FieldChange("input_shapes", old.input_shapes, new.input_shapes),
        FieldChange("output_shape", old.output_shape, new.output_shape),
        FieldChange("params", old.cost.params, new.cost.params),
        FieldChange("macs", old.cost.macs_or_none, new.cost.macs_or_none),
    ]
    return (*changes, *(change for change in rest if change.old != change.new))


def _cost(layer: DiffLayer | None) -> Cost:
    return layer.cost if layer else Cost()
