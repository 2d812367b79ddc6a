"""The workflow on disk: what is written, what is read, and what is refused."""

import json
import time
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graph.document import from_json, read, schema, to_json, write
from graph.errors import UnreadableWorkflow
from graph.workflow import Graph, Group, Link, NamedInput, NamedOutput, Node, Note, Workflow

TEXT = """{
  "format": 1,
  "id": "d1",
  "title": "First",
  "nodes": {
    "loader": {
      "type": "CheckpointLoaderSimple",
      "inputs": {
        "ckpt_name": "photogram.safetensors"
      },
      "size": [280, 98]
    },
    "sampler": {
      "type": "KSampler",
      "version": 2,
      "inputs": {
        "model": {"link": ["loader", "MODEL"]},
        "cfg": {"link": ["number", "FLOAT"], "value": 8.0, "extra": {"color": "red"}},
        "steps": 20,
        "table": {"value": {"a": 1}}
      },
      "position": [320, 0.5],
      "state": "skipped",
      "seeds": {"seed": "random"}
    }
  },
  "groups": [
    {"id": "g", "title": "All", "bounds": [0, 0, 10, 10]}
  ],
  "inputs": [
    {"name": "prompt", "targets": [["positive", "text"]]}
  ],
  "outputs": [
    {"name": "image", "source": ["decode", "IMAGE"]}
  ]
}
"""

ids = st.sampled_from(
    ("a", "é", "a:b", "1", "01", "__proto__", "constructor", "link", "value", '"', "x" * 200)
)
texts = st.sampled_from(("", "Two\nlines", "\u2028", "😀")) | st.text(
    st.characters(codec="utf-8"), max_size=4
)
numbers = st.floats(allow_nan=False, allow_infinity=False)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**80), 2**80) | numbers | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(ids, inner, max_size=3),
    max_leaves=6,
)
extras = st.dictionaries(ids, values, max_size=2)
points = st.tuples(numbers, numbers)
pairs = st.tuples(ids, ids)
nodes = st.builds(
    Node,
    ids,
    texts,
    st.integers(0, 9),
    st.none() | texts,
    st.dictionaries(ids, values, max_size=4),
    points,
    st.none() | points,
    st.sampled_from(("on", "skipped", "off")),
    st.none() | texts,
    st.booleans(),
    st.booleans(),
    st.dictionaries(ids, st.sampled_from(("fixed", "random", "increment", "decrement")), max_size=2),
    extras,
)


@st.composite
def graphs(draw: st.DrawFn, extra: bool = True) -> Graph:
    """A graph whose links stand in the order of the nodes they lead to, as they do on disk."""
    made = draw(st.dictionaries(ids, nodes, max_size=4))
    links = [
        Link(*draw(pairs), node, name, draw(extras))
        for node in made
        for name in draw(st.lists(ids, max_size=3, unique=True))
    ]
    return Graph(
        made,
        tuple(links),
        tuple(
            draw(
                st.lists(
                    st.builds(Group, ids, texts, st.tuples(*[numbers] * 4), st.none() | texts, extras),
                    max_size=2,
                )
            )
        ),
        tuple(
            draw(st.lists(st.builds(Note, ids, texts, points, points, st.none() | texts, extras), max_size=2))
        ),
        tuple(
            draw(
                st.lists(
                    st.builds(
                        NamedInput,
                        ids,
                        st.lists(pairs, max_size=2).map(tuple),
                        ids,
                        st.none() | texts,
                        extras,
                    ),
                    max_size=2,
                )
            )
        ),
        tuple(draw(st.lists(st.builds(NamedOutput, ids, pairs, ids, st.none() | texts, extras), max_size=2))),
        draw(texts),
        draw(extras) if extra else {},
    )


VALIDATOR = jsonschema.Draft202012Validator(schema())
workflows = st.builds(
    Workflow, graphs(extra=False), texts, st.dictionaries(ids, graphs(), max_size=2), extras
)


def refusal(text: str | bytes) -> UnreadableWorkflow:
    with pytest.raises(UnreadableWorkflow) as refused:
        read(text)
    return refused.value


def document(**nodes: Any) -> str:
    return json.dumps({"format": 1, "nodes": nodes})


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(workflows)
def test_what_is_written_reads_as_the_same_workflow(workflow: Workflow):
    assert read(write(workflow)) == workflow


@pytest.mark.slow
@settings(max_examples=30, deadline=None)
@given(workflows)
def test_what_is_written_fits_the_schema(workflow: Workflow):
    assert list(VALIDATOR.iter_errors(to_json(workflow))) == []


@pytest.mark.parametrize(
    "node", [{}, {"type": 1}, {"type": "X", "inptus": {}}, {"type": "X", "inputs": {"x": {}}}]
)
def test_the_schema_refuses_what_reading_refuses(node: dict[str, Any]):
    assert not VALIDATOR.is_valid({"format": 1, "nodes": {"a": node}})


def test_the_text_has_a_block_for_each_node_and_no_defaults():
    assert write(read(TEXT)) == TEXT


def test_links_are_a_list_in_memory():
    links = read(TEXT).graph.links
    assert links == (
        Link("loader", "MODEL", "sampler", "model"),
        Link("number", "FLOAT", "sampler", "cfg", {"color": "red"}),
    )


def test_a_value_that_is_an_object_is_wrapped():
    assert read(TEXT).graph.nodes["sampler"].inputs["table"] == {"a": 1}


def test_a_linked_input_keeps_the_value_its_widget_had():
    assert read(TEXT).graph.nodes["sampler"].inputs["cfg"] == 8.0


@pytest.mark.parametrize("number", [2**53 + 1, 2**64 - 1, 2**64, -(2**70), 10**300])
def test_whole_numbers_of_any_size_survive(number: int):
    workflow = read(document(a={"type": "X", "inputs": {"seed": number}}))
    assert read(write(workflow)).graph.nodes["a"].inputs["seed"] == number


def test_a_link_to_a_node_that_is_not_there_can_be_read():
    assert read(document(a={"type": "X", "inputs": {"x": {"link": ["gone", "Y"]}}})).graph.links


def test_keys_that_mean_something_elsewhere_are_plain_data():
    workflow = read(document(__proto__={"type": "constructor", "inputs": {"toString": 1}}))
    assert workflow.graph.nodes["__proto__"].inputs == {"toString": 1}


def test_a_byte_order_mark_is_passed_over():
    assert read(b"\xef\xbb\xbf" + TEXT.encode()) == read(TEXT)


REFUSED = [
    ("", "The file is empty."),
    ('{"format": 1,\n "nodes": }', "on line 2, column 11"),
    ("[]", "A workflow is a JSON object, but this is a list."),
    ('{"nodes": []}', "This is not a Photogram workflow: it has no `format` number."),
    ('{"format": 2}', "saved by a newer version (format 2; this program reads 1)"),
    ('{"format": "1"}', '`format` should be 1, but is "1".'),
    ('{"format": true}', "`format` should be 1, but is true."),
    ('{"format": 1, "nodes": []}', "`nodes` of the document should be an object, but is a list."),
    ('{"format": 1, "groups": {}}', "`groups` of the document should be a list, but is an object."),
    ('{"format": 1, "groups": [{"id": "g"}]}', "`groups[0]` of the document cannot be read: Object missing"),
    ('{"format": 1, "title": 1}', "The `title` of the document should be a text, but is a number."),
    ('{"format": 1, "id": null}', "The document's `id` should be a text, but is null."),
    ('{"format": 1, "noodles": {}}', "The document has 'noodles', which this program does not know."),
    ('{"format": 1, "nodes": {"": {"type": "X"}}}', "should have 1 to 200 bytes"),
    ('{"format": 1, "subgraphs": {"s": {"format": 1}}}', "Subgraph 's' has 'format'"),
    ('{"format": 1, "format": 1}', 'The key "format" stands twice in one object.'),
    (document(a={}), "Node 'a' cannot be read: Object missing required field `type`."),
    (document(a={"type": 1}), "`type` of node 'a' cannot be read: Expected `str`, got `int`."),
    (document(a={"type": "X", "state": "of"}), "Invalid enum value 'of'"),
    (document(a={"type": "X", "position": [1]}), "`position` of node 'a' cannot be read"),
    (document(a={"type": "X", "inputs": {"x": {"link": ["b", 0]}}}), "The link of input 'x' of node 'a'"),
    (document(a={"type": "X", "inputs": {"x": {"a": 1}}}), "Input 'x' of node 'a' is an object with 'a'."),
    (document(a={"type": "X", "inputs": {"x": {}}}), "Input 'x' of node 'a' is an empty object."),
    (document(a={"type": "X", "inputs": {"x": {"value": 1, "extra": {}}}}), "is an object with 'extra'."),
]  # fmt: skip


@pytest.mark.parametrize(("text", "sentence"), REFUSED)
def test_what_is_no_workflow_is_refused_in_a_sentence(text: str, sentence: str):
    assert sentence in refusal(text).message


def test_the_line_of_a_faulty_node_is_told():
    refused = refusal(TEXT.replace('"version": 2', '"version": "2"'))
    assert refused.message.endswith("(line 13)") and refused.node == "sampler"


def test_a_misspelt_key_gets_the_nearest_one():
    assert refusal(document(a={"type": "X", "inptus": {}})).hint == "Did you mean 'inputs'?"


def test_too_many_nodes_are_refused():
    assert "10,001 nodes" in refusal(document(**{str(i): {"type": "X"} for i in range(10_001)})).message


@pytest.mark.slow
def test_too_many_links_are_refused():
    many = {str(i): {"link": ["b", "Y"]} for i in range(50_001)}
    assert "50,001 links" in refusal(document(a={"type": "X", "inputs": many})).message


def test_nodes_of_subgraphs_count():
    graph = {"nodes": {str(i): {"type": "X"} for i in range(5_001)}}
    text = json.dumps({"format": 1, "subgraphs": {"a": graph, "b": graph}})
    assert "10,002 nodes" in refusal(text).message


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=60) | values.map(lambda value: json.dumps(value).encode()))
def test_anything_else_is_refused_and_nothing_else_is_raised(data: bytes):
    assert refusal(data).message


@settings(max_examples=300, deadline=None)
@given(
    st.integers(0, len(TEXT) - 1), st.integers(0, 8), st.sampled_from(("", "0", '"', "{", "]", ",", "null"))
)
def test_a_damaged_document_is_read_or_refused(start: int, length: int, instead: str):
    try:
        assert isinstance(read(TEXT[:start] + instead + TEXT[start + length :]), Workflow)
    except UnreadableWorkflow as refused:
        assert refused.message


@settings(max_examples=200, deadline=None)
@given(values)
def test_decoded_data_of_any_kind_is_refused_in_a_sentence(value: Any):
    with pytest.raises(UnreadableWorkflow):
        from_json({"format": 1, "nodes": {"a": {"type": value, "position": value}}, "noodles": value})


@pytest.mark.slow
def test_ten_thousand_nodes_are_read_and_written_within_seconds():
    text = document(
        **{str(i): {"type": "X", "inputs": {"x": {"link": [str(i - 1), "Y"]}}} for i in range(10_000)}
    )
    start = time.thread_time()
    write(read(text))
    assert time.thread_time() - start < 3
