"""MACs against TensorFlow's own profiler."""

from __future__ import annotations

import pytest
from profiled import COUNTED, profiled
from specs import nightly_but

from groupconv_cli import analyze, build

NAMES = ("resnext50_32x4d", "shufflenet_v1_g8", "mobilenet_v1", "efficientnet_b0", "alexnet_2group")


@pytest.mark.parametrize("name", nightly_but(("mobilenet_v1",), NAMES))
def test_flops_are_those_that_tensorflow_counts(name: str) -> None:
    found = profiled(build(name))
    assert sum(found.get(kind, 0) for kind in COUNTED) == analyze(name).flops
