"""YAML as specs read it: bounded, with places, by YAML 1.2's core schema."""

from __future__ import annotations

import pytest
import yaml

from groupconv_cli.errors import Diagnostic, Problems, Source, SpecError
from groupconv_cli.language import yaml_reader as reader
from groupconv_cli.language.nodes import Tree
from groupconv_cli.language.values import plain
from groupconv_cli.language.yaml_reader import MAX_DEPTH, decode, resolve


def read(source: Source) -> tuple[Tree, list[Diagnostic]]:
    """The tree, and what is wrong with it."""
    problems = Problems()
    tree = reader.read(source, problems)
    return tree, list(problems.error().diagnostics)


@pytest.fixture(params=["libyaml", "python"])
def loader(request, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both parsers that PyYAML has: its own where it came without libyaml."""
    if request.param == "python":
        monkeypatch.setattr(reader, "_LOADER", yaml.SafeLoader)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("12", 12),
        ("-3", -3),
        ("010", 10),
        ("1e3", 1000.0),
        (".5", 0.5),
        ("0.75", 0.75),
        ("true", True),
        ("False", False),
        ("null", None),
        ("~", None),
        ("", None),
        ("yes", "yes"),
        ("on", "on"),
        ("no", "no"),
        ("1:30", "1:30"),
        ("0x1F", "0x1F"),
        ("1_000", "1_000"),
        ("2001-01-01", "2001-01-01"),
        (".inf", ".inf"),
        ("$x", "$x"),
    ],
)
def test_plain_scalars(text: str, value: object) -> None:
    assert resolve(text) == value
    assert type(resolve(text)) is type(value)


@pytest.mark.parametrize("text", ["9" * 31, "1e400", "1e-30"])
def test_numbers_out_of_range_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="number"):
        resolve(text)


def test_places_count_from_one() -> None:
    tree, _ = read(Source("s", "a: 1\nb:\n  - {c: 2}\n"))
    inner = tree.entries["b"].value.items[0].entries["c"]
    assert inner.place[1:] == (3, 6)
    assert inner.value.place[1:] == (3, 9)


def test_anchors_are_values_shared() -> None:
    tree, found = read(Source("s", "a: &x [1, 2]\nb: *x\n"))
    assert plain(tree) == {"a": [1, 2], "b": [1, 2]}
    assert not found


@pytest.mark.parametrize(
    ("text", "message", "place"),
    [
        ("a: 1\nb: 2\na: 3\n", "'a' is given twice; the first is on line 1", (3, 1)),
        ("a: {b: 1, b: 2}", "'b' is given twice", (1, 11)),
        ("[1]: 2", "a key must be a word", (1, 1)),
        ("a: &x {b: 1}\nc: {<<: *x}", "merge keys", (2, 5)),
        ("a: !!python/object:os.system x", "has no meaning", (1, 4)),
        ("a: " + "1" * 40, "number of 40 characters", (1, 4)),
    ],
)
def test_problems_that_leave_a_tree(text: str, message: str, place) -> None:
    _, (problem,) = read(Source("s", text))
    assert message in problem.message
    assert problem.place[1:] == place


@pytest.mark.parametrize(
    ("text", "message", "place"),
    [
        ("", "empty", (1, 1)),
        ("# only a comment\n", "empty", (1, 1)),
        ("a: [1, 2\n", "not valid YAML", (1, 4)),
        ("a: [1, 2\nb: 3\nc: 4", "not valid YAML", (2, 2)),
        ("a: b: c", "not valid YAML", (1, 5)),
        ("a:\n\t- b", "not valid YAML", (2, 1)),
        ("a: 1\n---\nb: 2\n", "second document", (2, 1)),
        ("a: *nowhere", "no anchor", (1, 4)),
        ("&x [*x]", "no anchor", (1, 5)),
        ("a: \x01", "not valid YAML", (1, 4)),
        ("é: 1\né: \x01", "not valid YAML", (2, 4)),
        ("é: \ud800", "not UTF-8", (1, 4)),
        ("[" * 100_000, "levels deep", (1, MAX_DEPTH + 2)),
        ("- " * 50_000, "levels deep", (1, 2 * MAX_DEPTH + 3)),
        ("{a: " * 50_000, "levels deep", (1, 4 * MAX_DEPTH + 2)),
        ("? " * 50_000, "levels deep", (1, 2 * MAX_DEPTH + 3)),
        ("- a\n- " + "[" * 1000 + "}", "levels deep", (2, MAX_DEPTH + 3)),
        ("[" * 70 + "\x01", "levels deep", (1, MAX_DEPTH + 2)),
        ("[" * 50 + "]" * 49 + "}", "not valid YAML", (1, 100)),
    ],
    ids=lambda value: str(value)[:20],
)
@pytest.mark.usefixtures("loader")
def test_text_without_a_tree(text: str, message: str, place) -> None:
    with pytest.raises(SpecError) as error:
        read(Source("s", text))
    (problem,) = error.value.diagnostics
    assert message in problem.message
    assert problem.place[1:] == place


def test_an_alias_bomb_is_counted_not_followed() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 12)]
    with pytest.raises(SpecError, match="with aliases expanded"):
        read(Source("s", "\n".join(lines)))


def test_aliases_cannot_hide_depth() -> None:
    nest = "[" * 40 + "1" + "]" * 40
    lines = [f"a: &a {nest}", "b: " + "[" * 40 + "*a" + "]" * 40]
    with pytest.raises(SpecError, match="levels deep"):
        read(Source("s", "\n".join(lines)))


def test_text_that_is_not_utf8() -> None:
    with pytest.raises(SpecError) as error:
        decode(b"a: 1\nb: \xff\n", "s.yaml")
    (problem,) = error.value.diagnostics
    assert "0xff is not UTF-8" in problem.message
    assert problem.place[1:] == (2, 4)


def test_a_byte_order_mark_is_no_text() -> None:
    assert decode(b"\xef\xbb\xbfa: 1", "s").text == "a: 1"


def test_a_file_that_is_too_large() -> None:
    with pytest.raises(SpecError, match="larger than"):
        decode(b" " * (2 << 20), "s.yaml")
