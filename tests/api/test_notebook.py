"""The notebook of the documentation, executed."""

from __future__ import annotations

import importlib.util
import re

import pytest
from running import ROOT

needed = ("ipykernel", "nbclient", "nbformat")
missing = [name for name in needed if importlib.util.find_spec(name) is None]


@pytest.mark.skipif(bool(missing), reason=f"{missing} not installed")
def test_a_notebook_shows_reports_and_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    import nbformat
    from nbclient import NotebookClient

    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    notebook = nbformat.read(ROOT / "docs" / "tour.ipynb", as_version=4)
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
