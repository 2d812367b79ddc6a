import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph.keys import base_key, fresh, is_fresh, origin_keys, output_key, result_key
from graph.node import NodeSpec

SPEC = NodeSpec("Sampler")
plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
literals = st.dictionaries(st.text(min_size=1), plain, max_size=5)


@given(literals)
def test_the_order_of_literals_does_not_matter(values):
    assert base_key(SPEC, "a", values) == base_key(SPEC, "b", dict(reversed(values.items())))


@given(literals, literals)
def test_different_literals_have_different_keys(one, other):
    assert (base_key(SPEC, "a", one) == base_key(SPEC, "a", other)) == (repr_of(one) == repr_of(other))


def repr_of(values):
    if isinstance(values, dict):
        return sorted((key, repr_of(value)) for key, value in values.items())
    return [repr_of(value) for value in values] if isinstance(values, list) else repr(values)


@pytest.mark.parametrize(
    "other",
    [NodeSpec("Sampler", version=2), NodeSpec("Sampler2"), NodeSpec("Sampler", keyed_by_id=True)],
)
def test_type_version_and_where_asked_the_id_are_part_of_the_key(other):
    assert base_key(SPEC, "a", {"x": 1}) != base_key(other, "a", {"x": 1})


@pytest.mark.parametrize("mark", [float("nan"), [1, float("nan")], object()])
def test_a_fingerprint_that_is_like_nothing_gives_a_fresh_key(mark):
    assert is_fresh(base_key(SPEC, "a", {}, mark))
    assert base_key(SPEC, "a", {}, mark) != base_key(SPEC, "a", {}, mark)


def test_what_follows_a_fresh_key_is_fresh():
    assert is_fresh(result_key(base_key(SPEC, "a", {}), {"in": output_key(fresh(), "out")}))


def test_which_input_a_link_feeds_is_part_of_the_key():
    assert result_key("base", {"a": "x", "b": "y"}) != result_key("base", {"a": "y", "b": "x"})
    assert result_key("base", {"a": "x", "b": None}) != result_key("base", {"a": "x"})


def test_a_changed_node_changes_the_keys_of_all_that_follow_and_no_others():
    sources = {"a": {}, "b": {"in": ("a", "out")}, "c": {}}
    before = origin_keys("abc", sources, {"a": "1", "b": "2", "c": "3"})
    after = origin_keys("abc", sources, {"a": "9", "b": "2", "c": "3"})
    assert [node for node in "abc" if before[node] != after[node]] == ["a", "b"]


def test_keys_are_the_same_in_another_process():
    code = "from graph.keys import *; from graph.node import NodeSpec;"
    code += "print(result_key(base_key(NodeSpec('Sampler'), 'a', {'x': 1, 'y': ['z']}), {'in': 'k/out'}))"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert told.strip() == result_key(base_key(SPEC, "b", {"y": ["z"], "x": 1}), {"in": "k/out"})
