"""Writes the entry `groups:` into the text of a spec, and leaves everything else as it is."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import yaml

from groupconv_cli.errors import UsageError
from groupconv_cli.language.yaml_reader import parse

KEY = "groups"

PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z0-9_]+)*")
"""Names that need no quotes, unless they are words of YAML."""

WORDS = re.compile(r"(?i)null|true|false|yes|no|on|off|y|n")


OPENING = (yaml.MappingStartEvent, yaml.SequenceStartEvent)
CLOSING = (yaml.MappingEndEvent, yaml.SequenceEndEvent)


class _Found(NamedTuple):
    """The places in the text, as numbers of characters."""

    begin: int
    """Where the top-level mapping begins."""
    end: int
    """Where its document ends."""
    column: int
    """How far its keys are indented."""
    in_braces: bool
    """Whether it is written in braces, as in JSON."""
    entry: tuple[int, int, int] | None
    """Where the entry's key and its value begin, and where the value ends."""


def with_groups(text: str, groups: Mapping[str, int]) -> str:
    """The text with these group counts as its only ones.

    Raises UsageError for a text whose top level is not a mapping.
    """
    found = _find(text)
    line_break = "\r\n" if "\r\n" in text else "\n"
    in_braces = json.dumps(dict(groups), ensure_ascii=False)
    if found.in_braces:
        if found.entry is not None:
            _, value, end = found.entry
            return text[:value] + in_braces + text[end:]
        first = f'"{KEY}": {in_braces}, '
        return text[: found.begin + 1] + first + text[found.begin + 1 :]
    indent = " " * found.column
    lines = [f"{indent}  {_written(pattern)}: {count}" for pattern, count in groups.items()]
    entry = line_break.join([f"{KEY}:", *lines]) if groups else f"{KEY}: {{}}"
    if found.entry is not None:
        key, _, end = found.entry
        return text[:key] + entry + text[end:]
    before, after = text[: found.end], text[found.end :]
    if before and not before.endswith(("\n", "\r")):
        before += line_break
    return f"{before}{line_break}{indent}{entry}{line_break}{after}"


def _written(pattern: str) -> str:
    is_plain = PLAIN.fullmatch(pattern) and not WORDS.fullmatch(pattern)
    return pattern if is_plain else json.dumps(pattern, ensure_ascii=False)


def _find(text: str) -> _Found:
    events = parse(text)
    event: Any
    for event in events:
        if isinstance(event, yaml.MappingStartEvent):
            break
        if isinstance(event, yaml.NodeEvent):
            raise UsageError("the top level of the spec is not a mapping")
    else:
        raise UsageError("the spec is empty")
    begin: Any = event.start_mark
    entry: tuple[int, int, int] | None = None
    in_braces = bool(event.flow_style)
    for key in events:
        if isinstance(key, yaml.MappingEndEvent):
            break
        _end_of(key, events)
        value = next(events)
        end = _end_of(value, events)
        if isinstance(key, yaml.ScalarEvent) and key.value == KEY:
            at, start = _begin(key), _begin(value)
            kept = len(text[start : max(start, end)].rstrip())
            entry = at, start, start + kept
            if kept == 0:  # nothing is given: the key's colon is the end
                colon = text.index(":", at) + 1
                entry = at, colon, colon
    ending = next(events)
    end = _begin(ending) if getattr(ending, "explicit", False) else len(text)
    return _Found(begin.index, end, begin.column, in_braces, entry)


def _begin(event: Any) -> int:
    begin: int = event.start_mark.index
    return begin


def _end_of(event: Any, events: Iterator[Any]) -> int:
    """Where a value ends that begins with an event. Its events are taken.

    The end of a block is where the next thing begins, so the end of what is in it is taken.
    """
    last: int = event.end_mark.index
    if not isinstance(event, OPENING):
        return last
    depth = 1
    while depth:
        inner: Any = next(events)
        end: int = inner.end_mark.index
        if isinstance(inner, OPENING):
            depth += 1
        elif isinstance(inner, CLOSING):
            depth -= 1
            if end == _begin(inner):
                continue  # of a block
        last = max(last, end)
    return last
