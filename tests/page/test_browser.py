"""The page in a real Chromium: its script, dark, on a phone, on paper, and that it asks nothing."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from browser import Page, chromium, opened_page
from running import ROOT
from specs import network

from groupconv_cli import report

pytestmark = pytest.mark.skipif(
    chromium() is None, reason="there is no Chromium here; Debian's is: apt-get install chromium"
)

NET = network(
    """
    name: shuffled
    input: [32, 32, 3]
    blocks:
      path:
        params: {mid, out, stride: 1}
        layers:
          - conv: {filters: $mid, kernel: 1, groups: 3, norm: batch, activation: relu}
          - channel_shuffle
          - depthwise_conv: {kernel: 3, stride: $stride, norm: batch}
          - conv: {filters: $out, kernel: 1, groups: 3}
      down:
        layers:
          - parallel:
              branches: [[path: {mid: 12, out: 24, stride: 2}], [max_pool: {size: 2}]]
              merge: concat
      unit:
        layers: [residual: {body: [path: {mid: 12, out: $in}], activation: relu}]
    layers:
      - conv: {filters: 24, kernel: 3, activation: relu}
      - {unit: {}, repeat: 3}
      - down
      - {unit: {}, repeat: 2}
      - global_avg_pool
      - dense: {units: 10}
    """
)
"""With repeats, branches, groups and shuffles."""

FIRST = "#layer-table tbody tr:not([hidden]) th"
NAMES = f"[...document.querySelectorAll('{FIRST}')].map(cell => cell.innerText.trim())"


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    """A browser for all tests of this module."""
    with opened_page(tmp_path_factory.mktemp("profile")) as page:
        yield page


@pytest.fixture(scope="module")
def file(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("pages") / "page.html"
    path.write_text(report(NET, groups=[1, 3]), encoding="utf-8")
    return path


@pytest.fixture
def page(browser: Page, file: Path):
    """The page as on a desk, in light. Afterwards it has asked for nothing and said nothing."""
    browser.width(1200)
    browser.media()
    browser.open(file)
    yield browser
    assert browser.run("performance.getEntriesByType('resource').map(each => each.name)") == []
    assert browser.requests == [file.as_uri()]
    assert browser.said == []


def column(page: Page, number: int) -> list[str]:
    """The texts of a column of the rows that are shown."""
    cells = f"#layer-table tbody tr:not([hidden]) :nth-child({number})"
    return page.run(f"[...document.querySelectorAll('{cells}')].map(cell => cell.innerText)")


def test_rows_are_sorted_by_a_column_and_back(page):
    header = "#layer-table thead th:nth-child(6)"
    assert page.run(f"document.querySelector('{header}').innerText.trim()") == "MACs"
    before = page.run(NAMES)
    page.click(f"{header} button")
    shown = page.run(NAMES)
    most = sorted(-node.cost.macs for node in NET.layers)
    costs = {node.name: node.cost.macs for node in NET.layers}
    assert [-costs[name] for name in shown] == most
    assert page.run(f"document.querySelector('{header}').getAttribute('aria-sort')") == "descending"
    page.click(f"{header} button")
    assert [-costs[name] for name in page.run(NAMES)] == most[::-1]
    page.click(f"{header} button")
    assert page.run(NAMES) == before
    assert page.run("document.querySelectorAll('[aria-sort]').length") == 0


def test_rows_are_filtered_by_words_of_names_and_ops(page):
    page.run("document.getElementById('filter').focus()")
    page.write("unit_2. depthwise")
    wanted = [
        node.name
        for node in NET.layers
        if "unit_2." in node.name and node.op.op == "depthwise_conv"
    ]
    assert wanted
    assert page.run(NAMES) == wanted
    assert page.run("document.getElementById('found').innerText").startswith(f"{len(wanted)} of ")
    page.click("#order")
    assert page.run("document.getElementById('filter').value") == ""


def test_blocks_are_folded_and_unfolded(page):
    top = [node for node in NET.layers if not node.path]
    blocks = list(dict.fromkeys(node.path[0] for node in NET.layers if node.path))
    page.click("#fold")
    assert len(page.run(NAMES)) == len(top) + len(blocks)
    button = "#layer-table tbody tr.b:not([hidden]) button"
    assert page.run(f"document.querySelector('{button}').getAttribute('aria-expanded')") == "false"
    page.click(button)
    assert page.run(f"document.querySelector('{button}').getAttribute('aria-expanded')") == "true"
    assert len(page.run(NAMES)) > len(top) + len(blocks)
    page.click("#unfold")
    assert page.run("document.querySelectorAll('#layer-table tbody tr[hidden]').length") == 0
    assert {node.name.rpartition(".")[2] for node in NET.layers} <= {*page.run(NAMES)}


def test_block_of_the_drawing_leads_to_its_inside(page):
    page.run("document.querySelector('.drawing a').dispatchEvent(new MouseEvent('click',"
             " {bubbles: true, cancelable: true}))")  # fmt: skip
    page.run("new Promise(done => setTimeout(done, 100))")
    assert page.run("document.querySelector(location.hash).open") is True


def luminance(page: Page, what: str) -> float:
    """How light the colour of the text or of the back is, from 0 to 1."""
    colour = page.run(f"getComputedStyle(document.body).{what}")
    red, green, blue = (int(each) / 255 for each in colour[colour.index("(") + 1 : -1].split(","))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_page_is_dark_where_that_is_preferred(page):
    assert luminance(page, "backgroundColor") > 0.9 > 0.2 > luminance(page, "color")
    page.media(scheme="dark")
    assert luminance(page, "backgroundColor") < 0.1 < 0.8 < luminance(page, "color")
    page.media(medium="print", scheme="dark")
    assert luminance(page, "backgroundColor") > 0.9


@pytest.mark.parametrize("pixels", [360, 1200])
def test_page_is_no_wider_than_the_window(page, pixels):
    page.width(pixels)
    page.run("document.querySelectorAll('details').forEach(each => { each.open = true; })")
    page.click("#unfold")
    assert page.run("document.documentElement.scrollWidth") <= pixels


def test_page_is_printed(page):
    paper = page.pdf()
    assert paper.startswith(b"%PDF-")
    assert len(paper) > 20_000


def test_text_of_a_spec_is_not_run(browser, tmp_path):
    name = "<script>document.title = 'run'</script><img src=x onerror=\"document.title = 'run'\">"
    path = tmp_path / "page.html"
    layers = [{"conv": {"filters": 4, "kernel": 1}}]
    path.write_text(report({"name": name, "input": [8, 8, 3], "layers": layers}), encoding="utf-8")
    browser.open(path)
    assert browser.run("document.querySelector('h1').innerText") == name
    assert browser.run("document.title") == f"{name} – gconv"
    assert browser.requests == [path.as_uri()]
    assert browser.said == []


def test_foreign_script_is_refused_even_if_it_got_in(browser, file, tmp_path):
    path = tmp_path / "page.html"
    text = file.read_text(encoding="utf-8")
    path.write_text(text.replace("<main>", "<main><script>window.ran = 1</script>"), "utf-8")
    browser.open(path)
    assert browser.run("window.ran") is None


def axe() -> Path | None:
    """axe-core, where CI has put it or npm has."""
    places = (os.environ.get("GCONV_AXE"), ROOT / "node_modules" / "axe-core" / "axe.min.js")
    return next((Path(each) for each in places if each and Path(each).is_file()), None)


@pytest.mark.skipif(
    axe() is None, reason="axe-core is not here; npm install axe-core, or GCONV_AXE=axe.min.js"
)
@pytest.mark.parametrize(
    ("scheme", "rules"), [("light", "{}"), ("dark", "{runOnly: ['color-contrast']}")]
)
def test_axe_finds_nothing(page, scheme, rules):
    """All that a scheme changes is colours."""
    script = axe()
    assert script is not None
    page.media(scheme=scheme)
    page.run("document.querySelectorAll('details').forEach(each => { each.open = true; })")
    page.click("#unfold")
    page.run(script.read_text(encoding="utf-8") + "; 0")
    found = page.run(
        f"axe.run({rules}).then(all => all.violations.map(each => [each.id, each.impact,"
        " each.nodes[0].html]))"
    )
    assert found == []
