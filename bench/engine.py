"""What the engine costs beside a plain Python loop that calls the same functions.

    python -m bench.engine

Chains of trivial nodes, run cold, known, and with one leaf changed: CPU time of the thread, the best of
several, as a ratio to the loop; peak memory of the run; bytes of its events as JSON.
"""

import asyncio
import time
import tracemalloc
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import msgspec

from graph.cache import Cache
from graph.errors import Problem
from graph.events import Event
from graph.execute import Run, execute
from graph.node import Host, Input, NodeSpec, Output, Result, Widget
from graph.plan import plan
from graph.states import States
from graph.validate import validate
from graph.workflow import Graph, Json, Link, Node

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


def cpu(function: Callable[[], object], before: Callable[[], object] = lambda: None) -> float:
    """CPU seconds of this thread, the best of several."""
    best = float("inf")
    for _ in range(REPEATS):
        before()
        began = time.thread_time()
        function()
        best = min(best, time.thread_time() - began)
    return best


def loop(length: int) -> int:
    """The same work without an engine."""
    value = add(0, 1_000)
    for _ in range(1, length):
        value = add(a=value, b=1)
    return value


def measure(length: int) -> None:
    """Print one row for each way to run a chain."""
    graph, leaf = chain(length, 0), [0]
    plain = cpu(lambda: [loop(length) for _ in range(100)]) / 100
    caches = [empty()]
    events: list[Event] = []

    def renew() -> None:
        caches[0] = empty()
        events.clear()

    def change() -> None:
        leaf[0] += 1
        events.clear()

    def run(graph: Graph) -> None:
        asyncio.run(execute(prepared(graph, caches[0], events)))

    start = cpu(lambda: asyncio.run(asyncio.sleep(0)))
    rows = (
        ("cold", cpu(lambda: run(graph), renew)),
        ("known", cpu(lambda: run(graph), events.clear)),
        ("leaf changed", cpu(lambda: run(chain(length, leaf[0])), change)),
    )
    for name, seconds in rows:
        took = max(seconds - start, 1e-9)
        print(
            f"{length:>6}  {name:<13} {took * 1e3:9.2f} ms  {took / length * 1e3:8.4f} ms/node"
            f"  {took / plain:8.0f} x the loop"
        )
    tracemalloc.start()
    renew()
    run(graph)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    told = sum(len(msgspec.json.encode(event)) for event in events)
    specs = {"Add": Add().spec}
    checked = cpu(lambda: validate(graph, specs, [f"n{length - 1}"]))
    planned = cpu(lambda: plan(graph, specs, [f"n{length - 1}"]))
    print(
        f"{length:>6}  loop {plain * 1e6:.1f} us, checked {checked * 1e3:.2f}, planned {planned * 1e3:.2f} ms"
    )
    print(f"{length:>6}  peak memory {peak / 1e6:.2f} MB, {len(events)} events in {told / 1e3:.1f} kB")


def main() -> None:
    """Measure chains of every length."""
    for length in LENGTHS:
        measure(length)


if __name__ == "__main__":
    main()
