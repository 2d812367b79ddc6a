"""The engine against the shortest thing that could work: evaluate each node by recursion, keep nothing.

Graphs hold lists, blockers, lazy inputs, expansions and nodes that are never reused; one cache serves several
graphs whose nodes have the same ids.
"""

import asyncio
from collections.abc import Callable, Mapping

from hypothesis import given, settings
from hypothesis import strategies as st

from graph.errors import NodeFailed
from graph.node import Blocked
from tests.graph.toy import Bench, graph_of, toys

BLOCKED = "blocked"
OUTPUT = {
    "Number": "value",
    "Loop": "value",
    "Each": "items",
    "Switch": "any",
    "SlowSwitch": "any",
    "Same": "any",
}
WIRED = {
    "Number": (),
    "Add": ("a", "b"),
    "SlowAdd": ("a", "b"),
    "Each": ("count",),
    "Total": ("items", "plus"),
    "BlockOdd": ("a",),
    "Fresh": ("a",),
    "Marked": ("a",),
    "Same": ("text",),
    "Loop": ("a",),
    "Switch": ("yes", "no"),
    "SlowSwitch": ("yes", "no"),
}
TYPED = {"Number": "value", "Loop": "times", "Switch": "on", "SlowSwitch": "on"}
RULES: Mapping[str, Callable[..., list[object]]] = {
    "Number": lambda value: [value],
    "Add": lambda a, b: [a + b],
    "SlowAdd": lambda a, b: [a + b],
    "Each": lambda count: [*range(count)],
    "BlockOdd": lambda a: [BLOCKED if a % 2 else a],
    "Fresh": lambda a: [a + 1],
    "Marked": lambda a: [a],
    "Same": lambda text: [text],
    "Loop": lambda a, times: [a + times],
}


class Impossible(Exception):
    """The engine should fail here too."""


@st.composite
def descriptions(draw):
    """Nodes by name, as pairs of type and inputs; each reads nodes before it."""
    nodes = {"n0": ("Number", {"value": draw(st.integers(0, 3))})}
    for index in range(1, draw(st.integers(2, 12))):
        kind = draw(st.sampled_from(sorted(WIRED)))
        inputs = {name: draw(given_to(nodes, kind)) for name in WIRED[kind]}
        if kind in TYPED:
            inputs[TYPED[kind]] = draw(st.booleans() if TYPED[kind] == "on" else st.integers(0, 3))
        nodes[f"n{index}"] = (kind, inputs)
    return nodes


def given_to(nodes, kind):
    links = st.sampled_from([(node, OUTPUT.get(above, "sum")) for node, (above, _) in nodes.items()])
    lasting = kind in ("Add", "Each", "BlockOdd")
    return st.one_of(links, st.integers(0, 3)) if lasting else links


def evaluated(nodes, node):
    """The items of a node's output. Raises Impossible where an empty list meets a node."""
    kind, inputs = nodes[node]
    if "on" in inputs:
        inputs = {"text": inputs["yes" if inputs["on"] else "no"]}
        kind = "Same"
    arrived = {
        name: evaluated(nodes, value[0]) if isinstance(value, tuple) else (value,)
        for name, value in inputs.items()
    }
    whole = arrived.pop("items", None)
    if not all(arrived.values()):
        raise Impossible
    count = max(map(len, arrived.values()))
    calls = [{name: items[min(i, len(items) - 1)] for name, items in arrived.items()} for i in range(count)]
    if kind == "Loop" and sum(BLOCKED not in call.values() and call["times"] > 0 for call in calls) > 1:
        raise Impossible  # each call would add nodes of the same names
    if whole is not None:
        return tuple(
            BLOCKED if BLOCKED in (*whole, call["plus"]) else sum(whole) + call["plus"] for call in calls
        )
    return tuple(
        item for call in calls for item in ([BLOCKED] if BLOCKED in call.values() else RULES[kind](**call))
    )


def plainly(nodes, targets):
    try:
        return {target: evaluated(nodes, target) for target in targets}
    except Impossible:
        return "failed"


def by_engine(bench, nodes, targets):
    try:
        found = asyncio.run(bench.run(graph_of(nodes), *targets))
    except NodeFailed:
        return "failed"
    return {
        node: tuple(BLOCKED if isinstance(item, Blocked) else item for item in outputs[0])
        for node, outputs in found.items()
    }


@settings(max_examples=60, deadline=None)
@given(st.lists(descriptions(), min_size=1, max_size=3), st.randoms(), st.sampled_from([1 << 30, 3_000, 0]))
def test_the_engine_gives_what_plain_recursion_gives_whatever_the_cache_knows(graphs, random, limit_bytes):
    bench = Bench(toys())
    bench.cache.limit_bytes = limit_bytes
    for nodes in (*graphs, *graphs):
        targets = random.sample(sorted(nodes), random.randint(1, len(nodes)))
        assert by_engine(bench, nodes, targets) == plainly(nodes, targets)
