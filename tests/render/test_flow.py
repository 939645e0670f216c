"""Sentences and quoted lines laid out for a width: nothing is torn, nothing too long."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groupconv_cli.errors import Diagnostic, Place, Source
from groupconv_cli.render.flow import Span, cell_width, fill, flow, plain
from groupconv_cli.render.problems import one_problem

WORDS = st.lists(st.text("abc卷λ/.-'é", min_size=1, max_size=30), max_size=30)
WIDTHS = st.integers(12, 90)
INDENTS = st.sampled_from(["", "  ", "    "])
LEADS = st.sampled_from(["", "  ", "    ", " " * 20, " " * 100])
"""Blanks that a text begins with."""


@given(words=WORDS, width=WIDTHS, indent=INDENTS, lead=LEADS)
def test_lines_have_all_words_and_no_more_columns(
    words: list[str], width: int, indent: str, lead: str
):
    lines = fill(lead + " ".join(words), width, indent)
    assert all(cell_width(line) <= width for line in lines)
    assert "".join(lines).replace(" ", "") == "".join(words)
    shown = [word for line in lines for word in line.split()]
    for number, word in enumerate(words):
        room = width - (len(indent) if number else max(len(indent), len(lead)))
        if cell_width(word) <= room:
            assert word in shown
    if words and len(lead) <= width // 2:
        assert lines[0].startswith(lead)


@given(words=WORDS, width=WIDTHS, indent=INDENTS, lead=LEADS)
def test_styles_stay_with_their_words(words: list[str], width: int, indent: str, lead: str):
    spans = [Span(lead), *(Span(word + " ", str(index)) for index, word in enumerate(words))]
    laid_out = flow(spans, width, indent)
    text = lead + " ".join(words) + " " * bool(words)
    assert plain(laid_out).split() == [
        x for line in fill(text, width, indent) for x in line.split()
    ]
    for index, word in enumerate(words):
        own = [span.text for line in laid_out for span in line if span.style == str(index)]
        assert "".join(own).strip() == word


@pytest.mark.parametrize(
    ("text", "width", "lines"),
    [
        ("takes +62.8 % more", 12, ["takes", "+62.8 % more"]),
        ("it has 3.45 GB, or more", 13, ["it has", "3.45 GB, or", "more"]),
        ("a folder/of/files/here.yaml: error", 18, ["a", "folder/of/files/", "here.yaml: error"]),
        ("see a_name-of.parts_long now", 16, ["see", "a_name-of.parts_", "long now"]),
    ],
)
def test_what_belongs_together_stays_together(text: str, width: int, lines: list[str]) -> None:
    assert fill(text, width) == lines


def test_a_hint_that_begins_with_a_long_word_keeps_its_end() -> None:
    hint = f"  '{'stage_two/' * 7}shuffle' brings nothing with groups=4"
    shown = plain(flow([Span(hint)], 60, "  "))
    assert shown.startswith("  'stage_two/")
    assert "".join(shown.split()) == "".join(hint.split())


def test_a_path_that_fits_a_line_is_not_broken() -> None:
    assert fill("cannot read some/folder/net.yaml", 24) == ["cannot read", "some/folder/net.yaml"]


def test_without_a_width_a_sentence_is_one_line() -> None:
    assert fill("word " * 100, None) == ["word " * 100]


@given(
    before=st.text("ab 卷", max_size=150),
    after=st.text("cd 卷", max_size=150),
    width=st.one_of(st.none(), st.integers(30, 130)),
)
def test_the_mark_is_under_its_place(before: str, after: str, width: int | None) -> None:
    text = f"{before}X{after}"
    place = Place(Source("net.yaml", text), 1, len(before) + 1)
    _, quoted, marked, *_ = plain(one_problem(Diagnostic("wrong", place), width)).split("\n")
    assert max(cell_width(quoted), cell_width(marked)) <= (width or 118)
    assert cell_width(quoted.partition("X")[0]) == cell_width(marked.partition("^")[0])
    assert quoted.partition(" | ")[2].strip("…") in text


def test_a_mark_behind_the_end_of_a_long_line_is_shown() -> None:
    place = Place(Source("net.yaml", "layers: " + "x" * 200), 1, 500)
    _, quoted, marked, *_ = plain(one_problem(Diagnostic("wrong", place), 60)).split("\n")
    assert len(marked) == len(quoted) + 1 <= 60
