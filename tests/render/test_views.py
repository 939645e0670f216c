"""Numbers, tables and views, apart from the program."""

from __future__ import annotations

import re

import pytest
from running import run_gconv
from specs import layers, network

from groupconv_cli import analyze, compare, diff
from groupconv_cli.render.compare import compare_view
from groupconv_cli.render.diff import diff_view
from groupconv_cli.render.flow import cell_width, plain
from groupconv_cli.render.html import html
from groupconv_cli.render.markdown import markdown
from groupconv_cli.render.summary import summary_view
from groupconv_cli.render.text import lines
from groupconv_cli.render.view import Column, Row, Table, View
from groupconv_cli.units import bytes_text, count_text, decimal_text, ratio_text


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, "0"),
        (999, "999"),
        (9_999, "9,999"),
        (10_000, "10.0 k"),
        (99_949, "99.9 k"),
        (99_950, "100 k"),
        (999_499, "999 k"),
        (999_500, "1.00 M"),
        (4_230_479_872, "4.23 G"),
        (10**18, "1.00 E"),
        (999_500 * 10**15, "1.00e21"),
        (123 * 10**40, "1.23e42"),
        (-12_345, "-12.3 k"),
    ],
)
def test_counts(number: int, text: str) -> None:
    assert count_text(number) == text


def test_exact_counts_have_every_digit() -> None:
    assert count_text(4_230_479_872, exact=True) == "4,230,479,872"
    assert bytes_text(100_388_512, exact=True) == "100,388,512 B"


@pytest.mark.parametrize(
    ("number", "text"), [(0, "0 B"), (999, "999 B"), (1000, "1.00 kB"), (543 * 10**7, "5.43 GB")]
)
def test_bytes(number: int, text: str) -> None:
    assert bytes_text(number) == text


@pytest.mark.parametrize(
    ("ratio", "text"),
    [
        (1.0, "1×"),
        (0.25, "0.250×"),
        (1 / 512, "0.00195×"),
        (2.5, "2.50×"),
        (12.34, "12.3×"),
        (123.4, "123×"),
        (1e-7, "1.00e-07×"),
        (10_512, "10,500×"),
        (-1_049_999, "-1,050,000×"),
        (1.5e20, "1.5e+20×"),
        (None, ""),
        (float("inf"), ""),
    ],
)
def test_ratios(ratio, text: str) -> None:
    assert ratio_text(ratio) == text


def test_decimals() -> None:
    assert [decimal_text(n) for n in (0, 16.84, 0.93, 1e6)] == ["0", "16.8", "0.930", "1e+06"]


# Tables

COLUMNS = (
    Column("Name"),
    Column("Params", "count"),
    Column("MACs", "count", drop=1),
    Column("FLOPs", "count", drop=2),
)
TABLE = View(
    "title",
    (
        Table(
            COLUMNS,
            (
                Row(("a", 12, 123_456_789, 5)),
                Row(("longer name", 9_999, None, 123_456), indent=1),
            ),
        ),
    ),
    ("A note that is long enough to be broken over two lines of forty characters.",),
)


def test_digits_stand_under_digits() -> None:
    text = plain(lines(TABLE, width=None))
    assert text == (
        "title\n"
        "\n"
        "Name           Params   MACs  FLOPs\n"
        "───────────────────────────────────\n"
        "a                  12  123 M    5\n"
        "  longer name   9,999         123 k\n"
        "\n"
        "A note that is long enough to be broken over two lines of forty characters.\n"
    )


def test_headings_outside_a_terminal_tell_columns_apart() -> None:
    columns = (
        Column("Effective rank", "decimal"),
        Column("untrained", "decimal", of="Effective rank"),
        Column("Corr. within", "decimal"),
        Column("untrained", "decimal", of="Corr. within"),
        Column("", "text", "verdict", of="Accuracy"),
    )
    view = View("net", (Table(columns, (Row((1.0, 2.0, 0.5, 0.25, "lower")),)),), ())
    expected = [
        "Effective rank",
        "Effective rank untrained",
        "Corr. within",
        "Corr. within untrained",
        "Verdict",
    ]
    assert re.findall("<th[^>]*>([^<]*)</th>", html(view)) == expected
    assert f"| {' | '.join(expected)} |" in markdown(view)


def test_a_narrow_table_leaves_columns_out_and_says_so() -> None:
    text = plain(lines(TABLE, width=30))
    assert "FLOPs" not in text.split("Hidden")[0]
    assert "123 M" in text
    assert "Hidden (terminal too narrow): FLOPs." in text.replace("\n", " ")
    assert max(map(len, text.splitlines())) <= 40


def test_where_the_hidden_columns_are_is_true_of_each_place() -> None:
    # accelerate has no --format, and Python has no options.
    laid_out = lines(TABLE, width=30, whole="A wider terminal shows everything")
    said = plain(laid_out).replace("\n", " ")
    assert "Hidden (terminal too narrow): FLOPs. A wider terminal shows everything." in said
    assert "--format" not in said


def test_what_is_always_shown_is_never_cut() -> None:
    text = plain(lines(TABLE, width=5))
    assert "9,999" in text
    assert "longer name" in text
    assert "…" not in text


def test_wide_characters_take_two_columns() -> None:
    assert cell_width("漢字") == 4
    assert cell_width("e\u0301") == 1
    view = View("t", (Table((Column("N"), Column("P", "count")), (Row(("漢", 1)), Row(("b", 2)))),))
    assert plain(lines(view, width=None)).splitlines()[-2:] == ["漢  1", "b   2"]


# Views

BLOCKS = """
    name: nest
    input: [16, 16, 8]
    blocks:
      inner:
        layers: [conv: {filters: 8, kernel: 3, groups: 4, norm: batch, activation: relu}]
      outer:
        layers:
          - inner:
            repeat: 2
          - residual: {body: [inner], activation: relu}
    layers:
      - conv: {filters: 8, kernel: 3, norm: batch}
      - outer:
        repeat: 3
      - outer:
        name: last
      - global_avg_pool
"""


def rows_of(**options) -> list[tuple]:
    view = summary_view(analyze(network(BLOCKS)), **options)
    return [(row.indent, row.cells[0]) for row in view.tables[0].rows]


def test_layers_are_nested_under_their_blocks() -> None:
    rows = rows_of()
    assert rows[:9] == [
        (0, "conv"),
        (0, "batch_norm"),
        (0, "outer"),
        (1, "inner"),
        (2, "conv"),
        (2, "batch_norm"),
        (2, "relu"),
        (1, "inner_2"),
        (2, "conv"),
    ]
    assert len(rows) == 2 + 4 * (1 + 3 * 4 + 2) + 1


def test_depth_folds_to_a_row_per_item_of_the_spec() -> None:
    assert rows_of(depth=1) == [(0, "conv"), (0, "outer ×3"), (0, "last"), (0, "global_avg_pool")]
    assert rows_of(depth=2)[:6] == [
        (0, "conv"),
        (0, "outer"),
        (1, "inner ×2"),
        (1, "inner_3"),
        (1, "add"),
        (0, "outer_2"),
    ]


def test_depth_keeps_branches_apart() -> None:
    net = network(
        """
        input: [16, 16, 8]
        blocks:
          fire:
            layers:
              - parallel:
                  branches:
                    - [conv: {filters: 4, kernel: 1, activation: relu}]
                    - [conv: {filters: 2, kernel: 3}, relu]
                    - []
              - residual: {body: [relu, dense: {units: 6}], shortcut: project, activation: relu}
        layers:
          - fire
          - fire:
            repeat: 2
        """
    )
    rows = summary_view(analyze(net), depth=2).tables[0].rows
    assert [(row.indent, row.cells[0], row.cells[2]) for row in rows[:8]] == [
        (0, "fire", (16, 16, 6)),
        (1, "branch_1", (16, 16, 4)),
        (1, "branch_2", (16, 16, 2)),
        (1, "concat", (16, 16, 14)),
        (1, "relu", (16, 16, 14)),
        (1, "dense", (16, 16, 6)),
        (1, "shortcut", (16, 16, 6)),
        (1, "add", (16, 16, 6)),
    ]
    folded = summary_view(analyze(net), depth=1).tables[0].rows
    assert [row.cells[0] for row in folded] == ["fire", "fire_2 ×2"]


def test_repeats_of_a_plain_layer_are_counted_too() -> None:
    text = "- conv: {filters: 12, kernel: 3, norm: batch}\n  repeat: 5\n- relu"
    (table, _) = summary_view(analyze(layers(text)), depth=1).tables
    assert [row.cells[0] for row in table.rows] == ["conv ×5", "relu"]


@pytest.mark.parametrize("depth", [1, 2, 3, 9])
def test_folding_keeps_the_sums(depth: int) -> None:
    summary = analyze(network(BLOCKS))
    rows = summary_view(summary, depth=depth).tables[0].rows
    deepest = [
        row
        for row, after in zip(rows, [*rows[1:], None], strict=True)
        if after is None or after.indent <= row.indent
    ]
    assert sum(row.cells[4] for row in deepest) == summary.params
    assert sum(row.cells[5] for row in deepest) == summary.macs


def test_depth_nothing_shows_the_totals_only() -> None:
    assert len(summary_view(analyze(network(BLOCKS)), depth=0).tables) == 1


def test_without_nesting_every_row_has_its_full_name() -> None:
    labels = [label for _, label in rows_of(nested=False)]
    assert labels[2:6] == ["outer", "outer.inner", "outer.inner.conv", "outer.inner.batch_norm"]
    assert {indent for indent, _ in rows_of(nested=False)} == {0}


@pytest.fixture(scope="module")
def of_networks() -> list[View]:
    return [
        summary_view(analyze("resnext50_32x4d")),
        summary_view(analyze("shufflenet_v1"), depth=1),
        compare_view(compare("basic", [1, 4, 8])),
        compare_view(compare("shufflenet_v1", "all")),
        compare_view(compare("block", [1, 3])),
    ]


@pytest.mark.parametrize("width", range(36, 131))
def test_no_line_is_wider_than_the_terminal(of_networks: list[View], width: int) -> None:
    for view in of_networks:
        for line in lines(view, width=width):
            assert sum(cell_width(span.text) for span in line) <= width, line
            assert not line or not line[-1].text.endswith(" ")


def test_windows_are_written_short() -> None:
    net = layers(
        """
        - conv: {filters: 4, kernel: 3}
        - conv: {filters: 4, kernel: [3, 1], stride: 2}
        - conv: {filters: 4, kernel: 3, dilation: [2, 1]}
        - max_pool: {size: 3, stride: [2, 1]}
        """
    )
    ops = [row.cells[1] for row in summary_view(analyze(net)).tables[0].rows]
    assert ops == ["conv 3×3", "conv 3×1/2", "conv 3×3 d2×1", "max_pool 3×3/2×1"]


def test_invalid_rows_keep_their_reason_in_full() -> None:
    view = compare_view(compare("block", [1, 3, 4]))
    text = plain(lines(view, width=80))
    assert "…" not in text
    joined = re.sub(r"\s+", " ", text)
    assert "g=3 invalid: 3 does not divide the 64 input and 64 output channels of 'conv'" in joined
    assert max(map(len, text.splitlines())) <= 80


def test_long_lists_of_names_are_counted_unless_all_are_asked_for() -> None:
    result = compare("shufflenet_v1", [1])
    assert "and 29 more" in compare_view(result).notes[0]
    assert "unit_13.path.conv_2" in compare_view(result, exact=True).notes[0]


@pytest.mark.parametrize("name", ["basic", "block", "resnext50_32x4d"])
@pytest.mark.parametrize("width", [80, 120, None])
def test_golden_summaries(name: str, width, golden) -> None:
    view = summary_view(analyze(name), nested=width is not None)
    text = plain(lines(view, width=width))
    golden(f"summary-{name}-{width or 'wide'}.txt", text)
    assert width is None or max(map(len, text.splitlines())) <= width


@pytest.mark.parametrize("width", [80, None])
def test_golden_comparisons(width, golden) -> None:
    view = compare_view(compare("shufflenet_v1", [1, 2, 3, 4, 8]))
    golden(f"compare-shufflenet_v1-{width or 'wide'}.txt", plain(lines(view, width=width)))


def test_printed_rows_add_up_to_the_printed_totals() -> None:
    """The exact table is read back as text: what a person adds up is what stands under it."""
    text = plain(
        lines(summary_view(analyze("resnext50_32x4d"), nested=False), width=None, exact=True)
    )
    table, totals = text.split("\nTotal ")
    names, params, macs = [], 0, 0
    for line in table.splitlines()[4:]:
        cells = re.sub(r" [\d.]+ %( [━╸]+)?$", "", line).split()[:-1]  # the last is the reach
        numbers = [int(cell.replace(",", "")) for cell in cells if re.fullmatch(r"[\d,]+", cell)]
        is_layer = any(re.match(r"[a-z_]+$", cell) for cell in cells[1:2])
        if is_layer:
            cut = numbers[-3:]
            params, macs = params + cut[0], macs + cut[1]
            assert cut[2] == 2 * cut[1]
            names.append(cells[0])
    assert len(names) == 174
    shown = {line.split()[0]: line.split()[1].replace(",", "") for line in totals.splitlines()[2:7]}
    assert shown["Params"] == str(params) == "25097128"
    assert shown["MACs"] == str(macs) == "4230479872"


@pytest.mark.parametrize(("width", "is_shown"), [(30, False), (60, True), (90, True), (None, True)])
def test_a_legend_is_said_where_its_column_is_shown(width, is_shown) -> None:
    text = plain(lines(summary_view(analyze("block")), width=width))
    assert ("Reach" in text.splitlines()[2]) is is_shown
    assert ("\nReach: " in text) is is_shown


@pytest.mark.parametrize("width", [60, 80, None])
def test_notes_under_a_table_are_few(width) -> None:
    """What the columns mean, the same each time, is in the help and the documents."""
    for view in (compare_view(compare("resnext50_32x4d", [1, 8])), summary_view(analyze("basic"))):
        notes = plain(lines(view, width=width)).rpartition("\n\n")[2].splitlines()
        assert "FLOPs = 2 × MACs." in notes
        assert len(notes) <= 7


@pytest.mark.parametrize("command", ["summary", "compare", "diff"])
def test_help_says_what_the_columns_mean(command: str) -> None:
    text = " ".join(run_gconv(command, "--help").out.split())
    assert "Peak memory: weights and the most activations alive at once." in text
    assert "for one sample" in text
    if command != "diff":
        assert "every grouped convolution dense" in text
        assert "the median" in text.lower() or "medians" in text


def test_reach_is_shown_only_where_convolutions_have_groups() -> None:
    """A layer that splits channels in another way is no reason for the column."""
    layers = [
        {"conv": {"filters": 16, "kernel": 3, "norm": {"group": {"groups": 2}}}},
        "glu",
        {"pixel_shuffle": {"size": 2}},
    ]
    grouped = {"conv": {"filters": 8, "kernel": 3, "groups": 2}}
    for extra, is_shown in (([], False), ([grouped], True)):
        spec = {"input": [8, 8, 8], "layers": [*extra, *layers]}
        text = plain(lines(summary_view(analyze(spec)), width=None))
        assert ("Reach" in text) is is_shown


@pytest.mark.parametrize(("old", "new"), [("b", "[a, b]"), ("[a, b]", "b")])
def test_an_output_more_or_less_is_said_in_words(old: str, new: str) -> None:
    text = """
        input: [8, 8, 4]
        layers:
          - conv: {{filters: 4, kernel: 3}}
            name: a
          - relu:
            name: b
        outputs: {}
    """
    found = diff(*(network(text.format(each)) for each in (old, new)))
    shown = plain(lines(diff_view(found), width=None))
    assert ("is an output now" if old == "b" else "is no output any more") in shown


LONG = "a/folder/of/a/folder/that/goes/on/and/on/until/no/screen/has/room/for/it/net.yaml"


@pytest.mark.parametrize("width", [50, 60, 80])
def test_what_a_row_is_called_is_broken_where_columns_have_no_room(width: int) -> None:
    columns = (Column("Spec"), Column("Params", "count"), Column("MACs", "count", drop=1))
    rows = (Row((LONG, 1234567, 9)), Row(("net.yaml", 10, 9)), Row((LONG, 8, 9), indent=1))
    shown = plain(lines(View("Some", (Table(columns, rows),)), width=width)).splitlines()
    assert max(map(len, shown)) == width  # as wide as the screen, and no wider
    assert "".join(shown).replace(" ", "").count(LONG) == 2
    (whole,) = (line for line in shown if line.startswith("net.yaml "))
    (large,) = (line for line in shown if "1.23 M" in line)
    assert whole.rindex("10") + 1 == large.rindex("3")  # digits stay below digits
