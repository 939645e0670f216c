"""Sizes that a model of Keras 2 computes: tf.shape(x)[0], the number of samples of a batch."""

from __future__ import annotations

from typing import Any, NamedTuple

from groupconv_cli.models.migration.operations import BATCH

SHAPES = {"shape", "compat.v1.shape"}
SLICE = "__operators__.getitem"


class ComputedSizes(NamedTuple):
    """The layers of a model that compute the batch of a tensor."""

    batches: frozenset[str]
    """Names of layers whose output is the number of samples."""
    dropped: frozenset[str]
    """Names of layers that nothing needs once the batch stays what it is."""

    def replaced(self, node: Any) -> Any:
        """What an operation is called on, with BATCH in the place of these layers."""
        if self._is_batch(node):
            return BATCH
        if isinstance(node, list):
            return [self.replaced(each) for each in node]
        if isinstance(node, dict):
            return {key: self.replaced(each) for key, each in node.items()}
        return node

    def _is_batch(self, node: Any) -> bool:
        return isinstance(node, list) and node[1:] == [0, 0] and node[0] in self.batches


def computed_sizes(things: list[dict[str, Any]]) -> ComputedSizes:
    """Those of a model, from the descriptions of its layers."""
    shapes = {_name(thing) for thing in things if _function(thing) in SHAPES}
    batches = {
        _name(thing)
        for thing in things
        if _function(thing) == SLICE and _reads(thing) in shapes and _takes_first(thing)
    }
    used: set[str] = set()
    for thing in things:
        if _name(thing) not in batches and _function(thing) != "reshape":
            used |= _names_in(thing.get("inbound_nodes"))
    # A size that is read elsewhere stays, and is refused there.
    batches -= used
    read = {_reads(thing) for thing in things if _name(thing) in batches}
    others = {
        name
        for thing in things
        if _name(thing) not in batches
        for name in _names_in(thing.get("inbound_nodes"))
    }
    return ComputedSizes(frozenset(batches), frozenset(batches | ((read & shapes) - others)))


def _name(thing: dict[str, Any]) -> str:
    return str(thing.get("name"))


def _function(thing: dict[str, Any]) -> str:
    config = thing.get("config")
    return str(config.get("function")) if isinstance(config, dict) else ""


def _call(thing: dict[str, Any]) -> list[Any]:
    """The first reference of the only call, with its arguments."""
    nodes = thing.get("inbound_nodes")
    while isinstance(nodes, list) and len(nodes) == 1 and isinstance(nodes[0], list):
        nodes = nodes[0]
    return nodes if isinstance(nodes, list) else []


def _reads(thing: dict[str, Any]) -> str:
    call = _call(thing)
    return str(call[0]) if call else ""


def _takes_first(thing: dict[str, Any]) -> bool:
    call = _call(thing)
    given = call[3] if len(call) == 4 and isinstance(call[3], dict) else {}
    wanted = given.get("slice_spec")
    return wanted in (0, [0]) and wanted is not False


def _names_in(value: Any) -> set[str]:
    """Every text in it that may be the name of a layer."""
    found: set[str] = set()
    waiting = [value]
    while waiting:
        value = waiting.pop()
        if isinstance(value, str):
            found.add(value)
        elif isinstance(value, list):
            waiting += value
        elif isinstance(value, dict):
            waiting += value.values()
    return found
