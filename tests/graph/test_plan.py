import time

import pytest

from graph.errors import WorkflowError
from graph.plan import plan
from tests.graph.toy import chain, graph_of, toys, wired

SPECS = {name: toy.spec for name, toy in toys().items()}


def test_only_what_the_targets_need_is_planned():
    graph = wired(a=("Number", {}), b=("Number", {}), c=("Same", {"text": ("a", "value")}))
    assert plan(graph, SPECS, ["c"]).order == ("a", "c")


def test_without_targets_the_terminal_nodes_are_planned():
    graph = wired(a=("Number", {}), say=("Say", {"text": ("a", "value")}), b=("Number", {}))
    assert plan(graph, SPECS).targets == ("say",)


@pytest.mark.parametrize("targets", [None, []])
def test_nothing_to_compute_is_refused(targets):
    with pytest.raises(WorkflowError, match="Nothing in this workflow is saved or shown"):
        plan(wired(a=("Number", {})), SPECS, targets)


def test_inputs_come_in_the_order_of_the_description_whatever_the_order_of_links():
    graph = wired(x=("Number", {}), y=("Number", {}), c=("Add", {"b": ("x", "value"), "a": ("y", "value")}))
    assert plan(graph, SPECS, ["c"]).order == ("y", "x", "c")


def test_readers_are_counted_link_by_link():
    graph = wired(
        x=("Number", {}),
        c=("Add", {"a": ("x", "value"), "b": ("x", "value")}),
        s=("Say", {"text": ("x", "value")}),
    )
    assert plan(graph, SPECS, ["c", "s"]).readers == {"x": 3, "c": 0, "s": 0}


def test_lazy_links_are_known():
    graph = wired(x=("Number", {}), s=("Switch", {"on": True, "yes": ("x", "value")}))
    assert plan(graph, SPECS, ["s"]).lazy == {"s": frozenset({"yes"})}


def test_a_cycle_is_refused_by_name():
    graph = wired(a=("Same", {"text": ("b", "any")}), b=("Same", {"text": ("a", "any")}))
    with pytest.raises(WorkflowError, match=r"wait for each other: Same → Same → Same\."):
        plan(graph, SPECS, ["a"])


def test_a_target_that_does_not_exist_is_refused():
    with pytest.raises(WorkflowError, match="There is no node 'x' to run"):
        plan(wired(), SPECS, ["x"])


def cpu_seconds(function):
    times = []
    for _ in range(3):
        began = time.thread_time()
        function()
        times.append(time.thread_time() - began)
    return min(times)


def test_a_chain_of_1_000_nodes_is_planned_within_50_ms():
    graph = chain(1_000)
    assert cpu_seconds(lambda: plan(graph, SPECS, ["n999"])) < 0.05


@pytest.mark.slow
def test_10_000_nodes_of_diamonds_are_planned_within_a_second():
    nodes = {"0": ("Number", {})}
    for index in range(1, 10_000):
        link = (str(index - 1), "sum" if index > 1 else "value")
        nodes[str(index)] = ("Add", {"a": link, "b": link})
    graph = graph_of(nodes)
    assert cpu_seconds(lambda: plan(graph, SPECS, ["9999"])) < 1
