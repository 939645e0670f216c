"""Each vocabulary stands in one table, and everything that lists it follows from that table.

A copy of the package gets one more entry in each table, a line each: it has to turn up in help,
completion, messages and the schema, and to work. And no list anywhere else repeats a table.
"""

from __future__ import annotations

import ast
import functools
import json
import re
import shutil
from collections.abc import Hashable, Iterator
from importlib.util import find_spec
from itertools import zip_longest

import pytest
from package_code import PACKAGE, trees
from package_copy import PackageCopy
from running import ROOT

from groupconv_cli import analyze
from groupconv_cli.dtypes import DTYPES
from groupconv_cli.exporters.formats import FORMATS, QUANTIZATIONS
from groupconv_cli.exporters.formats import NAMES as EXPORTED
from groupconv_cli.policy.totals import BUDGETED, METRICS, TOTALS
from groupconv_cli.render.formats import ALL_NAMES

PLANTED = {
    "dtypes.py": ('DTYPES = {"float32": 4,', 'DTYPES = {"float32": 4, "float8": 1,'),
    "render/formats.py": (
        '    OutputFormat("json", (".json",), None),\n',
        '    OutputFormat("json", (".json",), None),\n'
        '    OutputFormat("heading", (".head",), lambda view, exact: view.title),\n',
    ),
    "exporters/formats.py": (
        '    Format("python", "Python", ".py", runtime="keras"),\n',
        '    Format("python", "Python", ".py", runtime="keras"),\n'
        '    Format("counts", "Counts", ".counts", runtime="abacus", quantizations=("int8",)),\n',
    ),
    "policy/totals.py": (
        '    TotalInfo("moved_bytes", "bytes moved", "bytes", is_shown=False),\n',
        '    TotalInfo("moved_bytes", "bytes moved", "bytes", "traffic", "1GB", True),\n',
    ),
}
"""In each table one line: what stands there, and what it becomes."""

EXPORTER = """
class Counts:
    def write(self, subject, path, options):
        path.write_text(str(subject.model.count_params()))

    def load(self, path, subject):
        return None

    def tolerance(self, options):
        return 0.0


EXPORTER = Counts()
"""


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> PackageCopy:
    """A copy of the package that has one more entry in each table."""
    copy = PackageCopy(tmp_path_factory.mktemp("planted"))
    shutil.copytree(ROOT / "configs", copy.folder / "configs")
    for name, (before, after) in PLANTED.items():
        path = copy.package / name
        text = path.read_text(encoding="utf-8")
        assert text.count(before) == 1, name
        path.write_text(text.replace(before, after), encoding="utf-8")
    (copy.package / "exporters" / "counts.py").write_text(EXPORTER, encoding="utf-8")
    return copy


HELP = [
    ("summary", ["float32, float8, float16", "json, heading or csv"]),
    ("check", ["--max-traffic AMOUNT", "The most bytes moved allowed, such as 1GB"]),
    ("check", ["json, heading, csv or github"]),
    ("diff", ["limits one of params, macs, flops, weights, activations, memory, traffic"]),
    ("build", ["keras, saved_model, tflite, onnx, python or counts"]),
    ("build", [".keras, .tflite, .onnx, .py, .counts, or none for a SavedModel folder"]),
    ("build", ["float16, dynamic or int8, for .tflite or .counts"]),
]
"""Commands, and what their help has to say."""

MESSAGES = [
    ("summary basic --dtype int4", "must be float32, float8, float16, bfloat16 or float64;"),
    ("summary basic --format xml", "must be table, markdown, json, heading or csv;"),
    ("summary basic -o a.xml", "use .md, .json, .head, .csv, .txt or .log,"),
    ("check basic --format xml", "must be table, markdown, json, heading, csv or github;"),
    (
        "diff basic basic --fail-if-larger x=1",
        "there are params, macs, flops, weights, activations, memory and traffic",
    ),
    ("build basic --to xml", "must be keras, saved_model, tflite, onnx, python or counts;"),
    ("build basic -o a.xml", "use .keras, .tflite, .onnx, .py or .counts,"),
    (
        "build basic -o a.py --quantize int8",
        "quantize int8 is for TFLite or Counts: name an output that ends in .tflite or ends in "
        ".counts",
    ),
    (
        "build basic -o a.counts --quantize dynamic",
        "quantize dynamic is for TFLite: name an output",
    ),
]
"""Lines with a mistake, and what is said of it."""


@pytest.mark.parametrize(("command", "words"), HELP)
def test_a_new_entry_is_in_the_help(planted: PackageCopy, command: str, words: list[str]) -> None:
    shown = " ".join(planted.run(command, "--help", COLUMNS="1000").out.split())
    for each in words:
        assert each in shown


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("summary --dtype float8", "float8"),
        ("summary --format h", "heading"),
        ("check --format h", "heading"),
        ("check --max-t", "--max-traffic"),
        ("build --to c", "counts"),
    ],
)
def test_a_new_entry_is_completed(planted: PackageCopy, typed: str, offered: str) -> None:
    words = ["gconv", *typed.split()]
    env = {"COMP_WORDS": " ".join(words), "COMP_CWORD": str(len(words) - 1)}
    assert planted.run(_GCONV_COMPLETE="complete_bash", **env).out.split() == [offered]


@pytest.mark.parametrize(("line", "message"), MESSAGES)
def test_a_new_entry_is_in_the_messages(planted: PackageCopy, line: str, message: str) -> None:
    result = planted.run(*line.split(), COLUMNS="1000")
    assert (result.status, result.out) == (2, "")
    assert message in " ".join(result.err.split())


def test_a_new_dtype_is_counted(planted: PackageCopy) -> None:
    found = json.loads(planted.run("summary", "basic", "--dtype", "float8", "-f", "json").out)
    assert found["weight_bytes"] == found["params"]


def test_a_new_output_format_is_printed_and_told_by_its_ending(planted: PackageCopy) -> None:
    printed = planted.run("summary", "basic", "-f", "heading")
    assert planted.run("summary", "basic", "-o", "basic.head").status == 0
    assert printed.out == (planted.folder / "basic.head").read_text(encoding="utf-8")
    assert printed.out.startswith("basic · input ")


def test_a_new_total_is_shown_and_limited(planted: PackageCopy) -> None:
    """It is a field of before, so that its numbers are known."""
    moved = analyze("basic").totals.moved_bytes
    (planted.folder / "odd.yaml").write_text("input: [8, 8, 3]\nlayers: [relu]\nbudget: {xyz: 1}\n")
    lines = (
        "summary basic",
        "diff basic resnet50",
        f"check basic --max-traffic {moved}",
        f"check basic --max-traffic {moved - 1}",
        "check odd.yaml",
        "schema",
        "diff basic resnet50 --fail-if-larger traffic=5%",
    )
    results = (planted.run(*line.split()) for line in lines)
    summary, diff, kept, broken, odd, schema, larger = results
    for each in (summary, diff):
        assert re.search(r"^ *Bytes moved ", each.out, re.MULTILINE)
    assert (kept.status, broken.status) == (0, 1)
    assert "bytes moved" in broken.out
    assert (odd.status, "there are params, macs, flops, memory, traffic" in odd.out) == (2, True)
    assert "traffic" in json.loads(schema.out)["properties"]["budget"]["properties"]
    assert larger.status == 1
    assert f"Bytes moved went from {moved:,} B to" in " ".join(larger.err.split())


def test_an_export_format_is_one_module_and_one_line(planted: PackageCopy) -> None:
    """What CONTRIBUTING.md says: the copy has nothing but these, and writes the format."""
    find_spec("tensorflow")  # tests without TensorFlow leave this one out here
    params = json.loads(planted.run("summary", "basic", "-f", "json").out)["params"]
    result = planted.run("build", "basic", "-o", "net.counts")
    assert result.status == 0, result.err
    assert (planted.folder / "net.counts").read_text() == str(params)
    assert "Not compared: abacus is not installed." in " ".join(result.out.split())


def test_totals_of_the_table_are_those_that_are_computed() -> None:
    totals = analyze("basic").totals
    computed = {
        name
        for name in dir(totals)
        if not name.startswith("_") and isinstance(getattr(totals, name), int | float)
    }
    bounds = {f"{each.field}_at_least" for each in TOTALS if each.is_of_macs}
    assert {each.field for each in TOTALS} | bounds == computed - {"macs_complete"}


def documented(*names: str) -> str:
    """The text of pages of the documentation."""
    return "\n".join((ROOT / "docs" / name).read_text(encoding="utf-8") for name in names)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (analyze.__doc__, DTYPES),
        (documented("export.md"), [f"| `{each.name}` |" for each in FORMATS]),
        (documented("export.md"), [f"| `{each}` |" for each in QUANTIZATIONS]),
        (documented("measuring.md"), DTYPES),
        (documented("json.md"), [f"`{each.field}`" for each in TOTALS]),
        (documented("language.md"), [f"`{each}`" for each in BUDGETED]),
        (documented("commands.md"), METRICS),
    ],
    ids=["analyze", "formats", "quantize", "dtype", "json", "budget", "limits"],
)
def test_what_is_written_by_hand_names_every_entry(text: str, words: list[str]) -> None:
    assert [each for each in words if each not in text] == []


# No list but the table's

VOCABULARIES = {
    "dtypes": (set(DTYPES), {"dtypes.py"}),
    "output formats": (set(ALL_NAMES), {"render/formats.py"}),
    "export formats": (set(EXPORTED), {"exporters/formats.py"}),
    "endings": ({each.ending for each in FORMATS} - {""}, {"exporters/formats.py"}),
    "quantizations": (
        set(QUANTIZATIONS),
        # How far a file of each kind may be off is for its exporter to say.
        {"exporters/formats.py", "exporters/tflite.py"},
    ),
    "limits": (set(METRICS), {"policy/totals.py"}),
    "titles of totals": ({each.title for each in TOTALS}, {"policy/totals.py"}),
    "headings of totals": ({each.heading for each in TOTALS}, {"policy/totals.py"}),
    "totals": ({each.field for each in TOTALS}, {"policy/totals.py"}),
}
"""The words of each table, and the files that may list them."""

OF_OTHER_THINGS = {"LAYER_COLUMNS"}
"""Lists by name whose words are of something else: columns of what a layer costs, not a network."""

MANY = 3
"""So many words of a table in one list repeat it."""


def lists_in(tree: ast.AST, words: set[str]) -> Iterator[tuple[int, set[str]]]:
    """The lines of lists, and what of the words they have: displays, enums, and sentences."""
    word = "|".join(map(re.escape, sorted(words, key=len, reverse=True)))
    in_words = re.compile(rf"(?<!\w)(?:{word})(?:(?:, | and | or )(?:{word}))+(?!\w)")
    for line, found in _texts_and_lists(tree):
        if isinstance(found, str):
            for listed in in_words.finditer(found):
                yield line, set(re.split(", | and | or ", listed[0]))
        else:
            yield line, words & found


@functools.cache
def _texts_and_lists(tree: ast.AST) -> list[tuple[int, str | frozenset[Hashable]]]:
    """The texts and the lists of a tree, which are the same whatever words are looked for."""
    return list(_each_text_and_list(tree))


def _each_text_and_list(tree: ast.AST) -> Iterator[tuple[int, str | frozenset[Hashable]]]:
    nodes = list(ast.walk(tree))
    docstrings = {
        id(node.body[0].value)
        for node in nodes
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    tables = {id(each.value) for each in getattr(tree, "body", ()) if hasattr(each, "value")}
    for node in nodes:
        items: list[ast.expr | None] = []
        if isinstance(node, ast.Tuple | ast.List | ast.Set):
            items = [*node.elts]
        elif isinstance(node, ast.Dict) and id(node) in tables:  # others are records
            items = [*node.keys]
        elif isinstance(node, ast.ClassDef):
            items = [each.value for each in node.body if isinstance(each, ast.Assign)]
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            if id(node) not in docstrings:
                yield node.lineno, node.value
            continue
        for column in (items, *columns_of(items)) if items else ():
            here = {each.value for each in column if isinstance(each, ast.Constant)}
            yield getattr(node, "lineno", 0), frozenset(here)


def columns_of(items: list[ast.expr | None]) -> Iterator[list[ast.expr | None]]:
    """Of a list of rows, which are tuples or calls, what stands first in each, and second …"""
    rows = [
        each.elts if isinstance(each, ast.Tuple) else each.args
        for each in items
        if isinstance(each, ast.Tuple | ast.Call)
    ]
    return map(list, zip_longest(*rows))


@functools.cache
def parsed() -> dict[str, ast.Module]:
    """Every file, less its lists of other things."""
    return {str(path.relative_to(PACKAGE)): _less_others(tree) for path, tree in trees().items()}


def _less_others(tree: ast.Module) -> ast.Module:
    body = [
        each
        for each in tree.body
        if not isinstance(each, ast.Assign)
        or not {getattr(target, "id", "") for target in each.targets} & OF_OTHER_THINGS
    ]
    return ast.Module(body, tree.type_ignores)


@pytest.mark.parametrize("table", VOCABULARIES)
def test_no_list_repeats_a_table(table: str) -> None:
    words, homes = VOCABULARIES[table]
    repeats = [
        f"{name}:{line}: {', '.join(sorted(found))}"
        for name, tree in parsed().items()
        if name not in homes
        for line, found in lists_in(tree, words)
        if len(found) >= MANY
    ]
    assert repeats == []


@pytest.mark.parametrize(
    "code",
    [
        'NAMES = ("float32", "float16", "float64")',
        'def f() -> None:\n    for each in ["float64", "x", "float32", "float16"]:\n        pass',
        'SIZES = {"float32": 4, "float16": 2, "float64": 8}',
        'Name = Literal["float32", "float16", "float64"]',
        'class Name(StrEnum):\n    """Types."""\n\n    a = "float32"\n    b = "float16"\n'
        '    c = "float64"',
        'SIZES = [("float32", 4), ("float16", 2), ("float64", 8)]',
        'SIZES = [Size(4, "float32"), Size(2, "float16"), Size(8, "float64", x=1)]',
        'option(help="float32, float16 or float64, for the memory figures.")',
        'option(help=f"float32, float16 or float64 {x}")',
    ],
)
def test_a_list_that_repeats_a_table_is_found(code: str) -> None:
    found = [words for _, words in lists_in(ast.parse(code), set(DTYPES)) if len(words) >= MANY]
    assert found == [{"float32", "float16", "float64"}]
