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
    return st.sampled_from(["same", "valid"]) | sizes(rank, 0, 2)


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
    arguments = {"kernel": draw(sizes(rank, 1, 3)), **options(draw, padding=padding(rank))}
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
        "channel_shuffle": lambda: options(draw, groups=st.integers(1, channels)),
        "zero_pad": lambda: {
            "padding": draw(sizes(rank, 0, 2)),
            **options(draw, after=sizes(rank, 0, 2)),
        },
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
    if name in ("conv", "residual", "parallel"):
        return conv(draw, rank, channels)
    return {name: makers.get(name, dict)()}


def composite(draw: st.DrawFn, shape: tuple[int, ...], depth: int) -> Item:
    if draw(st.booleans()):
        body = items(draw, shape, depth - 1)
        shortcut = draw(st.sampled_from(["project", "if_same", "identity"]))
        activation = options(draw, activation=st.sampled_from(ACTIVATIONS[1:]))
        return {"residual": {"body": body, "shortcut": shortcut, **activation}}
    count = draw(st.integers(1, 3))
    split = draw(st.booleans()) and shape[-1] % count == 0
    entering = (*shape[:-1], shape[-1] // count) if split else shape
    branches: list[Any] = [items(draw, entering, depth - 1) for _ in range(count)]
    if draw(st.booleans()):
        branches[0] = {"when": "1 < 2", "layers": branches[0]}
        branches.append({"when": False, "layers": ["relu"]})
    merge = draw(st.sampled_from(["concat", "add", "multiply"]))
    shares = draw(st.sampled_from([split, [shape[-1] // count] * count if split else split]))
    return {"parallel": {"branches": branches, "merge": merge, "split": shares}}


def items(draw: st.DrawFn, shape: tuple[int, ...], depth: int = COMPOSITE_DEPTH) -> list[Item]:
    """A list of layers that can stand on an input of this shape."""
    kept: list[Item] = []
    for _ in range(draw(st.integers(0, 4))):
        rank, channels = len(shape) - 1, shape[-1]
        kind = draw(st.sampled_from(["conv", "plain", "plain", "composite", "rows"]))
        if kind == "composite" and depth > 0:
            item = composite(draw, shape, depth)
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
    return kept


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
