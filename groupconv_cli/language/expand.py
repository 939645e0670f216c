"""Spec → Network: expands blocks, repeats and variables, and computes shapes.

`growing.py` has the network so far and its bounds; `walk.py` goes through the items.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from groupconv_cli.errors import InternalError, Place, Problems, SpecError
from groupconv_cli.language.growing import Growing, Stop, Work
from groupconv_cli.language.layer_names import NameScope
from groupconv_cli.language.nodes import Entry, Tree
from groupconv_cli.language.room import with_room
from groupconv_cli.language.scope import Scope, UnknownValue
from groupconv_cli.language.spec import Item, Spec
from groupconv_cli.language.tensors import Tensors
from groupconv_cli.language.trace import Use
from groupconv_cli.language.validate import INPUT
from groupconv_cli.language.walk import Walk
from groupconv_cli.language.wrong_value import not_a
from groupconv_cli.network import Network, Node
from groupconv_cli.ops import Shape
from groupconv_cli.ops.base import Tensor
from groupconv_cli.ops.kinds import MAX_SIZE, as_whole
from groupconv_cli.ops.shape import Input


def expand(
    spec: Spec,
    changes: dict[str, Entry],
    problems: Problems,
    work: Work | None = None,
    *,
    in_place_of_open: Mapping[int, int] = MappingProxyType({}),
) -> Network | None:
    """The network; None if mistakes leave no network. Problems go to `problems`.

    `changes` replace values of `vars`; `work` counts on from the work of other variants.
    `in_place_of_open` is the size that stands for an open one, by the number of spatial axes.
    Without it an open size is a problem.
    """
    work = work or Work()
    work.networks += 1
    made = _expanded(Expansion(spec, changes, in_place_of_open), problems, work)
    return None if made is None else made[0]


class Expansion(NamedTuple):
    """The origin of a network: the spec, and the values that replace those of `vars`."""

    spec: Spec
    changes: dict[str, Entry]
    in_place_of_open: Mapping[int, int]

    def traced(self) -> tuple[Network, Use]:
        """The network once more, and the uses of the items that made it."""
        made = _expanded(self, Problems(), Work())
        if made is None:
            raise InternalError(
                f"the spec of {self.spec.name} has made a network, and now does not"
            )
        return made


def _expanded(origin: Expansion, problems: Problems, work: Work) -> tuple[Network, Use] | None:
    growing, scope = Growing(origin.spec, problems, work), Scope(origin.spec.vars | origin.changes)
    try:
        return with_room(lambda: _network(growing, scope, origin))
    except Stop:
        return None


def _network(growing: Growing, scope: Scope, origin: Expansion) -> tuple[Network, Use] | None:
    spec = growing.spec
    entry = Item(0, INPUT, next(iter(spec.inputs.values())).value.place, {})
    names = NameScope(())
    sizes = origin.in_place_of_open
    named = {
        name: _input(growing, scope, names.label(name, 0), each.value, sizes)
        for name, each in spec.inputs.items()
    }
    tensors = Tensors(next(iter(named.values())), named=named)
    use = growing.begin(entry, scope, tuple(named.values()))
    Walk(growing, scope, names, entry, tensors).walk_list(spec.layers, tensors)
    use.output = tensors.last
    growing.end(use, None)
    if growing.problems or tensors.last.shape is None:
        return None
    outputs = _outputs(spec, tensors)
    _check_ends(growing, len(named), outputs)
    if growing.problems:
        return None
    inputs = tuple(range(len(named)))
    return Network(spec.name, tuple(growing.nodes), inputs, tuple(outputs), origin), use


def _input(
    growing: Growing, scope: Scope, name: str, tree: Tree, sizes: Mapping[int, int]
) -> Tensor:
    shape = _input_shape(growing, scope, name, tree, sizes)
    if shape is None:
        return Tensor(-1, None)
    growing.nodes.append(Node(name, Input(), (), (), shape, Input().cost(), place=tree.place))
    growing.groups_before.append(None)
    return Tensor(len(growing.nodes) - 1, shape)


def _outputs(spec: Spec, tensors: Tensors) -> dict[int, Place]:
    """The nodes of the network's outputs, and the places that name them.

    An output that its `when` leaves out is none.
    """
    if not spec.outputs:
        return {tensors.last.node: next(iter(spec.inputs.values())).place}
    there = [each for each in spec.outputs if each.name not in tensors.off]
    return {tensors.named(each.name).node: each.place for each in there}


def _check_ends(growing: Growing, inputs: int, outputs: dict[int, Place]) -> None:
    """Notes inputs that are outputs, and nodes that neither a node nor the user reads."""
    problems, nodes = growing.problems, growing.nodes
    if not outputs:
        message = "every one of the outputs is left out by its `when`"
        problems.add(message, growing.spec.outputs[0].place)
    for index, place in outputs.items():
        if index < inputs and growing.spec.outputs:
            problems.add(f"the output is the input {nodes[index].name!r} itself", place)
        elif index < inputs:
            problems.add("the network has no layers left", place)
    if problems:
        return
    read = {index for node in nodes for index in node.inputs}
    told: set[int] = set()
    for index, node in enumerate(nodes):
        if index in read or index in outputs or (index >= inputs and node.item in told):
            continue
        told.add(node.item)
        what = "the input" if index < inputs else "layer"
        hint = "read it with from:, or leave it out"
        item = growing.items.get(node.item)
        if item is not None and (item.repeat is not None or item.each is not None):
            hint = "read every repetition, for example by from: [-1, -2]"
        elif index >= inputs:
            hint = "read it with from:, name it in outputs:, or leave it out"
        problems.add(
            f"nothing reads {what} {node.name!r}",
            node.place or growing.items[node.item].place,
            hint,
        )


def _input_shape(
    growing: Growing, scope: Scope, name: str, tree: Tree, in_place: Mapping[int, int]
) -> Shape | None:
    declared = declared_shape(growing.problems, scope, name, tree)
    if declared is None:
        return None
    rank = len(declared) - 1
    if None not in declared or rank in in_place:
        return tuple(in_place[rank] if size is None else size for size in declared)
    example = ",".join(str(_EXAMPLES[rank] if size is None else size) for size in declared)
    growing.problems.add(
        f"the sizes of {name} are open, and counts need them",
        tree.place,
        f"give them: --set {name}={example}",
    )
    return None


_EXAMPLES = {1: 16000, 2: 224, 3: 64}


def declared_shape(
    problems: Problems, scope: Scope, name: str, tree: Tree
) -> tuple[int | None, ...] | None:
    """The sizes of an input as the spec has them, None for an open one.

    None, with a problem noted, if they are not sizes.
    """
    try:
        value = scope.value(tree)
    except UnknownValue:
        return None
    except SpecError as error:
        for problem in error.diagnostics:
            problems.add(*problem[:3])
        return None
    values = value if isinstance(value, list) else []
    sizes = [None if each is None else as_whole(each) for each in values]
    sound = [
        each is None or (size is not None and 1 <= size <= MAX_SIZE)
        for each, size in zip(values, sizes, strict=True)
    ]
    if not 2 <= len(sizes) <= 4 or not all(sound) or sizes[-1] is None:
        words = "one to three spatial sizes and then the channels, all whole numbers of 1 or more"
        is_set = tree.place.source.name.startswith("--set")
        hint = "for example: " + (f"--set {name}=224,224,3" if is_set else f"{name}: [224, 224, 3]")
        if all(sound) and 2 <= len(sizes) <= 4:
            hint = f"only spatial sizes can be open: {name}: [null, null, 3]"
        problems.add(*not_a(name, words, tree, value, hint)[:3])
        return None
    return tuple(sizes)
