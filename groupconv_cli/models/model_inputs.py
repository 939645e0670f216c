"""The inputs that a Keras model is counted for: their sizes, and what has none."""

from __future__ import annotations

from typing import Any

import keras

from groupconv_cli.errors import UsageError
from groupconv_cli.models.tracing import clean_name
from groupconv_cli.ops.base import Shape, shape_text

SizesOfInputs = list[tuple[int, ...]]
"""The shape of each input of a model, without the batch."""


def input_shapes(model: Any, graph: Any, sizes: SizesOfInputs | None) -> list[Shape]:
    """The shapes of the inputs, without the batch. Raises UsageError for unknown sizes."""
    declared = [tuple(entry.shape[1:]) for entry in graph.inputs]
    name = clean_name(model.name)
    listed = " and ".join(_open_text(shape) for shape in declared)
    if sizes is None:
        if any(size is None for shape in declared for size in shape):
            raise UsageError(
                f"model {name!r} leaves sizes of its input open: {listed}",
                f"set them: --set input={_example(declared)}",
            )
        return declared
    fits = len(sizes) == len(declared) and all(
        len(given) == len(shape)
        and all(want in (None, size) for size, want in zip(given, shape, strict=True))
        for given, shape in zip(sizes, declared, strict=True)
    )
    if not fits:
        given = " and ".join(shape_text(shape) for shape in sizes)
        raise UsageError(
            f"the input of model {name!r} is {listed}, and {given} does not fit it; only open "
            "sizes (?) can be set"
        )
    return [tuple(shape) for shape in sizes]


def _open_text(shape: tuple[int | None, ...]) -> str:
    return "×".join("?" if size is None else str(size) for size in shape)


def _example(declared: list[tuple[int | None, ...]]) -> str:
    """The text to type for the sizes, with 224 for each open size."""
    filled = [[224 if size is None else size for size in shape] for shape in declared]
    texts = [",".join(map(str, shape)) for shape in filled]
    return texts[0] if len(texts) == 1 else "'[" + ", ".join(f"[{text}]" for text in texts) + "]'"


def no_graph(model: Any) -> UsageError:
    """The error for a model that Keras has no graph of."""
    name = clean_name(model.name)
    if isinstance(model, keras.Sequential):
        return UsageError(
            f"model {name!r} was not built, so its layers have no shapes",
            "start it with a keras.Input, or call model.build((None, 224, 224, 3)), with your "
            "sizes; for a file: --set input=224,224,3",
        )
    return UsageError(
        f"model {name!r} has the custom class {clean_name(type(model).__name__)} with its own "
        "call(): Keras has no graph of its layers",
        "make it functional: x = keras.Input(...), then keras.Model(x, model.call(x))",
    )
