"""Counts the work that the description of a model needs, before Keras does it.

A short description can need a lot of work. If a model uses an inner model twice, and that model
uses another one twice, and so on, each level doubles the work. Keras also rebuilds a Sequential
with every layer that it adds, and retries layers that stand before the layers that they read.
"""

from __future__ import annotations

from itertools import accumulate
from pathlib import Path
from typing import Any, NamedTuple

from groupconv_cli.errors import UsageError

MAX_DEPTH = 200
"""The most levels of lists and mappings in a description: about 60 nested models."""

MAX_CALLS = 10_000
"""The most calls of layers for reading a model, at 1.5 ms each. A model of 5,000 layers takes two
calls of each. NASNetLarge, the largest of keras.applications, takes 2,100."""

MAX_TRIES = 20_000
"""The most times that Keras looks for inputs of a layer: once per use if layers are in order."""


class _Work(NamedTuple):
    """Calls of layers."""

    making: int
    calling: int


def check_depth(path: Path, config: Any) -> None:
    """Raises UsageError if a description is nested too deeply, before it is walked."""
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
    """Raises UsageError if reading the description of a model would take too long.

    The depth of the description was checked before.
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
    """The work of making and calling the object of a part of a description."""
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
    """The layers of a model; None if it is not a model."""
    inner = value.get("config")
    if isinstance(inner, list):  # as a Sequential had them before Keras 2.2.3
        return inner
    layers = inner.get("layers") if isinstance(inner, dict) else None
    return layers if isinstance(layers, list) else None


class _AmbiguousError(Exception):
    """Raised if two layers have the same name: some versions of Keras would never finish."""


def _is_ambiguous(layers: list[Any]) -> bool:
    names = [str(layer["name"]) for layer in layers if isinstance(layer, dict) and "name" in layer]
    return len(set(names)) < len(names)


def _uses(layer: Any) -> int:
    nodes = layer.get("inbound_nodes") if isinstance(layer, dict) else None
    return max(1, len(nodes)) if isinstance(nodes, list) else 1
