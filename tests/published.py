"""Exact counts of published networks, by the name of the bundled config.

Sources: torchvision 0.29's weights metadata (ResNeXt, Wide ResNet), keras.applications 3.15
(MobileNet), pytorchcv 0.0.74's assertions (ShuffleNet); the dense twins follow from the papers'
structures with every grouped convolution made dense.
"""

from __future__ import annotations

from typing import NamedTuple


class Published(NamedTuple):
    """Counts of a network and of its twin without groups."""

    params: int
    trainable_params: int
    macs: int
    dense_trainable_params: int
    dense_macs: int


COUNTS = {
    "basic": Published(4_672, 4_672, 4_718_592, 18_496, 18_874_368),
    "block": Published(19_392, 19_008, 75_497_472, 111_168, 452_984_832),
    "depthwise": Published(160, 160, 2_359_296, 2_320, 37_748_736),
    "resnext50_32x4d": Published(25_097_128, 25_028_904, 4_230_479_872, 68_883_240, 11_398_021_120),
    "mobilenet_v1": Published(4_253_864, 4_231_976, 568_740_352, 29_300_936, 4_828_758_016),
    "shufflenet_v1": Published(1_890_208, 1_865_728, 137_460_672, 6_803_728, 780_168_192),
}
