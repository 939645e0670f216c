"""Makes the page: one HTML file that needs nothing else and asks nothing of any network."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from groupconv_cli.lint.report import SpecCheck
from groupconv_cli.page.charts import Chart, chart_of
from groupconv_cli.page.content import Content
from groupconv_cli.page.facts import facts_of, reach_of
from groupconv_cli.page.layers import layer_table
from groupconv_cli.page.memory import alive_by_layer, memory_of
from groupconv_cli.page.sketch import Sketch, all_sketches, within
from groupconv_cli.page.tables import hidden_text, plain_table, plain_view
from groupconv_cli.runtime import require
from groupconv_cli.version import __version__
from groupconv_cli.words import plural, printable

FOLDER = Path(__file__).parent
MOST_BYTES = 300_000
"""The most bytes of a page of a network that is not huge."""

PLOTS = {
    "totals": "summary",
    "sweep": "compare",
    "search": "search",
    "variants": "compare --variants",
}
"""The command that draws the chart of each section."""

MOST_TEXT = 20_000
"""The most characters of a spec that stand on its page."""


class Room(NamedTuple):
    """How much the largest parts may take."""

    rows: int
    """The most rows of a table, and the most findings."""
    chart: int
    """The most bytes of a chart."""
    boxes: int
    """The most boxes of all drawings."""


ROOMS = (
    Room(1000, 60_000, 1000),
    Room(800, 40_000, 600),
    Room(600, 25_000, 400),
    Room(300, 0, 200),
    Room(100, 0, 60),
)
"""From the largest to the smallest; the first with which the page is small enough is taken."""


class Section(NamedTuple):
    """A section: its template is `kind`.html."""

    kind: str
    title: str
    anchor: str
    data: Any


def page_of(content: Content) -> str:
    """The page as the text of an HTML file.

    If it would be too large, the largest parts are thinned, and the page says so.

    Raises EnvironmentProblem if Jinja2 is not installed.
    """
    require("jinja2")
    text, parts = "", _Parts(content)
    for room in ROOMS:
        text = _page(content, list(parts.sections(room)))
        if len(text.encode()) <= MOST_BYTES:
            break
    return text


def _page(content: Content, sections: list[Section]) -> str:
    from markupsafe import Markup

    script, style = _own("page.js"), _own("page.css")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    text: str = (
        _templates()
        .get_template("page.html")
        .render(
            title=printable(content.title),
            origin=printable(content.origin),
            sections=sections,
            remarks=[printable(remark) for remark in content.remarks],
            version=__version__,
            # These two are the project's own files. All else is escaped.
            script=Markup(script),  # noqa: S704
            style=Markup(style),  # noqa: S704
            script_hash=f"sha256-{digest}",
        )
    )
    return text


def _own(name: str) -> str:
    return (FOLDER / name).read_text(encoding="utf-8")


@cache
def _templates() -> Any:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    return Environment(
        autoescape=True,
        loader=FileSystemLoader(FOLDER / "templates"),
        lstrip_blocks=True,
        trim_blocks=True,
        undefined=StrictUndefined,
    )


class _Parts:
    """The sections of a page. What takes long is made once, however often the page is thinned."""

    def __init__(self, content: Content) -> None:
        self.content = content
        self.charts: dict[str, Chart] = {}
        self.drawings: tuple[Sketch, ...] = ()
        if content.network is not None:
            self.drawings = all_sketches(content.network)

    def sections(self, room: Room) -> Iterator[Section]:
        """All sections within this room."""
        content = self.content
        yield from self._of_summary(room)
        for number, (comparison, measured, trained) in enumerate(content.comparisons, 1):
            from groupconv_cli.render.compare import compare_view

            title = "Variables compared" if comparison.is_varied else "Numbers of groups compared"
            anchor = f"sweep-{number}"
            shown = plain_view(compare_view(comparison, measured, trained), room.rows)
            label = f"{title} of {comparison.name}"
            chart = self._chart(anchor, comparison, (measured, trained), label, room)
            yield Section("view", title, anchor, {"view": shown, "chart": chart})
        for number, search in enumerate(content.searches, 1):
            from groupconv_cli.page.choices import search_parts

            anchor = f"search-{number}"
            label = f"Choices of groups for {search.name}"
            chart = self._chart(anchor, search, (None, None), label, room)
            data = {"view": plain_view(search_parts(search), room.rows), "chart": chart}
            yield Section("view", "Groups within a budget", anchor, data)
        for number, (variants, trained) in enumerate(content.variants, 1):
            from groupconv_cli.render.compare import variants_view

            anchor = f"variants-{number}"
            label = f"Variants of {variants.name}"
            chart = self._chart(anchor, variants, (None, trained), label, room)
            data = {"view": plain_view(variants_view(variants, trained), room.rows), "chart": chart}
            yield Section("view", "Variants", anchor, data)
        if content.check is not None:
            yield Section("check", "Findings", "check", _check(content.check, room.rows))
        if content.network is not None:
            memory = memory_of(content.network, content.dtype)
            yield Section("memory", "Memory over the layers", "memory", memory)
        if content.summary is not None:
            yield Section("reach", "Reach", "reach", reach_of(content.summary))

    def _of_summary(self, room: Room) -> Iterator[Section]:
        from groupconv_cli.render.summary import summary_view

        content, summary = self.content, self.content.summary
        if summary is None:
            return
        text = content.text if len(content.text) <= MOST_TEXT else ""
        facts = {"facts": list(facts_of(summary, content.network)), "text": _lines(text)}
        yield Section("facts", "The network", "network", facts)
        view = summary_view(summary, content.layer_times, depth=0)
        totals = plain_view(view._replace(tables=view.tables[-1:]), room.rows)
        label = f"Costs of {summary.name}"
        chart = self._chart("totals", summary, (content.layer_times, None), label, room)
        data = {"view": totals, "chart": chart}
        yield Section("view", "Totals beside the dense twin", "totals", data)
        alive: dict[str, int] = {}
        if content.network is not None:
            shown = within(self.drawings, room.boxes)
            yield Section("drawing", "Drawing", "drawing", shown)
            alive = alive_by_layer(content.network, content.dtype)
        table = layer_table(summary, alive, content.layer_times, room.rows)
        yield Section("layers", "Layers", "layers", table)

    def _chart(
        self, key: str, report: object, done: tuple[Any, Any], label: str, room: Room
    ) -> Chart:
        from markupsafe import Markup

        if key not in self.charts:
            self.charts[key] = chart_of(report, done, printable(label), key)
        chart = self.charts[key]
        if len(chart.svg) > room.chart:
            of = key.partition("-")[0]
            drawn_by = f"gconv {PLOTS[of]} --plot FILE.svg"
            said = f"The chart has too many marks for a page: {drawn_by} draws it."
            return Chart("", said)
        return chart._replace(svg=Markup(chart.svg))  # noqa: S704 - matplotlib escapes its texts


def _lines(text: str) -> str:
    return "\n".join(printable(line) for line in text.splitlines())


def _check(check: SpecCheck, most: int) -> dict[str, Any]:
    from groupconv_cli.render.check import budgets_table

    findings = [
        {
            "level": str(each.level),
            "code": each.code,
            "title": each.title,
            "message": printable(each.message),
            "hint": printable(each.hint),
            "line": each.place.line if each.place else None,
            "layers": [printable(name) for name in each.layers],
        }
        for each in check.findings[:most]
    ]
    budgets = plain_table(budgets_table(check), most) if check.budgets else None
    return {
        "findings": findings,
        "budgets": budgets,
        "count": plural(len(check.findings), "finding"),
        "hidden": hidden_text("findings", len(findings), len(check.findings)),
    }
