"""`compare --vary … --measure`: rows that differ in variables, on this machine."""

from __future__ import annotations

import json
from pathlib import Path

from running import run_gconv

SPEC = """\
vars: {w: 4}
input: [4, 4, 4]
layers:
  - conv: {filters: 8, kernel: 1}
  - conv: {filters: $w, kernel: 3, groups: 2}
"""


def test_rows_of_variables_are_timed_beside_the_network_as_written(tmp_path: Path) -> None:
    (tmp_path / "net.yaml").write_text(SPEC, encoding="utf-8")
    vary = ("--vary", "w=4,8,5")  # 5 filters do not make two groups
    measure = ("--measure", "--batch", "1", "--runs", "5", "-f", "json")
    result = run_gconv("compare", "net.yaml", *vary, *measure, cwd=tmp_path)
    assert result.status == 1, result.err
    data = json.loads(result.out)
    assert [row["settings"]["w"] for row in data["rows"]][-3:] == [4, 8, 5]
    assert [row["valid"] for row in data["rows"]][-3:] == [True, True, False]
    timed = data["measured"]["rows"]
    assert {row["settings"].get("w", 4) for row in timed} == {4, 8}
    for row in timed:
        assert len(row["forward"]["samples_s"]) == len(row["train"]["samples_s"]) == 5
        assert row["runtime"] == "gconv"
    by_width = {row["settings"].get("w", 4): row["macs"] for row in timed}
    # 4×4 places: 1×1 from 4 to 8 channels, then 3×3 from 4 channels of 8 to w.
    assert by_width == {4: 16 * (32 + 9 * 4 * 4), 8: 16 * (32 + 9 * 4 * 8)}
