"""Random valid specs: any layer, one to three dimensions, nested branches, any arguments.

A spec grows item by item; an item that gconv refuses where it would stand is left out. That what is
left is right is for the tests to show, against Keras.
"""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from groupconv_cli import SpecError, load
from groupconv_cli.ops import LAYERS
from groupconv_cli.ops.activation import ACTIVATION

Item = Any
COMPOSITE_DEPTH = 2
ACTIVATIONS = [None, *ACTIVATION.kind.options]
NORMS = [
    *(None, "none", "batch", "layer"),
    {"batch": {"scale": False}},
    {"layer": {"epsilon": 0.01}},
    {"group": {"groups": 1}},
]


def sizes(rank: int, low: int, high: int) -> st.SearchStrategy[Any]:
    """One number for all axes, or one for each."""
    one = st.integers(low, high)
    return one | st.lists(one, min_size=rank, max_size=rank)


def padding(rank: int) -> st.SearchStrategy[Any]:
    side = st.integers(0, 2)
    pixels = st.lists(side | st.lists(side, min_size=2, max_size=2), min_size=rank, max_size=rank)
    return st.sampled_from(["same", "valid"]) | sizes(rank, 0, 2) | pixels


def options(draw: st.DrawFn, **given: st.SearchStrategy[Any]) -> dict[str, Any]:
    """Some of these arguments."""
    return {key: draw(values) for key, values in given.items() if draw(st.booleans())}


def after(draw: st.DrawFn) -> dict[str, Any]:
    """A norm and an activation, or not."""
    return {
        "norm": draw(st.sampled_from(NORMS)),
        "activation": draw(st.sampled_from(ACTIVATIONS)),
    }


def window(draw: st.DrawFn, rank: int) -> dict[str, Any]:
    """A window with its stride or dilation."""
    around = padding(rank) | st.just("causal") if rank == 1 else padding(rank)
    arguments = {"kernel": draw(sizes(rank, 1, 3)), **options(draw, padding=around)}
    if draw(st.booleans()):
        arguments["stride"] = draw(sizes(rank, 1, 3))
    elif draw(st.booleans()):
        arguments["dilation"] = draw(sizes(rank, 1, 3))
    return arguments


def conv(draw: st.DrawFn, rank: int, channels: int) -> Item:
    groups = draw(st.sampled_from([g for g in range(1, channels + 1) if channels % g == 0]))
    filters = groups * draw(st.integers(1, max(1, 12 // groups)))
    chosen = draw(st.sampled_from([groups, groups, "depthwise"]))
    if chosen == "depthwise":
        filters = channels * draw(st.integers(1, 2))
    bias = options(draw, bias=st.booleans())
    return {
        "conv": {"filters": filters, "groups": chosen, **window(draw, rank), **bias, **after(draw)}
    }


def rows(draw: st.DrawFn) -> Item:
    """A convolution for each of several rows, whose arguments are computed."""
    rows = draw(st.integers(1, 3))
    sizes = draw(st.lists(st.integers(1, 12), min_size=rows, max_size=rows))
    kernels = draw(st.lists(st.integers(1, 3), min_size=rows, max_size=rows))
    filters = draw(st.sampled_from(["$w", "$w + $i", "max($w, 2)", "round_to($w * 0.75, 4)"]))
    return {
        "conv": {"filters": filters, "kernel": "$k", **after(draw)},
        "each": {"w": sizes, "k": kernels},
    }


def plain_layer(draw: st.DrawFn, rank: int, channels: int) -> Item:
    """A layer that is neither a `conv` nor made of others."""
    makers = {
        "depthwise_conv": lambda: {
            **window(draw, rank),
            **options(draw, multiplier=st.integers(1, 3), bias=st.booleans()),
            **after(draw),
        },
        "separable_conv": lambda: {
            "filters": draw(st.integers(1, 12)),
            **window(draw, rank),
            **options(draw, multiplier=st.integers(1, 3), bias=st.booleans()),
            **after(draw),
        },
        "conv_transpose": lambda: {
            "filters": draw(st.integers(1, 8)),
            "kernel": draw(sizes(rank, 1, 3)),
            "stride": draw(sizes(rank, 1, 2)),
            **options(draw, padding=st.sampled_from(["same", "valid"]), bias=st.booleans()),
            **after(draw),
        },
        "dense": lambda: {
            "units": draw(st.integers(1, 12)),
            **options(draw, bias=st.booleans()),
            **after(draw),
        },
        "max_pool": lambda: options(
            draw, size=sizes(rank, 1, 3), stride=sizes(rank, 1, 3), padding=padding(rank)
        ),
        "avg_pool": lambda: options(
            draw, size=sizes(rank, 1, 3), stride=sizes(rank, 1, 3), padding=padding(rank)
        ),
        "batch_norm": lambda: options(draw, center=st.booleans(), scale=st.booleans()),
        "layer_norm": lambda: options(draw, center=st.booleans(), scale=st.booleans()),
        "group_norm": lambda: {"groups": draw(st.integers(1, channels))},
        "global_avg_pool": lambda: {"keepdims": draw(st.booleans())},
        "global_max_pool": lambda: {"keepdims": draw(st.booleans())},
        "dropout": lambda: {"rate": draw(st.sampled_from([0, 0.25, 0.5]))},
        "stochastic_depth": lambda: {"rate": draw(st.sampled_from([0, 0.25, 0.5]))},
        "rescaling": lambda: {
            "scale": draw(st.sampled_from([0.5, [0.5] * channels, "1/3"])),
            **options(draw, offset=st.sampled_from([-1, list(range(channels))])),
        },
        "local_response_norm": lambda: options(
            draw, size=st.sampled_from([1, 3, 5]), alpha=st.just(0.1), k=st.just(1)
        ),
        "softmax": lambda: options(draw, groups=st.integers(1, channels)),
        "pixel_shuffle": lambda: {"size": draw(sizes(rank, 1, 2))},
        "channel_shuffle": lambda: options(draw, groups=st.integers(1, channels)),
        "zero_pad": lambda: draw(
            st.fixed_dictionaries(
                {"padding": sizes(rank, 0, 2)}, optional={"after": sizes(rank, 0, 2)}
            )
            | st.fixed_dictionaries(
                {"padding": st.lists(st.just([0, 1]), min_size=rank, max_size=rank)}
            )
        ),
        "slice": lambda: {
            "start": draw(st.integers(0, channels - 1)),
            "count": draw(st.integers(1, channels)),
        },
        "crop": lambda: {"cropping": draw(sizes(rank, 0, 1))},
        "upsample": lambda: {"size": draw(sizes(rank, 1, 2))},
        "reshape": lambda: {
            "shape": draw(st.sampled_from([[-1], [-1, channels], [-1, 1, channels]]))
        },
        "squeeze_excite": lambda: {
            "filters": draw(st.integers(1, 6)),
            **options(draw, activation=st.sampled_from(["relu", "swish"])),
        },
        "prelu": lambda: options(draw, shared=st.booleans()),
        "threshold": lambda: {"threshold": 0.5},
    }
    name = draw(st.sampled_from([*LAYERS, *list(makers) * 4]))
    if name in ("conv", "residual", "parallel", *MERGES):
        return conv(draw, rank, channels)
    return {name: makers.get(name, dict)()}


def composite(draw: st.DrawFn, shape: tuple[int, ...], depth: int, path: str) -> Item:
    if draw(st.booleans()):
        body = items(draw, shape, depth - 1, path)
        shortcut = draw(st.sampled_from(["project", "if_same", "identity"]))
        activation = options(draw, activation=st.sampled_from(ACTIVATIONS[1:]))
        return {"residual": {"body": body, "shortcut": shortcut, **activation}}
    count = draw(st.integers(1, 3))
    split = draw(st.booleans()) and shape[-1] % count == 0
    entering = (*shape[:-1], shape[-1] // count) if split else shape
    branches: list[Any] = [
        items(draw, entering, depth - 1, f"{path}{letter}") for letter in "abc"[:count]
    ]
    if draw(st.booleans()):
        branches[0] = {"when": "1 < 2", "layers": branches[0]}
        branches.append({"when": False, "layers": ["relu"]})
    merge = draw(st.sampled_from(MERGES))
    shares = draw(st.sampled_from([split, [shape[-1] // count] * count if split else split]))
    return {"parallel": {"branches": branches, "merge": merge, "split": shares}}


MERGES = ("concat", "add", "multiply", "average", "maximum")


def items(
    draw: st.DrawFn, shape: tuple[int, ...], depth: int = COMPOSITE_DEPTH, path: str = "t"
) -> list[Item]:
    """A list of layers that can stand on an input of this shape.

    Some have names that begin with `path`, for a later merge that reads them.
    """
    kept: list[Item] = []
    shapes = [shape]
    for _ in range(draw(st.integers(0, 4))):
        rank, channels = len(shape) - 1, shape[-1]
        kind = draw(st.sampled_from(["conv", "plain", "plain", "composite", "rows"]))
        if kind == "composite" and depth > 0:
            item = composite(draw, shape, depth, f"{path}_{len(kept)}")
        elif kind == "conv" and rank:
            item = conv(draw, rank, channels)
        elif kind == "rows" and rank:
            item = rows(draw)
        else:
            item = plain_layer(draw, max(rank, 1), channels)
        grown = shape_after(shape, item)
        if grown is not None and 0 < len(grown) <= 4 and max(grown) <= 40:
            kept.append(item)
            shape = grown
            shapes.append(shape)
        if draw(st.booleans()) and (merge := merging(draw, kept, shapes, path)):
            kept.append(merge)
            shape = shape_of_merge(merge, shapes)
            shapes.append(shape)
    return kept


def merging(
    draw: st.DrawFn, kept: list[Item], shapes: list[tuple[int, ...]], path: str
) -> Item | None:
    """A merge of the last tensor and an earlier one that fits, by its distance or its name."""
    merge = draw(st.sampled_from(MERGES))
    kept_axes = slice(None, -1) if merge == "concat" else slice(None)
    repeated = [isinstance(item, dict) and "each" in item for item in kept]
    fitting = [
        position
        for position, shape in enumerate(shapes[:-1])
        if shape[kept_axes] == shapes[-1][kept_axes] and not any(repeated[position:])
    ]
    if not fitting or shapes[-1][-1] + max(shapes[i][-1] for i in fitting) > 40:
        return None
    position = draw(st.sampled_from(fitting))
    source: int | str = position - len(shapes)
    if position and draw(st.booleans()):
        item = kept[position - 1]
        item = {item: None} if isinstance(item, str) else item
        item.setdefault("name", f"{path}_{position}")
        kept[position - 1], source = item, item["name"]
    reads = draw(st.sampled_from([[-1, source], [source, -1], [-1, source, -1]]))
    return {merge: None, "from": reads, MERGED: (len(reads), position)}


MERGED = "merged"
"""A key that an item has only until its shape is known."""


def shape_of_merge(item: Item, shapes: list[tuple[int, ...]]) -> tuple[int, ...]:
    count, position = item.pop(MERGED)
    if "concat" not in item:
        return shapes[-1]
    return (*shapes[-1][:-1], (count - 1) * shapes[-1][-1] + shapes[position][-1])


def shape_after(shape: tuple[int, ...], item: Item) -> tuple[int, ...] | None:
    """The shape behind an item, or None where it cannot stand."""
    flat = len(shape) == 1
    # A spec's input has spatial axes; a vector is made of one.
    before = ["flatten"] if flat else []
    try:
        net = load({"input": [1, *shape] if flat else list(shape), "layers": [*before, item]})
    except SpecError:
        return None
    return net.nodes[net.outputs[0]].shape


@st.composite
def specs(draw: st.DrawFn) -> dict[str, Any]:
    """A random valid spec."""
    rank = draw(st.integers(1, 3))
    largest = {1: 12, 2: 9, 3: 5}[rank]
    shape = tuple(draw(st.integers(1, largest)) for _ in range(rank))
    shape = (*shape, draw(st.sampled_from([1, 2, 3, 4, 6, 8, 12])))
    layers: list[Item] = []
    while not layers:
        layers = items(draw, shape)
        if not layers:
            layers = [conv(draw, rank, shape[-1])]
            if shape_after(shape, layers[0]) is None:
                layers = ["relu"]
    return {"input": list(shape), "layers": layers}
