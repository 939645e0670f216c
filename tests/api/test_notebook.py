"""The notebook of the documentation, executed."""

from __future__ import annotations

import ast
import importlib.util
import json
import re

import pytest
from running import ROOT

TOUR = ROOT / "docs" / "tour.ipynb"

needed = ("ipykernel", "nbclient", "nbformat")
missing = [name for name in needed if importlib.util.find_spec(name) is None]


def test_every_cell_runs_and_ends_with_what_a_notebook_shows(capsys) -> None:
    """In place of a notebook: the value of the last line of each cell."""
    cells = json.loads(TOUR.read_text(encoding="utf-8"))["cells"]
    names: dict[str, object] = {}
    shown = []
    for cell in (each for each in cells if each["cell_type"] == "code"):
        *lines, last = ast.parse("".join(cell["source"])).body
        exec(compile(ast.Module(lines, []), "<cell>", "exec"), names)
        shown.append(eval(compile(ast.Expression(last.value), "<cell>", "eval"), names))
        assert cell["outputs"] == []  # kept without outputs
    table, figure, frame, found, variants, printed = shown
    assert "25.1 M" in table._repr_html_()
    for each in (figure, found, variants):
        assert each._repr_svg_().startswith("<svg")
    assert re.search(r"<td>[\d.]+</td>", frame._repr_html_())
    assert printed is None
    assert "resnet50 → resnext50_32x4d" in capsys.readouterr().out


@pytest.mark.nightly  # the process of the notebook takes seconds
@pytest.mark.skipif(bool(missing), reason=f"{missing} not installed")
def test_a_notebook_shows_reports_and_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    import nbformat
    from nbclient import NotebookClient

    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    notebook = nbformat.read(TOUR, as_version=4)
    assert all(not cell.get("outputs") for cell in notebook.cells)  # kept without outputs
    NotebookClient(notebook, timeout=300, kernel_name="python3").execute()
    shown = [
        {
            kind: text
            for output in cell.outputs
            for kind, text in {**output.get("data", {}), "stream": output.get("text", "")}.items()
        }
        for cell in notebook.cells
        if cell.cell_type == "code"
    ]
    assert not [
        output
        for cell in notebook.cells
        for output in cell.get("outputs", ())
        if output.output_type == "error" or output.get("name") == "stderr"
    ]
    table, figure, frame, found, variants, printed = shown
    # ResNeXt-50 has 25,097,128 parameters, as its published weights.
    assert "25.1 M" in table["text/html"]
    assert table["text/plain"].startswith("<Comparison 'resnext50_32x4d': ")
    for each in (figure, found, variants):
        assert each["image/svg+xml"].startswith("<svg")
    assert re.search(r"<td>[\d.]+</td>", frame["text/html"])
    assert "resnet50 → resnext50_32x4d" in printed["stream"]
