"""Writes the pages of the documentation that are made from the code, or checks them.

    python docs/generate.py           # writes layers.md, commands.md, rules.md, the schema
    python docs/generate.py --check   # exits with 1 if one of them is stale

Layers are described by the docstrings and arguments of their classes in `groupconv_cli/ops`,
commands by their own `--help`, and rules by the docstrings of their files in
`groupconv_cli/lint/rules`.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

from groupconv_cli.api import schema_file
from groupconv_cli.cli.app import app
from groupconv_cli.lint.rules import RULES
from groupconv_cli.ops import LAYERS, OPS, Composite, Op, Registered
from groupconv_cli.ops.activation import ACTIVATION, NAMED, Activation

HERE = Path(__file__).parent
LABELS = ("Shape", "Params", "MACs", "Example")
COMMANDS = (
    *("summary", "compare", "search", "report", "check", "diff", "build", "accelerate"),
    *("list", "init", "schema"),
)

FAMILIES = ("conv", "dense", "norm", "pool", "shape", "resize", "merge", "composite", "activation")
"""Files of `groupconv_cli/ops` in the order of the page."""

LAYERS_HEAD = """\
# Layers

Made from the code by `docs/generate.py`. [language.md](language.md) says how layers are put
together. [numbers.md](numbers.md) says what the counts mean.

A size is one number, or a list with one number per spatial axis. Any argument may be computed
from variables: `filters: 2 * $width`.

**Keras** lists the Keras layers that a layer is built of, and so defines what it computes. `Conv`
stands for `Conv1D`, `Conv2D` or `Conv3D`, by the rank of the input, and so on. A `norm` and an
`activation` are built as layers of their own.

"""

COMMANDS_HEAD = """\
# Commands

Made from the code by `docs/generate.py`: each command's own `--help`.

Results go to stdout, everything else to stderr. Exit status: 0 fine; 1 a row of a comparison is
invalid, a budget or limit is broken, or a rule whose level is error found something; 2 the spec or
the command is wrong; 3 gconv or its surroundings failed; 130 interrupted; 141 the reader closed the
pipe; 143 ended by the system.

`COLUMNS` sets the width to fit. `NO_COLOR=1` switches colour off, `FORCE_COLOR=1` switches it on.

"""

RULES_HEAD = """\
# Rules of `gconv check`

Made from the code by `docs/generate.py`.

A spec can be valid although its network is not what you meant. The rules of `gconv check` look for
that. Each rule has a code, a level and a threshold. `gconv check --explain GC101` prints one rule's
section.

"""

RULES_LEVELS = """\

Rules are on by default if correcting a finding costs next to nothing. Rules are off by default if
well-made published networks break them for good reasons. Switch those on for a network that has to
be fast on a machine you know. Two of the 54 bundled networks have a finding of the rules that are
on: `block`, which demonstrates it, and AlexNet in two groups (GC101).

## Levels

A rule is `off`, a `warning` or an `error`. If there is an error, `gconv check` exits with 1. The
first of these places that names the rule applies:

1. the command line: `--rule GC101=error --rule GC105=off`;
2. the spec's `rules`;
3. `pyproject.toml`: the nearest one upwards from the spec that has `[tool.gconv]`; for bundled
   configs and standard input, from the folder that gconv runs in;
4. the table above.

`--strict` then turns every warning into an error. In a spec:

```yaml
input: [32, 32, 16]
rules: {GC105: off, GC103: warning}
layers:
  - conv: {filters: 16, kernel: 3}
  - batch_norm
```

In `pyproject.toml`:

```toml
[tool.gconv.rules]
GC103 = "warning"
```

"""


def described(docstring: str) -> dict[str, str]:
    """The parts of a layer's docstring: 'about', and the text after each label."""
    parts: dict[str, list[str]] = {"about": []}
    label = "about"
    for line in docstring.splitlines():
        text = line.strip()
        word, colon, rest = text.partition(": ")
        if colon and word in LABELS:
            label, text = word, rest
            parts[label] = []
        parts[label].append(text)
    return {label: "\n".join(lines).strip() for label, lines in parts.items()}


def layers_page() -> str:
    """The reference of all layers."""
    names = [name for name, registered in LAYERS.items() if registered.cls is not Activation]
    names.sort(key=lambda name: FAMILIES.index(LAYERS[name].cls.__module__.rpartition(".")[2]))
    inner = [name for name in OPS if name not in LAYERS and name != "input"]
    contents = ", ".join(f"[{name}](#{name})" for name in [*names, "activations", *inner])
    sections = [layer_section(name, LAYERS[name]) for name in names]
    sections.append(activations_section())
    sections += [inner_section(name) for name in inner]
    return LAYERS_HEAD + contents + "\n\n" + "\n".join(sections)


def layer_section(name: str, registered: Registered) -> str:
    """One layer: its description, arguments, rules and an example."""
    parts = described(registered.cls.__doc__ or "")
    lines = [f"## {name}", "", parts["about"], ""]
    if registered.args:
        lines += ["| argument | value | default | |", "| --- | --- | --- | --- |"]
        lines += list(argument_rows(registered))
        lines.append("")
    lines += rules(parts, registered.cls)
    lines += ["```yaml", f"- {parts['Example'].strip('`')}", "```", ""]
    return "\n".join(lines)


def argument_rows(registered: Registered) -> Iterator[str]:
    """A table row for each argument."""
    for key, declared in registered.args.items():
        otherwise = declared.otherwise or shown(declared.default)
        default = "required" if declared.required else otherwise
        names_one = declared.kind is ACTIVATION.kind
        words = "a name, see activations" if names_one else declared.kind.words
        yield f"| `{key}` | {words} | {default} | {declared.doc} |"


def shown(default: Any) -> str:
    """A default as a spec would write it."""
    if default is None:
        return "none"
    if isinstance(default, bool):
        return "true" if default else "false"
    if isinstance(default, tuple):
        return str(default[0])
    return f"{default:g}" if isinstance(default, float) else str(default)


def rules(parts: dict[str, str], cls: type[Op | Composite]) -> list[str]:
    """The labelled rules as a list, and the Keras layers that the layer is built of."""
    found = [f"- **{label}**: {parts[label]}" for label in LABELS[:-1] if label in parts]
    made = cls.calls.__doc__ if issubclass(cls, Op) else cls.expand.__doc__
    found.append(f"- **Keras**: {' '.join((made or '').split())}")
    return ["\n  ".join(rule.splitlines()) for rule in found] + [""]


def activations_section() -> str:
    """The activations that differ only in their function."""
    names = [name for name, registered in LAYERS.items() if registered.cls is Activation]
    parts = described(Activation.__doc__ or "")
    named = ", ".join(f"[{name}](#{name})" for name in NAMED)
    rest = [name for name in LAYERS if is_activation(name) and name not in [*names, *NAMED]]
    head = [
        *["## activations", "", parts["about"], ""],
        *[", ".join(f"`{name}`" for name in names) + ".", ""],
        f"`activation:` takes these, and {named}, without arguments. It does not take "
        + " or ".join(f"[{name}](#{name})" for name in rest)
        + ", which are layers only.",
        "",
    ]
    return "\n".join([*head, *rules(parts, Activation), "```yaml", "- relu", "```", ""])


def is_activation(name: str) -> bool:
    """Whether the layer stands in the file of the activations."""
    return LAYERS[name].cls.__module__ == Activation.__module__


def inner_section(name: str) -> str:
    """A part of a composite: reports show it as a layer, but specs do not name it."""
    parts = described(OPS[name].__doc__ or "")
    return "\n".join([f"## {name}", "", parts["about"], "", *rules(parts, OPS[name])])


def commands_page() -> str:
    """The help of every command."""
    runner = CliRunner(env={"COLUMNS": "96", "TERMINAL_WIDTH": "96"})
    sections = []
    for command in ("", *COMMANDS):
        result = runner.invoke(
            app, [*([command] if command else []), "--help"], prog_name="gconv", terminal_width=88
        )
        heading = f"gconv {command}".strip()
        sections.append(f"## {heading}\n\n```text\n{result.output.strip()}\n```\n")
    return COMMANDS_HEAD + "\n".join(sections)


def rules_page() -> str:
    """The section of every rule, and how levels are set."""
    rows = ["| code | rule | level |", "| --- | --- | --- |"]
    for code, rule in RULES.items():
        anchor = f"{code}-{rule.title}".lower().replace(" ", "-")
        rows.append(f"| [{code}](#{anchor}) | {rule.title} | {rule.severity} |")
    sections = "\n".join(rule.section for rule in RULES.values())
    return RULES_HEAD + "\n".join(rows) + "\n" + RULES_LEVELS + sections


PAGES = {
    "layers.md": layers_page,
    "commands.md": commands_page,
    "rules.md": rules_page,
    "gconv.schema.json": lambda: schema_file()[1],
}


def stale() -> list[str]:
    """Names of pages that differ from what the code would make."""
    return [
        name
        for name, make in PAGES.items()
        if not (HERE / name).exists() or (HERE / name).read_text(encoding="utf-8") != make()
    ]


def main() -> int:
    """Writes the pages, or checks them."""
    if "--check" in sys.argv[1:]:
        for name in stale():
            sys.stderr.write(f"docs/{name} is stale: python docs/generate.py\n")
        return 1 if stale() else 0
    for name, make in PAGES.items():
        (HERE / name).write_text(make(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
