"""Charts inside a page: smaller than the figure's own SVG, and saying the same."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest

from groupconv_cli import compare_variants, vary
from groupconv_cli.page.charts import chart_of
from groupconv_cli.plots.figures import figure_of
from groupconv_cli.plots.files import svg_text

NAMES = ("0.125", 'x="0.125"', 'a\\n> <b id="name" 0.03125')
"""Names that look like what is shortened."""

VARIED = {
    "input": [8, 8, 16],
    "vars": {"share": 0.03125},
    "layers": [{"conv": {"filters": "32 * $share", "kernel": 3}}],
}


def variants() -> object:
    spec = {
        "input": [8, 8, 16],
        "vars": {"width": 16},
        "layers": [{"conv": {"filters": "$width", "kernel": 3}}],
        "variants": {name: {"width": 2**number} for number, name in enumerate(NAMES)},
    }
    return compare_variants(spec)


def varied() -> object:
    return vary(VARIED, {"share": [0.03125, 0.0625, 0.25]})


@pytest.mark.parametrize("make", [variants, varied])
def test_texts_and_places_are_those_of_the_figure(make) -> None:
    report = make()
    figure = svg_text(figure_of(report, None, None))
    chart = chart_of(report, (None, None), "label", "key-1").svg
    whole = ElementTree.fromstring(figure)
    small = ElementTree.fromstring(
        chart.replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1)
    )
    texts = [text for text in whole.itertext() if text.strip()]
    style = [each.text for each in whole.iter("{http://www.w3.org/2000/svg}style")]
    assert [text for text in small.itertext() if text.strip()] == [
        t for t in texts if t not in style
    ]
    assert any(re.search(r"0\.\d\d", text) for text in texts)
    if make is varied:  # names of the others have what looks like a place
        for name in ("x", "y"):
            before, after = (re.findall(rf' {name}="([-\d.]+)"', text) for text in (figure, chart))
            assert [float(each) for each in after] == pytest.approx(
                list(map(float, before)), abs=0.1
            )
        assert len(chart) < 0.95 * len(figure)
