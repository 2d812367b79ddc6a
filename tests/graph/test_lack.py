"""What a file has not inside is told to who would read it, before dearer work is done."""

from dataclasses import dataclass

import pytest

from graph.errors import NodeFailed
from graph.node import Input, NodeSpec, Output, Result
from tests.graph.toy import Bench, Toy, toys, wired


@dataclass(frozen=True)
class Part:
    """What a loader gives for something; `lack` says that the file has no such thing."""

    lack: Exception | None = None


@pytest.fixture
def loaded() -> Bench:
    """A bench with a loader whose second output is of no use, and a node that reads two things."""
    load = NodeSpec("Load", (), (Output("value", "INT"), Output("part", "PART")))
    pair = NodeSpec("Pair", (Input("a", "INT"), Input("b", "PART")), (Output("any", "INT"),))
    change = NodeSpec("Change", (Input("a", "INT"), Input("b", "PART")), (*load.outputs,))
    show = NodeSpec("Show", (Input("a", "INT"), Input("b", "*")), (Output("any", "INT"),))
    return Bench(
        toys()
        | {
            "Load": Toy(load, lambda host: Result((1, Part(ValueError("There is no part inside."))))),
            "Pair": Toy(pair, lambda host, a, b: Result((a,))),
            "Change": Toy(change, lambda host, a, b: Result((a, b))),
            "Show": Toy(show, lambda host, a, b: Result((a,))),
        }
    )


class Rows(dict[str, int]):
    """A value as packs have them, for which an attribute that is missing is a key that is missing."""

    __getattr__ = dict.__getitem__


LOAD_AND_ADD = {"l": ("Load", {}), "dear": ("Add", {"a": ("l", "value")})}


async def test_who_would_read_it_fails_before_other_work_is_done(loaded):
    graph = wired(**LOAD_AND_ADD, p=("Pair", {"a": ("dear", "sum"), "b": ("l", "part")}))
    with pytest.raises(NodeFailed, match="no part inside") as failed:
        await loaded.run(graph, "p")
    assert (failed.value.node, loaded.ran) == ("p", ["l"])


async def test_so_does_it_where_the_loader_s_result_is_known(loaded):
    await loaded.run(wired(l=("Load", {})), "l")
    graph = wired(**LOAD_AND_ADD, p=("Pair", {"a": ("dear", "sum"), "b": ("l", "part")}))
    with pytest.raises(NodeFailed):
        await loaded.run(graph, "p")
    assert loaded.ran == []


async def test_it_harms_nobody_who_does_not_read_it(loaded):
    graph = wired(**LOAD_AND_ADD, p=("Pair", {"a": ("dear", "sum"), "b": ("l", "part")}))
    assert await loaded.value(graph, "dear") == 1


async def test_who_may_not_be_asked_for_it_is_waited_for(loaded):
    switch = ("Switch", {"on": False, "yes": ("p", "any"), "no": ("dear", "sum")})
    graph = wired(**LOAD_AND_ADD, p=("Pair", {"a": ("dear", "sum"), "b": ("l", "part")}), s=switch)
    assert await loaded.value(graph, "s") == 1


@pytest.mark.parametrize("reader", ["Change", "Show"])
async def test_who_may_only_hand_it_on_or_show_it_is_waited_for(loaded, reader):
    graph = wired(**LOAD_AND_ADD, r=(reader, {"a": ("dear", "sum"), "b": ("l", "part")}))
    assert await loaded.value(graph, "r") == 1


async def test_other_values_are_asked_nothing():
    spec = NodeSpec("Rows", (), (Output("any", "*"),))
    bench = Bench({"Rows": Toy(spec, lambda host: Result((Rows(),)))})
    assert await bench.value(wired(r=("Rows", {})), "r") == {}
