"""How much work the description of a model asks for, counted before Keras does any of it.

A short description can ask for a lot: a model that uses an inner one twice, which uses another
twice, and so on, asks for twice as much with each. Keras makes a Sequential anew with every layer
that it adds, and tries layers again that stand before what they read.
"""

from __future__ import annotations

from itertools import accumulate
from pathlib import Path
from typing import Any, NamedTuple

from groupconv_cli.errors import UsageError

MAX_DEPTH = 200
"""Levels of lists and mappings in a description: some 60 models within one another."""

MAX_CALLS = 10_000
"""Calls of layers that reading a model takes, at 1.5 ms each: one with 5,000 layers takes two of
each. NASNetLarge, the largest of keras.applications, takes 2,100."""

MAX_TRIES = 100_000
"""Times that Keras looks for the inputs of a layer; once for each use if layers stand in order."""


class _Work(NamedTuple):
    """Calls of layers."""

    making: int
    calling: int


def check_depth(path: Path, config: Any) -> None:
    """Raises UsageError for a description nested deeper than any is, before it is walked."""
    level, depth = [x for x in [config] if isinstance(x, dict | list)], 0
    while level:
        depth += 1
        if depth > MAX_DEPTH:
            raise UsageError(
                f"{path} is nested too deeply: its description of the model has over {MAX_DEPTH} "
                "levels\n  models within models have 3 levels each; put layers side by side"
            )
        inner = (x.values() if isinstance(x, dict) else x for x in level)
        level = [x for values in inner for x in values if isinstance(x, dict | list)]


def check_work(path: Path, config: dict[str, Any]) -> None:
    """Raises UsageError for a description of a model that takes too long to be read.

    Its nesting is bounded by now.
    """
    work = _work(config)
    calls = work.making + work.calling
    if calls > MAX_CALLS:
        shown = f"{calls:,}" if calls < 10**15 else "very many"
        raise UsageError(
            f"{path} is too large: reading its model takes {shown} calls of layers; the limit is "
            f"{MAX_CALLS:,}\n"
            f"  each use of a layer takes two; a Sequential of n layers takes n×n/2 instead, but "
            "keras.Model(model.inputs, model.outputs) does not"
        )
    if _tries(config) > MAX_TRIES:
        raise UsageError(
            f"{path} is too large: its layers stand before what they read, and finding their "
            f"order takes over {MAX_TRIES:,} tries\n  Keras saves them in order: {SAVE_ORDERED}"
        )


SAVE_ORDERED = "load and save it where it was made"


def _work(value: Any) -> _Work:
    """What it takes to make whatever a part of a description stands for, and to call it."""
    if isinstance(value, list):
        return _sum([_work(each) for each in value])
    if not isinstance(value, dict):
        return _Work(0, 0)
    layers = _layers(value)
    if layers is None:
        inner = [_work(each) for key, each in value.items() if key != "inbound_nodes"]
        return _sum(inner)
    works = [_work(layer) for layer in layers]
    calls = [_uses(layer) * max(1, work.calling) for layer, work in zip(layers, works, strict=True)]
    making = sum(work.making for work in works)
    again = sum(accumulate(calls)) if value.get("class_name") == "Sequential" else sum(calls)
    return _Work(making + again, sum(calls))


def _sum(works: list[_Work]) -> _Work:
    return _Work(sum(work.making for work in works), sum(work.calling for work in works))


def _layers(value: dict[str, Any]) -> list[Any] | None:
    """The layers of a model; None for what is no model."""
    inner = value.get("config")
    layers = inner.get("layers") if isinstance(inner, dict) else None
    return layers if isinstance(layers, list) else None


def _uses(layer: Any) -> int:
    nodes = layer.get("inbound_nodes") if isinstance(layer, dict) else None
    return max(1, len(nodes)) if isinstance(nodes, list) else 1


def _tries(value: Any) -> int:
    """How often Keras looks for the inputs of layers, in this model and those inside; about."""
    if isinstance(value, list):
        return sum(map(_tries, value))
    if not isinstance(value, dict):
        return 0
    inner = sum(_tries(each) for key, each in value.items() if key != "inbound_nodes")
    layers = _layers(value)
    return inner if layers is None else inner + _tries_of(layers)


def _tries_of(layers: list[Any]) -> int:
    """The same for one model: rounds in which each layer waits until what it reads is there."""
    waiting: dict[str, list[list[tuple[str, int]]]] = {}
    made: dict[str, int] = {}
    for layer in layers:
        if not isinstance(layer, dict) or not isinstance(layer.get("name"), str):
            continue
        nodes = layer.get("inbound_nodes")
        if isinstance(nodes, list):
            waiting[layer["name"]] = [_reads(node) for node in nodes]
        made[layer["name"]] = int(not nodes)  # an input is there from the beginning
    tries, waiting = 0, {name: nodes for name, nodes in waiting.items() if nodes}
    while waiting:
        before = sum(map(len, waiting.values()))
        for name, nodes in list(waiting.items()):
            while nodes:
                tries += 1
                if any(made.get(source, 0) <= index for source, index in nodes[0]):
                    break
                nodes.pop(0)
                made[name] += 1
            if not nodes:
                del waiting[name]
        if tries > MAX_TRIES or sum(map(len, waiting.values())) == before:
            break  # of the latter Keras says that there are loops
    return tries


def _reads(node: Any) -> list[tuple[str, int]]:
    """The layers that a use of a layer reads, and which use of each."""
    found: list[tuple[str, int]] = []
    waiting = [node]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            waiting += value.values()
        elif isinstance(value, list):
            match value:
                case [str(name), int(index), int(), *_]:
                    found.append((name, index))
                case _:
                    waiting += value
    return found
