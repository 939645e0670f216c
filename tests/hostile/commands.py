"""Command lines: what is asked, in good and in bad words, of files with good and bad names."""

from __future__ import annotations

import re
from random import Random

from hostile.language import expression
from hostile.words import CONFIGS, ESCAPE, NUMBERS, WORDS, Case


def command(random: Random) -> tuple[str, ...]:
    """A command that a spec alone can make fail."""
    args = random.choice(
        [
            ["summary"],
            ["summary", "--top", str(random.randrange(1, 5))],
            ["summary", "--depth", str(random.randrange(4))],
            ["compare"],
            ["compare", "--groups", random.choice(["1,2,4,8", "3", "1000000000000", "7,2"])],
            ["compare", "--variants"],
        ]
    )
    args += random.choice([[], [], ["--exact"], ["--dtype", "float16"]])
    return (*args, *random.choice([[], [], ["-f", random.choice(["markdown", "json", "csv"])]]))


def arguments(random: Random) -> Case:
    text = random.choice(CONFIGS)
    hostile = [
        *NUMBERS,
        *WORDS,
        *(
            ESCAPE,
            "\n::error::x",
            "*" * 50,
            "*a" * 30 + "b",
            "[" * 40,
            "[!a-z]*?" * 10,
            "stage_?.*",
            "1,2",
            "," * 99,
        ),
        *(
            "1," * 300 + "2",
            "a" * 100_000,
            "../" * 50,
            "-",
            "--",
            "\udcff",
            "(((",
            "{{}}",
            "g=1",
            "all",
            "ALL",
        ),
    ]
    value = random.choice(hostile).replace("\0", "")
    name = random.choice(re.findall(r"^vars: \{(\w+)", text, re.MULTILINE) or ["groups"])
    args = random.choice(
        [
            ("summary", "--set", f"{name}={value}"),
            ("compare", "--set", f"{value}=1"),
            ("compare", "--set", f"{name}={expression(random)}", "--variants"),
            ("compare", f"--groups={value}"),
            ("compare", f"--only={value}"),
            ("summary", f"--variant={value}"),
            ("summary", f"--depth={value}"),
            ("summary", f"--top={value}"),
            ("summary", f"--dtype={value}"),
            ("summary", f"--format={value}"),
            ("init", value),
            ("summary", f"--{value}"),
            (value,),
        ]
    )
    return Case("", text.encode(), args, plain=False)


def file_names(random: Random) -> Case:
    names = [
        ESCAPE,
        "a\nb",
        "-x.yaml",
        "$(ls).yaml",
        "\u202egnp.yaml",
        "é.yaml",
        "\udcff.yaml",
        " ",
        "x" * 200,
    ]
    data = random.choice(
        [random.choice(CONFIGS).encode(), b"input: [8, 3]\nlayers: [relu]", b"layers: 3"]
    )
    return Case("", data, command(random), random.choice(names), plain=False)
