"""`groups:` is written into a spec's text, and nothing else in it changes."""

from __future__ import annotations

import pytest

from groupconv_cli.language.groups_text import with_groups

GROUPS = {"conv_2": 4, "stage*.conv": 8}

CASES = {
    "added at the end": (
        "# mine\ninput: [8, 8, 16]   # small\nlayers:\n  - relu  # 'quoted'\n  # - relu\n",
        "# mine\ninput: [8, 8, 16]   # small\nlayers:\n  - relu  # 'quoted'\n  # - relu\n"
        '\ngroups:\n  conv_2: 4\n  "stage*.conv": 8\n',
    ),
    "without a line break at the end": (
        "input: [8, 8, 16]\nlayers: [relu]",
        'input: [8, 8, 16]\nlayers: [relu]\n\ngroups:\n  conv_2: 4\n  "stage*.conv": 8\n',
    ),
    "before the end of the document": (
        "---\ninput: [8, 8, 16]\nlayers: [relu]\n...\n",
        '---\ninput: [8, 8, 16]\nlayers: [relu]\n\ngroups:\n  conv_2: 4\n  "stage*.conv": 8\n...\n',
    ),
    "replaced in braces": (
        'groups: {"conv": 2, a: 1}  # old\n\nlayers: [relu]\n',
        'groups:\n  conv_2: 4\n  "stage*.conv": 8  # old\n\nlayers: [relu]\n',
    ),
    "replaced block, lines of Windows": (
        "  groups:\r\n    a: 1\r\n    b: 2\r\n  # about layers\r\n  layers: [relu]\r\n",
        '  groups:\r\n    conv_2: 4\r\n    "stage*.conv": 8\r\n'
        "  # about layers\r\n  layers: [relu]\r\n",
    ),
    "replaced although it was empty": (
        "groups:\nlayers: [relu]\n",
        'groups:\n  conv_2: 4\n  "stage*.conv": 8\nlayers: [relu]\n',
    ),
    "json": (
        '{"input": [8, 8, 16], "layers": ["relu"]}',
        '{"groups": {"conv_2": 4, "stage*.conv": 8}, "input": [8, 8, 16], "layers": ["relu"]}',
    ),
    "replaced in json": (
        '{"layers": ["relu"], "groups": {"conv": 2}, "input": [8]}',
        '{"layers": ["relu"], "groups": {"conv_2": 4, "stage*.conv": 8}, "input": [8]}',
    ),
    "of blocks is another thing": (
        "blocks:\n  groups: {layers: [relu]}\nlayers: [groups]\n",
        "blocks:\n  groups: {layers: [relu]}\nlayers: [groups]\n"
        '\ngroups:\n  conv_2: 4\n  "stage*.conv": 8\n',
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_only_groups_change(name: str) -> None:
    before, after = CASES[name]
    assert with_groups(before, GROUPS) == after
    assert with_groups(after, GROUPS) == after
