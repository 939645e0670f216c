"""Spec → Network: expands blocks, repeats and variables, and computes shapes.

`growing.py` has the network so far and its bounds; `walk.py` goes through the items.
"""

from __future__ import annotations

from groupconv_cli.errors import Problems, SpecError
from groupconv_cli.language.growing import Growing, Stop, Work
from groupconv_cli.language.layer_names import NameScope
from groupconv_cli.language.nodes import Entry
from groupconv_cli.language.provenance import origin_of
from groupconv_cli.language.scope import Scope, UnknownValue
from groupconv_cli.language.spec import Item, Spec
from groupconv_cli.language.walk import Walk, not_a
from groupconv_cli.network import Network, Node
from groupconv_cli.ops import Shape
from groupconv_cli.ops.base import Tensor
from groupconv_cli.ops.kinds import as_whole
from groupconv_cli.ops.shape import Input


def expand(
    spec: Spec, changes: dict[str, Entry], problems: Problems, work: Work | None = None
) -> Network | None:
    """The network; None if mistakes leave no network. Problems go to `problems`.

    `changes` replace values of `vars`; `work` counts on from the work of other variants.
    """
    work = work or Work()
    work.networks += 1
    try:
        return _network(Growing(spec, problems, work), Scope(spec.vars | changes))
    except Stop:
        return None


def _network(growing: Growing, scope: Scope) -> Network | None:
    shape = _input_shape(growing, scope)
    item = Item(0, "input", growing.spec.input.place, {})
    root = Walk(growing, scope, NameScope(()), item)
    x = Tensor(-1, None)
    if shape is not None:
        name = root.level.label("input", 0)
        growing.nodes.append(Node(name, Input(), (), (), shape, Input().cost()))
        growing.groups_before.append(None)
        x = Tensor(0, shape)
    y = root.walk(growing.spec.layers, x)
    if growing.problems or y.shape is None:
        return None
    if y.node == 0 and growing.spec.layers:
        growing.problems.add("the network has no layers left", growing.spec.input.place)
        return None
    origin = origin_of(growing.spec, growing.items, scope, growing.arguments)
    return Network(growing.spec.name, tuple(growing.nodes), (0,), (y.node,), origin)


def _input_shape(growing: Growing, scope: Scope) -> Shape | None:
    tree = growing.spec.input
    try:
        value = scope.value(tree)
    except UnknownValue:
        return None
    except SpecError as error:
        for problem in error.diagnostics:
            growing.problems.add(*problem[:3])
        return None
    sizes = [as_whole(v) for v in value] if isinstance(value, list) else []
    shape = tuple(size for size in sizes if size is not None and 1 <= size <= 10**15)
    if not 2 <= len(sizes) <= 4 or len(shape) != len(sizes):
        words = "one to three spatial sizes and then the channels, all whole numbers of 1 or more"
        example = "for example: input: [224, 224, 3]"
        growing.problems.add(*not_a("input", words, tree, value, example)[:3])
        return None
    return shape
