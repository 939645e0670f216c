"""JSON as text, of the form that `json.dumps(…, indent=2)` writes, in a fraction of the time.

Python's own encoder is written in C only for JSON without line breaks. Its other half takes longer
for a large network than all the rest of a run.
"""

from __future__ import annotations

import json
from json.encoder import encode_basestring_ascii as quoted
from typing import Any

INDENT = "  "


def json_text(value: Any, line: str = "\n") -> str:
    """The text; `line` begins a line at the level of the value.

    Raises TypeError for what JSON has no form for.
    """
    if isinstance(value, str):
        return quoted(value)
    if type(value) is int:
        return str(value)
    inner = line + INDENT
    if isinstance(value, dict) and value:
        pairs = [f"{_key(key)}: {json_text(each, inner)}" for key, each in value.items()]
        return f"{{{inner}{f',{inner}'.join(pairs)}{line}}}"
    if isinstance(value, list | tuple) and value:
        return f"[{inner}{f',{inner}'.join([json_text(each, inner) for each in value])}{line}]"
    return json.dumps(value)


def _key(key: Any) -> str:
    return quoted(key if isinstance(key, str) else json.dumps(key))
