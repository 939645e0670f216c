"""A rule is one file: what is in it is all that the rest goes by."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from package_copy import PackageCopy
from running import run_in_turn

from groupconv_cli.policy.rules import names_in

RULE = '''"""A network should have as few layers as it can.

**The number**: no layer is the fewest, see [numbers.md](numbers.md).

**What to do**: leave `conv` out.
"""

from __future__ import annotations

from collections.abc import Iterator

from groupconv_cli.lint.rule import RuleContext, Violation
from groupconv_cli.policy.rules import Severity

SEVERITY = Severity.error


def violations(context: RuleContext) -> Iterator[Violation]:
    """Every layer."""
    for node in context.nodes[1:]:
        yield Violation(node=node, message=f"{node.name!r} is a layer", hint="leave it out")
'''

SPEC = "input: [8, 8, 16]\nlayers:\n  - conv: {filters: 16, kernel: 3}\n"


@pytest.fixture(scope="module")
def copied(tmp_path_factory: pytest.TempPathFactory) -> PackageCopy:
    """A copy of the package in which one file is written."""
    copy = PackageCopy(tmp_path_factory.mktemp("copied"))
    (copy.package / "lint/rules/gc199_layers_at_all.py").write_text(RULE, encoding="utf-8")
    return copy


def test_adding_a_rule_touches_one_file(copied: PackageCopy) -> None:
    net = copied.folder / "net.yaml"
    net.write_text(SPEC)
    checked = copied.run("check", "net.yaml")
    assert (checked.status, checked.err) == (1, "")
    assert "net.yaml:3:5: error GC199: 'conv' is a layer\n" in checked.out
    (finding,) = json.loads(copied.run("check", "net.yaml", "-f", "json").out)["specs"][0][
        "findings"
    ]
    assert (finding["title"], finding["level"]) == ("layers at all", "error")

    explained = copied.run("check", "--explain", "GC199")
    assert (explained.status, explained.err) == (0, "")
    assert explained.out.startswith(
        "GC199: layers at all\n\nA network should have as few layers as it can.\n\n"
        "The number: no layer is the fewest, see docs/numbers.md.\n\n"
        "What to do: leave 'conv' out.\n\nThe level is 'error' unless"
    )

    schema = json.loads(copied.run("schema").out)
    assert schema["properties"]["rules"]["properties"]["GC199"] == {
        "description": "layers at all",
        "enum": ["off", "warning", "error"],
    }

    net.write_text("rules: {GC199: off}\n" + SPEC)
    assert copied.run("check", "net.yaml").status == 0
    net.write_text("rules: {GC19: off}\n" + SPEC)
    wrong = copied.run("summary", "net.yaml")
    assert wrong.status == 2
    assert "net.yaml:1:9: error: there is no rule 'GC19'" in wrong.err
    assert "did you mean 'GC199'?" in wrong.err


def test_a_page_that_python_left_out_is_missed_in_words(copied: PackageCopy) -> None:
    (copied.folder / "net.yaml").write_text(SPEC)
    env = {"PYTHONPATH": str(copied.folder), "PYTHONOPTIMIZE": "2"}
    lines = ("check", "--explain", "GC199"), ("check", "net.yaml")
    explained, checked = run_in_turn(*lines, cwd=copied.folder, env=env)
    assert (explained.status, explained.out) == (3, "")
    assert "PYTHONOPTIMIZE=2" in explained.err
    assert checked.status == 1


def test_two_files_with_one_code_are_refused(tmp_path: Path) -> None:
    for name in ("gc101_apart", "gc102_saved", "helper", "gc1_short"):
        (tmp_path / f"{name}.py").touch()
    assert [tuple(name) for name in names_in(tmp_path).values()] == [
        ("gc101_apart", "GC101", "apart"),
        ("gc102_saved", "GC102", "saved"),
    ]
    (tmp_path / "gc101_again.py").touch()
    with pytest.raises(ValueError, match=r"gc101_again.py and gc101_apart.py are both GC101"):
        names_in(tmp_path)
