"""Multiply-accumulates counted one by one, in loops that know nothing of the formulas."""

from __future__ import annotations

from itertools import product


def window_starts(size: int, kernel: int, stride: int, dilation: int, padding) -> list[int]:
    """Where a window can begin along one axis, found by trying."""
    if padding == "same":
        return [start for start in range(size) if start % stride == 0]
    last_tap = (kernel - 1) * dilation
    before, after = {"valid": (0, 0), "causal": (last_tap, 0)}.get(padding, (padding, padding))
    if isinstance(padding, tuple):
        before, after = padding
    return [
        start
        for start in range(before + size + after)
        if start % stride == 0 and start + last_tap < before + size + after
    ]


def conv_macs(
    spatial, channels, filters, kernel, stride, dilation, padding, groups, *, transposed=False
) -> int:
    """Counts every (position, filter, tap, channel) where the channel is of the filter's group."""
    rank = len(spatial)
    pixels = padding if isinstance(padding, tuple) else (padding,) * rank
    starts = [
        window_starts(size, k, s, d, p)
        for size, k, s, d, p in zip(spatial, kernel, stride, dilation, pixels, strict=True)
    ]
    positions = product(*(range(size) for size in spatial)) if transposed else product(*starts)
    taps = list(product(*(range(k) for k in kernel)))
    count = 0
    for _ in positions:
        for f in range(filters):
            for c in range(channels):
                if f * groups // filters == c * groups // channels:
                    count += sum(1 for _ in taps)
    return count


def dense_macs(shape, units: int) -> int:
    """Counts every (position, unit, channel)."""
    *spatial, channels = shape
    return sum(1 for _ in product(*(range(s) for s in spatial), range(units), range(channels)))
