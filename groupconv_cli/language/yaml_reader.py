"""YAML text → tree with places.

This module makes the tree from the parser's events. It does not use PyYAML's composer, because
libyaml's composer crashes the process on deep nesting. This way aliases are counted before they are
followed, duplicate keys are noticed, and scalars follow YAML 1.2's core schema (`on` and `no` are
words, `010` is ten).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import yaml

from groupconv_cli.errors import Diagnostic, Place, Problems, Source, SpecError
from groupconv_cli.language.nodes import Entry, MappingNode, ScalarNode, SequenceNode, Tree
from groupconv_cli.ops.kinds import Value
from groupconv_cli.words import LINE_BREAK, confusables, without_confusables

MAX_BYTES = 1 << 20
MAX_DEPTH = 60
MAX_NODES = 60_000
MAX_NUMBER_LENGTH = 30
MAX_KEY_LENGTH = 100

_YAML_SIGNS = ("", *":,-[]{}#&*!|>'\"%@`")
"""The signs of YAML that other characters may look like; '' stands for blanks."""

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_INT = re.compile(r"[-+]?[0-9]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_WORDS: dict[str, Value] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}


def too_large(name: str) -> SpecError:
    """The error for a text that is too large for a spec."""
    message = f"larger than {MAX_BYTES:,} bytes, the limit for a spec"
    return SpecError(Diagnostic(message, Place(Source(name, ""), 1, 1)))


def decode(data: bytes, name: str) -> Source:
    """The text of a spec. Raises SpecError if it is too large or not UTF-8."""
    if len(data) > MAX_BYTES:
        raise too_large(name)
    try:
        return Source(name, data.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        before = data[: error.start].decode("utf-8-sig", "replace")
        raise SpecError(
            Diagnostic(
                f"not a text file: byte 0x{data[error.start]:02x} is not UTF-8",
                _end_of(before, Source(name, before)),
                "a spec is YAML, saved as UTF-8",
            )
        ) from None


def parse(text: str) -> Iterator[Any]:
    """The events of a text."""
    events: Iterator[Any] = yaml.parse(text, Loader=_LOADER)
    return events


def read(source: Source, problems: Problems) -> Tree:
    """The tree of the only document in the source. Its mistakes go to `problems`.

    Raises SpecError if there is no tree: the text is not YAML, or goes beyond the bounds.
    """
    try:
        source.text.encode()
        return _Reader(source, source.text, problems).document()
    except UnicodeEncodeError as error:  # an argument of the command line that was not UTF-8
        place = _end_of(source.text[: error.start], source)
        problems.stop("a character that is not UTF-8", place)
    except _BeyondBoundsError as beyond:
        problems.stop(*beyond.problem[:3])
    except yaml.YAMLError as error:
        problem = _beyond_bounds_before(error, source) or _yaml_problem(error, source)
        problems.stop(*problem[:3])


def _beyond_bounds_before(error: yaml.YAMLError, source: Source) -> Diagnostic | None:
    """The bound that the text before an error exceeds, if it does.

    A parser looks up to a line ahead and may fail there, also at a limit of its own, before it has
    given the events of the text before. If the text after that is cut off, it gives these events.
    """
    text = source.text[: _index_of(error, source)]
    try:
        _Reader(source, text, Problems()).document()
    except _BeyondBoundsError as beyond:
        return beyond.problem
    except (SpecError, yaml.YAMLError):  # errors of a text that is cut off mean nothing
        pass
    return None


def _index_of(error: yaml.YAMLError, source: Source) -> int:
    """The number of characters before the place where the parser failed."""
    if isinstance(error, yaml.reader.ReaderError):
        position: int = error.position
        if issubclass(_LOADER, yaml.reader.Reader):
            return position
        # libyaml counts bytes here.
        return len(source.text.encode()[:position].decode(errors="ignore"))
    mark = getattr(error, "problem_mark", None)
    return mark.index if mark else len(source.text)


class _BeyondBoundsError(Exception):
    """Raised if the text contains more than a spec may."""

    def __init__(self, message: str, place: Place, hint: str | None = None) -> None:
        super().__init__(message)
        self.problem = Diagnostic(message, place, hint)


class _Anchor(NamedTuple):
    """A tree that aliases may stand for, and where its text is."""

    tree: Tree
    nodes: int
    """The number of values in it."""
    height: int
    """The number of levels in it."""
    begin: Place
    end: Place


class _Reader:
    """Reads `text`: the text of the source, or a part of it."""

    def __init__(self, source: Source, text: str, problems: Problems) -> None:
        self.source = source
        self.problems = problems
        self.anchors: dict[str, _Anchor] = {}
        self.nodes = 0
        self.deepest = 0
        self.event: Any = None
        """The last event taken."""
        self.events = parse(text)

    def document(self) -> Tree:
        for event in self.events:
            if isinstance(event, yaml.DocumentStartEvent):
                break
        else:
            hint = "a spec has at least `input:` and `layers:`; `gconv summary basic` analyzes one"
            self.problems.stop("the file is empty", Place(self.source, 1, 1), hint)
        tree = self._node(self._next(), 0)
        self._next()
        after = self._next()
        if isinstance(after, yaml.DocumentStartEvent):
            message = "a second document begins here; a spec is one document"
            self.problems.stop(message, self._place(after), "keep each network in its own file")
        return tree

    def _next(self) -> Any:
        self.event = next(self.events)
        return self.event

    def _place(self, event: Any) -> Place:
        return _place(self.source, event.start_mark)

    def _node(self, event: Any, depth: int) -> Tree:
        place = self._place(event)
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event.anchor, place, depth)
        nodes_before, deepest_before = self.nodes, self.deepest
        self.deepest = depth
        self._count(1, depth, place)
        tree: Tree
        if isinstance(event, yaml.ScalarEvent):
            tree = self._scalar(event, place)
        elif isinstance(event, yaml.SequenceStartEvent):
            items: list[Tree] = []
            while not isinstance(inner := self._next(), yaml.SequenceEndEvent):
                item = self._node(inner, depth + 1)
                if items and _goes_on(items[-1], item):
                    items[-1] = self._rejoined(items[-1], item)
                else:
                    items.append(item)
            tree = SequenceNode(items, place)
        else:
            tree = self._mapping(place, depth)
        if event.tag is not None and event.tag != "!":
            self.problems.add(f"the tag {event.tag} has no meaning in a spec", place)
        if event.anchor is not None:
            nodes, height = self.nodes - nodes_before, self.deepest - depth
            end = _place(self.source, self.event.end_mark)
            self.anchors[event.anchor] = _Anchor(tree, nodes, height, place, end)
        self.deepest = max(self.deepest, deepest_before)
        return tree

    def _alias(self, anchor: str | None, place: Place, depth: int) -> Tree:
        if anchor is None or anchor not in self.anchors:
            self.problems.stop(f"the alias *{anchor} has no anchor before it", place)
        used = self.anchors[anchor]
        self._count(used.nodes, depth + used.height, place)
        self.problems.note_alias(used.begin, used.end, place.line)
        return used.tree

    def _count(self, nodes: int, depth: int, place: Place) -> None:
        self.nodes += nodes
        self.deepest = max(self.deepest, depth)
        if depth > MAX_DEPTH:
            raise _BeyondBoundsError(f"nested more than {MAX_DEPTH} levels deep", place)
        if self.nodes > MAX_NODES:
            raise _BeyondBoundsError(
                f"more than {MAX_NODES:,} values, with aliases expanded",
                place,
                "write repetition with `repeat:` and blocks",
            )

    def _mapping(self, start: Place, depth: int) -> MappingNode:
        entries: dict[str, Entry] = {}
        has_merge = False
        while not isinstance(event := self._next(), yaml.MappingEndEvent):
            place = self._place(event)
            key = self._node(event, depth + 1)
            value = self._node(self._next(), depth + 1)
            if not isinstance(key, ScalarNode):
                self.problems.add("a key must be a word, not a list or mapping", place)
            elif len(key.text) > MAX_KEY_LENGTH:
                message = f"a key of {len(key.text):,} characters; {MAX_KEY_LENGTH} is the limit"
                self.problems.add(message, place)
            elif key.text == "<<":
                has_merge = True
                self.problems.add(
                    "merge keys (<<) are not part of the language",
                    place,
                    "share layers with `blocks:` and values with `vars:`",
                )
            elif key.text in entries:
                first = entries[key.text].place.line
                self.problems.add(
                    f"the key {key.text!r} is given twice; the first is on line {first}",
                    place,
                    "keep one of the two",
                )
            else:
                last = next(reversed(entries.values()), None)
                if last and _goes_on(last.value, key) and _is_empty(value):
                    joined = self._rejoined(last.value, key, f"{last.key}: ")
                    entries[last.key] = Entry(last.key, last.place, joined)
                else:
                    entries[key.text] = Entry(key.text, place, value)
        return MappingNode(entries, start, has_merge=has_merge)

    def _rejoined(self, begun: Tree, rest: Tree, before: str = "") -> Tree:
        """An expression that a comma cut in two; says so once it is whole."""
        if not (isinstance(begun, ScalarNode) and isinstance(rest, ScalarNode)):
            return begun
        text = f"{begun.text}, {rest.text}"
        if _missing(text) <= 0:
            self.problems.add(
                "a comma within { } or [ ] ends the value before it",
                begun.place,
                f'write the expression in quotes: {before}"{text}"',
            )
        return ScalarNode(text, text, begun.place, plain=False)

    def _scalar(self, event: Any, place: Place) -> ScalarNode:
        text: str = event.value
        is_plain: bool = event.style is None or event.style == ""
        if not is_plain:
            return ScalarNode(text, text, place, plain=False)
        one_line = event.start_mark.line == event.end_mark.line
        try:
            return ScalarNode(resolve(text), text, place, plain=one_line)
        except ValueError as error:
            self.problems.add(str(error), place)
            return ScalarNode(0, text, place)


def _missing(text: str) -> int:
    """How many parentheses are opened and not closed."""
    return text.count("(") - text.count(")")


def _goes_on(begun: Tree, rest: Tree) -> bool:
    """Whether two values are one expression that was cut at a comma: `max($in` and `8)`."""
    return (
        isinstance(begun, ScalarNode)
        and isinstance(begun.value, str)
        and _missing(begun.text) > 0
        and isinstance(rest, ScalarNode)
        and rest.plain
    )


def _is_empty(tree: Tree) -> bool:
    return isinstance(tree, ScalarNode) and tree.value is None


def resolve(text: str) -> Value:
    """The value of a plain scalar by YAML 1.2's core schema.

    Raises ValueError for numbers that are too long or too large to mean anything.
    """
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in "+-.0123456789" or not _FLOAT.fullmatch(text):
        return text
    if len(text) > MAX_NUMBER_LENGTH:
        raise ValueError(f"a number of {len(text)} characters is too long")
    if _INT.fullmatch(text):
        return int(text)
    number = float(text)
    if abs(number) > 1e18 or 0 < abs(number) < 1e-18:
        raise ValueError(f"the number {text} is out of range")
    return number


def _yaml_problem(error: yaml.YAMLError, source: Source) -> Diagnostic:
    if isinstance(error, yaml.reader.ReaderError):
        place = _end_of(source.text[: _index_of(error, source)], source)
        return Diagnostic(f"not valid YAML: {error.reason}", place)
    mark = getattr(error, "problem_mark", None)
    context, begun = getattr(error, "context", None), getattr(error, "context_mark", None)
    problem = getattr(error, "problem", None) or str(error)
    hint = f"{context}" if context else None
    if hint and begun and mark and begun.line != mark.line:
        at_end = mark.index >= len(source.text.rstrip())
        hint += " that begins here" if at_end else f" that begins on line {begun.line + 1}"
        # A missing end is found at the end of the file, but the mistake is where the text begins.
        mark = begun if at_end else mark
    if mark and source.text[mark.index : mark.index + 1] == "\t":
        problem, hint = "a tab", "YAML is indented with spaces, never tabs"
    elif problem.startswith("mapping values are not allowed"):
        problem = "an unexpected colon"
        hint = (
            "is a colon missing before this? `- conv: {…}` has one, with a space after it, and so "
            "has a layer with repeat:, when: or name: below it: `- relu:`"
        )
    end = _end_of(source.text, source)
    # The parser sees a line after the last one.
    place = end if mark is None or mark.line >= end.line else _place(source, mark)
    return Diagnostic(f"not valid YAML: {problem}", place, _unlike_yaml(place) or hint)


def _unlike_yaml(place: Place) -> str | None:
    """A hint on characters that look like YAML's signs, on this line or the one before."""
    lines = LINE_BREAK.split(place.source.text)[max(0, place.line - 2) : place.line]
    found = "".join(
        char for char in dict.fromkeys("".join(lines)) if without_confusables(char) in _YAML_SIGNS
    )
    return confusables(found, "the text here or on the line before has")


def _end_of(before: str, source: Source) -> Place:
    """The place after some text with which the source begins."""
    lines = LINE_BREAK.split(before)
    return Place(source, len(lines), len(lines[-1]) + 1)


def _place(source: Source, mark: Any) -> Place:
    return Place(source, mark.line + 1, mark.column + 1)
