"""Toy nodes written straight against the `Implementation` protocol: a second producer beside `@node`."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from graph.cache import Cache, Items
from graph.errors import Interrupted, Problem
from graph.events import Event, NodesReused, NodeStarted
from graph.execute import Run, execute
from graph.node import Blocked, ExpandedNode, From, Host, Input, NodeSpec, Output, Result, Widget
from graph.plan import plan
from graph.states import States
from graph.workflow import Graph, Link, Node

NUMBER = Widget("number", low=-1_000_000_000, high=1_000_000_000)


@dataclass
class Toy:
    """A node type made of a description and a function from inputs to a Result."""

    spec: NodeSpec
    function: Callable[..., object]
    asks: Callable[[Mapping[str, object]], Sequence[str]] = lambda values: ()
    mark: Callable[[Mapping[str, object]], object] = lambda values: None
    remembers: bool = False

    def inputs(self, values: Mapping[str, object]) -> Sequence[Input]:
        return self.spec.inputs

    def validate(self, values: Mapping[str, object]) -> Sequence[Problem]:
        return ()

    def fingerprint(self, values: Mapping[str, object], host: Host) -> object:
        return self.mark(values)

    def needs(self, values: Mapping[str, object], state: object) -> Sequence[str]:
        return self.asks(values)

    def new_state(self) -> object:
        return [] if self.remembers else None

    def call(self, inputs: Mapping[str, object], host: Host, state: object) -> object:
        if self.remembers:
            return self.function(host, state, **inputs)
        return self.function(host, **{name.replace(".", "_"): value for name, value in inputs.items()})


@dataclass
class ToyHost:
    """A host that knows which node it serves, what the node says, and whether the person pressed stop."""

    node: str
    said: list[tuple[str, object]]
    cancelled: Callable[[], bool]

    def service(self, kind: type) -> object:
        raise LookupError(kind)

    def check(self) -> None:
        if self.cancelled():
            raise Interrupted


@dataclass
class Bench:
    """Runs toy workflows one after another, over one cache, and remembers what happened."""

    toys: Mapping[str, Toy]
    cache: Cache = field(default_factory=lambda: Cache(1 << 30, lambda value: ()))
    states: States = field(default_factory=States)
    events: list[Event] = field(default_factory=list)
    said: list[tuple[str, object]] = field(default_factory=list)
    stop_after: float = float("inf")

    @property
    def specs(self) -> dict[str, NodeSpec]:
        return {name: toy.spec for name, toy in self.toys.items()}

    def cancelled(self) -> bool:
        return len(self.said) >= self.stop_after

    def prepared(self, graph: Graph, targets: Sequence[str] | None = None) -> Run:
        self.events.clear()
        self.said.clear()
        return Run(
            plan(graph, self.specs, targets),
            self.toys,
            self.cache,
            self.states,
            lambda node: ToyHost(node, self.said, self.cancelled),
            self.events.append,
            cancelled=self.cancelled,
        )

    async def run(self, graph: Graph, *targets: str) -> dict[str, tuple[Items, ...]]:
        return await execute(self.prepared(graph, targets or None))

    async def value(self, graph: Graph, target: str) -> object:
        """The only item of the first output of a node."""
        ((item,), *_) = (await self.run(graph, target))[target]
        return item

    @property
    def ran(self) -> list[str]:
        return [event.node for event in self.events if isinstance(event, NodeStarted)]

    @property
    def reused(self) -> list[str]:
        return [node for event in self.events if isinstance(event, NodesReused) for node in event.nodes]


def wired(**nodes: tuple[str, Mapping[str, object]]) -> Graph:
    """A graph from `name=(type, inputs)`; an input `("node", "OUTPUT")` is a link."""
    return graph_of(nodes)


def graph_of(nodes: Mapping[str, tuple[str, Mapping[str, object]]]) -> Graph:
    made, links = {}, []
    for node, (kind, inputs) in nodes.items():
        given = {name: value for name, value in inputs.items() if not isinstance(value, tuple)}
        links += [Link(*value, node, name) for name, value in inputs.items() if isinstance(value, tuple)]
        made[node] = Node(kind, inputs=given)
    return Graph(made, tuple(links))


def chain(length: int, kind: str = "Add", leaf: int = 0) -> Graph:
    """`n0 -> n1 -> ...`, each adding one to what it gets, the last one shown by `end`."""
    nodes: dict[str, tuple[str, Mapping[str, object]]] = {"n0": ("Number", {"value": leaf})}
    for index in range(1, length):
        nodes[f"n{index}"] = (kind, {"a": (f"n{index - 1}", "sum" if index > 1 else "value"), "b": 1})
    return graph_of(nodes)


def _spec(name: str, inputs: Sequence[Input] = (), outputs: str = "", **rest: object) -> NodeSpec:
    kinds = {"value": "INT", "sum": "INT", "items": "INT", "any": "*", "text": "STRING"}
    made = tuple(Output(each, kinds[each], gives_list=each == "items") for each in outputs.split())
    return NodeSpec(name, tuple(inputs), made, title=name, **rest)


def _int(name: str, **rest: object) -> Input:
    return Input(name, "INT", NUMBER, default=0, **rest)


async def _slow_add(host: Host, a: int = 0, b: int = 0) -> Result:
    host.said.append((host.node, "begun"))
    await asyncio.sleep(0)
    return Result((a + b,))


async def _slow_switch(host: Host, on: object, yes: object = None, no: object = None) -> Result:
    return Result((await (yes if on else no),))


def _say(host: Host, text: object = None) -> Result:
    host.said.append((host.node, text))
    return Result(shown=({"kind": "text", "text": str(text)},))


def _fail(host: Host, a: int = 0) -> Result:
    raise ValueError("it is broken")


def _loop(host: Host, a: int, times: int) -> Result:
    """Adds one `times` times, by becoming one addition and a shorter loop."""
    if times <= 0:
        return Result((a,))
    add, rest = f"{host.node}.add", f"{host.node}.rest"
    more = {
        add: ExpandedNode("Add", {"a": a, "b": 1}),
        rest: ExpandedNode("Loop", {"times": times - 1}, {"a": (add, "sum")}),
    }
    return Result((From(rest, "value"),), expand=more)


async def _wait(host: Host, a: int = 0) -> Result:
    host.said.append((host.node, "begun"))
    try:
        await asyncio.sleep(a)
    finally:
        host.said.append((host.node, "ended"))
    return Result((a,))


async def _fail_soon(host: Host, a: int = 0) -> Result:
    await asyncio.sleep(0.01)
    raise ValueError("it is broken")


async def _impatient(host: Host, yes: object = None) -> Result:
    """Gives its lazy input up at once."""
    try:
        async with asyncio.timeout(0):
            await yes
    except TimeoutError:
        return Result(("gave up",))
    return Result(("too late",))


def _expand(host: Host, how: str, a: int = 0) -> Result:
    """Becomes other nodes, in ways right and wrong."""
    inner = f"{host.node}.0"
    say, fail = ExpandedNode("Say", {"text": a}), ExpandedNode("Fail")
    same = {inner: ExpandedNode("Same", {}, {"text": (f"{inner}b", "any")})}
    return {
        "say": Result((a,), expand={inner: say}),
        "say elsewhere": Result((a,), expand={inner: ExpandedNode("Say", {"text": a}, shown_as="other")}),
        "fail": Result((From(inner, "sum"),), expand={inner: fail}),
        "unknown type": Result((a,), expand={inner: ExpandedNode("Sya")}),
        "unknown output": Result((From("n", "valeu"),)),
        "outside": Result((From("n", "value"),)),
        "taken": Result((a,), expand={"n": say}),
        "ring": Result(
            (From(inner, "any"),),
            expand={**same, f"{inner}b": ExpandedNode("Same", {}, {"text": (inner, "any")})},
        ),
        "waits for itself": Result((From(host.node, "any"),)),
    }[how]


def _count(host: Host, state: list[int], a: int = 0) -> Result:
    state.append(a)
    return Result((len(state),))


def toys() -> dict[str, Toy]:
    """Every toy node type by name."""
    any_input, lazy = Input("text", "*"), {"lazy": True, "optional": True, "template": "T"}
    made = (
        Toy(_spec("Number", [_int("value")], "value"), lambda host, value=0: Result((value,))),
        Toy(_spec("Add", [_int("a"), _int("b")], "sum"), lambda host, a=0, b=0: Result((a + b,))),
        Toy(_spec("SlowAdd", [_int("a"), _int("b")], "sum", is_async=True), _slow_add),
        Toy(_spec("Say", [any_input], terminal=True), _say),
        Toy(_spec("SayPlain", [_int("text")], terminal=True), _say),
        Toy(_spec("Fail", [_int("a")], "sum"), _fail),
        Toy(
            _spec("Same", [Input("text", "*", template="T")], "any"), lambda host, text=None: Result((text,))
        ),
        Toy(_spec("Fresh", [_int("a")], "sum", cache=False), lambda host, a=0: Result((a + 1,))),
        Toy(
            _spec("Marked", [_int("a")], "sum"),
            lambda host, a=0: Result((a,)),
            mark=lambda values: float("nan"),
        ),
        Toy(_spec("Each", [_int("count")], "items"), lambda host, count=0: Result((list(range(count)),))),
        Toy(
            _spec("Total", [_int("items", takes_list=True), _int("plus")], "sum"),
            lambda host, items=(), plus=0: Result((sum(items) + plus,)),
        ),
        Toy(
            _spec(
                "Switch", [Input("on", "BOOLEAN"), Input("yes", "*", **lazy), Input("no", "*", **lazy)], "any"
            ),
            lambda host, on, yes=None, no=None: Result((yes if on else no,)),
            asks=lambda values: ["yes" if values["on"] else "no"],
        ),
        Toy(
            _spec(
                "SlowSwitch",
                [Input("on", "BOOLEAN"), Input("yes", "*", **lazy), Input("no", "*", **lazy)],
                "any",
                is_async=True,
            ),
            _slow_switch,
        ),
        Toy(
            _spec("Block", [_int("a"), Input("message", "STRING", optional=True)], "sum"),
            lambda host, a=0, message=None: Result((Blocked(message),)),
        ),
        Toy(
            _spec("BlockOdd", [_int("a")], "sum"),
            lambda host, a=0: Result((Blocked() if a % 2 else a,)),
        ),
        Toy(_spec("Wait", [_int("a")], "sum", is_async=True), _wait),
        Toy(_spec("FailSoon", [_int("a")], "sum", is_async=True), _fail_soon),
        Toy(_spec("Impatient", [Input("yes", "*", lazy=True)], "any", is_async=True), _impatient),
        Toy(_spec("Expand", [Input("how", "STRING"), _int("a")], "any"), _expand),
        Toy(_spec("AskAmiss", [Input("yes", "*", lazy=True)], "any"), _say, asks=lambda values: ["no"]),
        Toy(_spec("TooMany", (), "value"), lambda host: Result((1, 2))),
        Toy(_spec("NoList", (), "items"), lambda host: Result((5,))),
        Toy(_spec("Bare", (), "value"), lambda host: 5),
        Toy(_spec("Loop", [_int("a"), _int("times")], "value"), _loop),
        Toy(_spec("Count", [_int("a")], "value", cache=False), _count, remembers=True),
    )
    return {toy.spec.type: toy for toy in made}
