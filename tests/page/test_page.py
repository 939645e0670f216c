"""The page of a network: what is in it, that nothing runs that a user wrote, and its size."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections import Counter
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from running import run_gconv, run_in_terminal, run_python
from specs import network

from groupconv_cli import Network, analyze, load, report, saved_report, search
from groupconv_cli.api.reporting import page, report_content
from groupconv_cli.page.write import MOST_BYTES
from groupconv_cli.render.json import summary_json
from groupconv_cli.render.search_json import search_json

EVIL = "<script>alert(1)</script><img src=x onerror=alert(2)>\"'&"

EMPTY = {"meta", "link", "input", "br", "img"}
CELLS = {"td", "th"}
"""Elements that need no end."""


class Elements(HTMLParser):
    """The elements of a page. It refuses one that is not closed as it was opened."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.texts: dict[str, list[str]] = {}
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attrs):
        if tag in CELLS:
            self._end_cell()
        self.found.append((tag, dict(attrs)))
        if tag not in EMPTY:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))

    def _end_cell(self):
        if self.open[-1] in CELLS:
            self.open.pop()

    def handle_endtag(self, tag):
        if tag == "tr":
            self._end_cell()
        assert self.open.pop() == tag

    def handle_data(self, data):
        for tag in self.open[-1:]:
            self.texts.setdefault(tag, []).append(data)

    def of(self, tag: str) -> list[dict[str, str | None]]:
        """The attributes of the elements of that name."""
        return [attributes for name, attributes in self.found if name == tag]


@pytest.fixture
def no_charts(monkeypatch):
    """Charts take most of the time."""
    monkeypatch.setattr(
        "groupconv_cli.runtime.find_spec", lambda name: None if name == "matplotlib" else name
    )


without_charts = pytest.mark.usefixtures("no_charts")


@pytest.fixture(scope="module")
def shufflenet() -> str:
    """The page of a network with grouped and depthwise convolutions, and branches."""
    return report("shufflenet_v1", groups=[1, 3])


def sections(text: str) -> list[str]:
    return re.findall(r'<section id="([^"]+)"', text)


def test_page_has_every_part_once(shufflenet):
    assert sections(shufflenet) == [
        *("network", "totals", "drawing", "layers", "sweep-1", "check", "memory", "reach"),
    ]
    elements = Elements(shufflenet)
    counts = Counter(each["id"] for _, each in elements.found if "id" in each)
    assert {name for name, count in counts.items() if count > 1} == set()
    links = [str(each["href"])[1:] for each in elements.of("a")]
    assert links
    assert {*links} <= {*counts}


@without_charts
def test_search_is_on_the_page_if_there_is_a_budget():
    text = report("block", budget={"macs": "90%"}, frontier=2)
    assert "search-1" in sections(text)
    assert "MACs at most" in text
    Elements(text)


def test_page_asks_nothing_of_any_network(shufflenet):
    elements = Elements(shufflenet)
    for tag, attributes in elements.found:
        for name in ("src", "srcset", "href", "xlink:href", "action", "data", "poster"):
            asked = attributes.get(name)
            assert asked is None or asked.startswith("#") or asked == "data:,", (tag, asked)
    style = "".join(elements.texts["style"])
    assert "url(" not in style
    assert "@import" not in style
    assert "@font-face" not in style


def test_only_the_own_script_may_run(shufflenet):
    elements = Elements(shufflenet)
    (script,) = elements.texts["script"]
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    (policy,) = [
        each["content"]
        for each in elements.of("meta")
        if each.get("http-equiv") == "Content-Security-Policy"
    ]
    assert f"script-src 'sha256-{digest}'" in policy
    assert "default-src 'none'" in policy


@pytest.mark.parametrize("without_charts", [False, True])
def test_what_a_spec_says_is_shown_and_not_run(without_charts, monkeypatch):
    if without_charts:
        monkeypatch.setattr(
            "groupconv_cli.runtime.find_spec", lambda name: None if name == "matplotlib" else name
        )
    spec = {
        "name": EVIL,
        "input": [8, 8, 8],
        "vars": {"text": EVIL, "width": 8},
        "layers": [{"conv": {"filters": "$width", "kernel": 1, "groups": 2}}],
    }
    text = report(spec, vary={"text": [EVIL, "b"], "width": [8, 16]})
    elements = Elements(text)
    assert len(elements.of("script")) == 1
    assert not elements.of("img")
    assert not [name for _, each in elements.found for name in each if name.startswith("on")]
    assert "".join(elements.texts["h1"]) == EVIL


@without_charts
def test_what_saved_results_say_is_shown_and_not_run(tmp_path):
    document = json.loads(summary_json(analyze(load("shufflenet_v1"))))

    def spoil(value: object) -> object:
        if isinstance(value, dict):
            return {key: spoil(each) for key, each in value.items()}
        if isinstance(value, list):
            return [spoil(each) for each in value]
        return value + EVIL if isinstance(value, str) and value != "float32" else value

    spoiled = spoil(document)
    spoiled["format"] = document["format"]
    (tmp_path / "summary.json").write_text(json.dumps(spoiled), encoding="utf-8")
    elements = Elements(saved_report(tmp_path / "summary.json"))
    assert len(elements.of("script")) == 1
    assert not elements.of("img")
    assert not [name for _, each in elements.found for name in each if name.startswith("on")]


@without_charts
def test_same_page_each_time():
    assert report("basic") == report("basic")


@pytest.mark.nightly
@pytest.mark.parametrize(
    "name", ["densenet201", "efficientnet_b3", "inception_v3", "nasnet_mobile", "resnet101"]
)
def test_pages_of_the_largest_networks_are_small(name):
    """Always that is tested with a larger one, and without charts, which are small."""
    text = report(name)
    assert len(text.encode()) <= MOST_BYTES
    Elements(text)


@without_charts
def test_page_of_a_huge_network_says_what_is_left_out():
    net = network(
        """
        input: [8, 8, 8]
        blocks:
          unit:
            params: {f}
            layers: [{conv: {filters: $f, kernel: 1, norm: batch, activation: relu}}]
        layers:
          - {unit: {f: 8 + $i}, repeat: 1000}
        """
    )
    text = report(net)
    assert len(text.encode()) <= MOST_BYTES
    assert "The page shows 0 of 3000 layers, so that it stays small." in text


@without_charts
def test_page_of_a_search_with_many_convolutions_is_small(tmp_path):
    """A saved search has a row for every convolution that could change."""
    found = search("block", {"macs": "90%"})
    names = {f"stage_{number}.conv": 2 for number in range(20_000)}
    path = tmp_path / "search.json"
    path.write_text(search_json(replace(found, choice=names)), encoding="utf-8")
    text = saved_report(path)
    assert len(text.encode()) <= MOST_BYTES
    (shown,) = re.findall(r"The page shows ([\d,]+) of 20,000 rows, so that it stays small", text)
    assert len(re.findall(r'scope="row"[^>]*>stage_\d+\.conv<', text)) == int(
        shown.replace(",", "")
    )


@without_charts
def test_page_of_many_findings_is_small():
    layers = [{"conv": {"filters": 16, "kernel": 3, "groups": 4}}] * 2
    content = report_content({"input": [8, 8, 16], "layers": layers})
    (finding,) = content.check.findings
    many = replace(content.check, findings=(finding,) * 5000)
    text = page(replace(content, check=many))
    assert len(text.encode()) <= MOST_BYTES
    (shown,) = re.findall(r"The page shows ([\d,]+) of 5,000 findings", text)
    assert text.count(f'<b class="{finding.level}">') == int(shown.replace(",", ""))
    assert "<p>5,000 findings.</p>" in text


def rows_of(text: str) -> list[list[str]]:
    """The texts of the rows of the table of layers, each with its level first."""
    table = text[text.index('id="layer-table"') :]
    body = table[table.index("<tbody>") : table.index("</tbody>")]
    rows = []
    for row in re.findall(r"<tr[^>]*>.*?</tr>", body, re.DOTALL):
        level = re.search(r"data-l=(\d+)", row)
        cells = re.split(r"<t[hd][^>]*>", row.removesuffix("</tr>"))[1:]
        rows.append([level[1] if level else "0", *cells])
    return rows


def test_table_of_layers_has_every_layer_in_its_block(shufflenet):
    rows = rows_of(shufflenet)
    net = load("shufflenet_v1")
    path: list[str] = []
    names = []
    blocks = re.findall(r"<tr class=b", shufflenet)
    for level, label, *_ in rows:
        path[int(level) :] = [label]
        names.append(".".join(path))
    assert {node.name for node in net.layers} <= {*names}
    assert len(rows) == len(net.layers) + len(blocks)


def test_exact_numbers_to_sort_by_stand_beside_rounded_ones(shufflenet):
    table = shufflenet[shufflenet.index('id="layer-table"') :]
    exact = re.search(r"<td data-v=([\d.]+)>8.13 M<", table)
    assert exact
    assert float(exact[1]) == 112 * 112 * 9 * 3 * 24  # by hand


def test_without_matplotlib_the_page_says_how_to_get_charts(monkeypatch):
    monkeypatch.setattr(
        "groupconv_cli.runtime.find_spec", lambda name: None if name == "matplotlib" else name
    )
    text = report("basic")
    assert "No chart: this needs matplotlib, which is not installed" in text
    assert "<svg" in text
    assert 'class="memory"' in text


@without_charts
def test_network_without_convolutions_to_vary_has_a_page():
    text = report(network("input: [4, 4, 3]\nlayers: [flatten, dense: {units: 2}]\n"))
    assert "Numbers of groups are not compared: there is no convolution to vary" in text
    assert "sweep-1" not in sections(text)


@without_charts
def test_what_is_explained_is_there(shufflenet):
    small = report(network("input: [4, 4, 3]\nlayers: [flatten, dense: {units: 2}]\n"))
    grouped, block, inside = "has grouped convolutions", "</span> a block", "leads to a drawing of"
    for words in (grouped, inside, "×3: three in a row"):
        assert words in shufflenet
        assert words not in small
    assert block not in shufflenet, "all its blocks have grouped convolutions"
    assert block in report("resnet18")
    assert "when each tensor is alive." in small
    assert re.search(r"when each of the \d+ tensors is alive that take most, of \d+\.", shufflenet)


@without_charts
def test_findings_and_budgets_are_on_the_page(tmp_path):
    (tmp_path / "net.yaml").write_text(
        "name: net\ninput: [8, 8, 16]\nbudget: {params: 10}\nlayers:\n"
        "- conv: {filters: 16, kernel: 1, groups: 4}\n"
        "- conv: {filters: 16, kernel: 1, groups: 4}\n",
        encoding="utf-8",
    )
    text = report(tmp_path / "net.yaml")
    assert "GC101" in text
    assert "(line 6)" in text
    assert "broken" in text


@without_charts
def test_public_arguments_are_those_of_the_other_functions():
    net = load("basic")
    assert isinstance(net, Network)
    text = report(net, groups=[1, 2], only="conv*", dtype="float16")
    assert "float16" in text


# The command


@without_charts
def test_command_writes_the_page_of_the_function(tmp_path):
    result = run_gconv("report", "basic", "-o", "page.html", cwd=tmp_path)
    assert (result.status, result.out) == (0, "Wrote page.html.\n")
    assert (tmp_path / "page.html").read_text(encoding="utf-8") == report("basic")
    again = run_gconv("report", "basic", "-o", "page.html", cwd=tmp_path)
    assert again.status == 2
    assert "--force" in again.err
    assert run_gconv("report", "basic", "-o", "page.html", "--force", cwd=tmp_path).status == 0


@without_charts
def test_command_prints_the_page_into_a_pipe_and_not_to_a_terminal():
    assert run_gconv("report", "basic").out == report("basic")
    shown = run_in_terminal("report", "basic")
    assert shown.status == 2
    assert "-o report.html" in shown.out


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--frontier", "3"], "--max-macs 50%"),
        (["basic", "block"], "a page is of one spec"),
        (["--by", "width"], "--by needs --equal"),
        (["--from", "nothing.json"], "no file 'nothing.json' here"),
        (["--from", "x.json", "--groups", "4"], "--from takes results as they were saved"),
        (["--from", "x.json", "--max-macs", "5M"], "--from takes results as they were saved"),
        (["--from", "x.json", "--set", "a=1"], "--from takes results as they were saved"),
    ],
)
def test_wrong_options_are_refused(options, said, tmp_path):
    result = run_gconv("report", *options, cwd=tmp_path)
    assert result.status == 2
    assert said in " ".join(result.err.split())
    assert not list(tmp_path.iterdir())


@without_charts
def test_row_that_is_impossible_is_on_the_page_and_in_the_exit_status(tmp_path):
    result = run_gconv("report", "basic", "--groups", "3", "-o", "page.html", cwd=tmp_path)
    assert result.status == 1
    assert "invalid: 3 does not divide" in (tmp_path / "page.html").read_text(encoding="utf-8")


def test_summary_does_not_import_what_only_the_page_needs():
    loaded = run_python(
        "import sys; sys.argv = ['gconv', 'summary', 'basic']\n"
        "from groupconv_cli.__main__ import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "print([n for n in ('jinja2', 'matplotlib', 'groupconv_cli.page') if n in sys.modules])"
    )
    assert loaded.stdout.splitlines()[-1] == "[]"


def test_templates_and_script_are_in_the_package():
    folder = Path(report.__code__.co_filename).parent.parent / "page"
    for name in ("page.js", "page.css", "templates/page.html"):
        assert (folder / name).is_file()
