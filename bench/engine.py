"""What the engine costs beside a plain Python loop that calls the same functions.

    python -m bench.engine

Chains of trivial nodes, run cold, cached, and with one leaf changed: CPU time, the best of several, and as a
ratio to the loop; peak memory of each; bytes of the events as they are sent.
"""

import asyncio
import secrets
import tracemalloc
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import msgspec

from bench.figures import Figure, cost, show
from graph import document
from graph.cache import Cache
from graph.defaults import with_defaults
from graph.errors import Problem
from graph.events import Event
from graph.execute import Run, execute
from graph.flatten import flatten
from graph.node import Host, Input, NodeSpec, Output, Result, Widget
from graph.plan import plan
from graph.states import States
from graph.validate import validate
from graph.workflow import Graph, Json, Link, Node, Workflow

LENGTHS = (10, 100, 1_000)
REPEATS = 5


@dataclass(frozen=True)
class Add:
    """A node that adds two numbers."""

    spec: NodeSpec = NodeSpec(
        "Add",
        (
            Input("a", "INT", Widget("number"), default=0),
            Input("b", "INT", Widget("number"), default=0),
        ),
        (Output("sum", "INT"),),
    )

    def inputs(self, values: Mapping[str, object]) -> Sequence[Input]:  # noqa: ARG002
        """Always the same."""
        return self.spec.inputs

    def validate(self, values: Mapping[str, object]) -> Sequence[Problem]:  # noqa: ARG002
        """Nothing to object to."""
        return ()

    def fingerprint(self, values: Mapping[str, object], host: Host) -> Json:  # noqa: ARG002
        """Nothing beyond its inputs."""
        return None

    def needs(self, values: Mapping[str, object], state: object) -> Sequence[str]:  # noqa: ARG002
        """No lazy inputs."""
        return ()

    def new_state(self) -> object:
        """Remembers nothing."""
        return None

    def call(self, inputs: Mapping[str, object], host: Host, state: object) -> Result:  # noqa: ARG002
        """The sum."""
        return Result((add(**inputs),))  # type: ignore[arg-type]


def add(a: int = 0, b: int = 0) -> int:
    """What each node does."""
    return a + b


@dataclass
class NoHost:
    """A host without services, for a run that nobody cancels."""

    node: str

    def service(self, kind: type) -> object:
        """There is none."""
        raise LookupError(kind)

    def check(self) -> None:
        """Never cancelled."""


def chain(length: int, leaf: int) -> Graph:
    """`length` nodes, each adding one to the one before."""
    nodes = {f"n{index}": Node("Add", inputs={"b": 1}) for index in range(length)}
    nodes["n0"] = Node("Add", inputs={"a": leaf, "b": 1_000})
    links = tuple(Link(f"n{index - 1}", "sum", f"n{index}", "a") for index in range(1, length))
    return Graph(nodes, links)


def prepared(graph: Graph, cache: Cache, events: list[Event]) -> Run:
    """A run of the last node of a chain."""
    nodes = {"Add": Add()}
    planned = plan(graph, {"Add": nodes["Add"].spec}, [f"n{len(graph.nodes) - 1}"])
    return Run(planned, nodes, cache, States(), NoHost, events.append)  # type: ignore[arg-type]


def empty() -> Cache:
    """A cache that keeps everything and weighs nothing."""
    return Cache(1 << 40, lambda value: ())  # noqa: ARG005


def loop(length: int) -> int:
    """The same work without an engine."""
    value = add(0, 1_000)
    for _ in range(1, length):
        value = add(a=value, b=1)
    return value


@dataclass
class Bench:
    """Runs of one length, and what they leave behind."""

    length: int
    leaf: int = 0
    cache: Cache = field(default_factory=empty)
    events: list[Event] = field(default_factory=list)

    def forget(self) -> None:
        """Make the next run a cold one."""
        self.cache = empty()
        self.events.clear()

    def change(self) -> None:
        """Make the next run one with another leaf."""
        self.leaf += 1
        self.events.clear()

    def run(self) -> None:
        """Plan and execute once."""
        asyncio.run(execute(prepared(chain(self.length, self.leaf), self.cache, self.events)))


def figures() -> Iterator[Figure]:
    """Everything, for each length."""
    for length in LENGTHS:
        yield from runs(length)
        yield from answers(length)
    slope = [cached(length) for length in (LENGTHS[-2], LENGTHS[-1])]
    yield Figure(
        f"cached: {LENGTHS[-1]} nodes beside {LENGTHS[-2]}, for each node", slope[1] / slope[0], "x", 1.5
    )


def runs(length: int) -> Iterator[Figure]:
    """A chain run in each way."""
    bench = Bench(length)
    start = cost(lambda: asyncio.run(asyncio.sleep(0)), REPEATS).cpu
    plain = cost(lambda: [loop(length) for _ in range(100)], REPEATS).cpu / 100
    ways: tuple[tuple[str, Callable[[], None], float | None], ...] = (
        ("cold", bench.forget, None),
        ("cached", bench.events.clear, 5.0 if length == 100 else None),
        ("one leaf changed", bench.change, None),
    )
    for name, before, goal in ways:
        took = cost(bench.run, REPEATS, before).cpu - start
        yield Figure(f"{length} nodes, {name}: CPU", took * 1e3, "ms", goal)
        yield Figure(f"{length} nodes, {name}: beside the loop", took / plain, "x")
        yield Figure(f"{length} nodes, {name}: peak memory", peak(bench, before) / 1e6, "MB")
        if name == "cold":
            told = sum(map(sent_bytes, bench.events)) / 1e3
            yield Figure(f"{length} nodes, {name}: events", told, "kB", 60.0 if length == 100 else None)


def answers(length: int) -> Iterator[Figure]:
    """What it takes from a document until its run could begin."""
    graph = chain(length, 0)
    text = document.write(Workflow(graph))
    taken = cost(lambda: accepted(text), REPEATS).cpu
    yield Figure(
        f"{length} nodes: read, checked and planned", taken * 1e3, "ms", 50.0 if length == 1_000 else None
    )


def accepted(text: str) -> None:
    """Read a document, find its faults and plan it, as for a run."""
    specs = {"Add": Add().spec}
    graph = with_defaults(flatten(document.read(text), specs), specs)
    last = [f"n{len(graph.nodes) - 1}"]
    assert not any(validate(graph, specs, last).values())
    plan(graph, specs, last)


def cached(length: int) -> float:
    """CPU seconds for each node of a run that finds everything known."""
    bench = Bench(length)
    bench.run()
    return cost(bench.run, REPEATS, bench.events.clear).cpu / length


def peak(bench: Bench, before: Callable[[], None]) -> int:
    """The most memory one run takes beyond what was there."""
    before()
    tracemalloc.start()
    try:
        bench.run()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def sent_bytes(event: Event) -> int:
    """How long an event is on the WebSocket."""
    told: dict[str, object] = {"seq": 100_000, "run": secrets.token_hex(13), **msgspec.to_builtins(event)}
    return len(msgspec.json.encode(told))


if __name__ == "__main__":
    show(figures())
