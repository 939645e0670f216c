"""Hostile specs that know the language: grown valid, then changed where it hurts.

Broken bytes end at the first line. What is well-formed and nearly right gets further: into
expressions, blocks, shapes, sweeps and code. At most one in two is refused.
"""

from __future__ import annotations

import gc
import sys
import time
from collections.abc import Callable
from copy import deepcopy
from itertools import pairwise
from random import Random
from typing import Any

import yaml
from fuzz_specs import Outcome, faults, run_inside
from hostile.words import CONFIGS, Case

from groupconv_cli import python_code
from groupconv_cli.errors import GconvError, Source
from groupconv_cli.language.spec_file import SpecFile
from groupconv_cli.words import printable

Item = Any
NUMBERS: tuple[Any, ...] = (
    *(0, -1, 1, 2, 3, 5, 7, 12, 64, 255, 1000, 4097, 10**6, 10**9, 10**12, 10**15, 0.5, 1.0, 1e300),
    *("$g", "$w", "$in", "$in // $g", "$w * 2", "$in % 3", "($w + $g) // 2", "-$g", "$w / $g"),
    *("$in == $w", "$in * $in * $in * $in", "2 * 2 * 2 * 2 * 2 * 2 * 2", "same", "depthwise", None),
    *([[0, 1]], [[0, 1]] * 2, [[9, 0]] * 3, [1, [2]]),
    *("round_to($w * 0.3, 8)", "max($in, $w)", "min(1, 0)", "ceil(1e308 * 10)", "round_to($w, 0)"),
    *(
        "8 if $g > 2 else $w",
        "not $g",
        "$g and $w",
        "floor(0.5)",
        "round_to(-$w, $g)",
        "$i",
        "$rows",
    ),
)
"""What stands in the place of another number: right ones and wrong ones."""

SIMPLE = (
    *("relu", "batch_norm", "layer_norm", "swish", "gelu", "sigmoid", "softmax", "leaky_relu"),
    *("max_pool", "avg_pool", "flatten", "global_avg_pool", "upsample", "prelu"),
    *("local_response_norm", "glu"),
)
MERGES = ("concat", "add", "multiply", "average", "maximum")
NORMS = ("batch", "none", "$norm", {"batch": {"epsilon": 1e-3}}, {"group": {"groups": "$g"}})
PATTERNS = (
    "*",
    "*",
    "*conv*",
    "[!a]*",
    "**",
    "stem",
    "*a*a*a*a*a*a*a*a*a*b",
    "[!a]*",
    "**",
    "conv_[0-9]",
    "no.such",
)


def spec(random: Random) -> str:
    """The text of a spec."""
    bundled = random.random() < 0.03
    tree = yaml.safe_load(random.choice(CONFIGS)) if bundled else _grown(random)
    for _ in range(random.choice([0, 0, 1, 1, 1, 2, 4])):
        random.choice(CHANGES)(random, tree)
    if random.random() < 0.5:
        # The same object at two places becomes an anchor and its alias.
        return str(yaml.safe_dump(tree, sort_keys=False, default_flow_style=None, width=90))
    return str(yaml.safe_dump(tree, sort_keys=False))


def _grown(random: Random) -> dict[str, Any]:
    rank = random.choice([1, 2, 2, 2, 2, 3])
    tree: dict[str, Any] = {
        "input": [random.choice([8, 16, 32, 33, 224])] * rank + [random.choice([8, 16, 32, 64])],
        "vars": {
            "g": random.choice([1, 2, 4, 8]),
            "w": random.choice([8, 16, 32]),
            "rows": random.choice([[8, 16], [16, 32, 64], [8] * 40]),
            "norm": random.choice(["batch", "none", "layer"]),
        },
    }
    if random.random() < 0.3:
        tree["variants"] = {"small": {"g": 2}, "large": {"g": 4, "w": random.choice([64, 128])}}
    if random.random() < 0.6:
        tree["blocks"] = {
            "unit": {"params": {"out": None, "stride": 1}, "layers": _items(random, 1, "$out")}
        }
        tree["blocks"]["unit"]["layers"].append(
            {"conv": {"filters": "$out", "kernel": 3, "stride": "$stride", "groups": "$g"}}
        )
    tree["layers"] = _items(random, 2, "$w", blocks="blocks" in tree)
    if random.random() < 0.4:
        _as_graph(random, tree)
    if random.random() < 0.1:
        count = random.choice([1, 2, 4, "$g", "depthwise"])
        tree["groups"] = {random.choice(PATTERNS[:5]): count}
    if random.random() < 0.2:
        tree["budget"] = {"params": random.choice(["10k", "1M", "5.5M"]), "memory": "3MB"}
    return tree


def _as_graph(random: Random, tree: dict[str, Any]) -> None:
    """Lets some layers read named tensors, and gives the network more ends."""
    layers = tree["layers"]
    for number in range(len(layers)):
        item = layers[number]
        layers[number] = item = {item: None} if isinstance(item, str) else dict(item)
        item["name"] = f"t{number}"
    named = len(layers)
    for number in range(named, 1, -1):
        if random.random() < 0.5:
            named_one = f"t{random.randrange(number)}"
            near = random.choice([-1, -1, -1, -1, -2, f"t{number - 1}", named_one])
            reads = random.choice([[-1, near], [near, -1]])
            layers.insert(number, {random.choice(MERGES): None, "from": reads})
    if random.random() < 0.3:
        entering = tree.pop("input")
        tree["inputs"] = {"image": entering, "more": list(entering)}
        layers.insert(0, {random.choice(MERGES): None, "from": ["image", "more"]})
    if random.random() < 0.5:
        layers.append({"relu": None, "name": "end"})
        tree["outputs"] = ["end", f"t{named - 1}"][: random.choice([1, 2])]
    if random.random() < 0.3:
        body = [{"conv": {"filters": "$in", "kernel": 1}}, {"add": None, "from": [-1, "b"]}]
        tree["blocks"] = {**tree.get("blocks", {}), "fuse": {"inputs": ["a", "b"], "layers": body}}
        layers.insert(random.randrange(1, len(layers) + 1), {"fuse": None, "from": [-1, -1]})


def _items(random: Random, depth: int, width: str, *, blocks: bool = False) -> list[Item]:
    made = [_item(random, depth, width, blocks=blocks) for _ in range(random.randrange(1, 4))]
    if made and random.random() < 0.15:
        made.append(random.choice(made))
    return made


def _item(random: Random, depth: int, width: str, *, blocks: bool) -> Item:
    kind = random.random()
    if kind < 0.45:
        made: Item = {
            "conv": {
                "filters": random.choice([width, width, 16, 32, 64, f"{width} * 2"]),
                "kernel": random.choice([1, 3, 3, 5]),
                "groups": random.choice([1, 2, 4, 8, "$g", "$g", "depthwise"]),
            }
        }
        if made["conv"]["groups"] == "depthwise":
            made["conv"]["filters"] = "$in"
        if random.random() < 0.4:
            made["conv"] |= {"norm": deepcopy(random.choice(NORMS)), "activation": "relu"}
        if random.random() < 0.15:
            made["conv"] |= random.choice([{"dilation": 2}, {"bias": False}, {"padding": 1}])
    elif kind < 0.6:
        return random.choice(SIMPLE[:8])
    elif kind < 0.65:
        return random.choice(SIMPLE)
    elif kind < 0.75 and blocks:
        made = {"unit": {"out": random.choice([width, 32, 64]), "stride": 1}}
    elif kind < 0.87 and depth:
        made = {"residual": {"body": _items(random, depth - 1, width), "shortcut": "project"}}
    elif depth:
        branches: list[Any] = [
            _items(random, depth - 1, width) for _ in range(random.randrange(1, 4))
        ]
        if random.random() < 0.2:
            branches[0] = {"when": random.choice([True, "$g > 1"]), "layers": branches[0]}
        made = {"parallel": {"branches": branches, "merge": "concat"}}
    else:
        made = random.choice(
            [
                {"depthwise_conv": {"kernel": random.choice([3, 5])}},
                {"depthwise_conv": {"kernel": 3, "norm": random.choice(NORMS[:3])}},
                {"slice": {"start": 0, "count": "ceil($in / 2)"}},
                {"softmax": {"groups": 1}},
            ]
        )
    if random.random() < 0.2:
        made["repeat"] = random.choice([1, 2, 3, "$g"])
    elif random.random() < 0.1:
        made["each"] = {"n": random.choice(["$rows", [1, 2, 3]])}
        if "conv" in made:
            made["conv"]["filters"] = "$n"
            made["conv"]["groups"] = 1
    return made


# Changes


def _places(tree: Any, wanted: Callable[[Any], bool]) -> list[tuple[Any, Any]]:
    """Where in a tree such a value stands: what holds it, and its key or place there."""
    found, waiting, seen = [], [tree], set()
    while waiting:
        holder = waiting.pop()
        if id(holder) in seen:
            continue
        seen.add(id(holder))
        pairs = holder.items() if isinstance(holder, dict) else enumerate(holder)
        for key, value in pairs:
            if wanted(value):
                found.append((holder, key))
            if isinstance(value, dict | list):
                waiting.append(value)
    return found


def _is_number(value: Any) -> bool:
    return type(value) in (int, float) or (isinstance(value, str) and value.startswith("$"))


def another_number(random: Random, tree: Any) -> None:
    places = _places(tree, _is_number)
    if places:
        holder, key = random.choice(places)
        holder[key] = deepcopy(random.choice(NUMBERS))


def a_near_number(random: Random, tree: Any) -> None:
    places = _places(tree, lambda value: type(value) is int)
    if places:
        holder, key = random.choice(places)
        holder[key] = random.choice([holder[key] * 2, holder[key] * 8, max(1, holder[key] // 2)])


def repeated(random: Random, tree: Any) -> None:
    places = _places(tree, lambda value: isinstance(value, dict) and len(value) == 1)
    if places:
        holder, key = random.choice(places)
        if isinstance(holder, list):
            holder[key]["repeat"] = random.choice([2, 5, 50, 1000, "$g * 3", 10**7, 0])


def nested(random: Random, tree: Any) -> None:
    """Layers in layers in layers."""
    places = _places(tree, lambda value: isinstance(value, list) and value)
    places = [(h, k) for h, k in places if k in ("layers", "body")]
    if places:
        holder, key = random.choice(places)
        for _ in range(random.choice([1, 2, 5, 20, 60])):
            body = holder[key]
            holder[key] = random.choice(
                [
                    [{"residual": {"body": body, "shortcut": "project"}}],
                    [{"parallel": {"branches": [body, ["relu"]], "merge": "concat"}}],
                ]
            )


def the_same_again(random: Random, tree: Any) -> None:
    """Lists that double: every level has the one before twice, as aliases."""
    layers = tree.get("layers")
    if isinstance(layers, list):
        inner = layers[:2]
        for _ in range(random.choice([2, 4, 12, 25])):
            both = {"parallel": {"branches": [inner, inner], "merge": "add"}}
            inner = [both]
        tree["layers"] = inner


def moved(random: Random, tree: Any) -> None:
    lists = [h[k] for h, k in _places(tree, lambda v: isinstance(v, list) and len(v) > 1)]
    if lists:
        random.shuffle(random.choice(lists))


def without(random: Random, tree: Any) -> None:
    places = _places(tree, lambda _: True)
    if places:
        holder, key = random.choice(places)
        del holder[key]


def block_in_block(random: Random, tree: Any) -> None:
    """Blocks that use blocks, each twice."""
    count = random.choice([2, 5, 15, 40])
    blocks: dict[str, Any] = {"b0": {"layers": ["relu"]}}
    for number in range(1, count):
        blocks[f"b{number}"] = {"layers": [f"b{number - 1}", f"b{number - 1}"]}
    if random.random() < 0.1:
        blocks["b0"]["layers"] = [f"b{count - 1}"]
    tree["blocks"] = {**(tree.get("blocks") or {}), **blocks}
    if isinstance(tree.get("layers"), list):
        tree["layers"].append(f"b{random.randrange(count)}")


def variables(random: Random, tree: Any) -> None:
    """Variables made of variables."""
    names = ["g", "w", *(f"v{number}" for number in range(random.choice([2, 10, 50])))]
    made = dict(tree.get("vars") or {})
    for before, name in pairwise(names[1:]):
        made[name] = random.choice([f"${before}", f"${before} * 2", f"${before} + $g", 4])
    tree["vars"] = made


def wrong_reads(random: Random, tree: Any) -> None:
    """A `from` that reads itself, a later item, a name elsewhere, too far, or nothing."""
    items = [holder[key] for holder, key in _places(tree, lambda v: isinstance(v, dict))]
    if items:
        name = random.choice(["t0", "t1", "end", "image", "a", "b", "unit"])
        random.choice(items)["from"] = random.choice(
            [
                name,
                -1,
                -2,
                -9,
                -(10**30),
                0,
                [],
                [name] * 3,
                ["t1", -2],
                [-1] * 2000,
                {name: 1},
                None,
            ]
        )


def ends(random: Random, tree: Any) -> None:
    """Other inputs and outputs."""
    key = random.choice(["inputs", "outputs", "input"])
    tree[key] = random.choice(
        [
            ["t0"],
            ["t0", "t0"],
            [],
            {},
            {"image": [8, 8, 8]},
            [None, None, 8],
            [None],
            "t1",
            ["image"],
        ]
    )


def rows(random: Random, tree: Any) -> None:
    """Lists for `each` that are long, uneven, or no lists."""
    items = [holder[key] for holder, key in _places(tree, lambda v: isinstance(v, dict))]
    if items:
        lists: list[Any] = [
            list(range(1, 3_000)),
            "$rows",
            "$g",
            [],
            [1, [2]],
            ["$i", "$in"],
            10**9,
        ]
        random.choice(items)["each"] = {
            name: random.choice(lists) for name in random.choice([["n"], ["n", "m"], ["in"]])
        }


def patterns(random: Random, tree: Any) -> None:
    """Globs that match nothing, everything, or slowly."""
    slow = "*a" * random.choice([5, 30, 2000]) + "b"
    tree["groups"] = {
        random.choice([*PATTERNS, slow]): random.choice([1, 2, 3, 0, "$g", None, "x"])
    }


CHANGES = (
    *([another_number] * 2),
    *([a_near_number] * 12),
    *([variables] * 3),
    *(wrong_reads, wrong_reads, ends, rows, patterns),
    *([another_number] * 3),
    *([a_near_number] * 4),
    *(repeated, nested, the_same_again, moved, moved, without, block_in_block, variables),
)

COMMANDS = (
    *(("summary",), ("summary", "--depth", "1"), ("summary", "--top", "3"), ("summary", "--exact")),
    *(("summary", "-f", "json"), ("summary", "-f", "csv"), ("summary", "-f", "markdown")),
    *(("compare",), ("compare", "--groups", "1,2,4"), ("compare", "--groups", "all")),
    *(("check",), ("code",)),
)


def case(seed: int, number: int) -> Case:
    random = Random(f"specs/{seed}/{number}")
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(20_000)  # YAML is written recursively, and this nests deep
    try:
        text = spec(random)
    finally:
        sys.setrecursionlimit(before)
    return Case("spec", text.encode(), random.choice(COMMANDS))


def run(seed: int, number: int) -> tuple[Case, Outcome, list[str]]:
    """Runs a case; also says what is wrong with how it ended."""
    made = case(seed, number)
    name = made.args[0]
    if name == "code":
        outcome = _code(made)
        return made, outcome, faults(made._replace(args=("summary",)), outcome)
    outcome = run_inside(_given(made) if name == "check" else made)
    found = faults(made, outcome)
    if name == "check":  # its findings are its result, wrong specs among them
        found = [x for x in found if not x.startswith(("exit status 1", "a refusal"))]
    return made, outcome, found


def _code(made: Case) -> Outcome:
    """Writes the spec as Python code; `build` would have Keras run it, which takes seconds."""
    began, seconds = time.process_time(), 0.0
    gc.disable()  # as in the command line
    try:
        source = Source(made.file, made.data.decode())
        status, out, err = 0, python_code(SpecFile(source)), ""
        seconds = time.process_time() - began
        compile(out, "code", "exec")
    except GconvError as error:
        status, out, err = error.exit_status, "", f"{made.file}:1:1: error: {error}"
    except Exception as error:  # noqa: BLE001  (which is what is looked for)
        status, out, err = 3, "", f"unexpected {error!r}: a bug"
    finally:
        gc.enable()
    return Outcome(status, out, printable(err), seconds or time.process_time() - began)


def _given(made: Case) -> Case:
    """`hostile.write` gives the file's name to the commands that the other attack knows."""
    return made._replace(args=(*made.args, "--", made.file))
