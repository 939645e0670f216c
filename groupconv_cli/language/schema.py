"""The JSON Schema of the spec language, made from the registered layers.

It is of draft 7, which editors' YAML servers support best. A schema cannot relate the names under
`blocks:` to their uses. So there are two sets of definitions: a spec without blocks may use only
known layers, and a spec with blocks may use other names too.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import combinations
from typing import Any

from groupconv_cli.language.expressions import BARE_NAME
from groupconv_cli.language.items import BESIDE_KEYS, NAME, VARIABLE
from groupconv_cli.language.validate import MAX_ENDS, MAX_NAME_LENGTH
from groupconv_cli.language.values import NESTING
from groupconv_cli.ops import LAYERS, OPS, Op, Registered
from groupconv_cli.ops.kinds import EXPRESSION, Groups, Layers
from groupconv_cli.policy.amounts import UNITS
from groupconv_cli.policy.rules import Severity, rule_names
from groupconv_cli.policy.totals import BUDGETED, METRICS

Schema = dict[str, Any]

FILE_NAME = "gconv.schema.json"

SOME_TEXT = r"\S"

BLOCK_NAME = f"^(?!({'|'.join(dict.fromkeys([*LAYERS, *OPS, *BESIDE_KEYS]))})$){NAME.pattern}$"
"""The pattern of names of blocks: names that nothing else has."""


def schema() -> Schema:
    """The schema of a spec file."""
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "gconv spec",
        "description": "A convolutional network for gconv.",
        "type": "object",
        "required": ["layers"],
        "oneOf": [{"required": ["input"]}, {"required": ["inputs"]}],
        "additionalProperties": False,
        "properties": {
            "name": {
                "description": "The name of the network.",
                "type": ["string", "number", "boolean", "null"],
                "pattern": SOME_TEXT,
                "maxLength": MAX_NAME_LENGTH,
            },
            "input": {
                "description": "One to three spatial sizes, or null, then channels.",
                **_sizes(),
            },
            "inputs": {
                "description": "The sizes of each input, by its name, in place of input.",
                "type": "object",
                "minProperties": 1,
                "maxProperties": MAX_ENDS,
                "propertyNames": {"pattern": f"^{NAME.pattern}$"},
                "additionalProperties": _sizes(),
            },
            "outputs": {
                "description": "The names of the items whose outputs are the network's.",
                **_names("null"),
            },
            "vars": {
                "description": "Variables and their values: `$name` stands for a value.",
                **_variables(),
            },
            "variants": {
                "description": "Named sets of variables; --variant picks one.",
                **_mapping_of(_variables(), {"pattern": SOME_TEXT}),
            },
            "blocks": {
                "description": "Layers with parameters, to be used like a layer.",
                **_mapping_of({"$ref": "#/definitions/block"}, {"pattern": BLOCK_NAME}),
            },
            "layers": {
                "description": "The network, layer by layer.",
                "type": "array",
                "minItems": 1,
            },
            "groups": {
                "description": "Group counts by patterns of full layer names; the last one wins.",
                "type": ["object", "null"],
                "additionalProperties": Groups().schema(),
            },
            "budget": {
                "description": "Limits to the costs of the network, which gconv check checks.",
                "type": ["object", "null"],
                "additionalProperties": False,
                "properties": {key: _limit(key) for key in BUDGETED},
            },
            "rules": {
                "description": "The levels of rules of gconv check.",
                "type": ["object", "null"],
                "additionalProperties": False,
                "properties": {
                    code: {"description": rule.title, "enum": list(map(str, Severity))}
                    for code, rule in rule_names().items()
                },
            },
        },
        # A file with blocks may use their names as layers.
        "if": {"required": ["blocks"]},
        "then": {"properties": {"layers": {"$ref": "#/definitions/open.layers"}}},
        "else": {"properties": {"layers": {"$ref": "#/definitions/closed.layers"}}},
        "definitions": {
            "block": {
                "type": "object",
                "required": ["layers"],
                "additionalProperties": False,
                "properties": {
                    "params": {
                        "description": "Parameters with their defaults; empty is required.",
                        **_variables(),
                    },
                    "inputs": {
                        "description": "Names of the tensors that it reads, if several.",
                        **_names("null"),
                    },
                    "layers": {"$ref": "#/definitions/open.layers"},
                },
            },
            **_list_definitions("closed", with_blocks=False),
            **_list_definitions("open", with_blocks=True),
            **{name: _arguments(LAYERS[name]) for name in LAYERS if not _is_nested(name)},
        },
    }


def _sizes() -> Schema:
    return _one_of(
        {
            "type": "array",
            "minItems": 2,
            "maxItems": 4,
            "items": _one_of({"type": "integer", "minimum": 1}, {"type": "null"}, EXPRESSION),
        },
        {"type": "string", "pattern": f"^{BARE_NAME.pattern}$"},
    )


def _names(*others: str) -> Schema:
    """A list of different names."""
    return {
        "type": ["array", *others],
        "minItems": 1,
        "maxItems": MAX_ENDS,
        "uniqueItems": True,
        "items": {"type": "string", "pattern": f"^{NAME.pattern}$"},
    }


def _limit(key: str) -> Schema:
    metric = METRICS[key]
    units = [unit for unit in UNITS[metric.kind] if unit]
    amount: Schema = {
        "type": "string",
        "pattern": rf"^[0-9]+(\.[0-9]+)? ?({'|'.join(units)})?$",
    }
    return {
        "description": f"The most {metric.title}, such as {metric.example}.",
        **_one_of({"type": "number", "minimum": 0}, amount, {"type": "null"}, EXPRESSION),
    }


def _one_of(*schemas: Schema) -> Schema:
    return {"anyOf": list(schemas)}


def _value() -> Schema:
    value: Schema = {"type": ["string", "number", "boolean", "null"]}
    for _ in range(NESTING):
        value = _one_of({"type": ["string", "number", "boolean", "null"]}, _list_of(value))
    return value


def _list_of(values: Schema) -> Schema:
    return {"type": "array", "items": values}


def _variables() -> Schema:
    """A mapping of names to values."""
    return _mapping_of(_value(), {"pattern": f"^(?!in$){VARIABLE.pattern}$"})


def _mapping_of(values: Schema, names: Schema) -> Schema:
    return {
        "type": ["object", "null"],
        "propertyNames": names,
        "additionalProperties": values,
    }


def _is_nested(name: str) -> bool:
    """Whether some argument of a layer is a list of layers."""
    return any(isinstance(declared.kind, Layers) for declared in LAYERS[name].args.values())


def _list_definitions(prefix: str, *, with_blocks: bool) -> dict[str, Schema]:
    """The definitions of a list of layers, of an item, and of layers that contain lists."""
    read = _one_of(
        {"type": "string", "pattern": f"^{NAME.pattern}$"}, {"type": "integer", "maximum": -1}
    )
    beside: dict[str, Schema] = {
        "name": {
            "description": "The name of the layer.",
            "type": "string",
            "pattern": f"^{NAME.pattern}$",
        },
        "from": {
            "description": "What it reads: names of items, or distances such as -2.",
            **_one_of(read, {"type": "array", "minItems": 1, "items": read}),
        },
        "repeat": {
            "description": "How many times the item is repeated.",
            **_one_of({"type": "integer", "minimum": 0}, EXPRESSION),
        },
        "each": {
            "description": "Lists of values; the item is repeated once for each row of them.",
            "type": "object",
            "minProperties": 1,
            "propertyNames": {"pattern": f"^(?!in?$){VARIABLE.pattern}$"},
            "additionalProperties": _one_of(
                _list_of(_value()),
                EXPRESSION,
            ),
        },
        "when": {
            "description": "Whether the item is used.",
            **_one_of({"type": "boolean"}, EXPRESSION),
        },
    }
    item: Schema = {
        "type": "object",
        "properties": {
            **beside,
            **{
                name: {"$ref": f"#/definitions/{f'{prefix}.' if _is_nested(name) else ''}{name}"}
                for name in LAYERS
            },
        },
        "additionalProperties": False,
        "dependencies": {name: ["from"] for name, one in LAYERS.items() if _merges(one)},
        "oneOf": [
            _exactly_one_layer(present, beside)
            for present in _subsets(list(beside))
            if not {"repeat", "each"} <= set(present)
        ],
    }
    bare: Schema = {
        "enum": [name for name, one in LAYERS.items() if not _required(one) and not _merges(one)]
    }
    if with_blocks:
        item["patternProperties"] = {BLOCK_NAME: _variables()}
        bare = _one_of(bare, {"type": "string", "pattern": BLOCK_NAME})
    return {
        f"{prefix}.layers": {
            "type": ["array", "null"],
            "items": {"$ref": f"#/definitions/{prefix}.item"},
        },
        f"{prefix}.item": _one_of(bare, item),
        **{
            f"{prefix}.{name}": _prefixed(_arguments(registered), prefix)
            for name, registered in LAYERS.items()
            if _is_nested(name)
        },
    }


def _exactly_one_layer(present: list[str], beside: Iterable[str]) -> Schema:
    """An item with these keys and exactly one more key, its layer."""
    absent = [key for key in beside if key not in present]
    return {
        "required": present,
        "not": _one_of(*({"required": [key]} for key in absent)) if absent else {"not": {}},
        "minProperties": len(present) + 1,
        "maxProperties": len(present) + 1,
    }


def _subsets(keys: list[str]) -> list[list[str]]:
    return [list(chosen) for size in range(len(keys) + 1) for chosen in combinations(keys, size)]


def _merges(registered: Registered) -> bool:
    return issubclass(registered.cls, Op) and registered.cls.merges


def _required(registered: Registered) -> list[str]:
    return [key for key, declared in registered.args.items() if declared.required]


def _arguments(registered: Registered) -> Schema:
    required = _required(registered)
    properties = {}
    for key, declared in registered.args.items():
        value = declared.kind.schema()
        if not declared.required and not isinstance(declared.kind, Layers):
            value = _one_of(value, {"type": "null"})
        unless = f" (unless given: {declared.otherwise})" if declared.otherwise else ""
        properties[key] = {"description": declared.doc + unless, **value}
    described = (registered.cls.__doc__ or "").partition("\n")[0]
    return {
        "description": described,
        "type": "object" if required else ["object", "null"],
        "required": required,
        "additionalProperties": False,
        "properties": properties,
    }


def _prefixed(value: Any, prefix: str) -> Any:
    """The schema, with references to lists of layers in this set of definitions."""
    if isinstance(value, dict):
        if value.get("$ref") == "#/definitions/layers":
            return {"$ref": f"#/definitions/{prefix}.layers"}
        return {key: _prefixed(inner, prefix) for key, inner in value.items()}
    return [_prefixed(inner, prefix) for inner in value] if isinstance(value, list) else value
