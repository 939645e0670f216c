"""Runs of layers in a Keras model that are one op of gconv.

gconv writes some ops as several layers: `conv_2.pad` before `conv_2`. Such names tell that the
layers belong together. The layers of a channel shuffle belong together whatever their names are.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from groupconv_cli.models.tracing import Trace, TracedUse
from groupconv_cli.ops.base import OPS, Op
from groupconv_cli.ops.keras_use import LayerUse

SHUFFLE = (("Reshape",), ("Permute", "Transpose"), ("Reshape",))
"""The classes of the layers of a channel shuffle."""


def chains(trace: Trace, outputs: Iterable[Any]) -> list[list[TracedUse]]:
    """The uses in their order. Those that may be one op are together, in the place of the last.

    `outputs` are the tensors that the model returns. A chain has no other way out than its end.
    """
    read = Counter(trace.identity(x) for use in trace.uses for x in use.tensors)
    read.update(trace.identity(x) for x in outputs)
    maker = {trace.identity(x): use for use in trace.uses for x in use.outputs}
    links: dict[int, TracedUse] = {}
    """The use before another one, by the id of the other, if nothing else reads the one before."""
    for use in trace.uses:
        if len(use.tensors) == 1 and read[trace.identity(use.tensors[0])] == 1:
            before = maker.get(trace.identity(use.tensors[0]))
            if before is not None and len(before.outputs) == 1 and _is_plain(before):
                links[id(use)] = before
    found: list[list[TracedUse]] = []
    inside: set[int] = set()
    for use in reversed(trace.uses):
        if id(use) not in inside:
            found.append(_chain(use, links))
            inside.update(map(id, found[-1]))
    return found[::-1]


def chain_op(uses: list[LayerUse]) -> Op | None:
    """The op that is written as these layers. It has not been compared with them."""
    for cls in dict.fromkeys(OPS.values()):
        op = cls.from_chain(uses)
        if op is not None:
            return op
    return None


def _chain(last: TracedUse, links: dict[int, TracedUse]) -> list[TracedUse]:
    """The uses that may be one op with the last one."""
    if not _is_plain(last):
        return [last]
    chain = [last]
    while (use := links.get(id(chain[0]))) is not None and _is_part(use, last):
        chain.insert(0, use)
    if len(chain) > 1:
        return chain
    before = [last]
    while (use := links.get(id(before[0]))) is not None and len(before) < len(SHUFFLE):
        before.insert(0, use)
    kinds = [type(use.operation).__name__ for use in before]
    is_shuffle = len(kinds) == len(SHUFFLE) and all(
        kind in each for kind, each in zip(kinds, SHUFFLE, strict=True)
    )
    return before if is_shuffle else chain


def _is_plain(use: TracedUse) -> bool:
    return not (use.steps or use.around)


def _is_part(use: TracedUse, last: TracedUse) -> bool:
    """Whether its name is that of the last one with one more part."""
    start, dot, part = use.name.rpartition(".")
    return bool(dot and part) and start == last.name and use.path == last.path
