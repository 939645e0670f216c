"""JSON as text is what Python's own encoder writes."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groupconv_cli.ops.base import Cost
from groupconv_cli.render.json_text import json_text

SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.tuples(inner)
        | st.dictionaries(st.text(max_size=3) | st.integers() | st.booleans(), inner, max_size=3)
    ),
    max_leaves=8,
)


@settings(max_examples=60, deadline=None)
@given(VALUES)
def test_it_is_what_python_writes(value: object) -> None:
    assert json_text(value) == json.dumps(value, indent=2)


def test_a_named_tuple_is_a_list() -> None:
    assert json_text({"a": Cost(1)}) == json.dumps({"a": Cost(1)}, indent=2)


def test_what_json_has_no_form_for_is_an_error() -> None:
    with pytest.raises(TypeError, match="set is not JSON serializable"):
        json_text({"a": {1}})
