"""Items of a spec as YAML, in the form in which the bundled specs are written."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

WIDTH = 100
"""The longest line of an item with its arguments in braces; longer ones become several."""

PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_.+-]*")
WORDS = {"null", "true", "false"}
"""Texts that YAML takes for something else."""


def flow(value: Any) -> str:
    """A value in one line."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {flow(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(flow, value)) + "]"
    return scalar(value)


def scalar(value: Any) -> str:
    """A number, a word or a text."""
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: "null"}[value]
    if isinstance(value, float):
        return number(value)
    if isinstance(value, str) and (not PLAIN.fullmatch(value) or value.lower() in WORDS):
        return value if value.startswith("$") else json.dumps(value, ensure_ascii=False)
    return str(value)


def number(value: float) -> str:
    """A number that is read as the same one."""
    text = repr(value)
    mantissa, e, exponent = text.partition("e")
    if not e:
        return text.removesuffix(".0")
    return f"{mantissa if '.' in mantissa else mantissa + '.0'}e{int(exponent)}"


def item_lines(layer: str, args: Mapping[str, Any], beside: Mapping[str, Any]) -> Iterator[str]:
    """The lines of an item without what is before its dash."""
    if not args:
        yield f"- {layer}:" if beside else f"- {layer}"
    elif len(line := f"- {layer}: {flow(args)}") <= WIDTH - 6:
        yield line
    else:
        yield f"- {layer}:"
        for key, value in args.items():
            yield f"    {key}: {flow(value)}"
    for key, value in beside.items():
        yield f"  {key}: {flow(value)}"
