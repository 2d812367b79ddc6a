"""Laws that hold for any graph: of flattening, planning, keys, mapping and running together."""

import asyncio
from itertools import zip_longest

from hypothesis import given, settings
from hypothesis import strategies as st

from graph.flatten import flatten
from graph.keys import base_key, origin_keys
from graph.plan import plan
from graph.workflow import Graph, Link, Node, Workflow
from tests.graph.toy import Bench, graph_of, toys, wired

few = settings(max_examples=60, deadline=None)
KINDS = ("Add", "Add", "SlowAdd", "Switch", "SlowSwitch", "Loop")
PORTS = {
    "Number": "value",
    "Add": "sum",
    "SlowAdd": "sum",
    "Switch": "any",
    "SlowSwitch": "any",
    "Loop": "value",
}
WIRED = {"Add": "ab", "SlowAdd": "ab", "Loop": "a"}


@st.composite
def graphs(draw, kinds=KINDS):
    """Any acyclic graph of numbers, sums, switches and small loops."""
    nodes = {"n0": ("Number", {"value": draw(st.integers(0, 9))})}
    for index in range(1, draw(st.integers(2, 12))):
        kind = draw(st.sampled_from(("Number", *kinds)))
        inputs = {
            name: draw(ports(nodes)) for name in WIRED.get(kind, ("yes", "no") if "Switch" in kind else ())
        }
        extra = {"Number": "value", "Loop": "times", "Switch": "on", "SlowSwitch": "on"}.get(kind)
        if extra:
            inputs[extra] = draw(st.booleans() if extra == "on" else st.integers(0, 3))
        nodes[f"n{index}"] = (kind, inputs)
    return graph_of(nodes)


def ports(nodes):
    return st.sampled_from([(node, PORTS[kind]) for node, (kind, _) in nodes.items()])


def outcome(bench, graph, targets):
    return asyncio.run(bench.run(graph, *targets))


def shuffled(graph, order):
    nodes = sorted(graph.nodes, key=lambda node: order[int(node[1:]) % len(order)])
    return Graph({node: graph.nodes[node] for node in nodes}, tuple(reversed(graph.links)))


def renamed(graph):
    def new(node):
        return f"renamed {node}"

    links = tuple(
        Link(new(link.from_node), link.output, new(link.to_node), link.input) for link in graph.links
    )
    return Graph({new(node): each for node, each in graph.nodes.items()}, links)


def keys_of(graph):
    specs = Bench(toys()).specs
    planned = plan(graph, specs, list(graph.nodes))
    bases = {node: base_key(specs[each.type], node, each.inputs) for node, each in graph.nodes.items()}
    return origin_keys(planned.order, planned.sources, bases)


def descendants(graph, node):
    found, size = {node}, 0
    while size < len(found):
        size = len(found)
        found |= {link.to_node for link in graph.links if link.from_node in found}
    return found


@few
@given(graphs())
def test_results_are_the_same_with_a_cache_without_one_and_with_what_it_knows(graph):
    with_cache, without = Bench(toys()), Bench(toys())
    without.cache.limit_bytes = 0
    first = outcome(with_cache, graph, graph.nodes)
    assert first == outcome(without, graph, graph.nodes) == outcome(with_cache, graph, graph.nodes)


@few
@given(graphs(), st.lists(st.integers(), min_size=1, max_size=5), st.randoms())
def test_results_do_not_depend_on_the_order_of_nodes_links_or_targets(graph, order, random):
    targets = random.sample([*graph.nodes], len(graph.nodes))
    assert outcome(Bench(toys()), shuffled(graph, order), targets) == outcome(
        Bench(toys()), graph, graph.nodes
    )


@few
@given(graphs(kinds=("Add",)), st.data())
def test_after_one_literal_changes_exactly_its_descendants_run_again(graph, data):
    numbers = [node for node, each in graph.nodes.items() if each.type == "Number"]
    changed = data.draw(st.sampled_from(numbers))
    bench = Bench(toys())
    outcome(bench, graph, graph.nodes)
    edited = {**graph.nodes, changed: Node("Number", inputs={"value": 1_000})}
    outcome(bench, Graph(edited, graph.links), graph.nodes)
    keys = keys_of(Graph(edited, graph.links))
    unlike = {keys[node]: node for node in reversed(descendants_in_order(graph, changed))}
    assert sorted(bench.ran) == sorted(unlike.values())


def descendants_in_order(graph, changed):
    after = descendants(graph, changed)
    order = plan(graph, Bench(toys()).specs, list(graph.nodes)).order
    return [node for node in order if node in after]


@few
@given(graphs())
def test_keys_depend_neither_on_ids_nor_on_the_order_of_nodes(graph):
    keys, others = keys_of(graph), keys_of(renamed(shuffled(graph, [3, 1, 2])))
    assert {f"renamed {node}": key for node, key in keys.items()} == others


@few
@given(graphs())
def test_flattening_and_planning_do_not_depend_on_names(graph):
    specs = Bench(toys()).specs
    planned = plan(flatten(Workflow(graph), specs), specs, list(graph.nodes))
    other = renamed(graph)
    again = plan(flatten(Workflow(other), specs), specs, list(other.nodes))
    assert tuple(f"renamed {node}" for node in planned.order) == again.order


@few
@given(graphs())
def test_a_graph_inside_a_subgraph_gives_what_it_gives_outside(graph):
    inside = Workflow(Graph({"sub": Node("body")}), subgraphs={"body": graph})
    bench = Bench(toys())
    expected = outcome(bench, graph, graph.nodes)
    flat = flatten(inside, bench.specs)
    assert outcome(Bench(toys()), flat, flat.nodes) == {
        f"sub:{node}": value for node, value in expected.items()
    }


@few
@given(st.lists(st.integers(1, 6), min_size=2, max_size=2))
def test_lists_of_any_lengths_meet_item_by_item_and_the_shorter_repeats_its_last(lengths):
    long, short = lengths
    graph = wired(
        x=("Each", {"count": long}),
        y=("Each", {"count": short}),
        s=("Add", {"a": ("x", "items"), "b": ("y", "items")}),
    )
    pairs = zip_longest(range(long), range(short))
    expected = tuple((long - 1 if a is None else a) + (short - 1 if b is None else b) for a, b in pairs)
    assert outcome(Bench(toys()), graph, ["s"])["s"] == (expected,)
