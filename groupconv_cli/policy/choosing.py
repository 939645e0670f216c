"""What a search for group counts maximizes, and which convolutions share a count."""

from __future__ import annotations

KEEP = {
    "connections": "minus the sum of log2 g over the convolutions, so that each halving of a "
    "convolution's connections counts alike",
    "params": "the number of params",
    "macs": "the number of MACs",
}
"""What is maximized within the budgets."""

PER = {
    "item": "what one line of the spec makes shares a count",
    "layer": "every convolution has a count of its own",
    "network": "all convolutions share one count",
}
"""The convolutions that share a count."""

TIME_LIMIT = 60.0
"""Seconds after which a search ends without a proof, unless another limit is given."""
