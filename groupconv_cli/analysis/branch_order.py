"""The order of the nodes of a network: branch by branch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from groupconv_cli.network import Node


def by_branches(nodes: Sequence[Node], inputs: Sequence[int], outputs: Sequence[int]) -> list[int]:
    """Indices in an order in which each branch is finished before the next begins.

    Models are written in that order. Keras sorts its layers by depth.
    """
    order, seen = list(inputs), set(inputs)
    for root in [*outputs, *range(len(nodes))]:
        waiting: list[tuple[int, Iterator[int]]] = [(root, iter(nodes[root].inputs))]
        while waiting:
            index, sources = waiting[-1]
            following = None if index in seen else next((i for i in sources if i not in seen), None)
            if following is not None:
                waiting.append((following, iter(nodes[following].inputs)))
                continue
            waiting.pop()
            if index not in seen:
                seen.add(index)
                order.append(index)
    return order
