"""A grouped convolution and its gradients in NumPy's float64, tap by tap: no TensorFlow in it."""

from __future__ import annotations

from itertools import product

import numpy as np


def axis_plan(size, taps, stride, dilation, padding):
    """Zeros before and behind, and how many windows there are, as TensorFlow's manual has it."""
    reach = (taps - 1) * dilation + 1
    if padding == "same":
        windows = (size + stride - 1) // stride
        zeros = max((windows - 1) * stride + reach - size, 0)
        return zeros // 2, zeros - zeros // 2, windows
    before = reach - 1 if padding == "causal" else 0
    return before, 0, (size + before - reach) // stride + 1


def idle_taps(spatial, kernel, stride, dilation):
    """Taps that lie on padding at every window of SAME padding, found by laying each one down."""
    axes = []
    for size, taps, step, spread in zip(spatial, kernel, stride, dilation, strict=True):
        before, _, windows = axis_plan(size, taps, step, spread, "same")
        axes.append(
            [
                not any(
                    0 <= window * step + tap * spread - before < size for window in range(windows)
                )
                for tap in range(taps)
            ]
        )
    return np.array([any(idle) for idle in product(*axes)], bool).reshape(kernel)


def output_shape(x_shape, kernel_shape, strides, dilation, padding):
    axes = zip(x_shape[1:-1], kernel_shape[:-2], strides, dilation, strict=True)
    return (x_shape[0], *(axis_plan(*axis, padding)[2] for axis in axes), kernel_shape[-1])


def grouped_conv(x, kernel, bias, weights, *, groups, strides, dilation, padding):
    """The output, and the gradients of sum(weights * output) to the input, kernel and bias.

    Channels last; `weights` has the shape of the output.
    """
    axes = zip(x.shape[1:-1], kernel.shape[:-2], strides, dilation, strict=True)
    plans = [axis_plan(*axis, padding) for axis in axes]
    padded = np.pad(x, [(0, 0), *[plan[:2] for plan in plans], (0, 0)])

    def seen(tap):
        """Where the tap lies, window by window."""
        axes = zip(tap, plans, strides, dilation, strict=True)
        return (
            slice(None),
            *(
                slice(at * spread, at * spread + (plan[2] - 1) * step + 1, step)
                for at, plan, step, spread in axes
            ),
        )

    def by_group(values):
        """Matrices of a row for each position, or input channel of a kernel."""
        return values.reshape(-1, groups, values.shape[-1] // groups).swapaxes(0, 1)

    def joined(matrices, shape):
        return matrices.swapaxes(0, 1).reshape(shape)

    back = by_group(weights)
    y, of_input, of_kernel = np.zeros_like(back), np.zeros_like(padded), np.zeros_like(kernel)
    for tap in np.ndindex(*kernel.shape[:-2]):
        pixels, of_tap = padded[seen(tap)], by_group(kernel[tap])
        y += by_group(pixels) @ of_tap
        of_input[seen(tap)] += joined(back @ of_tap.swapaxes(1, 2), pixels.shape)
        of_kernel[tap] = joined(by_group(pixels).swapaxes(1, 2) @ back, kernel[tap].shape)
    of_data = (
        slice(before, before + size)
        for (before, *_), size in zip(plans, x.shape[1:-1], strict=True)
    )
    return [
        joined(y, weights.shape) + bias,
        of_input[(slice(None), *of_data)],
        of_kernel,
        weights.sum(tuple(range(weights.ndim - 1))),
    ]
