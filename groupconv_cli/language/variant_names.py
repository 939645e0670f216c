"""Names of variants of a family of networks."""

from __future__ import annotations

import re

JOINS = ("_", "", "-", ":", "/")
"""The texts that may stand between the name of a family and the name of a variant."""


def variant_name(family: str, variant: str) -> str:
    """The name of a variant: resnet and 50 give resnet50, mobilenet_v1 and 0.5 mobilenet_v1_0.5.

    A number of two digits or more follows a plain word directly, as people write it.
    """
    direct = re.fullmatch(r"[A-Za-z]+", family) and re.match(r"\d\d", variant)
    return family + variant if direct else f"{family}_{variant}"
