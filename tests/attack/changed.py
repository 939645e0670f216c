"""Descriptions of models with values that are gone, others, or from elsewhere."""

from __future__ import annotations

import json
from collections.abc import Iterator
from copy import deepcopy
from random import Random
from typing import Any


def changed(random: Random, text: str | bytes) -> str:
    """A description with some values that are gone, others, or from elsewhere in it."""
    config = json.loads(text)
    for _ in range(random.choice([1, 1, 2, 5])):
        places = list(_places(config))
        if not places:
            break
        holder, key = random.choice(places)
        value = deepcopy(random.choice(VALUES))  # it may be changed too, or be put into itself
        if random.random() < 0.2:
            del holder[key]
        elif random.random() < 0.2:
            other, place = random.choice(places)
            try:
                holder[key] = json.loads(json.dumps(other[place]))
            except (LookupError, TypeError):
                continue
        else:
            holder[key] = value
    return json.dumps(config)


VALUES: tuple[Any, ...] = (
    *(None, True, 0, -1, 1, 2, 3, 7, 10**6, 10**9, 10**18, -(10**18), 0.5, 1e308, "", "x", "relu"),
    *([], [[]], [[[]]], {}, {"a": 1}, [None], [None, None], [0, 0, 0], ["x", 0, 0], "NaN", "\0"),
    *(
        "\x1b[31m",
        "Dense",
        "Lambda",
        "keras.layers",
        "os",
        "/etc/passwd",
        "../../x",
        "channels_first",
    ),
    {"class_name": "function", "config": "system", "module": "os", "registered_name": "system"},
    {"class_name": "__lambda__", "config": {"value": ["4wEAAAA=", None, None]}},
    {"class_name": "__keras_tensor__", "config": {"shape": [1], "keras_history": ["a", 0, 0]}},
    {"class_name": "__tensor__", "config": {"value": [1], "dtype": "float32"}},
    {"class_name": "__numpy__", "config": {"value": [1], "dtype": "float32"}},
    {"class_name": "__bytes__", "value": "x"},
    {"class_name": "Dense", "module": "keras.layers", "config": {"units": 10**9}},
    {"class_name": "Activation", "module": "keras.layers", "config": {"activation": "relu"}},
)


def _places(tree: Any) -> Iterator[tuple[Any, Any]]:
    waiting = [tree]
    while waiting:
        holder = waiting.pop()
        for key, value in list(holder.items() if isinstance(holder, dict) else enumerate(holder)):
            yield holder, key
            if isinstance(value, dict | list):
                waiting.append(value)
