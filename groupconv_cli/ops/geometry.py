"""Sizes that must fit: windows and padding to axes, output sizes, groups to channels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from groupconv_cli.divisors import divisors_text
from groupconv_cli.errors import OpError
from groupconv_cli.ops.base import Shape, Window, per_axis, shape_text
from groupconv_cli.ops.calls import LayerCall, one_if_equal
from groupconv_cli.ops.keras_use import LayerUse

Sides = tuple[int, ...] | tuple[tuple[int, int], ...]
"""Pixels: for each axis those on each side, or before and after."""

Padding = str | Sides
"""`same`, `valid`, `causal`, or pixels."""

Pairs = Sequence[tuple[int, int]]
"""Numbers of pixels before and after each axis."""


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


def check_axes(key: str, size: Sequence[object], rank: int) -> None:
    """Raises OpError unless `size` has one value, or one per axis."""
    if len(size) not in (1, rank):
        is_pairs = any(isinstance(each, tuple) for each in size)
        what, one = ("pairs", "pair") if is_pairs else ("values", "number")
        raise OpError(
            f"{key} has {len(size)} {what}, but the input has {rank} spatial "
            f"{'axis' if rank == 1 else 'axes'}",
            arg=key,
            hint=f"give one {one} for all axes, or a list of {rank}",
        )


def check_divides(groups: int, channels: int) -> None:
    """Raises OpError unless `groups` divides the channels of a layer that keeps them."""
    if channels % groups:
        raise OpError(
            f"groups={groups} does not divide the {channels} channels of {{layer}}",
            arg="groups",
            hint=f"{channels} has these divisors: {divisors_text(channels)}",
        )


def both_sides(key: str, pixels: Sequence[Any], rank: int) -> Pairs:
    """The pixels before and after each axis, from numbers or pairs for one axis or for each.

    Raises OpError if they are for another number of axes.
    """
    if rank == 1 and len(pixels) == 2 and not isinstance(pixels[0], tuple):
        raise OpError(
            f"{key} has 2 values, but the input has 1 spatial axis",
            arg=key,
            hint=f"for pixels before and after the axis write {key}: [{list(pixels)}]",
        )
    check_axes(key, pixels, rank)
    sides: tuple[Any, ...] = per_axis(tuple(pixels), rank)
    return [each if isinstance(each, tuple) else (each, each) for each in sides]


def padding_sides(padding: Padding, window: Window) -> Pairs:
    """The pixels that a padding other than `same` puts before and after each axis.

    `causal` puts all before: an output then depends on its own position and earlier ones. Raises
    OpError if the padding is for another number of axes than the window.
    """
    rank = len(window.kernel)
    if padding == "causal":
        before = [reach - 1 for reach in _reaches(window)]
        if rank > 1:
            each = f"[{', '.join(f'[{pixels}, 0]' for pixels in before)}]"
            raise OpError(
                f"causal padding is for one spatial axis, and the input has {rank}",
                arg="padding",
                hint=f"to pad only before every axis write padding: {each}",
            )
        return [(before[0], 0)]
    return both_sides("padding", (0,) if isinstance(padding, str) else padding, rank)


def _reaches(window: Window) -> Shape:
    """The positions from the first tap to the last on each axis, both included."""
    taps = zip(window.kernel, window.dilation, strict=True)
    return tuple(dilation * (kernel - 1) + 1 for kernel, dilation in taps)


def output_sizes(
    spatial: Shape, window: Window, padding: Padding, kernel_arg: str = "kernel"
) -> Shape:
    """Spatial sizes after the window has slid over `spatial`.

    `same` and `causal`: ceil(size / stride). `valid` and pixels: floor((size + before + after -
    reach) / stride) + 1, where the reach of the window is dilation * (kernel - 1) + 1 positions.
    Source: the Keras documentation of Conv2D and MaxPooling2D.

    Raises OpError if the window is larger than the padded input, or the padding is for another
    number of axes.
    """
    if padding == "same":
        return tuple(-(-size // step) for size, step in zip(spatial, window.stride, strict=True))
    sides = padding_sides(padding, window)
    sizes = []
    for size, kernel, step, dilation, reach, pads in zip(
        spatial, *window, _reaches(window), sides, strict=True
    ):
        padded = size + sum(pads)
        if reach > padded:
            covers = f"{kernel}" if dilation == 1 else f"{kernel} (dilated, it covers {reach})"
            input_size = f"{size}" if padded == size else f"{size} (padded to {padded})"
            raise OpError(
                f"a {kernel_arg} of {covers} is larger than the input, whose size is {input_size}",
                arg=kernel_arg,
                hint="use padding: same, a smaller window, or shrink the input less before this",
            )
        sizes.append((padded - reach) // step + 1)
    return tuple(sizes)


def keras_padding(
    padding: Padding, window: Window, name: str, *, causal: bool = False
) -> tuple[str, list[LayerCall]]:
    """Keras' word for the padding, and the layers before it that pad by pixels.

    `causal` tells whether the layer of Keras knows that word.
    """
    words = ("same", "valid", *["causal"] * causal)
    if isinstance(padding, str) and padding in words:
        return padding, []
    sides = padding_sides(padding, window)
    if not any(map(sum, sides)):
        return "valid", []
    return "valid", [bordered("ZeroPadding", sides, f"{name}.pad")]


def padding_from_keras(use: LayerUse) -> Sides | None:
    """The padding of a `ZeroPadding`; None for any other layer."""
    if not use.known_as.startswith("ZeroPadding"):
        return None
    pairs = use.operation.padding
    return sides_of([pairs] if isinstance(pairs[0], int) else pairs)


def sides_of(pairs: Sequence[Sequence[int]]) -> Sides:
    """Pixels before and after each axis; one number for an axis if all have as many on both."""
    if all(before == after for before, after in pairs):
        return tuple(before for before, _ in pairs)
    return tuple((before, after) for before, after in pairs)


def bordered(kind: str, pairs: Pairs, name: str) -> LayerCall:
    """The `ZeroPadding` or `Cropping` with these numbers before and after each axis."""
    same = all(before == after for before, after in pairs)
    widths: Any = pairs[0] if len(pairs) == 1 else tuple(pairs)
    if same:
        widths = one_if_equal(tuple(before for before, _ in pairs))
    argument = "padding" if kind == "ZeroPadding" else "cropping"
    options = {} if len(pairs) == 1 else {"data_format": "channels_last"}
    return LayerCall(f"{kind}{len(pairs)}D", name, {argument: widths}, options)
