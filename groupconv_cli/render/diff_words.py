"""The change of a layer in words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from groupconv_cli.analysis.diff import (
    CHANGED,
    CONSEQUENCES,
    MOVED,
    DiffLayer,
    FieldChange,
    LayerChange,
)
from groupconv_cli.ops.base import Shape, shape_text
from groupconv_cli.render.summary import window_text

Clauses = dict[str, str]
"""Parts of a sentence, by their topics."""


def clauses(change: LayerChange) -> Clauses:
    """The parts of a sentence on one change: a description of the layer, or its differences."""
    if change.status == CHANGED:
        return _differences(change.fields)
    moved = "moved: " * (change.status == MOVED)
    output = f"output {shape_text(change.layer.output_shape)}"
    return {"layer": moved + _layer_text(change.layer), "output": output}


def sentence(said: Clauses) -> str:
    """All clauses of one change as a sentence."""
    return ", ".join(said.values())


def shared(every: Sequence[Clauses], op: str) -> str:
    """A sentence on several changes of the same things. Differing values are not told apart."""
    first = every[0]
    differing = {about: f"different {about}" for about in first}
    if "layer" in first:
        differing = {"layer": op, "output": "several outputs"}
    return ", ".join(
        text if all(said[about] == text for said in every) else differing[about]
        for about, text in first.items()
    )


def pattern(names: Sequence[str]) -> str:
    """The common parts of names, with a star for differing parts: stage*.bottleneck*.conv_2.

    '' if they have too little in common.
    """
    parts = [name.split(".") for name in names]
    if len({len(each) for each in parts}) == 1:
        # A name without its number is the first of its kind: stage, stage_2, stage_3.
        shared = [
            each[0] if len(set(each)) == 1 else f"{_start(each).rstrip('_')}*"
            for each in zip(*parts, strict=True)
        ]
        return ".".join(shared) if any(len(each) > 1 for each in shared) else ""
    end = _start([name[::-1] for name in names])[::-1].partition(".")[2]
    return f"{_start(names)}*.{end}" if end else ""


def _start(texts: Sequence[str]) -> str:
    """The common beginning of all texts."""
    first, last = min(texts), max(texts)
    return next((first[:i] for i, char in enumerate(first) if last[i : i + 1] != char), first)


def _layer_text(layer: DiffLayer) -> str:
    parts = [layer.op]
    if layer.window:
        parts.append(window_text(layer.window))
        if (layer.groups or 1) > 1:
            parts.append(f"g={layer.groups}")
    return " ".join(parts)


def _differences(fields: Sequence[FieldChange]) -> Clauses:
    """The layer's own changes, and its new shape if they do not imply it."""
    own = {field.field: field for field in fields if field.field not in CONSEQUENCES}
    said = {name.replace("_", " "): _field_text(field) for name, field in own.items()}
    rest = {field.field: field for field in fields if field.field in CONSEQUENCES}
    if "input_shapes" in rest:
        if not own:
            said["input"] = _input_text(rest["input_shapes"])
    elif "output_shape" in rest:
        _, old, new = rest["output_shape"]
        if not {"filters", "units"} & set(own) or old[:-1] != new[:-1]:
            said["output"] = f"output {shape_text(old)} → {shape_text(new)}"
    elif not own:
        said = {name: _field_text(field) for name, field in rest.items()}
    return said


def _input_text(change: FieldChange) -> str:
    if len(change.old) != len(change.new):
        return f"{len(change.old)} → {len(change.new)} inputs"
    was, now = next(pair for pair in zip(change.old, change.new, strict=True) if pair[0] != pair[1])
    return f"input {shape_text(was)} → {shape_text(now)}"


def _field_text(change: FieldChange) -> str:
    if change.field == "inputs":
        now, was = (
            " and ".join(name.rpartition(".")[2] for name in names)
            for names in (change.new, change.old)
        )
        return f"reads {now}, not {was}"
    if change.field == "is_output":
        return "is an output now" if change.new else "is no output any more"
    name = "" if change.field == "op" else change.field.replace("_", " ") + " "
    old, new = (_value_text(change.field, value) for value in (change.old, change.new))
    return f"{name}{old} → {new}"


def _value_text(field: str, value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple) and isinstance(value[0], tuple):
        return str([list(pair) for pair in value])
    if isinstance(value, tuple):
        shape: Shape = value
        brief = field not in ("kernel", "size", "shape") and len(set(shape)) == 1
        return str(shape[0]) if brief else shape_text(shape)
    return "none" if value is None else str(value)
