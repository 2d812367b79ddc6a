"""Files with anything at all in any place: read so that they can be saved, or refused in a sentence."""

import copy

from hypothesis import given, settings
from hypothesis import strategies as st

from graph import document
from graph.defaults import with_defaults
from graph.errors import WorkflowError
from graph.flatten import flatten
from graph.formats import read
from graph.validate import problems
from tests.graph.formats.conftest import SPECS
from tests.graph.formats.test_comfy_ui import node, page, with_subgraph
from tests.graph.formats.test_group_nodes import file as with_group_node

KNOWN = {spec.type: spec for spec in SPECS}
DRAWN = {"title": "T", "color": "#222", "bgcolor": "#333", "flags": {"pinned": True}, "size": [1, 2]}
WIRED = page(
    node(7, "PrimitiveNode", (99, "increment"), **DRAWN),
    node(8, "Reroute", (), {"": 2}),
    node(1, "KSampler", (5, "fixed", 20, 7.5, "ddim"), {"seed": 1, "latent_image": 4}, **DRAWN),
    node(2, "VAEDecode", (), {"samples": 3}),
    node(3, "SaveImage", ("a",), {"images": 5}, mode=4),
    node(4, "Mystery", (1, 2), {"a": 3}, mode=4, outputs=[{"name": "o", "type": "LATENT", "links": [4]}]),
    node(5, "Note", ("x",), **DRAWN),
    node(6, "SetNode", ("l",), {"x": 3}),
    node(9, "GetNode", ("l",)),
    links=((1, 7, 0, 1, 0, "INT"), (2, 1, 0, 8, 0, "*"), (3, 8, 0, 2, 0, "*"), (4, 4, 0, 1, 0, "*")),
    groups=[{"id": 1, "title": "G", "bounding": [1, 2, 3, 4], "color": "#111"}],
    extra={"ds": {}},
)
FLAT = {
    "1": {"class_type": "KSampler", "inputs": {"seed": 1, "model": ["2", 0]}, "_meta": {"title": "t"}},
    "2": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": {"__value__": ["a"]}}},
}
INSTANCE = with_subgraph(values=("a",), properties={"proxyWidgets": [["-1", "prefix"], ["2", "x"]]})
FILES = (WIRED, FLAT, INSTANCE, with_group_node())
ODD = [None, 0, -1, 1.5, True, "", "x", "é" * 101, [], {}, [None], [1, 2], {"0": 1, "1": 2}, 10**30]


def places(data, above=()):
    """The way to every value in a file."""
    inside = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for key, value in inside:
        yield (*above, key)
        yield from places(value, (*above, key))


@st.composite
def damaged(draw):
    data = copy.deepcopy(draw(st.sampled_from(FILES)))
    for _ in range(draw(st.integers(1, 3))):
        *above, last = draw(st.sampled_from([*places(data)]))
        holder = data
        for key in above:
            holder = holder[key]
        holder[last] = copy.deepcopy(draw(st.sampled_from(ODD)))
    return data


@settings(max_examples=100, deadline=None)
@given(damaged())
def test_a_file_with_anything_anywhere_is_read_and_can_be_saved_or_is_refused_in_a_sentence(data):
    try:
        text = document.write(read(data, KNOWN).workflow)
    except WorkflowError as refused:
        assert refused.message.endswith(".")
        return
    again = document.read(text)
    assert document.write(again) == text
    try:
        flat = flatten(again, KNOWN)
    except WorkflowError:
        return
    assert all(problem.message for problem in problems(with_defaults(flat, KNOWN), KNOWN))
