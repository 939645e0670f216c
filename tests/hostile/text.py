"""Text that is broken, or nearly right."""

from __future__ import annotations

import re
from collections.abc import Callable
from random import Random

from hostile.language import expression, renamed
from hostile.words import CONFIGS, ESCAPE, NUMBERS, WORDS


def broken_bytes(random: Random) -> bytes:
    data = bytearray(random.choice(CONFIGS).encode())
    for _ in range(random.choice([1, 1, 2, 5, 50])):
        at = random.randrange(len(data))
        match random.randrange(4):
            case 0:
                data[at] = random.randrange(256)
            case 1:
                data[at:at] = random.choice([b"\0", b"\xff", b"\xc3", b"\xed\xa0\x80", b"\x1b[2J"])
            case 2:
                del data[at : at + random.choice([1, 3, 100])]
            case _:
                data[at] ^= 1 << random.randrange(8)
        data = data or bytearray(b"\0")
    return bytes(data)


def random_bytes(random: Random) -> bytes:
    return random.randbytes(random.choice([0, 1, 2, 10, 1000]))


def encodings(random: Random) -> bytes:
    text = random.choice(CONFIGS)
    encoding = random.choice(["utf-16", "utf-16-le", "utf-32", "utf-8-sig", "cp1252", "utf-7"])
    data = text.replace("-", "–", random.randrange(3)).encode(encoding, "replace")
    return random.choice([b"", b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff"]) + data


def yaml_noise(random: Random) -> str:
    pieces = [
        *"[]{}:,-?&*!|>%@`'\"#$\n\t ~=<",
        "\r",
        "\x85",
        "\u2028",
        "\ufeff",
        "---",
        "...",
        "<<:",
    ]
    pieces += [
        "a",
        "relu",
        "input: ",
        "layers: ",
        "- ",
        "  ",
        "conv: {",
        "8",
        "\x1b",
        "\0",
        "\ud800",
    ]
    text = "".join(random.choices(pieces, k=random.choice([3, 10, 40, 200])))
    return (
        random.choice(["", "input: [8, 8, 4]\nlayers:\n", "input: [8, 3]\nlayers: [relu]\n"]) + text
    )


def mutated_config(random: Random) -> str:
    text = random.choice(CONFIGS)
    for _ in range(random.choice([0, 1, 1, 1, 2, 3, 8])):
        text = random.choice(MUTATIONS)(random, text) or "relu"
    return text


def _swap_tokens(random: Random, text: str) -> str:
    tokens = re.split(r"(\w+|\s+)", text)
    a, b = random.randrange(len(tokens)), random.randrange(len(tokens))
    tokens[a], tokens[b] = tokens[b], tokens[a]
    return "".join(tokens)


def _change_line(random: Random, text: str) -> str:
    lines = text.split("\n")
    at = random.randrange(len(lines))
    match random.randrange(5):
        case 0:
            del lines[at]
        case 1:
            lines.insert(at, random.choice(lines))
        case 2:
            lines[at] = random.choice([" ", "  ", "\t", "\u00a0", "    "]) + lines[at]
        case 3:
            lines[at] = lines[at].strip()
        case _:
            lines[at] += random.choice(["\x1b[2J", ESCAPE, "\u202e", " # …", ":", " :", "]", " *x"])
    return "\n".join(lines)


def _replaced(pattern: str, choose: Callable[[Random, str], str]) -> Callable[[Random, str], str]:
    def mutate(random: Random, text: str) -> str:
        found = list(re.finditer(pattern, text))
        if not found:
            return text
        match = random.choice(found)
        return text[: match.start()] + choose(random, match.group()) + text[match.end() :]

    return mutate


MUTATIONS: tuple[Callable[[Random, str], str], ...] = (
    _swap_tokens,
    _change_line,
    _replaced(r"\d+", lambda random, _: random.choice(NUMBERS)),
    _replaced(r"\d+", lambda random, _: random.choice(WORDS)),
    _replaced(r"\w+(?=:)", renamed),
    _replaced(r"(?<=: )\w+", renamed),
    _replaced(r"\$\w+", lambda random, _: expression(random)),
)
