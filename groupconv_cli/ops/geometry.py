"""The geometry of sliding windows: output sizes of convolutions and pools."""

from __future__ import annotations

from typing import Any

from groupconv_cli.errors import OpError
from groupconv_cli.ops.base import Shape, Window, per_axis, shape_text
from groupconv_cli.ops.calls import LayerCall, one_if_equal

Padding = str | tuple[int, ...]
"""`same`, `valid`, or pixels added on each side of each axis."""


def spatial_rank(op: str, shape: Shape) -> int:
    """Number of spatial axes, 1 to 3. Raises OpError for a flat vector."""
    rank = len(shape) - 1
    if not 1 <= rank <= 3:
        raise OpError(
            f"{op} needs a feature map with 1 to 3 spatial axes, got {shape_text(shape)}",
            hint="a flat vector (after flatten or a global pool) has no spatial axes"
            if rank == 0
            else None,
        )
    return rank


def make_window(
    op: str,
    shape: Shape,
    kernel: tuple[int, ...],
    stride: tuple[int, ...],
    dilation: tuple[int, ...] = (1,),
    kernel_arg: str = "kernel",
) -> Window:
    """The window with one value per axis of `shape`. Raises OpError if the counts differ."""
    rank = spatial_rank(op, shape)
    given = {kernel_arg: kernel, "stride": stride, "dilation": dilation}
    for key, size in given.items():
        check_axes(key, size, rank)
    return Window(*(per_axis(size, rank) for size in given.values()))


def check_axes(key: str, size: tuple[int, ...], rank: int) -> None:
    """Raises OpError unless `size` has one value, or one per axis."""
    if len(size) not in (1, rank):
        raise OpError(
            f"{key} has {len(size)} values, but the input has {rank} spatial "
            f"{'axis' if rank == 1 else 'axes'}",
            arg=key,
            hint=f"give one number for all axes, or a list of {rank}",
        )


def output_sizes(
    spatial: Shape, window: Window, padding: Padding, kernel_arg: str = "kernel"
) -> Shape:
    """Spatial sizes after the window has slid over `spatial`.

    `same`: ceil(size / stride). `valid` and pixels: floor((size + 2 pixels - reach) / stride) + 1,
    where the reach of the window is dilation * (kernel - 1) + 1 positions. Source: the Keras
    documentation of Conv2D and MaxPooling2D.

    Raises OpError if the window is larger than the padded input, or the padding is for another
    number of axes.
    """
    if padding == "same":
        return tuple(-(-size // step) for size, step in zip(spatial, window.stride, strict=True))
    pixels = (0,) if isinstance(padding, str) else padding
    check_axes("padding", pixels, len(spatial))
    pixels = per_axis(pixels, len(spatial))
    sizes = []
    for size, kernel, step, dilation, pad in zip(spatial, *window, pixels, strict=True):
        padded, reach = size + 2 * pad, dilation * (kernel - 1) + 1
        if reach > padded:
            covers = f"{kernel}" if dilation == 1 else f"{kernel} (dilated, it covers {reach})"
            input_size = f"{size}" if pad == 0 else f"{size} (padded to {padded})"
            raise OpError(
                f"a {kernel_arg} of {covers} is larger than the input, whose size is {input_size}",
                arg=kernel_arg,
                hint="use padding: same, a smaller window, or shrink the input less before this",
            )
        sizes.append((padded - reach) // step + 1)
    return tuple(sizes)


def keras_padding(padding: Padding, rank: int, name: str) -> tuple[str, list[LayerCall]]:
    """Keras' word for the padding, and the layers before it that pad by pixels."""
    if isinstance(padding, str):
        return padding, []
    pixels = per_axis(padding, rank)
    if not any(pixels):
        return "valid", []
    return "valid", [bordered("ZeroPadding", [(pad, pad) for pad in pixels], f"{name}.pad")]


def bordered(kind: str, pairs: list[tuple[int, int]], name: str) -> LayerCall:
    """The `ZeroPadding` or `Cropping` with these numbers before and after each axis."""
    same = all(before == after for before, after in pairs)
    widths: Any = pairs[0] if len(pairs) == 1 else tuple(pairs)
    if same:
        widths = one_if_equal(tuple(before for before, _ in pairs))
    argument = "padding" if kind == "ZeroPadding" else "cropping"
    options = {} if len(pairs) == 1 else {"data_format": "channels_last"}
    return LayerCall(f"{kind}{len(pairs)}D", name, {argument: widths}, options)
