"""What hostile input is made of."""

from __future__ import annotations

from typing import NamedTuple

from groupconv_cli.sources.catalogue import families, source_of

CONFIGS = [source_of(family).text for family in families()]
ESCAPE = "\x1b[31m\x1b]0;owned\x07"
"""What turns a terminal red and gives its window another name, where it gets through."""

LOOK_ALIKES = dict(zip("aeopcxyisjAEOPCBHKMT", "аеорсхуіѕјАЕОРСВНКМТ", strict=True))
NUMBERS = (
    *("0", "-1", "1", "2", "3", "7", "64", "1e3", "1.5", "-0", "+4", "010", "0x10", ".5", "1e400"),
    *("1_000", "٣", "６４", "²", ".nan", ".inf", "1e-400", "1e15", "9007199254740993"),
    *("1000000000000", "963761198400", "1000000000000000", "1000000000000001", "1" + "0" * 29),
    *("1" + "0" * 400, "9" * 5000, "0.1", "1/0", "8/3", "64//0", "2*3", "--8", "1<2", "1==1"),
)
WORDS = (
    *("null", "~", "true", "no", "on", "same", "valid", "depthwise", "batch", "relu", "project"),
    *(
        "if_same",
        "concat",
        "add",
        "none",
        "",
        "' '",
        "[]",
        "{}",
        "[[]]",
        "[1, [2]]",
        "[1, 2, 3, 4]",
    ),
    *(
        "{a: 1}",
        "$in",
        "$g",
        "$w",
        "$nope",
        "$",
        "$in // 2",
        "$g * $w",
        "&a 3",
        "*a",
        "!!python/name:os",
    ),
    *(
        '"\\e[31m"',
        '"\\u202e"',
        '"\\0"',
        '"a\\nb"',
        "|\n    a",
        ">-\n    b",
        "? x",
        "- y",
        "%TAG",
        "@",
        "`",
    ),
    *("wоrd", "$gг", "🦆", "\u200b", "2024-01-01", "1:30", "<<"),
)
KEYS = ("name", "input", "vars", "variants", "blocks", "layers", "params", "repeat", "when", "body")


class Case(NamedTuple):
    """A spec as a file, and what is asked of it."""

    kind: str
    data: bytes
    args: tuple[str, ...] = ("summary",)
    file: str = "spec.yaml"
    plain: bool = True
    """Whether nothing but the spec can be at fault, so that all complaints have a place in it."""
