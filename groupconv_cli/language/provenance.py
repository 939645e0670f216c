"""The link from a network back to its spec."""

from __future__ import annotations

from collections.abc import Mapping

from groupconv_cli.language.nodes import ScalarNode, Tree
from groupconv_cli.language.scope import Scope
from groupconv_cli.language.spec import Item, Spec
from groupconv_cli.ops.kinds import Value
from groupconv_cli.origin import ItemSource, Provenance


def origin_of(
    spec: Spec,
    items: Mapping[int, Item],
    scope: Scope,
    arguments: Mapping[str, Mapping[str, Value]],
) -> Provenance:
    """The origin of a network: its items by number, and the arguments of each use of a block.

    `scope` has the values of the spec's variables.
    """
    return Provenance(
        items={number: _written(item) for number, item in items.items()},
        blocks={
            name: {key: _text(entry.value) for key, entry in block.params.items()}
            for name, block in spec.blocks.items()
        },
        variables={name: scope.values[name] for name in spec.vars if name in scope.values},
        arguments=arguments,
    )


def _written(item: Item) -> ItemSource:
    texts = {
        key: _text(given.tree)
        for key, given in item.args.items()
        if given.layers is None and given.branches is None
    }
    args = {key: text for key, text in texts.items() if text is not None}
    return ItemSource(args, _text(item.repeat), _text(item.when))


def _text(tree: Tree | None) -> str | None:
    return tree.text if isinstance(tree, ScalarNode) and tree.value is not None else None
