"""Sentences of the spec language, with mistakes."""

from __future__ import annotations

import json
from random import Random

from groupconv_cli.ops import LAYERS, OPS
from groupconv_cli.ops.kinds import Branches, Choice, Flag, Layers, LayersOr, Real
from hostile.words import ESCAPE, KEYS, LOOK_ALIKES, NUMBERS, WORDS


def expression(random: Random, depth: int = 0) -> str:
    if depth > 4 or random.random() < 0.4:
        return random.choice(
            ["$g", "$w", "$in", "3", "0", "2.5", "1000000000000", "$nope", "64", "relu"]
        )
    operator = random.choice(["+", "-", "*", "*", "/", "//", "==", "<", ">=", "**", "%"])
    left, right = expression(random, depth + 1), expression(random, depth + 1)
    text = f"{left} {operator} {right}"
    return f"({text})" if random.random() < 0.6 else random.choice(["", "-", "("]) + text


def arithmetic(random: Random) -> str:
    text = expression(random)
    if random.random() < 0.2:
        text = random.choice(
            [" * ".join(["$w"] * 40), "(" * 40 + "1", "-" * 40 + "$w", "$w" + " // $w" * 30]
        )
    key = random.choice(
        ["filters: {}, kernel: 1", "filters: 8, kernel: {}", "filters: 8, kernel: 1, groups: {}"]
    )
    value = random.choice(["64", "0", "1e15", "0.3333333333", "-7", "[1, 2]", "word"])
    where = random.choice(
        ["", f"\n    repeat: {expression(random)}", f"\n    when: {expression(random)}"]
    )
    return (
        f"vars: {{g: {random.choice(['4', '0', '$w', '1/3'])}, w: {value}}}\ninput: [8, 8, 12]\n"
        f"layers:\n  - conv: {{{key.format(text)}}}{where}\n"
    )


def _value(random: Random, kind: object, names: list[str], depth: int) -> object:
    """A value of an argument, mostly a good one."""
    if random.random() < 0.12:
        return random.choice([_Raw(random.choice(NUMBERS)), _Raw(random.choice(WORDS))])
    if isinstance(kind, Branches):
        return [_items(random, names, depth + 1) for _ in range(random.choice([1, 2, 2, 3]))]
    if isinstance(kind, LayersOr) and random.random() < 0.5:
        kind = kind.choice
    elif isinstance(kind, Layers):
        return _items(random, names, depth + 1)
    if isinstance(kind, Choice):
        return random.choice(kind.options)
    if isinstance(kind, Flag):
        return random.random() < 0.5
    if isinstance(kind, Real):
        return random.choice([0, 0.5, 1, 0.1])
    if random.random() < 0.15:
        return expression(random)
    return random.choice([1, 1, 2, 2, 3, 4, 8, 12, [3, 3], [1, 2], [[0, 1], 2], "same", "valid"])


def renamed(random: Random, word: str) -> str:
    at = random.randrange(len(word))
    match random.randrange(4):
        case 0:
            return word[:at] + LOOK_ALIKES.get(word[at], "ï") + word[at + 1 :]
        case 1:
            return word[:at] + word[at + 1 :]
        case 2:
            return word[:at] + random.choice(["\u200b", "\u00ad", "_", "X", ESCAPE]) + word[at:]
        case _:
            return random.choice([*KEYS, *LAYERS])


MERGES = [name for name, op in OPS.items() if op.merges]


class _Raw(str):
    """Text that goes into the spec as it stands."""

    __slots__ = ()


def _item(random: Random, names: list[str], depth: int) -> object:
    name = random.choice([*names, *LAYERS, *(["conv", "residual", "parallel"] * 8)])
    if random.random() < 0.03:
        name = random.choice([renamed(random, name), *OPS, *KEYS])
    args: dict[str, object] = {}
    if name in LAYERS:
        for key, declared in LAYERS[name].args.items():
            if declared.required or random.random() < 0.25:
                args[key] = _value(random, declared.kind, names, depth)
        if args and random.random() < 0.05:
            del args[random.choice(list(args))]
    elif random.random() < 0.7:
        args["p"] = _value(random, None, names, depth)
    if random.random() < 0.04:
        args[renamed(random, random.choice([*args, "filters"]))] = 3
    item: dict[str, object] = {name: args or None}
    beside = {
        "name": random.choice(["a", "b", "c d", ESCAPE]),
        "repeat": random.choice([0, 1, 2, 5, expression(random)]),
        "when": random.choice([True, False, "$g == 4", expression(random)]),
        "from": _reads(random),
    }
    item |= {key: value for key, value in beside.items() if random.random() < 0.08}
    if name in MERGES and random.random() < 0.8:
        item["from"] = [random.choice([-1, -1, "a"]), _reads(random)]
    return name if item == {name: None} else item


def _reads(random: Random) -> object:
    """What an item reads: mostly something that could be there."""
    read = random.choice(
        [-1, -1, -2, -3, "a", "b", "x", "skip", "input", "image", 0, 7, "$g", None]
    )
    return [read, random.choice([-1, -2, "a"])] if random.random() < 0.3 else read


def _items(random: Random, names: list[str], depth: int) -> list[object]:
    if depth > 3:
        return ["relu"]
    return [_item(random, names, depth) for _ in range(random.choice([0, 1, 2, 3, 5]))]


def sentence(random: Random) -> str:
    names = [f"block_{i}" for i in range(random.choice([0, 0, 1, 3]))]
    spec: dict[str, object] = {
        "input": random.choice([[8, 8, 12], [16, 4], [4, 4, 4, 8], [8, 8, "$w"]]),
        "vars": {
            "g": random.choice([4, 0, "$w"]),
            "w": random.choice([12, 0.5, _Raw(random.choice(WORDS))]),
        },
        "blocks": {
            name: {
                "params": {"p": random.choice([2, None, "$in", "$g"])},
                "layers": _items(random, names, 1),
                **({"inputs": ["x", "skip"]} if random.random() < 0.2 else {}),
            }
            for name in names
        },
        "layers": _items(random, names, 0) + _items(random, names, 0),
    }
    if random.random() < 0.1:
        del spec["input"]
        spec["inputs"] = {"image": [8, 8, 12], random.choice(["x", "image", ESCAPE]): [8, 8, 4]}
    if random.random() < 0.1:
        spec["outputs"] = random.choice([["a"], ["a", "b"], ["a", "a"], [], "a", ["input"], [-1]])
    if random.random() < 0.2:
        spec["variants"] = {random.choice(["a", 50, ESCAPE, "=1+1"]): {"g": 2}, "b": {"w": "$g"}}
    if random.random() < 0.1:
        spec[renamed(random, random.choice(KEYS))] = random.choice([1, None, [], ESCAPE])
    return _text(spec)


def _text(value: object) -> str:
    """A value as YAML in flow style, which is nearly JSON."""
    if isinstance(value, _Raw):
        return str(value)
    if isinstance(value, dict):
        lines = ", ".join(f"{json.dumps(str(key))}: {_text(item)}" for key, item in value.items())
        return f"{{{lines}}}"
    if isinstance(value, list):
        return f"[{', '.join(map(_text, value))}]"
    return json.dumps(value, ensure_ascii=False)


def lined(random: Random) -> str:
    """A sentence with a line for every key of the spec, so that places differ in their lines."""
    return sentence(random)[1:-1].replace(', "', ',\n "').join(["{", "}\n"])
