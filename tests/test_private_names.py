"""Names that Keras and TensorFlow do not publish stand in one file."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import NamedTuple

import pytest
from package_code import PACKAGE, trees

HOME = "keras_internals.py"
HOME_IN_TENSORFLOW = "benchmark/machine.py"
WRITES_CODE = "codegen/file.py"
"""Code that gconv writes names operations too, and imports nothing of gconv's."""

OF_NAMED_TUPLES = {"_asdict", "_fields", "_make", "_replace"}


class Use(NamedTuple):
    """A private name of another package in one of our files."""

    file: str
    name: str


def private_uses(file: str, tree: ast.Module) -> set[Use]:
    """Imports of Keras' and TensorFlow's private modules, and private attributes of others."""
    nodes = list(ast.walk(tree))
    return {Use(file, name) for name in {*_imported(nodes), *_attributes(nodes), *_texts(nodes)}}


def _imported(nodes: list[ast.AST]) -> Iterator[str]:
    for node in nodes:
        names = []
        if isinstance(node, ast.Import):
            names = [each.name for each in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [f"{node.module}.{each.name}" for each in node.names]
        for name in names:
            if f"{name}.".startswith(("keras.src.", "tensorflow.python.", "tf_keras.")):
                yield name


def _attributes(nodes: list[ast.AST]) -> Iterator[str]:
    """Private attributes that no class or function of the file itself defines."""
    own = {node.name for node in nodes if isinstance(node, ast.FunctionDef)}
    own |= {node.id for node in nodes if isinstance(node, ast.Name)}
    own |= {
        node.attr
        for node in nodes
        if isinstance(node, ast.Attribute)
        and isinstance(node.ctx, ast.Store)
        and isinstance(node.value, ast.Name)
        and node.value.id == "self"
    }
    for node in nodes:
        name = ""
        if isinstance(node, ast.Attribute):
            name = node.attr
        elif (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id in ("getattr", "setattr", "hasattr", "delattr")
            and isinstance(node.args[1], ast.Constant)
        ):
            name = node.args[1].value
        is_private = name.startswith("_") and not name.startswith("__")
        if is_private and name not in own | OF_NAMED_TUPLES:
            yield name


def _texts(nodes: list[ast.AST]) -> Iterator[str]:
    """Names in texts that are code, or are looked up by it."""
    for node in nodes:
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            for name in ("keras.src", "_keras_history"):
                if name in node.value:
                    yield name


def test_private_names_stand_in_one_file() -> None:
    elsewhere: set[Use] = set()
    for path, tree in trees().items():
        file = path.relative_to(PACKAGE).as_posix()
        elsewhere |= private_uses(file, tree) if file != HOME else set()
    assert elsewhere == {
        Use(WRITES_CODE, "_keras_history"),
        Use(HOME_IN_TENSORFLOW, "tensorflow.python.util._pywrap_util_port"),
    }


@pytest.mark.parametrize(
    ("planted", "found"),
    [
        ("from keras.src.models import functional", "keras.src.models.functional"),
        ("def late():\n    import keras.src.ops", "keras.src.ops"),
        ("def of(tensor):\n    return tensor._keras_history", "_keras_history"),
        ("def of(model):\n    return getattr(model, '_functional', None)", "_functional"),
        ("class Own(Conv1D):\n    def call(self, x):\n        self._pad(x)", "_pad"),
    ],
)
def test_a_private_name_elsewhere_is_found(planted: str, found: str) -> None:
    assert private_uses("ops.py", ast.parse(planted)) == {Use("ops.py", found)}
