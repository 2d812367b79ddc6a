import time

import pytest

from graph.errors import WorkflowError
from graph.flatten import flatten
from graph.node import Input, NodeSpec, Output
from graph.workflow import Graph, Group, Link, NamedInput, NamedOutput, Node, Note, Workflow
from tests.graph.toy import graph_of, toys

SPECS = {name: toy.spec for name, toy in toys().items()} | {
    "Sampler": NodeSpec(
        "Sampler", (Input("model", "MODEL"), Input("latent", "LATENT")), (Output("LATENT", "LATENT"),)
    ),
    "Make": NodeSpec("Make", (), (Output("LATENT", "LATENT"), Output("MODEL", "MODEL"))),
    "Keep": NodeSpec("Keep", (Input("samples", "LATENT"),), terminal=True),
}


def plus_one(a=5, b=1, state="on"):
    """A subgraph that adds: its input `n` feeds `a`, its input `by` feeds `b`."""
    graph = graph_of({"add": ("Add", {"a": a, "b": b})})
    nodes = {"add": Node("Add", inputs={"a": a, "b": b}, state=state)}
    named = (NamedInput("n", (("add", "a"),), "INT"), NamedInput("by", (("add", "b"),), "INT"))
    return Graph(nodes, graph.links, inputs=named, outputs=(NamedOutput("out", ("add", "sum"), "INT"),))


def links_of(graph):
    return [(link.from_node, link.output, link.to_node, link.input) for link in graph.links]


def flat(nodes, **subgraphs):
    return flatten(Workflow(graph_of(nodes), subgraphs=subgraphs), SPECS)


def test_an_instance_becomes_its_inside_with_joined_names():
    graph = flat(
        {"x": ("Number", {}), "one": ("plus", {"n": ("x", "value")}), "y": ("Say", {"text": ("one", "out")})},
        plus=plus_one(),
    )
    assert list(graph.nodes) == ["x", "y", "one:add"]
    assert sorted(links_of(graph)) == [("one:add", "sum", "y", "text"), ("x", "value", "one:add", "a")]


def test_a_literal_of_an_instance_replaces_the_targets_own():
    graph = flat({"one": ("plus", {"n": 9})}, plus=plus_one())
    assert graph.nodes["one:add"].inputs == {"a": 9, "b": 1}


def test_an_instance_that_gives_nothing_leaves_the_targets_own():
    assert flat({"one": ("plus", {})}, plus=plus_one()).nodes["one:add"].inputs == {"a": 5, "b": 1}


def test_two_instances_keep_their_values_apart():
    graph = flat({"one": ("plus", {"n": 1}), "two": ("plus", {"n": ("one", "out")})}, plus=plus_one())
    assert links_of(graph) == [("one:add", "sum", "two:add", "a")]
    assert graph.nodes["one:add"].inputs["a"] == 1


def test_the_outermost_value_wins_through_nested_instances():
    outer = Graph(
        {"inner": Node("plus", inputs={"n": 2, "by": 3})},
        inputs=(NamedInput("m", (("inner", "n"),), "INT"),),
        outputs=(NamedOutput("result", ("inner", "out"), "INT"),),
    )
    graph = flat(
        {"top": ("outer", {"m": 7}), "say": ("Say", {"text": ("top", "result")})},
        plus=plus_one(),
        outer=outer,
    )
    assert graph.nodes["top:inner:add"].inputs == {"a": 7, "b": 3}
    assert links_of(graph) == [("top:inner:add", "sum", "say", "text")]


def test_nodes_that_are_off_are_gone_with_their_links():
    graph = graph_of({"x": ("Number", {}), "say": ("Say", {"text": ("x", "value")})})
    off = Graph({**graph.nodes, "x": Node("Number", state="off")}, graph.links)
    flattened = flatten(Workflow(off), SPECS)
    assert (list(flattened.nodes), flattened.links) == (["say"], ())


def test_an_instance_that_is_off_takes_its_inside_along():
    graph = Graph({"one": Node("plus", state="off")})
    assert not flatten(Workflow(graph, subgraphs={"plus": plus_one()}), SPECS).nodes


def skipping(kind, output, reader, inputs):
    graph = graph_of(
        {"make": ("Make", {}), "mid": (kind, inputs), "end": (reader, {"samples": ("mid", output)})}
    )
    nodes = {**graph.nodes, "mid": Node(kind, state="skipped")}
    return flatten(Workflow(Graph(nodes, graph.links)), SPECS)


def test_a_skipped_node_passes_on_the_input_of_the_type_that_is_wanted():
    wires = {"model": ("make", "MODEL"), "latent": ("make", "LATENT")}
    graph = skipping("Sampler", "LATENT", "Keep", wires)
    assert links_of(graph) == [("make", "LATENT", "end", "samples")]


def test_a_skipped_node_without_a_fitting_link_passes_on_nothing():
    assert links_of(skipping("Sampler", "LATENT", "Keep", {"model": ("make", "MODEL")})) == []


def test_a_skipped_node_of_an_unknown_type_passes_on_its_first_wired_input():
    graph = skipping(
        "FromAPack", "whatever", "Keep", {"zeta": ("make", "LATENT"), "alpha": ("make", "MODEL")}
    )
    assert links_of(graph) == [("make", "LATENT", "end", "samples")]


def test_a_skipped_node_of_an_unknown_type_passes_by_the_sockets_its_file_listed():
    wires = {"model": ("make", "MODEL"), "latent": ("make", "LATENT")}
    sockets = {
        "inputs": [{"name": "model", "type": "MODEL"}, {"name": "latent", "type": "LATENT"}, 5],
        "outputs": [{"name": "MODEL", "type": "MODEL"}, {"name": "LATENT", "type": "LATENT"}],
    }
    graph = graph_of(
        {"make": ("Make", {}), "mid": ("FromAPack", wires), "end": ("Keep", {"samples": ("mid", "LATENT")})}
    )
    nodes = {**graph.nodes, "mid": Node("FromAPack", state="skipped", extra={"sockets": sockets})}
    flattened = flatten(Workflow(Graph(nodes, graph.links)), SPECS)
    assert links_of(flattened) == [("make", "LATENT", "end", "samples")]


def test_a_node_that_is_called_like_one_inside_a_subgraph_is_told():
    with pytest.raises(WorkflowError, match="Two nodes are called 'one:add'"):
        flat({"one": ("plus", {}), "one:add": ("Number", {})}, plus=plus_one())


def test_a_skipped_instance_is_passed_by_the_types_of_its_named_inputs():
    graph = graph_of(
        {"x": ("Number", {}), "one": ("plus", {"n": ("x", "value")}), "add": ("Add", {"a": ("one", "out")})}
    )
    skipped = Graph({**graph.nodes, "one": Node("plus", state="skipped")}, graph.links)
    flattened = flatten(Workflow(skipped, subgraphs={"plus": plus_one()}), SPECS)
    assert links_of(flattened) == [("x", "value", "add", "a")]


def test_skipped_nodes_in_a_ring_are_refused():
    graph = graph_of(
        {
            "a": ("Same", {"text": ("b", "any")}),
            "b": ("Same", {"text": ("a", "any")}),
            "s": ("Say", {"text": ("a", "any")}),
        }
    )
    nodes = {**graph.nodes, "a": Node("Same", state="skipped"), "b": Node("Same", state="skipped")}
    with pytest.raises(WorkflowError, match="ring of skipped nodes"):
        flatten(Workflow(Graph(nodes, graph.links)), SPECS)


def test_subgraphs_that_hold_each_other_are_refused_by_title():
    first = Graph({"x": Node("second")}, title="First")
    second = Graph({"x": Node("first")}, title="Second")
    with pytest.raises(WorkflowError, match="'First' → 'Second' → 'First'"):
        flatten(Workflow(Graph(), subgraphs={"first": first, "second": second}), SPECS)


def test_a_link_to_a_node_that_does_not_exist_stays():
    graph = flat({"say": ("Say", {"text": ("gone", "value")})})
    assert links_of(graph) == [("gone", "value", "say", "text")]


def test_groups_and_notes_are_left_behind():
    graph = Graph({"x": Node("Number")}, groups=(Group("g", "G", (0, 0, 1, 1)),), notes=(Note("n", "text"),))
    flattened = flatten(Workflow(graph), SPECS)
    assert (flattened.groups, flattened.notes) == ((), ())


def nested(depth):
    """Subgraphs inside each other, the last one adding; each passes its input and output on."""
    layers = {"s0": plus_one()}
    for level in range(1, depth):
        below = f"s{level - 1}"
        layers[f"s{level}"] = Graph(
            {"i": Node(below)},
            inputs=(NamedInput("n", (("i", "n"),), "INT"),),
            outputs=(NamedOutput("out", ("i", "out"), "INT"),),
        )
    return layers


def test_subgraphs_10_000_deep_are_written_out():
    graph = graph_of(
        {
            "x": ("Number", {}),
            "top": ("s9998", {"n": ("x", "value")}),
            "say": ("Say", {"text": ("top", "out")}),
        }
    )
    flattened = flatten(Workflow(graph, subgraphs=nested(9_999)), SPECS)
    inner = "top:" + "i:" * 9_998 + "add"
    assert sorted(links_of(flattened)) == sorted([("x", "value", inner, "a"), (inner, "sum", "say", "text")])


def test_subgraphs_that_double_at_each_level_are_refused_before_they_fill_the_memory():
    layers = {"s0": plus_one()} | {
        f"s{n}": Graph({"l": Node(f"s{n - 1}"), "r": Node(f"s{n - 1}")}) for n in range(1, 64)
    }
    with pytest.raises(WorkflowError, match="more than 10,000"):
        flatten(Workflow(Graph({"top": Node("s63")}), subgraphs=layers), SPECS)


def test_a_long_row_of_skipped_nodes_with_many_readers_takes_linear_time():
    nodes = {"n0": Node("Number")} | {f"n{i}": Node("Same", state="skipped") for i in range(1, 4_000)}
    links = [Link(f"n{i - 1}", "any" if i > 1 else "value", f"n{i}", "text") for i in range(1, 4_000)]
    nodes |= {f"s{i}": Node("Say") for i in range(1, 4_000)}
    links += [Link(f"n{i}", "any", f"s{i}", "text") for i in range(1, 4_000)]
    began = time.thread_time()
    flattened = flatten(Workflow(Graph(nodes, tuple(links))), SPECS)
    assert time.thread_time() - began < 2
    assert {link.from_node for link in flattened.links} == {"n0"}
