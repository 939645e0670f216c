"""Weights that do nothing."""

from __future__ import annotations

from collections.abc import Iterator

from groupconv_cli.lint.rule import Remark, Subject, rule
from groupconv_cli.ops.norm import BatchNorm


@rule("GC105")
def bias_before_a_batch_norm(subject: Subject) -> Iterator[Remark]:
    """A bias whose only reader takes the mean of its channel away again."""
    readers: dict[int, list[int]] = {}
    for index, node in enumerate(subject.nodes):
        for source in node.inputs:
            readers.setdefault(source, []).append(index)
    for index, node in enumerate(subject.nodes):
        after = [subject.nodes[reader].op for reader in readers.get(index, ())]
        if getattr(node.op, "bias", False) and len(after) == 1 and isinstance(after[0], BatchNorm):
            yield Remark(
                node=node,
                message=f"the bias of {node.name!r}, {node.shape[-1]:,} params, is cancelled by "
                "the batch norm behind it, which subtracts each channel's mean",
                hint="bias: false, or norm: batch among the layer's arguments, which implies it",
            )
