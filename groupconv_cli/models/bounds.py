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

MAX_TRIES = 20_000
"""Times that Keras looks for the inputs of a layer: once for each use if layers stand in order."""


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
                "levels",
                "models within models have 3 levels each; put layers side by side",
            )
        inner = (x.values() if isinstance(x, dict) else x for x in level)
        level = [x for values in inner for x in values if isinstance(x, dict | list)]


def check_work(path: Path, config: dict[str, Any]) -> None:
    """Raises UsageError for a description of a model that takes too long to be read.

    Its nesting is bounded by now.
    """
    try:
        work = _work(config)
    except _AmbiguousError:
        raise UsageError(
            f"{path} is damaged: two layers of its model have the same name",
            "give each a name of its own, and save it again",
        ) from None
    calls = work.making + work.calling
    if calls > MAX_CALLS:
        shown = f"{calls:,}" if calls < 10**15 else "very many"
        raise UsageError(
            f"{path} is too large: reading its model takes {shown} calls of layers; the limit is "
            f"{MAX_CALLS:,}",
            "each use of a layer takes two; a Sequential of n layers takes n×n/2 instead, but "
            "keras.Model(model.inputs, model.outputs) does not",
        )


def _work(value: Any) -> _Work:
    """What it takes to make whatever a part of a description stands for, and to call it."""
    if isinstance(value, list):
        return _sum([_work(each) for each in value])
    if not isinstance(value, dict):
        return _Work(0, 0)
    layers = _layers(value)
    if layers is not None and _is_ambiguous(layers):
        raise _AmbiguousError
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


class _AmbiguousError(Exception):
    """Two layers have one name: there are versions of Keras that never end with them."""


def _is_ambiguous(layers: list[Any]) -> bool:
    names = [str(layer["name"]) for layer in layers if isinstance(layer, dict) and "name" in layer]
    return len(set(names)) < len(names)


def _uses(layer: Any) -> int:
    nodes = layer.get("inbound_nodes") if isinstance(layer, dict) else None
    return max(1, len(nodes)) if isinstance(nodes, list) else 1
