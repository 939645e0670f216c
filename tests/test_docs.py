"""The documentation that is made from the code is current, and complete."""

from __future__ import annotations

import re
import subprocess
import sys

from running import ROOT, clean_environment

from groupconv_cli.cli.app import app
from groupconv_cli.ops import LAYERS, OPS

DOCS = ROOT / "docs"


def test_generated_pages_are_current() -> None:
    done = subprocess.run(
        [sys.executable, DOCS / "generate.py", "--check"],
        cwd=ROOT,
        env=clean_environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_every_layer_is_described_with_its_rules_and_an_example() -> None:
    page = (DOCS / "layers.md").read_text(encoding="utf-8")
    for name, registered in LAYERS.items():
        assert f"`{name}`" in page or f"## {name}\n" in page
        docstring = registered.cls.__doc__ or ""
        for label in ("Shape", "Params", "MACs", "Example"):
            assert re.search(rf"^ *{label}: \S", docstring, re.MULTILINE), (name, label)
    assert all(f"## {name}\n" in page for name in OPS if name not in LAYERS and name != "input")


def test_every_section_says_what_keras_layers_the_layer_is_built_of() -> None:
    page = (DOCS / "layers.md").read_text(encoding="utf-8")
    sections = dict(section.split("\n", 1) for section in page.split("\n## ")[1:])
    said = {name: re.search(r"- \*\*Keras\*\*: (.+)", text)[1] for name, text in sections.items()}
    for name, layers in {
        "channel_shuffle": ["Reshape", "Permute"],
        "conv": ["Conv", "ZeroPadding"],
        "depthwise_conv": ["DepthwiseConv", "ZeroPadding", "grouped `Conv`"],
        "layer_scale": ["EinsumDense"],
        "separable_conv": ["two layers"],
    }.items():
        assert all(layer in said[name] for layer in layers), name


def test_every_command_is_documented() -> None:
    page = (DOCS / "commands.md").read_text(encoding="utf-8")
    for command in app.registered_commands:
        name = command.name or command.callback.__name__
        assert f"## gconv {name}\n" in page


def test_links_between_documents_lead_somewhere() -> None:
    for path in [*ROOT.glob("*.md"), *DOCS.glob("*.md")]:
        for target in re.findall(r"\]\(([^)#:]+)\)", path.read_text(encoding="utf-8")):
            assert (path.parent / target).exists(), f"{path.name}: {target}"
